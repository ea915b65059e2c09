"""The media sections of an offer: which carries which track of the model, and which cannot flow for want of a codec."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from reactor_protocol.errors import BadRequestError
from reactor_protocol.resources import MappedTrack
from reactor_rtc.port import Section
from reactor_rtc.sdp_sections import without_common_codec
from reactor_runtime.tracks import TrackSpec

NO_COMMON_CODEC: Final = "NO_COMMON_CODEC"
"""The code by which a client is told that a track of its cannot flow."""


def section_of(mapped: MappedTrack, tracks: Sequence[TrackSpec]) -> Section:
    """The section that carries a track. Raises :class:`BadRequestError` for one that the model does not have."""
    flow = "out" if mapped.direction == "recvonly" else "in"
    for track in tracks:
        if track.name == mapped.name and track.flow == flow and track.kind == mapped.kind:
            return Section(mapped.kind, "send" if flow == "out" else "receive", mapped.mid)
    have = ", ".join(f"{t.name} ({t.kind}, {'recvonly' if t.flow == 'out' else 'sendonly'})" for t in tracks) or "none"
    raise BadRequestError(f"the model has no {mapped.direction} {mapped.kind} track {mapped.name!r}; it has: {have}")


def refused_tracks(mapping: Sequence[MappedTrack], offer: str, answer: str, video: Sequence[str]) -> Mapping[str, str]:
    """The tracks whose sections the answer refuses, each with a sentence that names the codec and the cure.

    ``video`` are the codecs that this side has for pictures.
    """
    refused = without_common_codec(offer, answer)
    return {track.name: _why(track, refused[track.mid].codecs, video) for track in mapping if track.mid in refused}


def _why(track: MappedTrack, offered: Sequence[str], video: Sequence[str]) -> str:
    have = list(video) if track.kind == "video" else ["opus"]
    theirs = f"{', '.join(offered[:8])} alone" if offered else "no codec"
    return (
        f"the track {track.name!r} cannot flow: its section (mid {track.mid!r}) offers {theirs}, and this server has "
        f"{', '.join(have)}; offer {have[0]} too"
    )
