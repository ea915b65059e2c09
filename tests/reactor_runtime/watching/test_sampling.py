"""The engine's figures: read now and then, added up over connections that come, go and begin anew."""

import asyncio
from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families
from tests.reactor_runtime.waiting import poll

from reactor_protocol.errors import TransportError
from reactor_rtc.port import PeerStats, StreamTotals, TrackStats
from reactor_runtime.description import ModelDescription
from reactor_runtime.tracks import TrackSpec
from reactor_runtime.watching.sampling import sample, sample_once
from reactor_runtime.watching.watch import Watch

MODEL = ModelDescription(
    "painter", 30.0, (TrackSpec("webcam", "video", "in"), TrackSpec("main", "video", "out")), {}, frozenset(), {}
)


class Measured:
    """A connection whose figures a test sets."""

    def __init__(self, connection_id: int, sent: StreamTotals | None) -> None:
        self.id = connection_id
        self.sent = sent

    async def stats(self) -> tuple[PeerStats, Mapping[str, str]]:
        if self.sent is None:
            raise TransportError("it is closed")
        main = TrackStats("video", "send", width=1280, jitter=0.002, packet_loss=0.01, totals=self.sent)
        webcam = TrackStats("video", "receive", totals=StreamTotals(packets=5, octets=500, frames=3, dropped=1, lost=2))
        unnamed = TrackStats("video", "send", totals=StreamTotals(packets=1000))
        return PeerStats(0.04, 8_000_000.0, "host", {"0": main, "1": webcam, "7": unnamed}), {"0": "main", "1": "webcam"}


def figures(watch: Watch) -> dict[str, float]:
    found = {}
    for family in text_string_to_metric_families(watch.metrics.text().decode()):
        for one in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(one.labels.items()))
            found[f"{one.name}{{{labels}}}"] = one.value
    return found


def begun() -> Watch:
    watch = Watch()
    watch.loading()
    watch.loaded(MODEL)
    watch.session_asked({})
    watch.session_began("5e551044-0000-4000-8000-000000000000")
    return watch


async def test_totals_are_added_up_once() -> None:
    watch = begun()
    first = Measured(1002, StreamTotals(packets=100, octets=90_000, frames=60, codec_s=0.3, nacks=2, round_trip=0.05))
    second = Measured(1003, StreamTotals(packets=10, octets=9_000, frames=6, codec_s=0.06))
    await sample_once(watch, [first, second])
    first.sent = StreamTotals(packets=150, octets=140_000, frames=90, codec_s=0.45, nacks=3, lost=1, keyframe_requests=1)
    second.sent = StreamTotals(packets=4, octets=1_000, frames=2, codec_s=0.02)  # another connection under the same id
    await sample_once(watch, [first, second])
    found = figures(watch)
    assert found["runtime_webrtc_packets_sent_total{track=main}"] == 150 + 10 + 4
    assert found["runtime_webrtc_bytes_sent_total{}"] == 140_000 + 9_000 + 1_000
    assert found["runtime_webrtc_frames_sent_total{}"] == 90 + 6 + 2
    assert found["runtime_webrtc_nacks_total{}"] == 3
    assert found["runtime_webrtc_keyframe_requests_total{}"] == 1
    assert found["runtime_webrtc_packets_lost_total{direction=out,track=main}"] == 1
    assert found["runtime_webrtc_packets_lost_total{direction=in,track=webcam}"] == 4
    assert found["runtime_webrtc_packets_received_total{track=webcam}"] == 10
    assert found["runtime_webrtc_frames_dropped_total{}"] == 2
    assert found["runtime_webrtc_rtt_seconds_count{}"] == 4
    assert found["runtime_webrtc_bandwidth_estimate_bytes_per_second_sum{}"] == 4_000_000
    assert found["runtime_webrtc_media_rtt_seconds_count{track=main}"] == 1
    assert found["runtime_frame_stage_seconds_count{stage=network}"] == 4
    # Each frame counts, with the mean of its reading.
    assert found["runtime_frame_stage_seconds_count{stage=encode}"] == 98
    assert round(found["runtime_frame_stage_seconds_sum{stage=encode}"], 6) == 0.53
    assert "7" not in {label for name in found for label in name.split("track=")[1:]}


async def test_a_connection_that_is_closed_is_passed_over() -> None:
    watch = begun()
    shown = await sample_once(watch, [Measured(1002, None), Measured(1003, StreamTotals(packets=1))])
    assert [each["conn_id"] for each in shown] == [1003]


async def test_the_journal_is_told_at_every_second_reading() -> None:
    watch = begun()
    connection = Measured(1002, StreamTotals(packets=1, octets=10))
    readings = 0

    def connections() -> list[Measured]:
        nonlocal readings
        readings += 1
        return [connection]

    before = watch.journal.last
    task = asyncio.ensure_future(sample(watch, connections, interval_s=0.001))

    async def told() -> bool:
        return watch.journal.last > before

    await poll(told, 20)
    assert readings >= 2
    task.cancel()
    (text, *_) = watch.journal.after(before, None, 1).parts
    for word in (
        b'"name":"runtime_stats"',
        b'"observed_at":',
        b'"model_output":',
        b'"connection_rtt_ms":40.0',
        b'"packets_sent":1',
    ):
        assert word in text


async def test_without_a_session_nothing_is_told() -> None:
    watch = Watch()
    watch.measured([])
    assert watch.journal.last == 0
