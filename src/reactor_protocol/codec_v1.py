"""Wire version v1: protobuf as binary frames (reference: runtime, 5.3).

The data channel carries commands and the model's messages, the control channel all that is the platform's. Answers carry the id
of their request; a command without an id awaits nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from reactor_protocol.codec import Frame, Payload, clip_body
from reactor_protocol.codec_v1_steps import read_stats, read_step_request, read_step_result, step_request_body, step_result_body
from reactor_protocol.errors import DecodeError
from reactor_protocol.messages import (
    ApplicationMessage,
    ClientMessage,
    ClipFailed,
    ClipReady,
    Command,
    CommandResult,
    FileRef,
    FileUploaded,
    JsonObject,
    PauseTrack,
    Ping,
    PublishResult,
    PublishTrack,
    Refusal,
    RequestClip,
    RequestRecording,
    RequestSchema,
    RequestStep,
    ResumeTrack,
    RuntimeMessage,
    ServerMessage,
    SessionEnded,
    StepResult,
    UnpublishTrack,
)
from reactor_protocol.names import CHANNEL_CONTROL, CHANNEL_DATA, MAX_STEPPED_BYTES
from reactor_protocol.protobuf import Shape, signed
from reactor_protocol.wire_v1 import (
    CONTROL_CLIENT,
    CONTROL_SERVER,
    DATA_CLIENT,
    DATA_SERVER,
    ENVELOPE,
    NOTIFICATION,
    REQUEST,
    RESPONSE,
)


class ProtobufCodec:
    """Wire version v1."""

    def can_say(self, message: ClientMessage | ServerMessage) -> bool:
        """Not every notice of the platform has a message in v1, and figures are only ever read."""
        if isinstance(message, RuntimeMessage):
            return message.type in _NOTICES
        return type(message) in _ENCODERS

    def encode(self, message: ClientMessage | ServerMessage) -> Frame:
        """The frame of a message.

        Raises :class:`DecodeError` when its data is not JSON (NaN included), is nested too deep, or has no words in v1.
        """
        if not self.can_say(message):
            raise DecodeError(f"wire version v1 has no words for {getattr(message, 'type', '')!r}")
        label, shape, body = _ENCODERS[type(message)](message)
        return Frame(label, shape.encode(body))

    def decode_client(self, frame: Frame) -> ClientMessage | None:
        """A message that a client sent."""
        shape, readers = (CONTROL_CLIENT, _FROM_CLIENT) if frame.label == CHANNEL_CONTROL else (DATA_CLIENT, _COMMANDS)
        envelope, payload, body = _open(shape, frame.payload)
        reader = readers.get(payload)
        return None if reader is None else reader(envelope.get("request_id") or None, body)

    def decode_server(self, frame: Frame) -> ServerMessage | None:
        """A message that a server sent."""
        control = frame.label == CHANNEL_CONTROL
        envelope, payload, body = _open(CONTROL_SERVER if control else DATA_SERVER, frame.payload)
        request_id = envelope.get("request_id") or None
        if control:
            reader = _FROM_SERVER.get(payload)
            return None if reader is None else reader(request_id, body)
        if payload == "step_result":
            return read_step_result(request_id or "", body)
        reply = ApplicationMessage(body.get("type", ""), body.get("data", {})) if payload == "message" else None
        if request_id is not None and envelope.get("kind") == RESPONSE:
            return CommandResult(request_id, reply, _refusal(body) if payload == "error" else None)
        return reply


PROTOBUF_CODEC: Final = ProtobufCodec()

Encoded = tuple[str, Shape, JsonObject]
_MODERATION_WORDS: Final = ("action", "input_kind", "command", "message")


# --------------------------------------------------------------------------------------------------------- encoding


def _data_message(kind: int, request_id: str | None, payload: JsonObject, shape: Shape = DATA_SERVER) -> Encoded:
    return CHANNEL_DATA, shape, _envelope(kind, request_id) | payload


def _control(shape: Shape, kind: int, payload: str, body: JsonObject, request_id: str | None = None) -> Encoded:
    return CHANNEL_CONTROL, shape, _envelope(kind, request_id) | {payload: body}


def _envelope(kind: int, request_id: str | None) -> JsonObject:
    return {"request_id": request_id, "kind": kind} if request_id else {"kind": kind}


def _named(payload: str) -> Callable[[Any], Encoded]:
    return lambda message: _control(CONTROL_CLIENT, NOTIFICATION, payload, {"name": message.name})


def _answered(payload: str, body: Callable[[Any], JsonObject]) -> Callable[[Any], Encoded]:
    """An answer where the request had an id, a notification else."""

    def encode(message: RuntimeMessage | ClipReady | ClipFailed) -> Encoded:
        kind = RESPONSE if message.request_id else NOTIFICATION
        return _control(CONTROL_SERVER, kind, payload, body(message), message.request_id)

    return encode


def _encode_command(message: Command) -> Encoded:
    body: JsonObject = {"type": message.type, "data": message.data}
    if message.uploads:
        body["uploads"] = {name: _file_body(ref) for name, ref in message.uploads.items()}
    return _data_message(REQUEST, message.request_id, {"command": body}, DATA_CLIENT)


def _encode_application(message: ApplicationMessage) -> Encoded:
    return _data_message(NOTIFICATION, None, {"message": {"type": message.type, "data": message.data}})


def _encode_command_result(message: CommandResult) -> Encoded:
    payload: JsonObject = {}
    if message.error is not None:
        payload = {"error": {"code": message.error.code, "message": message.error.message}}
    elif message.reply is not None:
        payload = {"message": {"type": message.reply.type, "data": message.reply.data}}
    return _data_message(RESPONSE, message.request_id, payload)


def _encode_step_request(message: RequestStep) -> Encoded:
    return _data_message(REQUEST, message.request_id, {"request_step": step_request_body(message)}, DATA_CLIENT)


def _encode_step_result(message: StepResult) -> Encoded:
    return _data_message(RESPONSE, message.request_id, {"step_result": step_result_body(message)})


def _encode_publish_result(message: PublishResult) -> Encoded:
    if message.error is None:
        return _control(CONTROL_SERVER, RESPONSE, "publish_track", {}, message.request_id)
    body = {"code": message.error.code, "message": message.error.message}
    return _control(CONTROL_SERVER, RESPONSE, "error", body, message.request_id)


_NOTICES: Final[Mapping[str, Callable[[Any], Encoded]]] = {
    "modelSchema": _answered("model_schema", lambda message: {"openapi": message.data}),
    "moderation": _answered("moderation", lambda message: _moderation_body(message.data)),
}
_ENCODERS: Final[Mapping[type, Callable[[Any], Encoded]]] = {
    Command: _encode_command,
    Ping: lambda _: _control(CONTROL_CLIENT, NOTIFICATION, "ping", {}),
    RequestSchema: lambda m: _control(CONTROL_CLIENT, REQUEST, "request_schema", {}, m.request_id),
    FileUploaded: lambda m: _control(CONTROL_CLIENT, NOTIFICATION, "file_uploaded", _file_body(m.file)),
    RequestClip: lambda m: _control(CONTROL_CLIENT, REQUEST, "request_clip", {"duration_seconds": m.duration_s}, m.request_id),
    RequestRecording: lambda m: _control(CONTROL_CLIENT, REQUEST, "request_recording", {}, m.request_id),
    PublishTrack: lambda m: _control(CONTROL_CLIENT, REQUEST, "publish_track", {"name": m.name}, m.request_id),
    UnpublishTrack: _named("unpublish_track"),
    PauseTrack: _named("pause_track"),
    ResumeTrack: _named("resume_track"),
    ApplicationMessage: _encode_application,
    CommandResult: _encode_command_result,
    PublishResult: _encode_publish_result,
    ClipReady: _answered("clip_ready", clip_body),
    ClipFailed: _answered("clip_failed", lambda message: {"reason": message.reason}),
    RuntimeMessage: lambda message: _NOTICES[message.type](message),
    RequestStep: _encode_step_request,
    StepResult: _encode_step_result,
    SessionEnded: lambda m: _control(CONTROL_SERVER, NOTIFICATION, "session_ended", {"reason": m.reason}),
}


def _file_body(ref: FileRef) -> JsonObject:
    return {"upload_id": ref.upload_id, "name": ref.name, "mime_type": ref.mime_type, "size": ref.size}


def _moderation_body(data: JsonObject) -> JsonObject:
    words = {key: str(data.get(key, "")) for key in _MODERATION_WORDS}
    categories = data.get("categories")
    return {**words, "categories": [str(name) for name in categories] if isinstance(categories, list) else []}


# --------------------------------------------------------------------------------------------------------- decoding


def _open(shape: Shape, payload: Payload) -> tuple[JsonObject, str, JsonObject]:
    """An envelope, and the name and body of its payload; no name where there is none that is known."""
    if isinstance(payload, str):
        raise DecodeError("wire version v1 is binary, and this is text")
    if len(payload) > MAX_STEPPED_BYTES:
        raise DecodeError(f"a message of {len(payload)} bytes is above the limit of {MAX_STEPPED_BYTES}")
    envelope = shape.decode(payload)
    for name in reversed(envelope):
        if name not in ENVELOPE:
            return envelope, name, envelope[name]
    return envelope, "", {}


def _file_ref(body: JsonObject) -> FileRef:
    upload_id, size = body.get("upload_id", ""), signed(body.get("size", 0))
    if not upload_id or size < 0:
        raise DecodeError("a file needs an 'upload_id', and a size of 0 bytes or more")
    return FileRef(upload_id, body.get("name", ""), body.get("mime_type", ""), size)


def _command(request_id: str | None, body: JsonObject) -> Command:
    uploads = {name: _file_ref(ref) for name, ref in body.get("uploads", {}).items()}
    return Command(body.get("type", ""), body.get("data", {}), uploads, request_id)


def _clip(request_id: str | None, body: JsonObject) -> RequestClip:
    return RequestClip(_finite(body, "duration_seconds"), request_id)


def _clip_ready(request_id: str | None, body: JsonObject) -> ClipReady:
    return ClipReady(
        session_id=body.get("session_id", ""),
        kind=body.get("kind", ""),
        start_marker=_finite(body, "start_marker"),
        end_marker=_finite(body, "end_marker"),
        now_marker=_finite(body, "now_marker"),
        predicted_ready_at_ms=signed(body.get("predicted_ready_at_ms", 0)),
        playlist_url=body.get("playlist_url", ""),
        request_id=request_id,
    )


def _finite(body: JsonObject, key: str) -> float:
    value: float = body.get(key, 0.0)
    if not math.isfinite(value):
        raise DecodeError(f"{key!r} must be a finite number")
    return value


def _refusal(body: JsonObject) -> Refusal:
    return Refusal(body.get("code", ""), body.get("message", ""))


def _schema(request_id: str | None, body: JsonObject) -> RuntimeMessage:
    return RuntimeMessage("modelSchema", body.get("openapi", {}), request_id)


def _moderation(_id: str | None, body: JsonObject) -> RuntimeMessage:
    words = {key: body.get(key, "") for key in _MODERATION_WORDS}
    return RuntimeMessage("moderation", {**words, "categories": body.get("categories", [])})


_COMMANDS: Final[Mapping[str, Callable[[str | None, JsonObject], ClientMessage]]] = {
    "command": _command,
    "request_step": lambda request_id, body: read_step_request(request_id, body, _command),
}
_FROM_CLIENT: Final[Mapping[str, Callable[[str | None, JsonObject], ClientMessage]]] = {
    "ping": lambda _id, _body: Ping(),
    "request_schema": lambda request_id, _: RequestSchema(request_id),
    "file_uploaded": lambda _, body: FileUploaded(_file_ref(body)),
    "request_clip": _clip,
    "request_recording": lambda request_id, _: RequestRecording(request_id),
    "publish_track": lambda request_id, body: PublishTrack(request_id or "", body.get("name", "")),
    "pause_track": lambda _, body: PauseTrack(body.get("name", "")),
    "resume_track": lambda _, body: ResumeTrack(body.get("name", "")),
    "unpublish_track": lambda _, body: UnpublishTrack(body.get("name", "")),
    "client_stats": lambda _, body: read_stats(body),
}
_FROM_SERVER: Final[Mapping[str, Callable[[str | None, JsonObject], ServerMessage]]] = {
    "model_schema": _schema,
    "clip_ready": _clip_ready,
    "clip_failed": lambda request_id, body: ClipFailed(body.get("reason", ""), request_id),
    "moderation": _moderation,
    "publish_track": lambda request_id, _: PublishResult(request_id or ""),
    "session_ended": lambda _, body: SessionEnded(body.get("reason", "")),
    "error": lambda request_id, body: PublishResult(request_id or "", _refusal(body)),
}
