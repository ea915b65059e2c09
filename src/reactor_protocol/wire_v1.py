"""The messages of wire version v1, package ``reactor_wire.v1``, as tables (reference: runtime, 5.3).

``tests/wire/v1/reactor_wire.proto`` says the same in the language of protobuf, and a test holds the two against each other.
"""

from __future__ import annotations

from typing import Final

from reactor_protocol.protobuf import DOUBLE, INTEGER, TEXT, Field, Shape, message
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

DATA_CLIENT: Final = Shape({**_ENVELOPE, 10: Field("command", message(_COMMAND)), **_ERROR})
DATA_SERVER: Final = Shape({**_ENVELOPE, 10: Field("message", message(_MODEL_MESSAGE)), **_ERROR})
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
