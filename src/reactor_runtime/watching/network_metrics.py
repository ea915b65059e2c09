"""What the engine measures of all connections together. Connections have no series of their own: there is no end to their ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reactor_rtc.port import PeerStats, StreamTotals, TrackStats
from reactor_runtime.watching.instruments import Count, Family, Instruments, Spread

_RTT: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
_RATIO: Final = (0.0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_BANDWIDTH: Final = (12_500, 25_000, 62_500, 125_000, 250_000, 625_000, 1_250_000, 2_500_000, 6_250_000, 12_500_000)

_W: Final = "runtime_webrtc_"


class NetworkMetrics:
    """Figures of connections (reference: runtime, 9.2), added up over all of them at each reading."""

    def __init__(self, make: Instruments) -> None:
        self.rtt = make.spread(f"{_W}rtt_seconds", "Round trip of a connection.", _RTT)
        self.media_rtt = make.spread(f"{_W}media_rtt_seconds", "Round trip that a track's receiver reports.", _RTT, "track")
        self.loss = make.spread(f"{_W}loss_ratio", "Share of packets lost, at each reading.", _RATIO, "track")
        self.bandwidth = make.spread(
            f"{_W}bandwidth_estimate_bytes_per_second", "What a connection could carry to its client.", _BANDWIDTH
        )
        self.jitter = make.spread(f"{_W}jitter_seconds", "Unevenness of arrival.", _RTT, "track")
        self._of_track = {
            "packets_sent": make.count(f"{_W}packets_sent", "Packets sent.", "track"),
            "packets_received": make.count(f"{_W}packets_received", "Packets received.", "track"),
            "packets_retransmitted": make.count(f"{_W}packets_retransmitted", "Packets sent once more.", "track"),
        }
        self._lost = make.count(f"{_W}packets_lost", "Packets that did not arrive.", "track", "direction")
        self._plain = {
            "bytes_sent": make.count(f"{_W}bytes_sent", "Bytes of media sent."),
            "bytes_received": make.count(f"{_W}bytes_received", "Bytes of media received."),
            "frames_sent": make.count(f"{_W}frames_sent", "Pictures encoded."),
            "frames_decoded": make.count(f"{_W}frames_decoded", "Pictures decoded."),
            "frames_dropped": make.count(f"{_W}frames_dropped", "Pictures that arrived and were not shown."),
            "nacks": make.count(f"{_W}nacks", "Requests to send packets again."),
            "keyframe_requests": make.count(f"{_W}keyframe_requests", "Requests for a picture that stands by itself."),
        }

    def open(self, track: str) -> None:
        """Opens the series of a track."""
        for family in (self.media_rtt, self.loss, self.jitter):
            family.open(track)
        for counts in self._of_track.values():
            counts.open(track)
        for direction in ("in", "out"):
            self._lost.open(track, direction)

    def read_connection(self, stats: PeerStats) -> None:
        """The figures of a connection as a whole."""
        if stats.rtt is not None:
            self.rtt.only.add(stats.rtt)
        if stats.available_outgoing_bitrate is not None:
            self.bandwidth.only.add(stats.available_outgoing_bitrate / 8)

    def read_track(self, track: str, now: TrackStats, before: StreamTotals) -> StreamTotals:
        """The figures of a track, of which ``before`` was counted already. Returns what is new since then."""
        new = _since(before, now.totals)
        sends = now.direction == "send"
        self._measure(track, now)
        self._count_packets(track, new, sends=sends)
        way = "sent" if sends else "received"
        self._plain[f"bytes_{way}"].only.add(new.octets)
        if now.kind == "video":
            self._plain["frames_sent" if sends else "frames_decoded"].only.add(new.frames)
            self._plain["frames_dropped"].only.add(new.dropped)
            self._plain["nacks"].only.add(new.nacks)
            self._plain["keyframe_requests"].only.add(new.keyframe_requests)
        return new

    def _measure(self, track: str, now: TrackStats) -> None:
        spreads: Mapping[Family[Spread], float | None] = {
            self.media_rtt: now.totals.round_trip,
            self.loss: now.packet_loss,
            self.jitter: now.jitter,
        }
        for family, figure in spreads.items():
            cell = family.find(track)
            if cell is not None and figure is not None:
                cell.add(figure)

    def _count_packets(self, track: str, new: StreamTotals, *, sends: bool) -> None:
        _add(self._of_track["packets_sent" if sends else "packets_received"].find(track), new.packets)
        _add(self._of_track["packets_retransmitted"].find(track), new.retransmitted)
        _add(self._lost.find(track, "out" if sends else "in"), new.lost)


def _add(cell: Count | None, amount: float) -> None:
    if cell is not None:
        cell.add(amount)


def _since(before: StreamTotals, now: StreamTotals) -> StreamTotals:
    """What has come to the totals; all of them, where the counting has begun anew."""
    if now.packets < before.packets or now.octets < before.octets:
        return now
    return StreamTotals(
        packets=now.packets - before.packets,
        octets=now.octets - before.octets,
        frames=max(0, now.frames - before.frames),
        lost=max(0, now.lost - before.lost),
        retransmitted=max(0, now.retransmitted - before.retransmitted),
        nacks=max(0, now.nacks - before.nacks),
        keyframe_requests=max(0, now.keyframe_requests - before.keyframe_requests),
        dropped=max(0, now.dropped - before.dropped),
        codec_s=max(0.0, now.codec_s - before.codec_s),
        round_trip=now.round_trip,
    )
