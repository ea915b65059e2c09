"""Commands, hooks, messages and errors."""

from reactor_runtime.interface.events.decorators import (
    EVENT_REGISTRY,
    EventHandler,
    connected,
    disconnected,
    event,
    file_uploaded,
    make_command,
    session_ended,
    session_started,
)
from reactor_runtime.interface.events.errors import ApplicationError, CommandError
from reactor_runtime.interface.events.messages import MESSAGE_REGISTRY, MessageField, ModelMessage

__all__ = [
    "EVENT_REGISTRY",
    "MESSAGE_REGISTRY",
    "ApplicationError",
    "CommandError",
    "EventHandler",
    "MessageField",
    "ModelMessage",
    "connected",
    "disconnected",
    "event",
    "file_uploaded",
    "make_command",
    "session_ended",
    "session_started",
]
