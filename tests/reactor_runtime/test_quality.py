"""Codecs, rates and degradation from manifest and environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from reactor_protocol.errors import InvalidArgumentError
from reactor_rtc.port import PeerConfig
from reactor_runtime.config import ConfigError, Settings, read_manifest, read_settings, with_manifest
from reactor_runtime.quality import Quality, over, quality_of_environment, quality_of_manifest, with_codecs_of

MANIFEST = """
runtime:
  import: a:B
  media: {codecs: [vp9, vp8], min_kbps: 200, start_kbps: 1500, max_kbps: 6000, track_max_kbps: 3000, degradation: balanced}
"""


def test_nothing_said_changes_nothing() -> None:
    assert quality_of_environment({}) == quality_of_manifest({}) == Quality()
    assert Quality().applied(PeerConfig()) == PeerConfig()
    assert PeerConfig().degradation == "maintain-resolution"


def test_the_environment_says_it_in_the_words_of_the_published_runtime() -> None:
    env = {
        "WEBRTC_VIDEO_CODECS": "av1, VP9,av1",
        "WEBRTC_BWE_MIN_KBPS": "500",
        "WEBRTC_SENDER_MIN_KBPS": "700",
        "WEBRTC_BWE_INITIAL_KBPS": "1000.5",
        "WEBRTC_BWE_MAX_KBPS": "8000",
        "WEBRTC_SENDER_MAX_KBPS": "3000",
        "WEBRTC_DEGRADATION_PREFERENCE": "maintain-framerate",
    }
    peer = read_settings(env).peer
    assert peer.video_codecs == ("AV1", "VP9")
    assert (peer.path_min_bitrate, peer.start_bitrate, peer.path_max_bitrate) == (700_000, 1_000_500, 8_000_000)
    assert peer.max_bitrate == 3_000_000
    assert peer.degradation == "maintain-framerate"


def test_a_limit_of_nothing_is_the_default() -> None:
    peer = read_settings({"WEBRTC_SENDER_MAX_KBPS": "0", "WEBRTC_SENDER_MIN_KBPS": "-1"}).peer
    assert (peer.max_bitrate, peer.path_min_bitrate) == (10_000_000, 0)


def test_what_is_not_said_gives_way_to_what_is() -> None:
    assert Quality(max_kbps=2000).applied(PeerConfig()).start_bitrate == 2_000_000
    assert Quality(min_kbps=5000).applied(PeerConfig()).start_bitrate == 5_000_000
    assert Quality(min_kbps=12_000).applied(PeerConfig()).path_max_bitrate == 12_000_000


@pytest.mark.parametrize(
    "quality", [Quality(min_kbps=2, max_kbps=1), Quality(start_kbps=9, max_kbps=5), Quality(min_kbps=5, start_kbps=4)]
)
def test_rates_grow_from_the_least_to_the_greatest(quality: Quality) -> None:
    with pytest.raises(InvalidArgumentError, match="must grow in this order"):
        quality.applied(PeerConfig())


def test_a_manifest_says_it_and_the_environment_has_the_last_word(tmp_path: Path) -> None:
    (tmp_path / "reactor.yaml").write_text(MANIFEST)
    manifest = read_manifest(tmp_path)
    peer = with_manifest(Settings(), manifest, {}).peer
    assert peer.video_codecs == ("VP9", "VP8")
    assert (peer.path_min_bitrate, peer.start_bitrate, peer.path_max_bitrate) == (200_000, 1_500_000, 6_000_000)
    assert (peer.max_bitrate, peer.degradation) == (3_000_000, "balanced")
    env = {"WEBRTC_BWE_INITIAL_KBPS": "800", "WEBRTC_VIDEO_CODECS": "VP9", "STUN_SERVERS": "stun:a"}
    peer = with_manifest(read_settings(env), manifest, env).peer
    assert (peer.start_bitrate, peer.path_max_bitrate, peer.video_codecs) == (800_000, 6_000_000, ("VP9",))
    assert peer.ice_servers[0].urls == ("stun:a",)


def test_codecs_that_the_engine_lacks_are_left_out_and_none_at_all_is_refused() -> None:
    engine = ("VP8", "VP9", "AV1")
    peer, missing = with_codecs_of(PeerConfig(video_codecs=("H264", "VP9")), engine)
    assert (peer.video_codecs, missing) == (("VP9",), ("H264",))
    assert with_codecs_of(PeerConfig(), engine) == (PeerConfig(), ())
    with pytest.raises(InvalidArgumentError) as refused:
        with_codecs_of(PeerConfig(video_codecs=("H264", "H265")), engine)
    assert str(refused.value) == (
        "no codec of H264, H265 (WEBRTC_VIDEO_CODECS, or runtime.media.codecs) is in this WebRTC engine, "
        "which has VP8, VP9, AV1: name one of these, or leave the setting out"
    )


def test_one_says_what_the_other_does_not() -> None:
    first, second = Quality(("VP8",), 0.0, None, 3.0), Quality(("VP9",), 1.0, 2.0, None, 4.0, "balanced")
    assert over(first, second) == Quality(("VP8",), 0.0, 2.0, 3.0, 4.0, "balanced")


@pytest.mark.parametrize(
    ("media", "message"),
    [
        ("codecs: VP8", r"runtime\.media\.codecs must be a list of VP8, VP9, AV1, not 'VP8'"),
        ("codecs: [theora]", r"runtime\.media\.codecs: THEORA is not one of"),
        ("max_kbps: fast", r"runtime\.media\.max_kbps must be a number, not 'fast'"),
        ("max_kbps: true", r"runtime\.media\.max_kbps must be a number"),
        ("max_kbps: .nan", r"runtime\.media\.max_kbps must be a number"),
        ("max_kbps: 1e+9", r"runtime\.media\.max_kbps must be at most 1000000 kbit/s, not 1e\+09"),
        ("degradation: none", r"runtime\.media\.degradation must be maintain-resolution, maintain-framerate or balanced"),
    ],
)
def test_mistakes_in_a_manifest_are_named(tmp_path: Path, media: str, message: str) -> None:
    (tmp_path / "reactor.yaml").write_text(f"runtime:\n  import: a:B\n  media:\n    {media}\n")
    with pytest.raises(ConfigError, match=message):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WEBRTC_BWE_MAX_KBPS", "much"),
        ("WEBRTC_BWE_MIN_KBPS", "nan"),
        ("WEBRTC_SENDER_MIN_KBPS", "inf"),
        ("WEBRTC_DEGRADATION_PREFERENCE", "fps"),
    ],
)
def test_mistakes_in_the_environment_are_named(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} must be"):
        read_settings({name: value})
    with pytest.raises(ConfigError, match="must grow in this order"):
        read_settings({"WEBRTC_BWE_MIN_KBPS": "2", "WEBRTC_BWE_MAX_KBPS": "1"})
