"""The messages of wire version v1, package ``reactor_wire.v1``, as tables (reference: runtime, 5.3).

``tests/wire/v1/reactor_wire.proto`` says the same in the language of protobuf, and a test holds the two against each other.
"""

from __future__ import annotations

from typing import Final

from reactor_protocol.protobuf import DOUBLE, FIGURE, INTEGER, PACKED, RAW, TEXT, Field, Shape, message
from reactor_protocol.protobuf_struct import STRUCT

REQUEST: Final = 1
RESPONSE: Final = 2
NOTIFICATION: Final = 3
"""``MessageKind``"""

ENVELOPE: Final = ("request_id", "kind")
"""The fields of every envelope beside its payload."""

_ENVELOPE: Final = {1: Field("request_id", TEXT), 2: Field("kind", INTEGER)}
_EMPTY: Final = message(Shape({}))
_NAMED: Final = message(Shape({1: Field("name", TEXT)}))
_REASON: Final = message(Shape({1: Field("reason", TEXT)}))
_ERROR: Final = {40: Field("error", message(Shape({1: Field("code", TEXT), 2: Field("message", TEXT)})))}
_FILE: Final = message(
    Shape({1: Field("upload_id", TEXT), 2: Field("name", TEXT), 3: Field("mime_type", TEXT), 4: Field("size", INTEGER)})
)
_COMMAND: Final = Shape({1: Field("type", TEXT), 2: Field("data", STRUCT), 3: Field("uploads", _FILE, "map")})
_MODEL_MESSAGE: Final = Shape({1: Field("type", TEXT), 2: Field("data", STRUCT)})
_CLIP_READY: Final = Shape(
    {
        1: Field("session_id", TEXT),
        2: Field("kind", TEXT),
        3: Field("start_marker", DOUBLE),
        4: Field("end_marker", DOUBLE),
        5: Field("now_marker", DOUBLE),
        6: Field("predicted_ready_at_ms", INTEGER),
        7: Field("playlist_url", TEXT),
    }
)
_MODERATION: Final = Shape(
    {
        1: Field("action", TEXT),
        2: Field("input_kind", TEXT),
        3: Field("command", TEXT),
        4: Field("categories", TEXT, "list"),
        5: Field("message", TEXT),
    }
)

_FRAME: Final = Shape(
    {
        1: Field("encoding", INTEGER),
        2: Field("dtype", TEXT),
        3: Field("shape", PACKED),
        4: Field("data", RAW),
        5: Field("metadata", RAW),
        6: Field("capture_time_us", INTEGER),
    }
)
_TRACK_FRAMES: Final = Shape(
    {
        1: Field("track", TEXT),
        2: Field("kind", INTEGER),
        3: Field("frames", message(_FRAME), "list"),
        4: Field("rate", DOUBLE),
    }
)
_REQUEST_STEP: Final = Shape(
    {
        1: Field("state", STRUCT),
        2: Field("commands", message(_COMMAND), "list"),
        3: Field("media_input", message(_TRACK_FRAMES), "list"),
    }
)
_STEP_FILE: Final = Shape({1: Field("name", TEXT), 2: Field("content_type", TEXT), 3: Field("size", INTEGER)})
_STEP_RESULT: Final = Shape(
    {
        1: Field("step", INTEGER),
        2: Field("tracks", message(_TRACK_FRAMES), "list"),
        3: Field("elapsed_seconds", DOUBLE),
        4: Field("files", message(_STEP_FILE), "list"),
        5: Field("error", TEXT),
        6: Field("failure_code", INTEGER),
        7: Field("code", TEXT),
        8: Field("entry", TEXT),
    }
)
_FRAME_STAGE: Final = Shape(
    {1: Field("name", TEXT), 2: Field("total_ms", DOUBLE), 3: Field("frames", INTEGER), 4: Field("part_of", TEXT)}
)
_MESSAGE_STAGE: Final = Shape(
    {1: Field("name", TEXT), 2: Field("total_ms", DOUBLE), 3: Field("messages", INTEGER), 4: Field("part_of", TEXT)}
)
_TRACK_STAT: Final = Shape(
    {
        1: Field("timestamp", INTEGER),
        2: Field("track_name", TEXT),
        3: Field("kind", INTEGER),
        4: Field("direction", INTEGER),
        5: Field("video_codec", INTEGER),
        6: Field("audio_codec", INTEGER),
        7: Field("paused", INTEGER),
        8: Field("metrics", FIGURE, "map"),
        9: Field("frame_stages", message(_FRAME_STAGE), "list"),
        10: Field("codec_implementation", TEXT),
        11: Field("hardware_codec", INTEGER),
    }
)
_ENVIRONMENT: Final = Shape(
    {
        1: Field("sdk_type", TEXT),
        2: Field("sdk_version", TEXT),
        3: Field("os", TEXT),
        4: Field("os_version", TEXT),
        5: Field("arch", TEXT),
        6: Field("device_model", TEXT),
    }
)
_CONNECTION_STAT: Final = Shape(
    {
        1: Field("timestamp", INTEGER),
        2: Field("metrics", FIGURE, "map"),
        3: Field("environment", message(_ENVIRONMENT)),
        4: Field("message_stages", message(_MESSAGE_STAGE), "list"),
    }
)
_CLIENT_STATS: Final = Shape(
    {1: Field("track_stats", message(_TRACK_STAT), "list"), 2: Field("connection_stat", message(_CONNECTION_STAT))}
)

DATA_CLIENT: Final = Shape(
    {**_ENVELOPE, 10: Field("command", message(_COMMAND)), 11: Field("request_step", message(_REQUEST_STEP)), **_ERROR}
)
DATA_SERVER: Final = Shape(
    {**_ENVELOPE, 10: Field("message", message(_MODEL_MESSAGE)), 11: Field("step_result", message(_STEP_RESULT)), **_ERROR}
)
CONTROL_CLIENT: Final = Shape(
    {
        **_ENVELOPE,
        10: Field("ping", _EMPTY),
        11: Field("request_schema", _EMPTY),
        12: Field("file_uploaded", _FILE),
        13: Field("request_clip", message(Shape({1: Field("duration_seconds", DOUBLE)}))),
        14: Field("request_recording", _EMPTY),
        15: Field("publish_track", _NAMED),
        16: Field("pause_track", _NAMED),
        17: Field("resume_track", _NAMED),
        18: Field("unpublish_track", _NAMED),
        19: Field("client_stats", message(_CLIENT_STATS)),
        **_ERROR,
    }
)
CONTROL_SERVER: Final = Shape(
    {
        **_ENVELOPE,
        10: Field("model_schema", message(Shape({1: Field("openapi", STRUCT)}))),
        11: Field("clip_ready", message(_CLIP_READY)),
        12: Field("clip_failed", _REASON),
        13: Field("moderation", message(_MODERATION)),
        14: Field("publish_track", _NAMED),
        15: Field("session_ended", _REASON),
        **_ERROR,
    }
)
