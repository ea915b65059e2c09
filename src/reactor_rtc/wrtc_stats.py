"""The engine's statistics report, read into the port's figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import webrtc

from reactor_protocol.resources import TrackKind
from reactor_rtc.port import Direction, PeerStats, StreamTotals, TrackStats


@dataclass(frozen=True, slots=True)
class _Reading:
    """Counters of one stream at one time (ms), from which rates are made."""

    at: float
    octets: int
    packets: int
    lost: int


class StatsReader:
    """Turns reports into :class:`PeerStats`; remembers the last counters, since rates are differences."""

    def __init__(self) -> None:
        self._last: dict[str, _Reading] = {}
        self._read_at: float | None = None

    def read(
        self, report: webrtc.RTCStatsReport, sections: Mapping[str, webrtc.RTCRtpTransceiver], *, remember: bool = True
    ) -> PeerStats:
        """The figures of a report. ``sections`` are the transceivers by mid; see :meth:`reactor_rtc.port.Peer.stats`."""
        counters: dict[str, _Reading] = {}
        entries = list(report.values())
        tracks: dict[str, TrackStats] = {}
        for entry in entries:
            mid = getattr(entry, "mid", None)
            if mid is None or mid not in sections:
                continue
            if isinstance(entry, webrtc.RTCInboundRtpStreamStats):
                tracks[mid] = self._inbound(entry, counters)
            elif isinstance(entry, webrtc.RTCOutboundRtpStreamStats):
                tracks[mid] = self._outbound(entry, entries, counters)
        if remember:
            self._last.update(counters)
            self._read_at = max((entry.timestamp for entry in entries), default=self._read_at)
        pair = _selected_pair(report, entries)
        local = report.get(pair.local_candidate_id or "") if pair is not None else None
        return PeerStats(
            rtt=getattr(pair, "current_round_trip_time", None),
            available_outgoing_bitrate=getattr(pair, "available_outgoing_bitrate", None),
            candidate_type=_text(getattr(local, "candidate_type", None)),
            tracks=tracks,
        )

    def _before(self, stream: str, now: _Reading) -> _Reading:
        """The last counters of a stream; one that began since the last reading began at nothing."""
        beginning = now if self._read_at is None else _Reading(self._read_at, 0, 0, 0)
        return self._last.get(stream, beginning)

    def _inbound(self, entry: webrtc.RTCInboundRtpStreamStats, counters: dict[str, _Reading]) -> TrackStats:
        now = _Reading(entry.timestamp, entry.bytes_received or 0, entry.packets_received or 0, max(0, entry.packets_lost or 0))
        before = self._before(entry.id, now)
        counters[entry.id] = now
        # A packet that was late, and not lost, is taken off the count again.
        lost, received = max(0, now.lost - before.lost), now.packets - before.packets
        return TrackStats(
            kind=_kind(entry),
            direction="receive",
            jitter=entry.jitter or 0.0,
            packet_loss=lost / (lost + received) if lost + received > 0 else 0.0,
            bitrate=_rate(before, now),
            frames=getattr(entry, "frames_decoded", None) or 0,
            totals=_received(entry),
            **_picture(entry),
        )

    def _outbound(self, entry: webrtc.RTCOutboundRtpStreamStats, entries: list[Any], counters: dict[str, _Reading]) -> TrackStats:
        now = _Reading(entry.timestamp, entry.bytes_sent or 0, entry.packets_sent or 0, 0)
        before = self._before(entry.id, now)
        counters[entry.id] = now
        remote = next(
            (e for e in entries if isinstance(e, webrtc.RTCRemoteInboundRtpStreamStats) and e.local_id == entry.id),
            None,
        )
        direction: Direction = "send"
        return TrackStats(
            kind=_kind(entry),
            direction=direction,
            jitter=getattr(remote, "jitter", None) or 0.0,
            packet_loss=getattr(remote, "fraction_lost", None) or 0.0,
            bitrate=_rate(before, now),
            frames=getattr(entry, "frames_encoded", None) or 0,
            totals=_sent(entry, remote),
            **_picture(entry),
        )


def _sent(entry: webrtc.RTCOutboundRtpStreamStats, remote: webrtc.RTCRemoteInboundRtpStreamStats | None) -> StreamTotals:
    return StreamTotals(
        packets=entry.packets_sent or 0,
        octets=entry.bytes_sent or 0,
        frames=entry.frames_encoded or 0,
        lost=max(0, getattr(remote, "packets_lost", None) or 0),
        retransmitted=entry.retransmitted_packets_sent or 0,
        nacks=entry.nack_count or 0,
        keyframe_requests=(entry.pli_count or 0) + (entry.fir_count or 0),
        codec_s=entry.total_encode_time or 0.0,
        round_trip=getattr(remote, "round_trip_time", None),
    )


def _received(entry: webrtc.RTCInboundRtpStreamStats) -> StreamTotals:
    return StreamTotals(
        packets=entry.packets_received or 0,
        octets=entry.bytes_received or 0,
        frames=entry.frames_decoded or 0,
        lost=max(0, entry.packets_lost or 0),
        retransmitted=entry.retransmitted_packets_received or 0,
        nacks=entry.nack_count or 0,
        keyframe_requests=(entry.pli_count or 0) + (entry.fir_count or 0),
        dropped=entry.frames_dropped or 0,
        codec_s=entry.total_decode_time or 0.0,
    )


def _picture(entry: Any) -> dict[str, Any]:
    return {
        "fps": entry.frames_per_second or 0.0,
        "width": entry.frame_width or 0,
        "height": entry.frame_height or 0,
    }


def _kind(entry: Any) -> TrackKind:
    return "audio" if str(entry.kind) == "audio" else "video"


def _rate(before: _Reading, now: _Reading) -> float:
    elapsed = (now.at - before.at) / 1000
    return (now.octets - before.octets) * 8 / elapsed if elapsed > 0 else 0.0


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _selected_pair(report: webrtc.RTCStatsReport, entries: list[Any]) -> webrtc.RTCIceCandidatePairStats | None:
    for entry in entries:
        if isinstance(entry, webrtc.RTCTransportStats) and entry.selected_candidate_pair_id:
            pair = report.get(entry.selected_candidate_pair_id)
            if isinstance(pair, webrtc.RTCIceCandidatePairStats):
                return pair
    return None
