"""Programs for reactor-sdk 1.x, whose API is another: they are told so by the first thing that is not here."""

from __future__ import annotations

from typing import Final

LATER_NAMES: Final = {
    "track": "frames(name), on_frame or publish_track(name, track)",
    "tracks": "get_remote_tracks() or get_capabilities()",
    "status": "get_status()",
    "step": "an environment of reactor_sdk.gym",
    "request_schema": "send_command('requestSchema', {}, MessageScope.RUNTIME)",
    "download_clip": "request_clip() and download_clip_as_file()",
    "download_recording": "request_recording() and download_clip_as_file()",
}
"""What clients of 1.x have, and what stands for it here."""

LATER_EVENTS: Final = {"frame": "on_frame, or `async for frame in reactor.frames()`"}


def told_as_later(what: str, instead: str) -> str:
    """The one line for such a program."""
    return f"{what} is of reactor-sdk 1.x, and this client has the API of reactor-sdk 0.8: use {instead} (guide: migrate)"
