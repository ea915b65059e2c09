"""What authors of models write with: the model class, commands and lifecycle hooks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

from reactor_runtime.fields import ModelMessage
from reactor_runtime.tracks import Output

F = TypeVar("F", bound=Callable[..., Any])

HookName: TypeAlias = Literal["session_started", "session_ended", "connected", "disconnected", "file_uploaded"]

EVENT_MARK = "__reactor_event__"
HOOK_MARK = "__reactor_hook__"
_RESERVED = frozenset({"connected", "disconnected"})


@dataclass(frozen=True, slots=True)
class EventMark:
    """What :func:`event` leaves on a method."""

    name: str
    description: str


def event(*, name: str, description: str = "") -> Callable[[F], F]:
    """Makes a method a command that clients can send.

    The method's parameters are the command's fields, validated against their annotations and :func:`InputField` limits. A
    parameter called ``client`` is given the sender. The method may be plain or a coroutine function; it runs on the model's loop,
    between two steps. Return a :class:`ModelMessage` to reply; raise :class:`CommandError` to refuse.

    Raises ValueError for a reserved or empty name.
    """
    if name in _RESERVED:
        raise ValueError(f"@event(name={name!r}): the name is reserved for the @{name} hook")
    if not name:
        raise ValueError("@event needs a name, by which clients send the command")

    def mark(method: F) -> F:
        setattr(method, EVENT_MARK, EventMark(name, description))
        return method

    return mark


def _hook(name: HookName) -> Callable[[F], F]:
    def mark(method: F) -> F:
        setattr(method, HOOK_MARK, name)
        return method

    return mark


session_started = _hook("session_started")
"""Runs when a session begins, before any client."""
session_ended = _hook("session_ended")
"""Runs when a session is over and its connections are closed."""
connected = _hook("connected")
"""Runs when a client can be reached; may take ``client``."""
disconnected = _hook("disconnected")
"""Runs when a client has gone, unless the session ended with it; may take ``client``."""
file_uploaded = _hook("file_uploaded")
"""Runs when a client says that a file has arrived; takes ``uploaded_file``, and may take ``client``."""


class Stage(Protocol):
    """What a running model reaches the world through."""

    async def emit(self, output: Output, fps: float, drop: bool) -> None: ...

    async def send(self, message: ModelMessage) -> None: ...

    def flush(self) -> None: ...


class OutputStream:
    """The model's way out: ``emit``, the rate, and ``flush``."""

    def __init__(self, model: ReactorModel) -> None:
        self._model = model
        self.fps = type(model).fps

    @property
    def fps(self) -> float:
        """Frames per second of emissions that carry no ``compute_time``."""
        return self._fps

    @fps.setter
    def fps(self, value: float) -> None:
        if not value > 0:
            raise ValueError(f"fps must be above 0, not {value}")
        self._fps = float(value)

    async def emit(self, output: Output, *, compute_time: float | None = None, drop: bool = False) -> None:
        """Sends an output to every client, and returns when the next one should be made.

        A frame leaves at once. The rate is ``fps``, or for this output frames per ``compute_time`` (seconds). With ``drop``
        nothing waits: an output that comes before its time is dropped. Raises
        :class:`reactor_protocol.errors.InvalidArgumentError` for an array of the wrong shape or dtype.
        """
        frames = output.batch() or 1
        fps = frames / compute_time if compute_time is not None and compute_time > 0 else self._fps
        await self._model.stage().emit(output, fps, drop)

    def flush(self) -> None:
        """Drops what a batch has not played out yet."""
        self._model.stage().flush()


class ReactorModel:
    """A model: subclass it, write ``load`` and ``run``, and add commands with ``@event``.

    The runtime makes one instance, without arguments, calls ``load`` once, and then runs ``run`` for the life of the process.
    """

    fps: float = 30.0
    """Frames per second at which emissions are played."""

    buffer_size: int | None = None
    """Accepted for models written for the published runtime; nothing is ever queued here but a batch that plays."""

    connected: asyncio.Event
    """Set while at least one client is connected."""

    output: OutputStream

    def __new__(cls, *args: Any, **kwargs: Any) -> ReactorModel:
        # Done here, so that a subclass which forgets super().__init__() works all the same.
        model = super().__new__(cls)
        model.connected = asyncio.Event()
        model.output = OutputStream(model)
        model._stage = None
        return model

    _stage: Stage | None

    def stage(self) -> Stage:
        """What the model reaches the world through. Raises RuntimeError before the runtime has started it."""
        if self._stage is None:
            raise RuntimeError(f"{type(self).__name__} is not running: start it with `reactor run`")
        return self._stage

    def bind(self, stage: Stage) -> None:
        """Gives the model its stage; the runtime calls it before ``run``."""
        self._stage = stage

    def load(self, config_path: Path | None) -> None:
        """Loads weights. Runs once, in a thread of its own, before any session; an exception here is shown to clients.

        ``config_path`` is the absolute path of ``runtime.config`` in the manifest, if there is one.
        """

    async def run(self) -> None:
        """Generates, for the life of the process. Usually an endless loop that waits for ``self.connected``."""
        raise NotImplementedError(f"{type(self).__name__} has no run()")

    async def emit(self, output: Output, *, compute_time: float | None = None, drop: bool = False) -> None:
        """The same as ``self.output.emit``."""
        await self.output.emit(output, compute_time=compute_time, drop=drop)

    async def send(self, message: ModelMessage) -> None:
        """Sends a message to every client."""
        await self.stage().send(message)
