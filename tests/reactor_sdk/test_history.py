"""The history of a connection's figures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reactor_rtc.port import PeerStats, StreamTotals, TrackStats
from reactor_sdk.history import StatsHistory, StatsSample

VIDEO = TrackStats("video", "receive", jitter=0.004)


def figures(rtt: float | None = 0.02, *, octets: int = 0, frames: int = 0, packets: int = 0, lost: int = 0) -> PeerStats:
    totals = StreamTotals(packets=packets, octets=octets, frames=frames, lost=lost)
    return PeerStats(rtt=rtt, available_outgoing_bitrate=4e6, tracks={"1": replace(VIDEO, totals=totals)})


def test_rates_are_differences_between_two_samples() -> None:
    history = StatsHistory()
    history.read(100.0, figures(), "1")
    history.read(102.0, figures(0.03, octets=500_000, frames=60, packets=99, lost=1), "1")
    first, second = history.samples
    assert (first.at, first.rtt, first.frames_per_second, first.bitrate) == (100.0, 0.02, None, None)
    assert (second.at, second.rtt, second.frames_per_second, second.bitrate) == (102.0, 0.03, 30.0, 2_000_000.0)
    assert (second.packet_loss_ratio, second.jitter, second.available_outgoing_bitrate) == (0.01, 0.004, 4e6)


def test_a_track_that_comes_later_counts_from_nothing() -> None:
    history = StatsHistory()
    history.read(10.0, PeerStats(rtt=0.01), None)
    history.read(11.0, figures(octets=1000, frames=25), "1")
    assert [sample.frames_per_second for sample in history.samples] == [None, 25.0]


def test_a_packet_that_came_late_is_no_negative_loss() -> None:
    history = StatsHistory()
    history.read(0.0, figures(packets=10, lost=5), "1")
    history.read(1.0, figures(packets=20, lost=3), "1")
    assert history.samples[-1].packet_loss_ratio == 0.0


def test_commands_of_a_second_are_told_by_their_mean_and_once() -> None:
    history = StatsHistory()
    history.answered(0.010)
    history.answered(0.030)
    history.read(1.0, figures(), "1")
    history.read(2.0, figures(), "1")
    assert [sample.command_rtt for sample in history.samples] == [pytest.approx(0.020), None]


def test_the_end_of_a_connection_is_marked_and_the_next_one_counts_from_nothing() -> None:
    history = StatsHistory()
    history.read(1.0, figures(octets=10_000, frames=100), "1")
    history.ended(1.5)
    history.read(9.0, figures(octets=10, frames=1), "1")
    history.read(10.0, figures(octets=20, frames=31), "1")
    assert [(sample.at, sample.connected, sample.frames_per_second) for sample in history.samples] == [
        (1.0, True, None),
        (1.5, False, None),
        (9.0, True, None),
        (10.0, True, 30.0),
    ]
    assert history.samples[1] == StatsSample(at=1.5, connected=False)


def test_two_samples_at_once_make_no_rate() -> None:
    history = StatsHistory()
    history.read(1.0, figures(), "1")
    history.read(1.01, figures(octets=100_000, frames=1), "1")
    assert history.samples[-1].bitrate is None


def test_an_hour_is_kept_and_no_more() -> None:
    history = StatsHistory()
    for second in range(4000):
        history.read(float(second), figures(), "1")
    assert len(history.samples) == 3600
    assert (history.samples[0].at, history.samples[-1].at) == (400.0, 3999.0)
