"""Trailers behind encoded pictures (reference: runtime, 6.5), and how a side declares that it knows them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reactor_protocol.attributes import declares_trailers, with_session_line
from reactor_protocol.trailers import FrameTag, split_trailer, trailer

TAG = FrameTag(7, 1_000_000, b"{}")
WRITTEN = b"\x08\x07\x10\xc0\x84\x3d\x1a\x02{}" + b"\x0a\x00\x00\x00" + b"RXMT"


def test_a_trailer_is_protobuf_length_and_mark() -> None:
    assert trailer(TAG) == WRITTEN
    assert split_trailer(b"codec" + WRITTEN) == (b"codec", TAG)


def test_what_is_not_told_is_zero() -> None:
    assert split_trailer(b"codec" + b"\x00\x00\x00\x00RXMT") == (b"codec", FrameTag(0, 0, b""))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"RXMT",
        b"codec",
        b"\xff\xff\xff\xffRXMT",
        b"\x05\x00\x00\x00RXMT",
        b"codec\x80\x01\x00\x00\x00RXMT",
        b"\x00" * 70_000 + (66_000).to_bytes(4, "little") + b"RXMT",
    ],
    ids=repr,
)
def test_bytes_without_a_trailer_stay_as_they_are(data: bytes) -> None:
    assert split_trailer(data) == (data, None)


def test_user_data_above_64_kib_is_left_out() -> None:
    for size, kept in ((65_536, 65_536), (65_537, 0)):
        picture, tag = split_trailer(b"codec" + trailer(FrameTag(1, 2, b"x" * size)))
        assert picture == b"codec"
        assert tag == FrameTag(1, 2, b"x" * kept)


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=40), size=st.integers(0, 50))
def test_no_bytes_raise_anything(data: bytes, size: int) -> None:
    picture, tag = split_trailer(data + size.to_bytes(4, "little") + b"RXMT")
    assert tag is not None or picture == data + size.to_bytes(4, "little") + b"RXMT"


@settings(max_examples=60, deadline=None)
@given(tag=st.builds(FrameTag, st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.binary(max_size=20)), codec=st.binary())
def test_a_trailer_comes_off_again(tag: FrameTag, codec: bytes) -> None:
    assert split_trailer(codec + trailer(tag)) == (codec, tag)


SESSION, MEDIA = "v=0\r\ns=-\r\nt=0 0\r\n", "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n"
LINE = "a=x-reactor-frame-metadata:1"


@pytest.mark.parametrize(
    ("sdp", "declared"),
    [
        (f"{SESSION}{LINE}\r\n{MEDIA}", True),
        (f"{SESSION}{LINE}\n{MEDIA}", True),
        (f"{SESSION}{LINE}\r\n", True),
        (SESSION + MEDIA, False),
        (f"{SESSION}{MEDIA}{LINE}\r\n", False),
        (f"{SESSION}{LINE}0\r\n{MEDIA}", False),
    ],
)
def test_a_description_declares_it_for_the_whole_session(sdp: str, declared: bool) -> None:
    assert declares_trailers(sdp) is declared


def test_a_line_of_the_session_stands_before_the_media() -> None:
    assert with_session_line(SESSION + MEDIA, LINE) == f"{SESSION}{LINE}\r\n{MEDIA}"
