"""Attributes of a whole session in its description (SDP): what a side declares of itself beside the media."""

from __future__ import annotations

from typing import Final

TRAILERS: Final = "a=x-reactor-frame-metadata:1"
"""The side reads and writes trailers of encoded pictures (reference: runtime, 6.5)."""


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
