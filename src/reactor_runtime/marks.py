"""What authors decorate methods with: commands and lifecycle hooks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

HookName: TypeAlias = Literal["session_started", "session_ended", "connected", "disconnected", "file_uploaded"]

EVENT_MARK = "__reactor_event__"
HOOK_MARK = "__reactor_hook__"
_RESERVED = frozenset({"connected", "disconnected"})
_LONGEST_NAME = 128


@dataclass(frozen=True, slots=True)
class EventMark:
    """What :func:`event` leaves on a method."""

    name: str
    description: str
    dedupe: bool = False


def event(*, name: str, description: str = "", dedupe: bool = False) -> Callable[[F], F]:
    """Makes a method a command that clients can send.

    The method's parameters are the command's fields, validated against their annotations and :func:`InputField` limits. A
    parameter called ``client`` is given the sender. The method may be plain or a coroutine function; it runs on the model's loop,
    between two steps. Return a :class:`ModelMessage` to reply; raise :class:`CommandError` to refuse.

    With ``dedupe``, of several that one client has sent while the model was busy the handler runs once, with what came last: for
    handlers that take long. All of them get its answer.

    Raises ValueError for a reserved, empty or overlong name.
    """
    if name in _RESERVED:
        raise ValueError(f"@event(name={name!r}): the name is reserved for the @{name} hook")
    if not name:
        raise ValueError("@event needs a name, by which clients send the command")
    if len(name) > _LONGEST_NAME:
        raise ValueError(f"@event(name={name[:20]!r}...): a name has at most {_LONGEST_NAME} characters, not {len(name)}")

    def mark(method: F) -> F:
        setattr(method, EVENT_MARK, EventMark(name, description, dedupe))
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
