"""Messages to data-channel frames and back: the verbs of a wire version, and version v0. ``codec_v1`` stands beside it.

v0 is JSON as text (reference: runtime, 5.2). The data channel carries all traffic but the track verbs, which go over the control
channel.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final, Protocol

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
    RequestCapabilities,
    RequestClip,
    RequestRecording,
    RequestSchema,
    ResumeTrack,
    RuntimeMessage,
    ServerMessage,
    SessionEnded,
    UnpublishTrack,
)
from reactor_protocol.names import CHANNEL_CONTROL, CHANNEL_DATA, MAX_MESSAGE_BYTES, MAX_NESTING
from reactor_protocol.plain import plain

Payload = str | bytes

_NO_BRACKETS: Final = re.compile(r'"(?:[^"\\]|\\.)*+\\?"?|[^]["{}]+', re.DOTALL)
"""Texts, and what stands between brackets. A text without an end goes on to the end: every character is looked at once."""
_STEPS: Final[Mapping[str, int]] = {"[": 1, "{": 1, "]": -1, "}": -1}


@dataclass(frozen=True, slots=True)
class Frame:
    """One data-channel message: text goes out as text, bytes as binary."""

    label: str
    payload: Payload


class Codec(Protocol):
    """A wire version. Decoding raises :class:`DecodeError` for rubbish and gives None for what it does not know."""

    def can_say(self, message: ClientMessage | ServerMessage) -> bool:
        """Whether the wire version has words for a message."""
        ...

    def encode(self, message: ClientMessage | ServerMessage) -> Frame: ...

    def decode_client(self, frame: Frame) -> ClientMessage | None: ...

    def decode_server(self, frame: Frame) -> ServerMessage | None: ...


class JsonCodec:
    """Wire version v0."""

    def can_say(self, message: ClientMessage | ServerMessage) -> bool:
        """v0 names its messages by text, but knows no steps and no figures of clients."""
        return type(message) in _ENCODERS

    def encode(self, message: ClientMessage | ServerMessage) -> Frame:
        """The frame of a message. Raises :class:`DecodeError` when its data is not JSON (NaN included)."""
        if not self.can_say(message):
            raise DecodeError(f"wire version v0 has no words for a {type(message).__name__}")
        label, body = _ENCODERS[type(message)](message)
        try:
            return Frame(label, _written(body))
        except (TypeError, ValueError, RecursionError) as error:
            raise DecodeError(f"the data of {type(message).__name__} is not JSON: {error}") from error

    def decode_client(self, frame: Frame) -> ClientMessage | None:
        """A message that a client sent."""
        body = _parse(frame.payload)
        if frame.label == CHANNEL_CONTROL:
            return _client_control(body)
        scope, inner = _envelope(body)
        if scope == "application":
            return Command(
                type=_text(inner, "type"),
                data=_object(inner, "data"),
                uploads=_uploads(inner),
                request_id=_optional_text(inner, "request_id"),
            )
        kind, data = _text(inner, "type"), _object(inner, "data")
        match kind:
            case "ping":
                return Ping()
            case "requestSchema":
                return RequestSchema()
            case "requestCapabilities":
                return RequestCapabilities()
            case "fileUploaded":
                return FileUploaded(_file_ref(data))
            case "requestClip":
                return RequestClip(_number(data, "duration_seconds"))
            case "requestRecording":
                return RequestRecording()
        return None

    def decode_server(self, frame: Frame) -> ServerMessage | None:
        """A message that a server sent."""
        body = _parse(frame.payload)
        if frame.label == CHANNEL_CONTROL:
            if body.get("type") != "response" or body.get("method") != "publish_track":
                return None
            return PublishResult(_text(body, "request_id"), _refusal(body))
        scope, inner = _envelope(body)
        kind, data = _text(inner, "type"), _object(inner, "data")
        if scope == "application":
            return ApplicationMessage(kind, data)
        match kind:
            case "commandResult":
                return _command_result(data)
            case "sessionEnded":
                return SessionEnded(_word(data, "reason"))
            case "clipReady":
                return _clip_ready(data)
            case "clipFailed":
                return ClipFailed(_word(data, "reason"))
        return RuntimeMessage(kind, data)


JSON_CODEC: Final = JsonCodec()


# ------------------------------------------------------------------------------------------------------ encoding


def _runtime(kind: str, data: JsonObject) -> tuple[str, JsonObject]:
    return CHANNEL_DATA, {"scope": "runtime", "data": {"type": kind, "data": data}}


def _notification(event: str) -> Callable[[Any], tuple[str, JsonObject]]:
    def encode(message: PauseTrack | ResumeTrack | UnpublishTrack) -> tuple[str, JsonObject]:
        data: JsonObject = {"name": message.name}
        if isinstance(message, ResumeTrack) and message.tagged:
            data["tagged"] = True
        return CHANNEL_CONTROL, {"type": "notification", "event": event, "data": data}

    return encode


def _encode_command(message: Command) -> tuple[str, JsonObject]:
    inner: JsonObject = {"type": message.type, "data": message.data}
    if message.uploads:
        inner["uploads"] = {name: _file_body(ref) for name, ref in message.uploads.items()}
    if message.request_id is not None:
        inner["request_id"] = message.request_id
    return CHANNEL_DATA, {"scope": "application", "data": inner}


def _encode_publish(message: PublishTrack) -> tuple[str, JsonObject]:
    body = {"type": "request", "method": "publish_track", "request_id": message.request_id}
    return CHANNEL_CONTROL, {**body, "data": {"name": message.name}}


def _encode_publish_result(message: PublishResult) -> tuple[str, JsonObject]:
    body: JsonObject = {"type": "response", "method": "publish_track", "request_id": message.request_id}
    if message.error is None:
        return CHANNEL_CONTROL, {**body, "data": {}}
    return CHANNEL_CONTROL, {**body, "error": _refusal_body(message.error)}


def _encode_application(message: ApplicationMessage) -> tuple[str, JsonObject]:
    return CHANNEL_DATA, {"scope": "application", "data": {"type": message.type, "data": message.data}}


def _encode_command_result(message: CommandResult) -> tuple[str, JsonObject]:
    data: JsonObject = {"request_id": message.request_id, "ok": message.error is None}
    if message.reply is not None:
        data["reply"] = {"type": message.reply.type, "data": message.reply.data}
    if message.error is not None:
        data["error"] = _refusal_body(message.error)
    if message.frame is not None:
        data["frame"] = message.frame
    return _runtime("commandResult", data)


_ENCODERS: Mapping[type, Callable[[Any], tuple[str, JsonObject]]] = {
    Command: _encode_command,
    Ping: lambda _: _runtime("ping", {}),
    RequestSchema: lambda _: _runtime("requestSchema", {}),
    RequestCapabilities: lambda _: _runtime("requestCapabilities", {}),
    FileUploaded: lambda message: _runtime("fileUploaded", _file_body(message.file)),
    RequestClip: lambda message: _runtime("requestClip", {"duration_seconds": message.duration_s}),
    RequestRecording: lambda _: _runtime("requestRecording", {}),
    PublishTrack: _encode_publish,
    UnpublishTrack: _notification("unpublish_track"),
    PauseTrack: _notification("pause_track"),
    ResumeTrack: _notification("resume_track"),
    ApplicationMessage: _encode_application,
    CommandResult: _encode_command_result,
    PublishResult: _encode_publish_result,
    ClipReady: lambda message: _runtime("clipReady", clip_body(message)),
    ClipFailed: lambda message: _runtime("clipFailed", {"reason": message.reason}),
    RuntimeMessage: lambda message: _runtime(message.type, message.data),
    SessionEnded: lambda message: _runtime("sessionEnded", {"reason": message.reason}),
}


def clip_body(clip: ClipReady) -> JsonObject:
    """The body of ``clipReady`` (reference: runtime, 5.2)."""
    return {
        "session_id": clip.session_id,
        "kind": clip.kind,
        "start_marker": clip.start_marker,
        "end_marker": clip.end_marker,
        "now_marker": clip.now_marker,
        "predicted_ready_at_ms": clip.predicted_ready_at_ms,
        "playlist_url": clip.playlist_url,
    }


def _file_body(ref: FileRef) -> JsonObject:
    return {"upload_id": ref.upload_id, "name": ref.name, "mime_type": ref.mime_type, "size": ref.size}


def _refusal_body(refusal: Refusal) -> JsonObject:
    return {"code": refusal.code, "message": refusal.message}


# ------------------------------------------------------------------------------------------------------ decoding


def _written(body: JsonObject) -> str:
    try:
        text = json.dumps(body, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        text.encode()  # half a surrogate pair has no UTF-8
    except (TypeError, ValueError):
        # It may hold numbers of NumPy; if it holds what JSON cannot say, this names the place.
        text = json.dumps(plain(body, "it"), separators=(",", ":"), ensure_ascii=False)
    return text


def _parse(payload: Payload) -> JsonObject:
    size = len(payload) if isinstance(payload, bytes) else len(payload.encode("utf-8", "surrogatepass"))
    if size > MAX_MESSAGE_BYTES:
        raise DecodeError(f"a message of {size} bytes is above the limit of {MAX_MESSAGE_BYTES}")
    try:
        text = payload.decode("utf-8", "surrogatepass") if isinstance(payload, bytes) else payload
        _check_nesting(text)
        body = json.loads(text, parse_float=_finite, parse_constant=_refuse_constant)
    except ValueError as error:
        raise DecodeError(f"not JSON: {error}") from error
    if not isinstance(body, dict):
        raise DecodeError(f"expected an object, got {type(body).__name__}")
    return body


def _check_nesting(text: str) -> None:
    """Raises ValueError for JSON that is nested deeper than a parser should be asked to go."""
    if text.count("[") + text.count("{") <= MAX_NESTING:
        return
    brackets = _NO_BRACKETS.sub("", text)
    if max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > MAX_NESTING:
        raise ValueError(f"nested deeper than {MAX_NESTING} levels")


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    # 1e999 is well-formed JSON, but would be an infinity here.
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is too large a number")
    return value


def _envelope(body: JsonObject) -> tuple[str, JsonObject]:
    """Scope and content; a frame without an envelope is the application's (reference: client and REST, 1.12)."""
    scope, inner = body.get("scope"), body.get("data")
    if scope in ("application", "runtime") and isinstance(inner, dict):
        return scope, inner
    if scope is not None:
        raise DecodeError(f"unknown scope {scope[:40]!r}" if isinstance(scope, str) else "'scope' must be text")
    return "application", body


def _text(body: JsonObject, key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str):
        raise DecodeError(f"{key!r} must be text, got {type(value).__name__}")
    return value


def _optional_text(body: JsonObject, key: str) -> str | None:
    return None if body.get(key) is None else _text(body, key)


def _word(body: JsonObject, key: str) -> str:
    """Text that may be absent, or be a number of a careless peer."""
    value = body.get(key)
    return str(value) if isinstance(value, int | float) else _optional_text(body, key) or ""


def _number(body: JsonObject, key: str) -> float:
    value = body.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DecodeError(f"{key!r} must be a number, got {type(value).__name__}")
    return value


def _object(body: JsonObject, key: str) -> JsonObject:
    value = body.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise DecodeError(f"{key!r} must be an object, got {type(value).__name__}")
    return value


def _file_ref(body: JsonObject) -> FileRef:
    size = body.get("size", 0)
    if isinstance(size, bool) or not isinstance(size, int | float) or size < 0:
        raise DecodeError("the size of a file must be a number of bytes")
    return FileRef(
        upload_id=_text(body, "upload_id"),
        name=_word(body, "name"),
        mime_type=_word(body, "mime_type"),
        size=int(size),
    )


def _clip_ready(data: JsonObject) -> ClipReady:
    return ClipReady(
        session_id=_word(data, "session_id"),
        kind=_word(data, "kind"),
        start_marker=_number(data, "start_marker"),
        end_marker=_number(data, "end_marker"),
        now_marker=_number(data, "now_marker"),
        predicted_ready_at_ms=int(_number(data, "predicted_ready_at_ms")),
        playlist_url=_text(data, "playlist_url"),
    )


def _uploads(body: JsonObject) -> dict[str, FileRef]:
    uploads = _object(body, "uploads")
    refs: dict[str, FileRef] = {}
    for name, ref in uploads.items():
        if not isinstance(ref, dict):
            raise DecodeError(f"upload {name!r} must be an object")
        refs[name] = _file_ref(ref)
    return refs


def _client_control(body: JsonObject) -> ClientMessage | None:
    kind, data = body.get("type"), _object(body, "data")
    if kind == "request" and body.get("method") == "publish_track":
        return PublishTrack(_text(body, "request_id"), _text(data, "name"))
    if kind != "notification":
        return None
    match body.get("event"):
        case "pause_track":
            return PauseTrack(_text(data, "name"))
        case "resume_track":
            return ResumeTrack(_text(data, "name"), tagged=data.get("tagged") is True)
        case "unpublish_track":
            return UnpublishTrack(_text(data, "name"))
    return None


def _refusal(body: JsonObject) -> Refusal | None:
    error = body.get("error")
    if error is None:
        return None
    if not isinstance(error, dict):
        raise DecodeError("'error' must be an object")
    return Refusal(_word(error, "code"), _word(error, "message"))


def _command_result(data: JsonObject) -> CommandResult:
    reply, frame = data.get("reply"), data.get("frame")
    if reply is not None and not isinstance(reply, dict):
        raise DecodeError("'reply' must be an object")
    return CommandResult(
        request_id=_text(data, "request_id"),
        reply=None if reply is None else ApplicationMessage(_text(reply, "type"), _object(reply, "data")),
        error=_refusal(data),
        frame=frame if isinstance(frame, int) and not isinstance(frame, bool) else None,
    )
