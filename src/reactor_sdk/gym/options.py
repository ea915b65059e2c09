"""What an environment is told: which model, which of its commands is the action, and what counts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final, TypeAlias, TypedDict

import numpy as np
from gymnasium import Space
from numpy.typing import NDArray

from reactor_protocol.errors import InvalidArgumentError, UnknownOptionError
from reactor_rtc.frames import MAX_SIDE
from reactor_sdk.types import TokenFunction

Observation: TypeAlias = NDArray[np.uint8]
"""A picture: (H, W, 3) uint8 RGB."""
Data: TypeAlias = Mapping[str, Any]
"""The parameters of a command."""

Reward: TypeAlias = Callable[[Observation, Any, Observation, dict[str, Any]], float]
"""Takes the observation before, the action, the one after and its ``info``; gives the reward of the step."""
Judge: TypeAlias = Callable[[Observation, Any, Observation, dict[str, Any]], bool]
"""The same; says whether the episode has ended."""

KeyFunction: TypeAlias = Callable[[], str]
"""Gives an API key."""

ENV_ID: Final = "openreactor/Reactor-v0"
"""The name that Gymnasium knows :class:`ReactorEnv` by."""

RESET: Final = "reset"
SET_SEED: Final = "set_seed"
_MAX_SECONDS: Final = 24 * 3600.0


class EnvOptions(TypedDict, total=False):
    """The keyword arguments of :class:`ReactorEnv`, beside the model's name and ``render_mode``. All may be left out.

    ``local``, ``url``, ``api_key``, ``jwt``: a runtime without a key where ``local`` is true, else a coordinator; ``url`` is the
    address of either. What is left out comes from the environment, as for :class:`reactor_sdk.Reactor`. ``api_key`` and ``jwt``
    are functions that return a key or a token, and never the text itself: Gymnasium keeps arguments in ``env.spec``.
    ``share``: whether the environment may join a local runtime's session that others use, and act in the same world (no).
    ``connect_timeout``: seconds for opening the session, queue included (120).

    ``action_command``: the command that is the action; needed where the model has several that could be.
    ``action``: what the command is sent, where the schema's own space does not fit: a list of its data, one for each of the
    actions 0, 1, ...; or a function from an action to the data, with ``action_space`` for what it takes.
    ``reset_command``: what begins an episode ("reset" if the model has it; None for nothing).
    ``seed_command``: what ``reset(seed=...)`` sends first ("set_seed" if the model has it; None for nothing).
    ``track``: the video that is observed (the main one). ``observation_shape``: (H, W), to which it is resized by area.

    ``reward``, ``terminated``: functions that judge a step. Without them what the model says is taken: messages and replies
    whose data has ``reward`` (a number), ``terminated`` or ``truncated`` (true or false).
    ``step_timeout``: seconds for the picture that a command leads to (20).
    """

    local: bool
    url: str | None
    api_key: KeyFunction | None
    jwt: TokenFunction | None
    share: bool
    connect_timeout: float
    action_command: str | None
    action: Sequence[Data] | Callable[[Any], Data] | None
    action_space: Space[Any] | None
    reset_command: str | None
    seed_command: str | None
    track: str | None
    observation_shape: Sequence[int] | None
    reward: Reward | None
    terminated: Judge | None
    step_timeout: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where the model is."""

    model_name: str
    local: bool = False
    url: str | None = None
    api_key: KeyFunction | None = field(default=None, repr=False)
    jwt: TokenFunction | None = field(default=None, repr=False)
    share: bool = False
    connect_timeout: float = 120.0


@dataclass(frozen=True, slots=True)
class Acting:
    """How an action, a reset and a seed become commands. A command with its usual name may be missing, another may not."""

    action_command: str | None = None
    action: Sequence[Data] | Callable[[Any], Data] | None = None
    action_space: Space[Any] | None = None
    reset_command: str | None = RESET
    seed_command: str | None = SET_SEED


@dataclass(frozen=True, slots=True)
class Seeing:
    """What is observed, and how it is judged."""

    track: str | None = None
    observation_shape: tuple[int, int] | None = None
    reward: Reward | None = None
    terminated: Judge | None = None
    step_timeout: float = 20.0


@dataclass(frozen=True, slots=True)
class Settings:
    """All of it."""

    place: Place
    acting: Acting
    seeing: Seeing


def settings_of(model_name: str, options: EnvOptions) -> Settings:
    """The settings.

    Raises :class:`UnknownOptionError` for options that do not exist, and :class:`InvalidArgumentError` for those that make no
    sense, a key or a token as text among them.
    """
    # Before all else: what is wrong besides may be told together with all arguments.
    for name in ("api_key", "jwt"):
        _check_secret(name, options.get(name))
    known = {name: kind for kind in (Place, Acting, Seeing) for name in _names(kind)}
    known.pop("model_name")
    if unknown := [name for name in options if name not in known]:
        # In Python's own words: there are libraries that pass an option of their own, and leave it out when they read this.
        raise UnknownOptionError(f"got an unexpected keyword argument {unknown[0]!r}; the options are {', '.join(known)}")
    if not isinstance(model_name, str) or not model_name:
        raise InvalidArgumentError(f"a model is named by text, got {model_name!r}")
    values: dict[str, Any] = dict(options)
    for limit in ("connect_timeout", "step_timeout"):
        _check_seconds(limit, values.get(limit, 1.0))
    if values.get("observation_shape") is not None:
        values["observation_shape"] = _size(values["observation_shape"])
    if callable(values.get("action")) is False and values.get("action_space") is not None:
        raise InvalidArgumentError("action_space= says what the function action= takes: pass both")
    place, acting, seeing = ({name: values[name] for name in values if known[name] is kind} for kind in (Place, Acting, Seeing))
    return Settings(Place(model_name, **place), Acting(**acting), Seeing(**seeing))


def _names(kind: type[Any]) -> list[str]:
    return [each.name for each in fields(kind)]


def _check_secret(name: str, value: object) -> None:
    if value is not None and not callable(value):
        raise InvalidArgumentError(
            f"{name}= is a function that returns it, or is left out where REACTOR_API_KEY is set: Gymnasium keeps arguments in "
            "env.spec, from where they get into files"
        )


def _check_seconds(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _MAX_SECONDS or math.isnan(value):
        raise InvalidArgumentError(f"{name} is a number of seconds above 0 and up to {_MAX_SECONDS:g}, got {value!r}")


def _size(shape: Any) -> tuple[int, int]:
    sides = tuple(shape) if isinstance(shape, Sequence) else ()
    if len(sides) == 3 and sides[2] == 3:
        sides = sides[:2]
    if len(sides) != 2 or not all(isinstance(side, int) and 2 <= side <= MAX_SIDE for side in sides):
        raise InvalidArgumentError(f"observation_shape is (H, W) or (H, W, 3), from 2 to {MAX_SIDE} pixels a side; got {shape!r}")
    return int(sides[0]), int(sides[1])
