"""Hosts a real-time video model on :8080. Authors import from here.

from reactor_runtime import InputField, InputState, ModelMessage, Output, ReactorApp, Video, event
"""

from importlib.metadata import version as _version

from reactor_runtime.config import get_weights_path
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
from reactor_runtime.logs import get_logger
from reactor_runtime.marks import connected, disconnected, event, file_uploaded, session_ended, session_started
from reactor_runtime.model import OutputStream, ReactorApp, ReactorModel
from reactor_runtime.pipeline import Idle, ReactorPipeline
from reactor_runtime.records import Command, InputState
from reactor_runtime.registries import (
    EVENT_REGISTRY,
    INPUT_REGISTRY,
    MESSAGE_REGISTRY,
    OUTPUT_REGISTRY,
    all_input_tracks,
    all_output_tracks,
)
from reactor_runtime.steps import ApplicationError, StepCompleted, StepOutcome
from reactor_runtime.tracks import Audio, Input, MediaInput, Metadata, Output, Track, TrackPayload, Video

__version__ = _version("openreactor")

__all__ = [
    "EVENT_REGISTRY",
    "INPUT_REGISTRY",
    "MESSAGE_REGISTRY",
    "OUTPUT_REGISTRY",
    "ApplicationError",
    "Audio",
    "BufferClosed",
    "ClientInfo",
    "Command",
    "CommandError",
    "FieldInfo",
    "Idle",
    "Input",
    "InputBuffer",
    "InputField",
    "InputFrame",
    "InputState",
    "MediaInput",
    "MessageField",
    "Metadata",
    "ModelMessage",
    "Output",
    "OutputStream",
    "ReactorApp",
    "ReactorModel",
    "ReactorPipeline",
    "ReadMode",
    "StepCompleted",
    "StepOutcome",
    "Track",
    "TrackPayload",
    "UploadedFile",
    "Video",
    "__version__",
    "all_input_tracks",
    "all_output_tracks",
    "connected",
    "disconnected",
    "event",
    "file_uploaded",
    "get_logger",
    "get_weights_path",
    "session_ended",
    "session_started",
]
