"""Hosts a real-time video model on :8080. Authors import from here.

from reactor_runtime import InputField, ModelMessage, Output, ReactorModel, Video, event
"""

from importlib.metadata import version as _version

from reactor_runtime.fields import (
    ClientInfo,
    CommandError,
    FieldInfo,
    InputField,
    MessageField,
    ModelMessage,
    UploadedFile,
)
from reactor_runtime.inputs import BufferClosed, InputBuffer, InputFrame, ReadMode
from reactor_runtime.model import (
    OutputStream,
    ReactorModel,
    connected,
    disconnected,
    event,
    file_uploaded,
    session_ended,
    session_started,
)
from reactor_runtime.tracks import Audio, Input, Output, Track, TrackPayload, Video

__version__ = _version("openreactor")

__all__ = [
    "Audio",
    "BufferClosed",
    "ClientInfo",
    "CommandError",
    "FieldInfo",
    "Input",
    "InputBuffer",
    "InputField",
    "InputFrame",
    "MessageField",
    "ModelMessage",
    "Output",
    "OutputStream",
    "ReactorModel",
    "ReadMode",
    "Track",
    "TrackPayload",
    "UploadedFile",
    "Video",
    "__version__",
    "connected",
    "disconnected",
    "event",
    "file_uploaded",
    "session_ended",
    "session_started",
]
