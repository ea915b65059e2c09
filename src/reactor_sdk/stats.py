"""Figures of a connection, as the application reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from reactor_protocol.resources import Track
from reactor_rtc.port import PeerStats, TrackStats

MAIN_VIDEO = "main_video"


@dataclass(frozen=True, slots=True)
class ConnectionStats:
    """Figures of the present connection; picture figures are those of the main video track. What is not known yet is None.

    ``rtt`` and ``jitter`` are in seconds, bit rates in bit/s, ``packet_loss_ratio`` is 0 to 1, the frame size is in pixels.
    ``candidate_type`` says how the connection runs: ``host``, ``srflx``, ``prflx`` or ``relay``. ``tracks`` are by name.
    """

    rtt: float | None = None
    frames_per_second: float | None = None
    packet_loss_ratio: float | None = None
    jitter: float | None = None
    bitrate: float | None = None
    frame_width: int | None = None
    frame_height: int | None = None
    candidate_type: str | None = None
    available_outgoing_bitrate: float | None = None
    tracks: Mapping[str, TrackStats] = field(default_factory=dict)


def main_video(tracks: Sequence[Track]) -> str | None:
    """The video that an application sees unless it asks for another: ``main_video``, or the first that the model sends."""
    names = [track.name for track in tracks if track.kind == "video" and track.direction == "recvonly"]
    return MAIN_VIDEO if MAIN_VIDEO in names else next(iter(names), None)


def connection_stats(figures: PeerStats, mids: Mapping[str, str], main: str | None) -> ConnectionStats:
    """The figures by track name. ``mids`` says which section carries which track, ``main`` which is the main video."""
    tracks = {name: figures.tracks[mid] for name, mid in mids.items() if mid in figures.tracks}
    video = tracks.get(main) if main is not None else None
    stats = ConnectionStats(
        rtt=figures.rtt,
        candidate_type=figures.candidate_type,
        available_outgoing_bitrate=figures.available_outgoing_bitrate,
        tracks=tracks,
    )
    if video is None:
        return stats
    return replace(
        stats,
        frames_per_second=video.fps,
        packet_loss_ratio=video.packet_loss,
        jitter=video.jitter,
        bitrate=video.bitrate,
        frame_width=video.width or None,
        frame_height=video.height or None,
    )
