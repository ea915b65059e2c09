"""Steps and the figures of clients in wire version v1: values to bodies of messages, and back (reference: runtime, 5.3)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, get_args

from reactor_protocol.errors import DecodeError
from reactor_protocol.messages import (
    ClientStats,
    Command,
    FrameEncoding,
    JsonObject,
    RequestStep,
    StepFailure,
    StepFile,
    StepFrame,
    StepResult,
    StepTrack,
    TrackKind,
)
from reactor_protocol.protobuf import signed

MAX_STAT_TRACKS: Final = 32
MAX_METRICS: Final = 64
MAX_STAGES: Final = 32
MAX_NAME_CHARS: Final = 128

_ENCODINGS: Final[Mapping[int, FrameEncoding]] = {1: "raw", 2: "h264"}
_KINDS: Final[Mapping[int, TrackKind]] = {1: "video", 2: "audio"}
_FAILURES: Final[Mapping[int, StepFailure]] = dict(enumerate(get_args(StepFailure), 1))
_MAX_DIMENSIONS: Final = 8


def _number_of(names: Mapping[int, str], name: str | None) -> int:
    return next((number for number, known in names.items() if known == name), 0)


# --------------------------------------------------------------------------------------------------------- encoding


def step_request_body(message: RequestStep) -> JsonObject:
    """The body of a ``RequestStep``."""
    commands = [{"type": command.type, "data": command.data} for command in message.commands]
    return {"state": message.state, "commands": commands, "media_input": [_track_body(track) for track in message.media]}


def step_result_body(message: StepResult) -> JsonObject:
    """The body of a ``StepResult``; what there is none of is left out."""
    body: JsonObject = {
        "step": message.step,
        "tracks": [_track_body(track) for track in message.tracks],
        "elapsed_seconds": message.elapsed_s,
        "files": [{"name": file.name, "content_type": file.content_type, "size": file.size} for file in message.files],
        "failure_code": _number_of(_FAILURES, message.failure),
    }
    told = {"error": message.error, "code": message.code, "entry": message.entry}
    return body | {name: text for name, text in told.items() if text is not None}


def _track_body(track: StepTrack) -> JsonObject:
    return {
        "track": track.track,
        "kind": _number_of(_KINDS, track.kind),
        "frames": [_frame_body(frame) for frame in track.frames],
        "rate": track.rate,
    }


def _frame_body(frame: StepFrame) -> JsonObject:
    body: JsonObject = {
        "encoding": _number_of(_ENCODINGS, frame.encoding),
        "dtype": frame.dtype,
        "shape": frame.shape,
        "data": frame.data,
    }
    if frame.metadata is not None:
        body["metadata"] = frame.metadata
    if frame.capture_time_us is not None:
        body["capture_time_us"] = frame.capture_time_us
    return body


# --------------------------------------------------------------------------------------------------------- decoding


def read_step_request(
    request_id: str | None, body: JsonObject, read_command: Callable[[str | None, JsonObject], Command]
) -> RequestStep:
    """A ``RequestStep``. What its frames hold is not looked at. Raises :class:`DecodeError`."""
    return RequestStep(
        request_id,
        body.get("state", {}),
        tuple(read_command(None, command) for command in body.get("commands", ())),
        tuple(_track(track) for track in body.get("media_input", ())),
    )


def read_step_result(request_id: str, body: JsonObject) -> StepResult:
    """A ``StepResult``. Raises :class:`DecodeError`."""
    return StepResult(
        request_id,
        step=body.get("step", 0),
        tracks=tuple(_track(track) for track in body.get("tracks", ())),
        elapsed_s=_finite(body, "elapsed_seconds"),
        files=tuple(_file(file) for file in body.get("files", ())),
        error=body.get("error"),
        failure=_FAILURES.get(body.get("failure_code", 0)),
        code=body.get("code"),
        entry=body.get("entry"),
    )


def _file(body: JsonObject) -> StepFile:
    return StepFile(body.get("name", ""), body.get("content_type", ""), body.get("size", 0))


def _track(body: JsonObject) -> StepTrack:
    frames = tuple(_frame(frame) for frame in body.get("frames", ()))
    return StepTrack(body.get("track", ""), _KINDS.get(body.get("kind", 0)), frames, _finite(body, "rate"))


def _frame(body: JsonObject) -> StepFrame:
    shape = body.get("shape", ())
    if len(shape) > _MAX_DIMENSIONS:
        raise DecodeError(f"a frame has at most {_MAX_DIMENSIONS} dimensions, not {len(shape)}")
    time = body.get("capture_time_us")
    return StepFrame(
        encoding=_ENCODINGS.get(body.get("encoding", 0)),
        dtype=body.get("dtype", ""),
        shape=tuple(shape),
        data=body.get("data", b""),
        metadata=body.get("metadata"),
        capture_time_us=None if time is None else signed(time),
    )


def _finite(body: JsonObject, key: str) -> float:
    value: float = body.get(key, 0.0)
    if not math.isfinite(value):
        raise DecodeError(f"{key!r} must be a finite number")
    return value


def read_stats(body: JsonObject) -> ClientStats:
    """The figures of a client, within the limits of the reference (runtime, 9.1). Raises :class:`DecodeError` beyond them."""
    tracks, connection = body.get("track_stats", []), body.get("connection_stat", {})
    if len(tracks) > MAX_STAT_TRACKS:
        raise DecodeError(f"figures of {len(tracks)} tracks, above the limit of {MAX_STAT_TRACKS}")
    for stat in tracks:
        _check_stat(stat, "frame_stages")
    _check_stat(connection, "message_stages")
    return ClientStats(tuple(tracks), connection)


def _check_stat(stat: JsonObject, stages: str) -> None:
    metrics, steps = stat.get("metrics", {}), stat.get(stages, [])
    if len(metrics) > MAX_METRICS or len(steps) > MAX_STAGES:
        raise DecodeError(f"{len(metrics)} figures and {len(steps)} stages, above the limits of {MAX_METRICS} and {MAX_STAGES}")
    for values in (stat, metrics, stat.get("environment", {}), *steps):
        _check_values(values)


def _check_values(values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        texts = (name, value) if isinstance(value, str) else (name,)
        if any(len(text) > MAX_NAME_CHARS for text in texts):
            raise DecodeError(f"a name of more than {MAX_NAME_CHARS} characters among the figures")
        if isinstance(value, float) and not math.isfinite(value):
            raise DecodeError("a figure that is no finite number")
