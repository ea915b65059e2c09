"""Attributes of a whole session in its description (SDP): what a side declares of itself beside the media."""

from __future__ import annotations

import re
from typing import Final

from reactor_protocol.names import MAX_MESSAGE_BYTES

TRAILERS: Final = "a=x-reactor-frame-metadata:1"
"""The side reads and writes trailers of encoded pictures (reference: runtime, 6.5)."""


DEFAULT_MESSAGE_BYTES: Final = 65_536
"""What a side takes in one message that says nothing of it (RFC 8841, 6)."""

_MAX_MESSAGE: Final = re.compile(r"^a=max-message-size:(\d{1,20})\s*$", re.MULTILINE | re.ASCII)


def max_message_bytes(sdp: str) -> int:
    """The largest data-channel message (bytes) that the sender of a description takes, and that we send in one piece."""
    found = _MAX_MESSAGE.search(sdp)
    told = int(found.group(1)) if found is not None else DEFAULT_MESSAGE_BYTES
    return min(told, MAX_MESSAGE_BYTES) if told > 0 else MAX_MESSAGE_BYTES


def session_part(sdp: str) -> str:
    """The lines before the first media section."""
    before, _, _ = sdp.partition("\nm=")
    return sdp if before == sdp else before + "\n"


def with_session_line(sdp: str, line: str) -> str:
    """The description with one more attribute of the whole session."""
    session = session_part(sdp)
    return f"{session}{line}\r\n{sdp[len(session) :]}"


def declares_trailers(sdp: str) -> bool:
    """Whether the sender of a description knows trailers."""
    return TRAILERS in session_part(sdp).splitlines()
