"""Which command of a model is the action, which begins an episode and which sets the seed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reactor_protocol.errors import InvalidArgumentError
from reactor_protocol.messages import JsonObject
from reactor_protocol.schema_changes import commands_of, parameters_of
from reactor_sdk.gym.options import RESET, SET_SEED, Acting, Data
from reactor_sdk.gym.spaces import ActionCodec, codec_of, codec_of_list

_SEED = "seed"


@dataclass(frozen=True, slots=True)
class Order:
    """A command to be sent."""

    command: str
    data: Data


@dataclass(frozen=True, slots=True)
class Roles:
    """What the commands of a model are to an environment."""

    action: str
    codec: ActionCodec
    reset: str | None = None
    seed: _Seed | None = None

    def acting(self, action: Any) -> Order:
        """The command for an action. Raises :class:`InvalidArgumentError` for one that is not of the space."""
        return Order(self.action, self.codec.encode(action))

    def resetting(self, seed: int | None, options: Data | None) -> Sequence[Order]:
        """The commands that begin an episode; ``options`` are the parameters of the reset command."""
        if options and self.reset is None:
            raise InvalidArgumentError("options= are the parameters of the reset command, and there is none")
        data, orders = dict(options or {}), []
        if seed is not None and self.seed is not None:
            if self.seed.command == self.reset:
                data.setdefault(self.seed.parameter, self.seed.value(seed))
            else:
                orders.append(Order(self.seed.command, {self.seed.parameter: self.seed.value(seed)}))
        if self.reset is not None:
            orders.append(Order(self.reset, data))
        return orders


@dataclass(frozen=True, slots=True)
class _Seed:
    command: str
    parameter: str
    low: int = 0
    high: int | None = None

    def value(self, seed: int) -> int:
        """The seed within the bounds of the model's."""
        return seed if self.high is None else self.low + seed % (self.high - self.low + 1)


def roles_of(document: JsonObject, acting: Acting) -> Roles:
    """The roles of the commands of a schema document.

    Raises :class:`InvalidArgumentError` for a command that the model does not have, or where it is not clear which is the action.
    """
    commands = {name: parameters_of(operation) for name, operation in commands_of(document).items()}
    reset = _named(acting.reset_command, RESET, commands)
    seeding = _named(acting.seed_command, SET_SEED, commands)
    if seeding is None and reset is not None and acting.seed_command is not None and _SEED in commands[reset][0]:
        seeding = reset
    seed = _seed_of(seeding, commands[seeding][0]) if seeding is not None else None
    others = [name for name in commands if name not in (reset, seeding)]
    action = _action(acting.action_command, others, commands)
    return Roles(action, _codec(action, commands[action], acting), reset, seed)


def _named(name: str | None, usual: str, commands: Mapping[str, Any]) -> str | None:
    if name is None or name in commands:
        return name
    if name == usual:
        return None
    raise InvalidArgumentError(f"the model has no command {name!r}; it has {_listed(commands)}")


def _action(name: str | None, others: Sequence[str], commands: Mapping[str, Any]) -> str:
    if name is not None:
        if name not in commands:
            raise InvalidArgumentError(f"the model has no command {name!r}; it has {_listed(commands)}")
        return name
    if len(others) != 1:
        raise InvalidArgumentError(f"pass action_command=, the command that is the action; the model has {_listed(commands)}")
    return others[0]


def _listed(commands: Mapping[str, Any]) -> str:
    return ", ".join(commands)[:1_000] or "none"


def _codec(action: str, parameters: tuple[Mapping[str, JsonObject], frozenset[str]], acting: Acting) -> ActionCodec:
    if acting.action is None:
        return codec_of(action, *parameters)
    if not callable(acting.action):
        return codec_of_list(acting.action)
    space = acting.action_space if acting.action_space is not None else codec_of(action, *parameters).space
    return ActionCodec(space, acting.action)


def _seed_of(command: str, properties: Mapping[str, JsonObject]) -> _Seed:
    """The parameter of a seed: the one of that name, or the only whole number."""
    whole = [name for name, schema in properties.items() if schema.get("type") == "integer"]
    name = _SEED if _SEED in properties else whole[0] if len(whole) == 1 else None
    if name is None:
        raise InvalidArgumentError(f"{command} has no parameter for the seed: pass seed_command=None, or another command")
    low, high = properties[name].get("minimum"), properties[name].get("maximum")
    least = max(0, int(low)) if isinstance(low, int | float) else 0
    return _Seed(command, name, least, int(high) if isinstance(high, int | float) and high >= least else None)
