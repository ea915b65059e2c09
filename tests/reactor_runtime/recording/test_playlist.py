"""Playlists and names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor_runtime.recording.playlist import ChunkName, Condition, byte_range, playlist
from reactor_runtime.recording.timeline import Covered, Piece

SESSION = "6f0c2f3e-0000-4000-8000-000000000001"


def test_a_playlist_lists_what_has_to_be_known_and_then_the_parts() -> None:
    pieces = (Piece(0, 2, 3, 200, 200, 2.0, False), Piece(1, 0, 3, 0, 400, 4.0, True))
    assert playlist(SESSION, Covered(pieces, 2.0, 8.0), Condition(True, 9.25, 3)) == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:7\n"
        "#EXT-X-TARGETDURATION:4\n"
        "#EXT-X-MEDIA-SEQUENCE:0\n"
        "#EXT-X-PLAYLIST-TYPE:VOD\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        "#EXT-X-REACTOR-RECORDING:FINAL=YES,DURATION=9.250,DROPPED-FRAMES=3\n"
        f'#EXT-X-MAP:URI="/clips/chunks/{SESSION}/init.mp4"\n'
        "#EXTINF:2.000,\n"
        f"/clips/chunks/{SESSION}/chunk_00000_2_3.m4s\n"
        "#EXTINF:4.000,\n"
        f"/clips/chunks/{SESSION}/chunk_00001.m4s\n"
        "#EXT-X-ENDLIST\n"
    )


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("chunk_00000.m4s", ChunkName(0)),
        ("chunk_123456.m4s", ChunkName(123456)),
        ("chunk_00003_0_2.m4s", ChunkName(3, 0, 2)),
    ],
)
def test_a_name_and_its_chunk(text: str, name: ChunkName) -> None:
    assert ChunkName.parse(text) == name
    assert str(name) == text


@pytest.mark.parametrize(
    "text",
    [
        "chunk_0.m4s",
        "chunk_00000.m4s\n",
        "chunk_000001.m4s",
        "chunk_00000_2_1.m4s",
        "chunk_00000_01_2.m4s",
        "chunk_0000\u0663.m4s",
        "../init.mp4",
        "init.mp4",
        "chunk_00000.m4s/..",
        "",
    ],
)
def test_no_other_name_is_one(text: str) -> None:
    assert ChunkName.parse(text) is None


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (None, None),
        ("bytes=0-9", (0, 9)),
        ("bytes=5-", (5, 99)),
        ("bytes=90-500", (90, 99)),
        ("bytes=-10", (90, 99)),
        ("bytes=-500", (0, 99)),
        ("bytes=0-1,5-6", None),
        ("bytes=9-5", None),
        ("bytes=-", None),
        ("lines=0-9", None),
    ],
)
def test_a_range_of_bytes(header: str | None, wanted: tuple[int, int] | None) -> None:
    assert byte_range(header, 100) == wanted


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_a_range_that_lies_outside_is_told(header: str) -> None:
    with pytest.raises(ValueError, match=r"bytes \*/100"):
        byte_range(header, 100)


@given(st.text("0123456789-,= x", max_size=20), st.integers(1, 1000))
def test_no_header_gives_bytes_that_are_not_there(header: str, size: int) -> None:
    try:
        found = byte_range(f"bytes={header}", size)
    except ValueError:
        return
    assert found is None or 0 <= found[0] <= found[1] < size
