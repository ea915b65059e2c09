"""The changes to session descriptions."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reactor_rtc.sdp import looks_like_sdp, with_stereo, with_video_bitrate

SDP = "\r\n".join(
    [
        "v=0",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111 0",
        "a=rtpmap:111 opus/48000/2",
        "a=fmtp:111 minptime=10;useinbandfec=1",
        "a=rtpmap:0 PCMU/8000",
        "m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99",
        "a=rtpmap:96 VP8/90000",
        "a=rtpmap:97 rtx/90000",
        "a=fmtp:97 apt=96",
        "a=rtpmap:98 H264/90000",
        "a=fmtp:98 profile-level-id=42e01f",
        "a=rtpmap:99 AV1/90000",
        "",
    ]
)


def changed(before: str, after: str) -> set[str]:
    """The lines that are new."""
    return set(after.split("\r\n")) - set(before.split("\r\n"))


@pytest.mark.parametrize(("text", "does"), [("v=0\r\no=-", True), ("", False), ("hello", False), (" v=0", False), ("{}", False)])
def test_looks_like_sdp(text: str, does: bool) -> None:
    assert looks_like_sdp(text) is does


def test_video_bitrate_is_in_kilobits_on_every_codec_but_rtx() -> None:
    rates = "x-google-start-bitrate=4000;x-google-max-bitrate=10000"
    after = with_video_bitrate(SDP, 4_000_000, 10_000_000)
    assert changed(SDP, after) == {
        f"a=fmtp:96 {rates}",
        f"a=fmtp:98 profile-level-id=42e01f;{rates}",
        f"a=fmtp:99 {rates}",
    }
    lines = after.split("\r\n")
    assert lines[lines.index("a=rtpmap:96 VP8/90000") + 1] == f"a=fmtp:96 {rates}", "fmtp follows its rtpmap"
    assert len(lines) == len(SDP.split("\r\n")) + 2


def test_stereo_is_asked_of_opus_alone() -> None:
    assert changed(SDP, with_stereo(SDP)) == {"a=fmtp:111 minptime=10;useinbandfec=1;stereo=1"}


def test_stereo_without_an_fmtp_makes_one() -> None:
    bare = SDP.replace("a=fmtp:111 minptime=10;useinbandfec=1\r\n", "")
    assert changed(bare, with_stereo(bare)) == {"a=fmtp:111 stereo=1"}


@pytest.mark.parametrize("change", [with_stereo, lambda sdp: with_video_bitrate(sdp, 4_000_000, 10_000_000)])
def test_once_is_enough(change: object) -> None:
    assert callable(change)
    assert change(change(SDP)) == change(SDP)


@pytest.mark.parametrize("text", [SDP.replace("\r\n", "\n"), SDP.rstrip("\r\n"), SDP + "\r\n\r\n"])
def test_line_ends_become_crlf_and_one_at_the_end(text: str) -> None:
    assert with_stereo(text) == with_stereo(SDP)


def test_payload_numbers_are_not_mistaken_for_one_another() -> None:
    sdp = "v=0\r\na=rtpmap:9 VP8/90000\r\na=fmtp:96 apt=9\r\na=fmtp:9x y\r\n"
    after = with_video_bitrate(sdp, 1_000, 2_000)
    assert changed(sdp, after) == {"a=fmtp:9 x-google-start-bitrate=1;x-google-max-bitrate=2"}


@pytest.mark.parametrize("text", ["v=0\r\n", "v=0\r\na=fmtp:96\r\na=rtpmap:\r\na=rtpmap:x VP8/90000\r\n"])
def test_what_has_no_such_codec_stays(text: str) -> None:
    assert with_stereo(text) == text
    assert with_video_bitrate(text, 1, 2) == text


LINES = [
    "v=0",
    "m=video 9 X 96",
    "a=rtpmap:96 VP8/90000",
    "a=rtpmap:96 opus/48000/2",
    "a=fmtp:96 x=1",
    "a=fmtp:96",
    "a=fmtp:",
    "a=rtpmap:",
    "\0",
    "\r",
    "é",
]


@settings(max_examples=100, deadline=None)
@given(st.text() | st.lists(st.sampled_from(LINES), max_size=12).map("\r\n".join))
def test_no_description_raises_and_none_grows_much(sdp: str) -> None:
    for after in (with_stereo(sdp), with_video_bitrate(sdp, 4_000_000, 10_000_000)):
        assert after.endswith("\r\n")
        assert len(after) <= 2 * len(sdp) + 80 * (sdp.count("a=") + 1)


def test_a_large_description_is_read_in_one_go() -> None:
    sdp = "v=0\r\n" + "".join(f"a=rtpmap:{number} VP8/90000\r\n" for number in range(9_000))
    began = time.process_time()
    assert with_video_bitrate(sdp, 4_000_000, 10_000_000).count("a=fmtp:") == 9_000
    assert time.process_time() - began < 0.5


def test_a_rate_below_which_it_does_not_fall_stands_before_the_others() -> None:
    after = with_video_bitrate(SDP, 4_000_000, 10_000_000, 500_000)
    assert "x-google-min-bitrate=500;x-google-start-bitrate=4000;x-google-max-bitrate=10000" in after
