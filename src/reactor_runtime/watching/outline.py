"""What may be shown of what others have sent: names and sizes, never contents. Pure, and bounded whatever comes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from reactor_protocol.messages import ClientStats, JsonObject

MAX_FIELDS: Final = 32
MAX_NAME_CHARS: Final = 64
MAX_TEXT_CHARS: Final = 512
MAX_SDP_CHARS: Final = 2048
MAX_STATS_TRACKS: Final = 32
MAX_STATS_METRICS: Final = 64
MAX_STATS_STAGES: Final = 32
MAX_STATS_NAME_CHARS: Final = 128
"""Limits of what clients report (reference: runtime, 9.1)."""

_SHOWN_LINES: Final = ("m=", "a=mid:", "a=rtpmap:", "a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive")
_KINDS: Final = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}


def outline(data: Mapping[str, Any]) -> JsonObject:
    """Each field by name, with the type of its value and how large that is: characters of a string, entries of the others."""
    shown: JsonObject = {}
    for name, value in list(data.items())[:MAX_FIELDS]:
        entry: JsonObject = {"type": _KINDS.get(type(value), "null" if value is None else "other")}
        if isinstance(value, str | list | dict):
            entry["size"] = len(value)
        shown[short(name, MAX_NAME_CHARS)] = entry
    return shown


def sdp_outline(sdp: str) -> str:
    """A description without what lets a stranger into the connection, or find it: its media, their ways and their codecs."""
    kept = [line for line in sdp.splitlines() if line.startswith(_SHOWN_LINES)]
    text = "".join(f"{line}\r\n" for line in kept)
    return text if len(text) <= MAX_SDP_CHARS else text[:MAX_SDP_CHARS]


def short(text: str, limit: int = MAX_TEXT_CHARS) -> str:
    """The beginning of a text; a half of a character pair is made readable."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return cut.encode("utf-8", "replace").decode("utf-8")


def stats_outline(stats: ClientStats) -> JsonObject | None:
    """What a client reports, as far as it makes sense; None where it is more than is taken."""
    if len(stats.tracks) > MAX_STATS_TRACKS:
        return None
    tracks = [_stat(track) for track in stats.tracks]
    connection = _stat(stats.connection)
    if connection is None or any(track is None for track in tracks):
        return None
    return {"track_stats": tracks, "connection_stat": connection}


def _stat(stat: Mapping[str, Any]) -> JsonObject | None:
    metrics, stages = stat.get("metrics"), stat.get("frame_stages")
    metrics = metrics if isinstance(metrics, Mapping) else {}
    stages = stages if isinstance(stages, list | tuple) else ()
    if len(metrics) > MAX_STATS_METRICS or len(stages) > MAX_STATS_STAGES:
        return None
    shown: JsonObject = {"metrics": {name: number for name, number in metrics.items() if _fits(name) and is_figure(number)}}
    if stages:
        shown["frame_stages"] = [figures for stage in stages if (figures := _stage(stage)) is not None]
    name = stat.get("track_name")
    if isinstance(name, str) and _fits(name):
        shown["track_name"] = name
    return shown


def _stage(stage: object) -> JsonObject | None:
    if not isinstance(stage, Mapping) or not _fits(stage.get("name")):
        return None
    total, frames = stage.get("total_ms"), stage.get("frames")
    if not is_figure(total) or not is_figure(frames):
        return None
    return {"name": stage["name"], "total_ms": total, "frames": frames}


def _fits(name: object) -> bool:
    return isinstance(name, str) and 0 < len(name) <= MAX_STATS_NAME_CHARS and name.isascii() and name.isprintable()


def is_figure(value: object) -> bool:
    """Whether it is a number that can be counted with."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e18 and math.isfinite(value)
