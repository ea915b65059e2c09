from __future__ import annotations

from reactor_protocol.resources import Track
from reactor_rtc.port import PeerStats, TrackStats
from reactor_sdk.stats import connection_stats, main_video

VIDEO = TrackStats("video", "receive", fps=29.5, bitrate=2e6, jitter=0.004, packet_loss=0.01, width=1280, height=720)
SOUND = TrackStats("audio", "receive", bitrate=64e3)


def test_picture_figures_are_those_of_the_main_video() -> None:
    figures = PeerStats(rtt=0.02, available_outgoing_bitrate=5e6, candidate_type="host", tracks={"0": SOUND, "1": VIDEO})
    stats = connection_stats(figures, {"main_audio": "0", "main_video": "1"}, "main_video")
    assert (stats.rtt, stats.available_outgoing_bitrate, stats.candidate_type) == (0.02, 5e6, "host")
    assert (stats.frames_per_second, stats.bitrate, stats.jitter, stats.packet_loss_ratio) == (29.5, 2e6, 0.004, 0.01)
    assert (stats.frame_width, stats.frame_height) == (1280, 720)
    assert stats.tracks == {"main_audio": SOUND, "main_video": VIDEO}


def test_what_is_not_known_yet_is_none() -> None:
    stats = connection_stats(PeerStats(), {"main_video": "0"}, "main_video")
    assert (stats.rtt, stats.frames_per_second, stats.frame_width, stats.bitrate) == (None, None, None, None)
    assert stats.tracks == {}


def test_the_main_video_is_main_video_or_the_first_that_the_model_sends() -> None:
    camera = Track(name="camera", kind="video", direction="sendonly")
    sound = Track(name="sound", kind="audio", direction="recvonly")
    depth = Track(name="depth", kind="video", direction="recvonly")
    main = Track(name="main_video", kind="video", direction="recvonly")
    assert main_video([camera, depth, main]) == "main_video"
    assert main_video([camera, sound, depth]) == "depth"
    assert main_video([camera, sound]) is None
