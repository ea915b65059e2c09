"""The engine's reports, read into figures."""

from __future__ import annotations

from typing import Any

import pytest
import webrtc

from reactor_rtc.port import PeerStats, StreamTotals, TrackStats
from reactor_rtc.wrtc_stats import StatsReader

SECTIONS: Any = {"0": object(), "1": object()}


def report(*entries: Any) -> webrtc.RTCStatsReport:
    return webrtc.RTCStatsReport({entry.id: entry for entry in entries})


def inbound(at_ms: float, **members: Any) -> Any:
    common = {
        "id": "in",
        "type": "inbound-rtp",
        "timestamp": at_ms,
        "mid": "0",
        "kind": "video",
        "ssrc": 1,
        "track_identifier": "t",
    }
    return webrtc.RTCInboundRtpStreamStats(**{**common, **members})


def outbound(at_ms: float, **members: Any) -> Any:
    common = {"id": "out", "type": "outbound-rtp", "timestamp": at_ms, "mid": "1", "kind": "video", "ssrc": 2}
    return webrtc.RTCOutboundRtpStreamStats(**{**common, **members})


def remote(name: str, local: str, **members: Any) -> Any:
    common = {"type": "remote-inbound-rtp", "timestamp": 1_000.0, "kind": "video", "ssrc": 2}
    return webrtc.RTCRemoteInboundRtpStreamStats(id=name, local_id=local, **common, **members)


def transport(pair: str) -> Any:
    return webrtc.RTCTransportStats(
        id="transport", type="transport", timestamp=1_000.0, dtls_state="connected", selected_candidate_pair_id=pair
    )


def pair(name: str, **members: Any) -> Any:
    common = {"type": "candidate-pair", "timestamp": 1_000.0, "transport_id": "transport", "state": "succeeded"}
    return webrtc.RTCIceCandidatePairStats(id=name, **common, local_candidate_id="local", remote_candidate_id="remote", **members)


def local(kind: str) -> Any:
    return webrtc.RTCIceCandidateStats(
        id="local", type="local-candidate", timestamp=1_000.0, transport_id="transport", candidate_type=kind
    )


def read(reader: StatsReader, *entries: Any) -> PeerStats:
    return reader.read(report(*entries), SECTIONS)


def test_an_empty_report_tells_nothing() -> None:
    assert read(StatsReader()) == PeerStats(None, None, None, {})


def test_the_first_reading_has_counts_and_no_rates() -> None:
    entry = inbound(
        1_000.0,
        bytes_received=5_000,
        packets_received=10,
        frames_decoded=7,
        frame_width=640,
        frame_height=360,
        frames_per_second=29.5,
    )
    assert read(StatsReader(), entry).tracks == {
        "0": TrackStats(
            "video",
            "receive",
            fps=29.5,
            width=640,
            height=360,
            frames=7,
            totals=StreamTotals(packets=10, octets=5_000, frames=7),
        ),
    }


def test_rates_are_differences() -> None:
    reader = StatsReader()
    read(reader, inbound(1_000.0, bytes_received=5_000, packets_received=10, packets_lost=0))
    track = read(reader, inbound(3_000.0, bytes_received=255_000, packets_received=100, packets_lost=10, jitter=0.004)).tracks[
        "0"
    ]
    assert track.bitrate == 1_000_000, "250,000 bytes in two seconds"
    assert track.packet_loss == pytest.approx(0.1)
    assert track.jitter == 0.004


def test_a_stream_that_has_begun_since_the_last_reading_began_at_nothing() -> None:
    reader = StatsReader()
    read(reader, inbound(1_000.0))
    assert read(reader, inbound(2_000.0), outbound(2_000.0, bytes_sent=125_000)).tracks["1"].bitrate == 1_000_000


def test_the_same_report_twice_has_no_rate() -> None:
    reader = StatsReader()
    for _ in range(2):
        track = read(reader, inbound(1_000.0, bytes_received=5_000, packets_received=1)).tracks["0"]
    assert (track.bitrate, track.packet_loss) == (0, 0)


@pytest.mark.parametrize(("before", "after"), [(5, 3), (-4, -2), (None, None)])
def test_loss_is_never_negative(before: int | None, after: int | None) -> None:
    reader = StatsReader()
    read(reader, inbound(1_000.0, packets_received=10, packets_lost=before))
    assert read(reader, inbound(2_000.0, packets_received=30, packets_lost=after)).tracks["0"].packet_loss == 0


def test_what_is_sent_is_judged_by_the_other_side() -> None:
    stranger, theirs = (
        remote("stranger", "other", jitter=9.0, fraction_lost=1.0),
        remote("r", "out", jitter=0.002, fraction_lost=0.05),
    )
    entry = outbound(1_000.0, frames_encoded=12, frame_width=320, frame_height=180)
    track = read(StatsReader(), stranger, entry, theirs).tracks["1"]
    assert (track.direction, track.frames, track.width, track.height) == ("send", 12, 320, 180)
    assert (track.jitter, track.packet_loss) == (0.002, 0.05)


def test_the_totals_of_what_is_received() -> None:
    entry = inbound(
        1_000.0,
        packets_received=100,
        bytes_received=90_000,
        frames_decoded=30,
        frames_dropped=2,
        packets_lost=-3,
        nack_count=4,
        pli_count=1,
        fir_count=1,
        retransmitted_packets_received=5,
        total_decode_time=0.06,
    )
    assert read(StatsReader(), entry).tracks["0"].totals == StreamTotals(
        packets=100,
        octets=90_000,
        frames=30,
        lost=0,
        retransmitted=5,
        nacks=4,
        keyframe_requests=2,
        dropped=2,
        codec_s=0.06,
        round_trip=None,
    )


def test_the_totals_of_what_is_sent() -> None:
    theirs = remote("r", "out", packets_lost=7, round_trip_time=0.033)
    entry = outbound(
        1_000.0,
        packets_sent=100,
        bytes_sent=90_000,
        frames_encoded=30,
        nack_count=4,
        pli_count=1,
        fir_count=2,
        retransmitted_packets_sent=5,
        total_encode_time=0.15,
    )
    assert read(StatsReader(), theirs, entry).tracks["1"].totals == StreamTotals(
        packets=100,
        octets=90_000,
        frames=30,
        lost=7,
        retransmitted=5,
        nacks=4,
        keyframe_requests=3,
        dropped=0,
        codec_s=0.15,
        round_trip=0.033,
    )


def test_sound_has_no_picture() -> None:
    track = read(StatsReader(), inbound(1_000.0, kind="audio")).tracks["0"]
    assert track == TrackStats("audio", "receive")


def test_streams_of_no_section_are_left_out() -> None:
    assert read(StatsReader(), inbound(1_000.0, mid="77"), outbound(1_000.0, mid=None)).tracks == {}


def test_the_selected_pair_is_the_connection() -> None:
    good = pair("good", current_round_trip_time=0.02, available_outgoing_bitrate=3e6)
    entries = [transport("good"), pair("bad", current_round_trip_time=9.0), good, local("relay")]
    stats = read(StatsReader(), *entries)
    assert (stats.rtt, stats.available_outgoing_bitrate, stats.candidate_type) == (0.02, 3e6, "relay")


def test_a_pair_that_is_not_there_yet_is_not_missed() -> None:
    assert read(StatsReader(), transport("nowhere")).rtt is None
