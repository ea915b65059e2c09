"""What flows: the stages of each frame, and what the engine and the clients have measured of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from reactor_protocol.messages import JsonObject
from reactor_rtc.frames import AudioBlock
from reactor_rtc.port import PeerStats, StreamTotals, TrackStats
from reactor_runtime.emission import Bundle
from reactor_runtime.pacer import Made
from reactor_runtime.watching.instruments import Count, Spread
from reactor_runtime.watching.metrics import STAGES, Metrics
from reactor_runtime.watching.outline import is_figure

REPORT_PAUSE_S: Final = 1.0
_DECODE: Final = "decode"


@dataclass(slots=True)
class _Lane:
    """One output track: its series, and what was sent since the last summary."""

    frames: Count
    interval: Spread
    sent_at: float | None = None
    sent: int = 0
    longest: float = 0.0


class Traffic:
    """Measures what flows. ``now`` is in seconds of the steady clock."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        stages = metrics.media.stages
        self._stage: Mapping[str, Spread] = {stage: stages.open(stage) for stage in STAGES}
        self._lanes: dict[str, _Lane] = {}
        self._taken: dict[str, int] = {}
        self._missed: set[str] = set()
        self._counted: dict[int, dict[str, StreamTotals]] = {}
        self._reported: dict[int, float] = {}
        self._since = 0.0

    def begin(self, now: float) -> None:
        """A session begins."""
        self.end()
        self._since = now

    def end(self) -> None:
        """The session is over."""
        for table in (self._lanes, self._taken, self._counted, self._reported):
            table.clear()
        self._missed.clear()

    def forget(self, connection_id: int) -> None:
        """A connection has gone."""
        self._counted.pop(connection_id, None)
        self._reported.pop(connection_id, None)

    # ------------------------------------------------------------------------------------------------- every frame

    def made(self, made: Made, count: int, now: float) -> None:
        """So many frames have come from the model."""
        self._stage["generate"].add(made.generate / count, count)
        self._stage["convert"].add(made.convert / count, count)
        self._stage["handover"].add(max(0.0, now - made.at), count)

    def sent(self, bundle: Bundle, waited: float, now: float) -> None:
        """A bundle has left, after waiting for its time."""
        self._stage["pace"].add(waited)
        for track in bundle:
            lane = self._lanes.get(track) or self._lane(track)
            if lane is None:
                continue
            lane.frames.value += 1
            lane.sent += 1
            if lane.sent_at is not None:
                gap = now - lane.sent_at
                lane.interval.add(gap)
                lane.longest = max(lane.longest, gap)
            lane.sent_at = now

    def taken(self, track: str) -> None:
        """Media of a client goes to one of the model's input tracks."""
        self._taken[track] = self._taken.get(track, 0) + 1

    def first_missed(self, track: str) -> bool:
        """Whether the model has now for the first time in this session missed something of an input track."""
        known = track in self._missed
        self._missed.add(track)
        return not known

    def _lane(self, track: str) -> _Lane | None:
        """The lane of a track that the model has declared."""
        frames, interval = self._metrics.media.frames.find(track), self._metrics.media.interval.find(track)
        if frames is None or interval is None:
            return None
        lane = self._lanes[track] = _Lane(frames, interval)
        return lane

    def dropped(self, bundles: tuple[Bundle, ...]) -> None:
        """Bundles that are never sent."""
        media = self._metrics.media
        media.dropped_bundles.only.add(len(bundles))
        for bundle in bundles:
            for each in bundle.values():
                if isinstance(each, AudioBlock):
                    media.dropped_samples.only.add(each.samples.shape[1])
                else:
                    media.dropped_frames.only.add()

    # ------------------------------------------------------------------------------------------------ now and then

    def read(self, connection_id: int, stats: PeerStats, tracks: Mapping[str, str]) -> JsonObject:
        """The engine's figures of a connection; ``tracks`` are names by mid. Returns what the journal says of it."""
        self._metrics.network.read_connection(stats)
        if stats.rtt is not None:
            self._stage["network"].add(stats.rtt / 2)
        counted = self._counted.setdefault(connection_id, {})
        shown = []
        for mid, track in stats.tracks.items():
            name = tracks.get(mid)
            if name is None:
                continue
            new = self._metrics.network.read_track(name, track, counted.get(mid, StreamTotals()))
            counted[mid] = track.totals
            # A section that sends what another one has encoded spends no time on it.
            if track.direction == "send" and new.frames and new.codec_s > 0:
                self._stage["encode"].add(new.codec_s / new.frames, new.frames)
            shown.append({"track_name": name, "kind": track.kind, "metrics": _track_figures(track)})
        return {"conn_id": connection_id, "metrics": _connection_figures(stats), "track_stats": shown}

    def reported(self, connection_id: int, figures: JsonObject, now: float) -> bool:
        """A client's own figures; False where they come too soon after the last."""
        last = self._reported.get(connection_id)
        if last is not None and now - last < REPORT_PAUSE_S:
            return False
        self._reported[connection_id] = now
        for track in figures["track_stats"]:
            for stage in track.get("frame_stages", ()):
                mean = _mean_seconds(stage)
                if stage["name"] == _DECODE and mean is not None:
                    self._stage[_DECODE].add(mean)
        return True

    def summary(self, now: float, unix_ms: int) -> JsonObject:
        """What was sent since the last summary."""
        elapsed, self._since = max(1e-3, now - self._since), now
        outputs = []
        for name, lane in self._lanes.items():
            metrics = {
                "frames_emitted": int(lane.frames.value),
                "frames_per_second": round(lane.sent / elapsed, 2),
                "max_emit_interval_ms": round(lane.longest * 1000, 2),
                "ms_since_last_emit": round((now - lane.sent_at) * 1000, 2) if lane.sent_at is not None else None,
            }
            outputs.append({"track_name": name, "metrics": metrics})
            lane.sent, lane.longest = 0, 0.0
        inputs = [{"track_name": name, "metrics": {"frames_received": count}} for name, count in self._taken.items()]
        return {"observed_at": unix_ms, "model_input": inputs, "model_output": outputs}


def _connection_figures(stats: PeerStats) -> JsonObject:
    figures: dict[str, Any] = {
        "connection_rtt_ms": round(stats.rtt * 1000, 3) if stats.rtt is not None else None,
        "available_outgoing_bitrate_bps": stats.available_outgoing_bitrate,
    }
    return {name: figure for name, figure in figures.items() if figure is not None}


def _track_figures(track: TrackStats) -> JsonObject:
    totals = track.totals
    sends = track.direction == "send"
    figures: dict[str, Any] = {
        "bitrate_bps": round(track.bitrate),
        "packets_lost": totals.lost,
        "packets_sent" if sends else "packets_received": totals.packets,
        "loss_ratio": round(track.packet_loss, 4),
        "round_trip_time_ms": round(totals.round_trip * 1000, 3) if totals.round_trip is not None else None,
        "jitter_ms": round(track.jitter * 1000, 3),
    }
    if track.kind == "video":
        figures |= {
            "frames_per_second": round(track.fps, 2),
            "frame_width": track.width,
            "frame_height": track.height,
            "frames_sent" if sends else "frames_decoded": totals.frames,
            "nack_count": totals.nacks,
            "keyframe_requests": totals.keyframe_requests,
            "retransmitted_packets_sent": totals.retransmitted if sends else None,
            "frames_dropped": None if sends else totals.dropped,
        }
    return {name: figure for name, figure in figures.items() if figure is not None}


def _mean_seconds(stage: Mapping[str, Any]) -> float | None:
    total, frames = stage["total_ms"], stage["frames"]
    if frames < 1 or total < 0:
        return None
    mean = total / frames / 1000
    return float(mean) if is_figure(mean) else None
