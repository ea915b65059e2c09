"""Asking for clips, and fetching them from a server that answers as it is told."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from aiohttp import web

from reactor_protocol.errors import DisconnectedError, InvalidStateError
from reactor_protocol.messages import ClipFailed, ClipReady, RequestClip, RequestRecording
from reactor_sdk import Clip, RecordingClient, RecordingError, download_clip_as_file, fetch_playlist
from reactor_sdk import recordings as module
from reactor_sdk.remux import flat_mp4

READY = ClipReady("s-1", "snap", 0.5, 1.5, 1.5, 0, "/clips?session_id=s-1")


def film(seconds: int = 2, fps: int = 10) -> tuple[bytes, bytes]:
    """A beginning, and one part: each picture as bright as its number."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4", options={"movflags": "empty_moov+default_base_moof+frag_keyframe"}) as file:
        stream = file.add_stream("libx264", rate=fps, options={"tune": "zerolatency", "crf": "10"})
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        stream.codec_context.gop_size = 1000
        for number in range(seconds * fps):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 30 + 5 * number, np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, fps)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    body = out.getvalue()
    cut = body.index(b"moof") - 4
    return body[:cut], body[cut:]


@dataclass
class Store:
    """A server of clips. ``answers`` are the next ones for the playlist; the last one is repeated."""

    url: str = ""
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=lambda: [(200, {})])
    parts: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    async def playlist(self, request: web.Request) -> web.Response:
        self.asked.append((request.path, request.headers.get("Authorization")))
        status, headers = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.Response(status=status, headers=headers, text='#EXTM3U\n#EXT-X-MAP:URI="/c/init.mp4"\n/c/0.m4s\n/c/1.m4s\n')

    async def part(self, request: web.Request) -> web.Response:
        self.asked.append((request.path, request.headers.get("Authorization")))
        body = self.parts.get(request.match_info["name"])
        return web.Response(status=404) if body is None else web.Response(body=body)

    def clip(self, **change: Any) -> Clip:
        values = {"session_id": "s-1", "kind": "snap", "start_marker": 0.5, "end_marker": 1.5, "now_marker": 1.5}
        return Clip(**{**values, "predicted_ready_at_ms": 0, "playlist_url": f"{self.url}/clips", **change})


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    init, part = film()
    store = Store(parts={"init.mp4": init, "0.m4s": part, "1.m4s": b""})
    app = web.Application()
    app.router.add_get("/clips", store.playlist)
    app.router.add_get("/c/{name}", store.part)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    store.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield store
    await runner.cleanup()


class Host:
    """A client that has a session; its server answers as it is told."""

    base_url = "http://runtime:8080"

    def __init__(self, answer: ClipReady | ClipFailed | Exception | None) -> None:
        self.answer = answer
        self.asked: list[RequestClip | RequestRecording] = []

    async def ask_for_clip(self, request: RequestClip | RequestRecording) -> ClipReady | ClipFailed:
        self.asked.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is None:
            await asyncio.Event().wait()
        assert self.answer is not None
        return self.answer

    async def token_for(self, url: str) -> str | None:
        return "own-token" if "127.0.0.1" in url else None


async def test_a_clip_is_asked_for() -> None:
    host = Host(READY)
    clip = await RecordingClient(host).request_clip(1.0)
    assert host.asked == [RequestClip(1.0)]
    assert clip.playlist_url == "http://runtime:8080/clips?session_id=s-1"
    await RecordingClient(host).request_recording()
    assert host.asked[1:] == [RequestRecording()]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (ClipFailed("recorder disabled or encoder crashed"), "RECORDER_DISABLED"),
        (InvalidStateError("not connected"), "DISCONNECTED"),
        (DisconnectedError("gone"), "DISCONNECTED"),
        (None, "REQUEST_TIMEOUT"),
    ],
)
async def test_why_there_is_no_clip(answer: ClipFailed | Exception | None, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DEFAULT_CLIP_REQUEST_TIMEOUT_S", 0.01)
    with pytest.raises(RecordingError) as caught:
        await RecordingClient(Host(answer)).request_clip(1)
    assert caught.value.code == code


def shown(file: bytes) -> list[tuple[float, int]]:
    with av.open(io.BytesIO(file), "r") as film:
        return [
            (round(float(each.time or 0), 3), round(float(each.to_ndarray(format="rgb24").mean())))
            for each in film.decode(video=0)
        ]


async def test_a_file_shows_what_lies_between_the_markers(store: Store, tmp_path: Path) -> None:
    told: list[tuple[int, int, int]] = []
    body = await RecordingClient(Host(READY)).download_clip_as_file(
        store.clip(), tmp_path / "clip.mp4", on_progress=lambda *progress: told.append(progress)
    )
    assert (tmp_path / "clip.mp4").read_bytes() == body
    assert b"moof" not in body
    assert body.index(b"moov") < body.index(b"mdat")
    pictures = shown(body)
    assert [at for at, _ in pictures] == pytest.approx([number / 10 for number in range(10)])
    assert [bright for _, bright in pictures] == pytest.approx([30 + 5 * number for number in range(5, 15)], abs=3)
    size = sum(len(part) for part in store.parts.values())
    assert told == [(1, 2, size), (2, 2, size)]


async def test_the_token_goes_to_the_playlist_and_never_to_a_part(store: Store) -> None:
    await RecordingClient(Host(READY)).download_clip_as_file(store.clip())
    assert store.asked == [("/clips", "Bearer own-token"), ("/c/init.mp4", None), ("/c/0.m4s", None), ("/c/1.m4s", None)]


async def test_a_token_that_is_given_is_sent_and_none_without_one(store: Store) -> None:
    await RecordingClient(Host(READY)).fetch_playlist(store.clip(), jwt="given")
    await fetch_playlist(f"{store.url}/clips")
    assert [token for _, token in store.asked] == ["Bearer given", None]


async def test_a_clip_that_is_not_ready_is_asked_for_again(store: Store) -> None:
    store.answers = [(202, {"Retry-After": "0"}), (503, {}), (200, {})]
    assert (await fetch_playlist(f"{store.url}/clips")).startswith("#EXTM3U")
    assert len(store.asked) == 3


async def test_a_clip_that_is_never_ready_is_given_up(store: Store) -> None:
    store.answers = [(202, {"Retry-After": "2"})]
    with pytest.raises(RecordingError) as caught:
        await fetch_playlist(f"{store.url}/clips", predicted_ready_at_ms=int(time.time() * 1000) + 200, slack_s=0.3)
    assert (caught.value.code, len(store.asked)) == ("CLIP_NOT_READY", 1)


@pytest.mark.parametrize(
    ("status", "code"), [(404, "CLIP_GONE"), (410, "CLIP_GONE"), (401, "PLAYLIST_FETCH_FAILED"), (400, "PLAYLIST_FETCH_FAILED")]
)
async def test_a_refusal_is_final(store: Store, status: int, code: str) -> None:
    store.answers = [(status, {})]
    with pytest.raises(RecordingError) as caught:
        await fetch_playlist(f"{store.url}/clips")
    assert (caught.value.code, caught.value.status, len(store.asked)) == (code, status, 1)


async def test_a_part_that_is_missing_is_told(store: Store) -> None:
    del store.parts["1.m4s"]
    with pytest.raises(RecordingError) as caught:
        await download_clip_as_file(store.clip())
    assert caught.value.code == "CLIP_GONE"


async def test_a_callback_that_raises_does_not_stop_the_download(store: Store) -> None:
    def on_progress(fetched: int, total: int, size: int) -> None:
        raise ValueError("not my day")

    assert await download_clip_as_file(store.clip(), on_progress=on_progress)


async def test_nobody_answers(unused_tcp_port: int) -> None:
    with pytest.raises(RecordingError) as caught:
        await download_clip_as_file(Clip("s", "snap", 0, 1, 1, 0, f"http://127.0.0.1:{unused_tcp_port}/clips"))
    assert caught.value.code == "PLAYLIST_FETCH_FAILED"


def test_what_is_no_film_is_returned_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    assert flat_mp4(b"not a film at all", 0.0, 1.0) == b"not a film at all"
    assert "stays fragmented" in caplog.text


def test_markers_that_do_not_fit_the_media_show_all_of_it() -> None:
    assert len(shown(flat_mp4(b"".join(film()), 5000.0, 5001.0))) == 20
