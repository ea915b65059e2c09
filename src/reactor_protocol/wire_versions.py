"""Which wire version a connection speaks."""

from __future__ import annotations

from reactor_protocol.codec import JSON_CODEC, Codec, Payload
from reactor_protocol.codec_v1 import PROTOBUF_CODEC


def codec_for(first: Payload) -> Codec:
    """The codec that the first frame of a connection asks for (reference: runtime, 5.1).

    Text, or bytes whose first character that is not space opens JSON, is v0; all else is v1, an empty frame too.
    """
    if isinstance(first, str) or first.lstrip()[:1] in (b"{", b"["):
        return JSON_CODEC
    return PROTOBUF_CODEC
