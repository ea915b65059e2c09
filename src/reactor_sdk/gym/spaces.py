"""Action spaces from the schema of a command, and actions to the data of that command. Pure.

Numbers with bounds are a flat ``Box``, in the order of the schema. Choices, booleans and whole numbers with bounds are
``Discrete``, or ``MultiDiscrete`` where there are several. A command that has both is a ``Dict`` by the names of its parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from gymnasium import Space, spaces
from numpy.typing import NDArray

from reactor_protocol.errors import InvalidArgumentError
from reactor_sdk.gym.options import Data

MAX_CHOICES: Final = 2**31 - 1
MAX_PARAMETERS: Final = 1_024


@dataclass(frozen=True, slots=True)
class ActionCodec:
    """A space, and the data that one of its actions is sent as. ``encode`` raises :class:`InvalidArgumentError` for any other."""

    space: Space[Any]
    encode: Callable[[Any], Data]


@dataclass(frozen=True, slots=True)
class _Number:
    """A number from ``low`` to ``high``."""

    name: str
    low: float
    high: float

    def value(self, given: Any) -> float:
        # The space is of float32, whose bounds may lie a little outside of the schema's.
        return min(self.high, max(self.low, float(given)))


@dataclass(frozen=True, slots=True)
class _Choice:
    """One of ``values``, which are counted from ``start``."""

    name: str
    values: Sequence[Any]
    start: int = 0

    def value(self, given: Any) -> Any:
        return self.values[int(given) - self.start]


_Parameter: TypeAlias = _Number | _Choice


def codec_of(command: str, properties: Mapping[str, Mapping[str, Any]], required: Collection[str]) -> ActionCodec:
    """The space of a command whose parameters have those JSON schemas.

    A parameter that fits no space is left out where it has a default. Raises :class:`InvalidArgumentError` that names one that
    cannot be, with the cure.
    """
    parameters = _parameters(command, properties, required)
    numbers = [each for each in parameters if isinstance(each, _Number)]
    choices = [each for each in parameters if isinstance(each, _Choice)]
    if numbers and choices:
        return _mixed(parameters)
    if numbers:
        return _flat(numbers)
    if len(choices) > 1:
        return _multiple(choices)
    return _single(choices[0]) if choices else ActionCodec(spaces.Discrete(1), _checked(spaces.Discrete(1), lambda _: {}))


def codec_of_list(entries: Sequence[Data]) -> ActionCodec:
    """Actions 0, 1, ... for a list of data. Raises :class:`InvalidArgumentError` for an empty one, or what is no data."""
    kept = [dict(entry) if isinstance(entry, Mapping) else None for entry in entries]
    if not kept or None in kept:
        raise InvalidArgumentError("action= as a list has the data of the command, a dict, for each of the actions 0, 1, ...")
    space = spaces.Discrete(len(kept))
    return ActionCodec(space, _checked(space, lambda action: dict(kept[int(action)] or {})))


# ------------------------------------------------------------------------------------------------------ what a schema says


def _parameters(command: str, properties: Mapping[str, Mapping[str, Any]], required: Collection[str]) -> list[_Parameter]:
    if len(properties) > MAX_PARAMETERS:
        raise InvalidArgumentError(f"{command} has more than {MAX_PARAMETERS} parameters")
    found = []
    for name, described in properties.items():
        parameter = _parameter(name, described)
        if parameter is not None:
            found.append(parameter)
        elif name in required:
            raise InvalidArgumentError(
                f"{command}: no space fits the parameter {name!r}, which is neither a number with both bounds nor a choice: "
                "pass action= (a list of data, or a function from an action to it, with action_space=)"
            )
    return found


def _parameter(name: str, described: Mapping[str, Any]) -> _Parameter | None:
    schema = _plain(described)
    if values := schema.get("enum"):
        return _Choice(name, tuple(values))
    low, high = schema.get("minimum"), schema.get("maximum")
    match schema.get("type"):
        case "boolean":
            return _Choice(name, (False, True))
        case "number" if low is not None and high is not None:
            return _Number(name, float(low), float(high))
        case "integer" if low is not None and high is not None and high - low < MAX_CHOICES:
            return _Choice(name, range(int(low), int(high) + 1), int(low))
    return None


def _plain(described: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of a value that may be null, or of one type of several that JSON does not tell apart."""
    kinds = [each for each in described.get("anyOf", ()) if each.get("type") != "null"]
    return {**described, **kinds[0]} if len(kinds) == 1 else described


# --------------------------------------------------------------------------------------------------------- from and to data


def _flat(numbers: Sequence[_Number]) -> ActionCodec:
    box = _box(numbers)

    def encode(action: Any) -> Data:
        return {each.name: each.value(value) for each, value in zip(numbers, _vector(action, len(numbers)), strict=True)}

    return ActionCodec(box, encode)


def _box(numbers: Sequence[_Number]) -> spaces.Box:
    low, high = ([getattr(each, bound) for each in numbers] for bound in ("low", "high"))
    return spaces.Box(np.array(low, np.float32), np.array(high, np.float32), dtype=np.float32)


def _vector(action: Any, length: int) -> NDArray[np.float64]:
    try:
        vector = np.asarray(action, np.float64).reshape(-1)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"an action is {length} numbers: {error}") from error
    if vector.shape != (length,) or not np.isfinite(vector).all():
        raise InvalidArgumentError(f"an action is {length} finite numbers, got {vector.tolist()[:16]}")
    return vector


def _single(choice: _Choice) -> ActionCodec:
    space = _discrete(choice)
    return ActionCodec(space, _checked(space, lambda action: {choice.name: choice.value(action)}))


def _discrete(choice: _Choice) -> spaces.Discrete:
    return spaces.Discrete(len(choice.values), start=choice.start)


def _multiple(choices: Sequence[_Choice]) -> ActionCodec:
    space = spaces.MultiDiscrete([len(each.values) for each in choices], start=[each.start for each in choices])

    def encode(action: Any) -> Data:
        return {each.name: each.value(value) for each, value in zip(choices, action, strict=True)}

    return ActionCodec(space, _checked(space, encode))


def _mixed(parameters: Sequence[_Parameter]) -> ActionCodec:
    space = spaces.Dict({each.name: _box([each]) if isinstance(each, _Number) else _discrete(each) for each in parameters})

    def encode(action: Any) -> Data:
        if not isinstance(action, Mapping) or set(action) != set(space.spaces):
            raise InvalidArgumentError(f"an action is a dict of {', '.join(space.spaces)}, got {_told(action)}")
        for name, part in space.spaces.items():
            if isinstance(part, spaces.Discrete) and action[name] not in part:
                raise InvalidArgumentError(f"{name} of an action is of {part}, got {_told(action[name])}")
        scalars = {e.name: _vector(action[e.name], 1)[0] if isinstance(e, _Number) else action[e.name] for e in parameters}
        return {each.name: each.value(scalars[each.name]) for each in parameters}

    return ActionCodec(space, encode)


def _checked(space: Space[Any], encode: Callable[[Any], Data]) -> Callable[[Any], Data]:
    """The same, for actions of the space alone; others would be taken for something else."""

    def checked(action: Any) -> Data:
        found = np.asarray(action) if isinstance(space, spaces.MultiDiscrete) else action
        if isinstance(found, np.ndarray) and found.shape == () and found.dtype.kind in "iu":
            found = int(found)
        if found not in space:
            raise InvalidArgumentError(f"an action is of {space}, got {_told(action)}")
        return encode(found)

    return checked


def _told(value: Any) -> str:
    return repr(value)[:120]
