"""Steps and figures of clients in wire version v1, against the protobuf library (reference: runtime, 5.3)."""

from typing import Any

import pytest
from tests.reactor_protocol.reactor_wire import to_bytes, to_json

from reactor_protocol.codec import JSON_CODEC, Frame
from reactor_protocol.codec_v1 import PROTOBUF_CODEC
from reactor_protocol.errors import DecodeError
from reactor_protocol.messages import (
    ClientStats,
    Command,
    FileRef,
    RequestStep,
    StepFile,
    StepFrame,
    StepResult,
    StepTrack,
)

REQUEST: dict[str, Any] = {
    "requestId": "s1",
    "kind": "MESSAGE_KIND_REQUEST",
    "requestStep": {
        "state": {"prompt": "dusk", "level": 3},
        "commands": [
            {
                "type": "see",
                "data": {"x": 1.5},
                "uploads": {"image": {"uploadId": "u", "name": "a.png", "mimeType": "image/png", "size": "3"}},
            }
        ],
        "mediaInput": [
            {
                "track": "webcam",
                "kind": "TRACK_KIND_VIDEO",
                "rate": 30.0,
                "frames": [
                    {
                        "encoding": "FRAME_ENCODING_RAW",
                        "dtype": "uint8",
                        "shape": [1, 200, 3],
                        "data": "AAEC",
                        "metadata": "e30=",
                        "captureTimeUs": "-5",
                    },
                    {"encoding": "FRAME_ENCODING_H264", "data": "AAE="},
                ],
            }
        ],
    },
}


def test_a_request_for_a_step() -> None:
    frame = Frame("data", to_bytes("data", "client", REQUEST))
    assert PROTOBUF_CODEC.decode_client(frame) == RequestStep(
        "s1",
        {"prompt": "dusk", "level": 3},
        (Command("see", {"x": 1.5}, {"image": FileRef("u", "a.png", "image/png", 3)}),),
        (
            StepTrack(
                "webcam",
                "video",
                (
                    StepFrame("raw", "uint8", (1, 200, 3), b"\0\1\2", b"{}", -5),
                    StepFrame("h264", "", (), b"\0\1"),
                ),
                30.0,
            ),
        ),
    )


def test_a_request_with_nothing_in_it() -> None:
    frame = Frame("data", to_bytes("data", "client", {"requestId": "s1", "requestStep": {}}))
    assert PROTOBUF_CODEC.decode_client(frame) == RequestStep("s1")


RESULT = StepResult(
    "s1",
    step=7,
    tracks=(StepTrack("main", "video", (StepFrame("raw", "uint8", (1, 1, 3), b"\1\2\3", b"m"),), 30.0),),
    elapsed_s=0.25,
    files=(StepFile("a.json", "application/json", 2),),
)


def test_the_result_of_a_step() -> None:
    assert to_json("data", "server", bytes(PROTOBUF_CODEC.encode(RESULT).payload)) == {  # type: ignore[arg-type]
        "requestId": "s1",
        "kind": "MESSAGE_KIND_RESPONSE",
        "stepResult": {
            "step": "7",
            "tracks": [
                {
                    "track": "main",
                    "kind": "TRACK_KIND_VIDEO",
                    "frames": [
                        {
                            "encoding": "FRAME_ENCODING_RAW",
                            "dtype": "uint8",
                            "shape": [1, 1, 3],
                            "data": "AQID",
                            "metadata": "bQ==",
                        }
                    ],
                    "rate": 30.0,
                }
            ],
            "elapsedSeconds": 0.25,
            "files": [{"name": "a.json", "contentType": "application/json", "size": "2"}],
        },
    }
    assert PROTOBUF_CODEC.decode_server(PROTOBUF_CODEC.encode(RESULT)) == RESULT


@pytest.mark.parametrize(
    ("failure", "word"),
    [
        ("refused", "STEP_FAILURE_CODE_REFUSED"),
        ("not_ready", "STEP_FAILURE_CODE_NOT_READY"),
        ("failed", "STEP_FAILURE_CODE_FAILED"),
        ("result_too_large", "STEP_FAILURE_CODE_RESULT_TOO_LARGE"),
        ("command_failed", "STEP_FAILURE_CODE_COMMAND_FAILED"),
        ("session_ended", "STEP_FAILURE_CODE_SESSION_ENDED"),
    ],
)
def test_why_there_is_none(failure: Any, word: str) -> None:
    result = StepResult("s1", error="no", failure=failure, code="c", entry="commands[0]")
    frame = PROTOBUF_CODEC.encode(result)
    assert isinstance(frame.payload, bytes)
    assert to_json("data", "server", frame.payload)["stepResult"] == {
        "error": "no",
        "failureCode": word,
        "code": "c",
        "entry": "commands[0]",
    }
    assert PROTOBUF_CODEC.decode_server(frame) == result


def test_steps_are_not_said_in_v0() -> None:
    assert not JSON_CODEC.can_say(RESULT)
    with pytest.raises(DecodeError, match="wire version v0 has no words for a StepResult"):
        JSON_CODEC.encode(RESULT)


STATS: dict[str, Any] = {
    "kind": "MESSAGE_KIND_NOTIFICATION",
    "clientStats": {
        "trackStats": [
            {
                "timestamp": "1700000000000",
                "trackName": "main",
                "kind": "TRACK_KIND_VIDEO",
                "direction": "TRACK_DIRECTION_RECVONLY",
                "videoCodec": "VIDEO_CODEC_VP8",
                "paused": True,
                "metrics": {"frames_per_second": 29.5},
                "frameStages": [{"name": "decode", "totalMs": 12.5, "frames": "60"}],
                "hardwareCodec": False,
            }
        ],
        "connectionStat": {
            "timestamp": "1",
            "metrics": {"connection_rtt_ms": 1.5, "zero": 0.0},
            "environment": {"sdkType": "python", "sdkVersion": "1.13.0"},
            "messageStages": [{"name": "send", "totalMs": 0.5, "messages": "3", "partOf": "all"}],
        },
    },
}


def test_the_figures_of_a_client() -> None:
    frame = Frame("control", to_bytes("control", "client", STATS))
    assert PROTOBUF_CODEC.decode_client(frame) == ClientStats(
        (
            {
                "timestamp": 1_700_000_000_000,
                "track_name": "main",
                "kind": 1,
                "direction": 1,
                "video_codec": 1,
                "paused": 1,
                "metrics": {"frames_per_second": 29.5},
                "frame_stages": [{"name": "decode", "total_ms": 12.5, "frames": 60}],
                "hardware_codec": 0,
            },
        ),
        {
            "timestamp": 1,
            "metrics": {"connection_rtt_ms": 1.5, "zero": 0.0},
            "environment": {"sdk_type": "python", "sdk_version": "1.13.0"},
            "message_stages": [{"name": "send", "total_ms": 0.5, "messages": 3, "part_of": "all"}],
        },
    )


@pytest.mark.parametrize(
    "stats",
    [
        {"trackStats": [{}] * 33},
        {"trackStats": [{"metrics": {str(number): 1.0 for number in range(65)}}]},
        {"connectionStat": {"messageStages": [{"name": "x"}] * 33}},
        {"connectionStat": {"environment": {"os": "x" * 129}}},
        {"trackStats": [{"trackName": "x" * 129}]},
        {"trackStats": [{"metrics": {"x" * 129: 1.0}}]},
        {"connectionStat": {"metrics": {"a": "NaN"}}},
    ],
)
def test_figures_beyond_the_limits_are_refused(stats: dict[str, Any]) -> None:
    frame = Frame("control", to_bytes("control", "client", {"clientStats": stats}))
    with pytest.raises(DecodeError):
        PROTOBUF_CODEC.decode_client(frame)


def test_a_frame_of_too_many_dimensions() -> None:
    body = {"requestStep": {"mediaInput": [{"frames": [{"shape": [1] * 9}]}]}}
    with pytest.raises(DecodeError, match="at most 8 dimensions"):
        PROTOBUF_CODEC.decode_client(Frame("data", to_bytes("data", "client", body)))
