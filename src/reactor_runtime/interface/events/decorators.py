"""What an author decorates methods with."""

from reactor_runtime.marks import EventMark as EventHandler
from reactor_runtime.marks import connected, disconnected, event, file_uploaded, session_ended, session_started
from reactor_runtime.records import make_command
from reactor_runtime.registries import EVENT_REGISTRY

__all__ = [
    "EVENT_REGISTRY",
    "EventHandler",
    "connected",
    "disconnected",
    "event",
    "file_uploaded",
    "make_command",
    "session_ended",
    "session_started",
]
