from __future__ import annotations

from typing import Any

import pytest

from reactor_protocol.messages import ClipFailed, ClipReady
from reactor_sdk import (
    Clip,
    ParsedPlaylist,
    RecordingError,
    absolutize_manifest_urls,
    clip_from_wire,
    parse_playlist,
    rewrite_url_host,
)
from reactor_sdk.clips import check_duration, clip_of

WIRE: dict[str, Any] = {
    "session_id": "s-1",
    "kind": "snap",
    "start_marker": 1.5,
    "end_marker": 3.5,
    "now_marker": 3.5,
    "predicted_ready_at_ms": 1_700_000_000_000,
    "playlist_url": "/clips?session_id=s-1&start=1.500&end=3.500",
}
WHERE = "https://api.example/clips?session_id=s-1&start=1.500&end=3.500"
PLAYLIST = (
    '#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-MAP:URI="/c/init.mp4"\n#EXTINF:4.000,\n/c/chunk_00000.m4s\n'
    "#EXTINF:4.000,\nhttps://store.example/b?sig=1\n#EXT-X-ENDLIST\n"
)


@pytest.mark.parametrize("wrong", [0, -1, True, float("nan"), float("inf"), "2", None])
def test_a_duration_is_a_number_of_seconds_above_nothing(wrong: object) -> None:
    with pytest.raises(RecordingError) as caught:
        check_duration(wrong)
    assert caught.value.code == "INVALID_DURATION"


def test_a_clip_has_its_playlist_at_the_server_that_the_client_knows() -> None:
    clip = clip_of(ClipReady(**WIRE), "https://api.example")
    assert clip == Clip("s-1", "snap", 1.5, 3.5, 3.5, 1_700_000_000_000, WHERE)
    assert clip_from_wire(WIRE, coordinator_base_url="https://api.example") == clip


def test_a_server_that_records_nothing_says_why() -> None:
    with pytest.raises(RecordingError, match="no media generated yet") as caught:
        clip_of(ClipFailed("no media generated yet"), "https://api.example")
    assert (caught.value.code, caught.value.reason) == ("RECORDER_DISABLED", "no media generated yet")


@pytest.mark.parametrize("change", [{"kind": "film"}, {"start_marker": float("nan")}, {"playlist_url": None, "end_marker": "x"}])
def test_a_clip_that_makes_no_sense_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(RecordingError) as caught:
        clip_from_wire({**WIRE, **change})
    assert caught.value.code == "INTERNAL_ERROR"


def test_the_host_of_an_address_is_replaced_and_the_rest_is_kept() -> None:
    assert rewrite_url_host("http://0.0.0.0:8080/clips?a=%2F1", "https://gpu:9000/x") == "https://gpu:9000/clips?a=%2F1"


def test_a_playlist_gives_whole_addresses_in_order() -> None:
    assert parse_playlist(PLAYLIST, WHERE) == ParsedPlaylist(
        "https://api.example/c/init.mp4", ("https://api.example/c/chunk_00000.m4s", "https://store.example/b?sig=1")
    )


def test_a_playlist_for_players_is_the_same_with_whole_addresses() -> None:
    text = absolutize_manifest_urls(PLAYLIST, WHERE)
    assert '#EXT-X-MAP:URI="https://api.example/c/init.mp4"\n' in text
    assert "\nhttps://api.example/c/chunk_00000.m4s\n" in text
    assert text.count("\n") == PLAYLIST.count("\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html>",
        "#EXTM3U\n#EXT-X-ENDLIST\n",
        '#EXTM3U\n#EXT-X-MAP:URI="init.mp4"\n',
        "#EXTM3U\na.m4s\n",
        '#EXTM3U\n#EXT-X-MAP:URI="file:///etc/passwd"\na.m4s\n',
        '#EXTM3U\n#EXT-X-MAP:URI="a.mp4"\nhttp://[half\n',
        '#EXTM3U\n#EXT-X-MAP:URI="a.mp4"\n' + "a.m4s\n" * 100_001,
    ],
    ids=["nothing", "a page", "no parts", "no segments", "no beginning", "a file", "no address", "too many"],
)
def test_what_is_no_playlist_is_refused(text: str) -> None:
    with pytest.raises(RecordingError) as caught:
        parse_playlist(text, WHERE)
    assert caught.value.code == "INVALID_PLAYLIST"
