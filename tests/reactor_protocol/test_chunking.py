"""Messages in fragments; the examples are those of the reference (runtime, 5.5)."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reactor_protocol.chunking import Assembly, offered, split, with_agreement
from reactor_protocol.errors import DecodeError

MEGABYTE = 1024 * 1024


@pytest.mark.parametrize(
    ("message", "fragments"),
    [
        (b"hello", [(b"\x00", 5)]),
        ("hello", [(b"\x02", 5)]),
        (b"", [(b"\x00", 0)]),
        (b"x" * 65_535, [(b"\x00", 65_535)]),
        (b"x" * 65_536, [(b"\x01", 65_535), (b"\x00", 1)]),
        (b"x" * 102_400, [(b"\x01", 65_535), (b"\x00", 36_865)]),
        ("x" * 200_000, [(b"\x03", 65_535), (b"\x03", 65_535), (b"\x03", 65_535), (b"\x02", 3_395)]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_message_is_split_and_put_together_again(message: str | bytes, fragments: list[tuple[bytes, int]]) -> None:
    pieces = split(message)
    assert [(piece[:1], len(piece) - 1) for piece in pieces] == fragments
    assembly = Assembly(MEGABYTE)
    assert [assembly.feed(piece) for piece in pieces] == [None] * (len(pieces) - 1) + [message]


def test_a_message_above_the_limit_is_refused_whole_and_the_next_one_is_heard() -> None:
    assembly = Assembly(10)
    assert assembly.feed(b"\x01" + b"x" * 10) is None
    assert assembly.feed(b"\x01x") is None
    assert assembly.feed(b"\x01x") is None
    with pytest.raises(DecodeError, match="limit of 10 bytes"):
        assembly.feed(b"\x00x")
    assert assembly.feed(b"\x00" + b"y" * 10) == b"y" * 10


@pytest.mark.parametrize("fragment", ["text", b"", b"\x02\xff"])
def test_what_is_no_fragment(fragment: str | bytes) -> None:
    assembly = Assembly(10)
    with pytest.raises(DecodeError):
        assembly.feed(fragment)
    assert assembly.feed(b"\x00y") == b"y"


SESSION = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
MEDIA = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\n"
LINE = "a=x-reactor-dc-chunking:1 max-message-size=67108864\r\n"


@pytest.mark.parametrize(
    ("sdp", "limit"),
    [
        (SESSION + LINE + MEDIA, 67_108_864),
        (SESSION + LINE, 67_108_864),
        ((SESSION + LINE + MEDIA).replace("\r\n", "\n"), 67_108_864),
        (SESSION + MEDIA, None),
        (SESSION + MEDIA + LINE, None),
        (SESSION + LINE.replace(":1 ", ":2 ") + MEDIA, None),
        (SESSION + LINE.replace("67108864", "0") + MEDIA, None),
        (SESSION + LINE.replace("67108864", "9" * 40) + MEDIA, None),
        (SESSION + "a=x-reactor-dc-chunking:1\r\n" + MEDIA, None),
        ("", None),
    ],
)
def test_what_a_description_declares(sdp: str, limit: int | None) -> None:
    assert offered(sdp) == limit


def test_the_answer_declares_it_for_the_whole_session() -> None:
    assert with_agreement(SESSION + MEDIA, 67_108_864) == SESSION + LINE + MEDIA
    assert with_agreement(SESSION, 67_108_864) == SESSION + LINE


@settings(max_examples=60, deadline=None)
@given(fragments=st.lists(st.binary(max_size=12) | st.text(max_size=4), max_size=12))
def test_no_fragments_raise_anything_else_or_pile_up(fragments: list[str | bytes]) -> None:
    assembly = Assembly(16)
    for fragment in fragments:
        with contextlib.suppress(DecodeError):
            message = assembly.feed(fragment)
            assert message is None or len(message) <= 16
