"""Recordings: asking for clips, and fetching them."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol, TypeAlias

import aiohttp
from yarl import URL

from reactor_protocol.errors import (
    AuthenticationError,
    DisconnectedError,
    InvalidStateError,
    RequestTimeoutError,
)
from reactor_protocol.messages import ClipFailed, ClipReady, RequestClip, RequestRecording
from reactor_sdk.clips import (
    Clip,
    RecordingError,
    RecordingErrorCode,
    absolutize_manifest_urls,
    check_duration,
    clip_of,
    parse_playlist,
)
from reactor_sdk.remux import flat_mp4

logger = logging.getLogger(__name__)

DEFAULT_CLIP_REQUEST_TIMEOUT_S: Final = 10.0
DEFAULT_PLAYLIST_POLL_SLACK_S: Final = 60.0
"""For how long after its predicted time a clip is waited for."""

ClipProgress: TypeAlias = Callable[[int, int, int], None]
"""Called with the parts that were fetched, the parts in all, and the bytes so far."""

PathLike: TypeAlias = str | os.PathLike[str]

_MIN_PAUSE_S: Final = 0.2
_MAX_PAUSE_S: Final = 2.0
_MAX_PREDICTION_S: Final = 300.0
_MAX_FAILURES: Final = 5
_ANSWER_LIMIT_S: Final = 35.0
_CONNECT_LIMIT_S: Final = 5.0
_MAX_PLAYLIST_BYTES: Final = 32 * 1024 * 1024
_MAX_CLIP_BYTES: Final = 4 * 1024**3
_PART_BYTES: Final = 256 * 1024


class ClipHost(Protocol):
    """What a :class:`RecordingClient` asks of the client that it belongs to."""

    async def ask_for_clip(self, request: RequestClip | RequestRecording) -> ClipReady | ClipFailed:
        """The server's answer. Raises :class:`InvalidStateError`, :class:`DisconnectedError`, :class:`RequestTimeoutError`."""
        ...

    async def token_for(self, url: str) -> str | None:
        """The token to send to that address; None where it has no business there."""
        ...

    @property
    def base_url(self) -> str:
        """Scheme, host and port of the server."""
        ...


class RecordingClient:
    """The recordings of one client's session: ``reactor.recording``."""

    def __init__(self, host: ClipHost) -> None:
        self._host = host

    async def request_clip(self, duration_seconds: float) -> Clip:
        """A clip of the last ``duration_seconds``, a number above 0; servers give 300 s at most. It may not be ready yet.

        Raises :class:`RecordingError`: INVALID_DURATION, RECORDER_DISABLED where sessions are not recorded or nothing has been
        made yet, REQUEST_TIMEOUT after 10 s, DISCONNECTED.
        """
        return await self._request(RequestClip(check_duration(duration_seconds)))

    async def request_recording(self) -> Clip:
        """A clip of everything until now. Raises as :meth:`request_clip`."""
        return await self._request(RequestRecording())

    async def _request(self, request: RequestClip | RequestRecording) -> Clip:
        try:
            async with asyncio.timeout(DEFAULT_CLIP_REQUEST_TIMEOUT_S):
                answer = await self._host.ask_for_clip(request)
        except (TimeoutError, RequestTimeoutError) as error:
            raise RecordingError("REQUEST_TIMEOUT", f"no answer within {DEFAULT_CLIP_REQUEST_TIMEOUT_S:g} s") from error
        except (InvalidStateError, DisconnectedError) as error:
            raise RecordingError("DISCONNECTED", error.message) from error
        return clip_of(answer, self._host.base_url)

    async def fetch_playlist(self, clip: Clip, *, jwt: str | None = None, slack_s: float = DEFAULT_PLAYLIST_POLL_SLACK_S) -> str:
        """The HLS playlist of a clip, which is waited for until it is ready. ``jwt`` is this client's own unless given.

        Raises :class:`RecordingError`: CLIP_GONE, CLIP_NOT_READY after ``slack_s`` seconds, PLAYLIST_FETCH_FAILED.
        """
        token = jwt or await self._token(clip)
        async with _http() as http:
            return await _poll_playlist(http, clip, token, slack_s)

    async def get_playable_manifest_bytes(self, clip: Clip, *, jwt: str | None = None) -> bytes:
        """The playlist with whole addresses, as UTF-8: a player may be given it as a file. Raises as :meth:`fetch_playlist`."""
        return absolutize_manifest_urls(await self.fetch_playlist(clip, jwt=jwt), clip.playlist_url).encode()

    async def download_clip_as_file(
        self, clip: Clip, path: PathLike | None = None, *, jwt: str | None = None, on_progress: ClipProgress | None = None
    ) -> bytes:
        """The clip as an MP4 file; see :func:`download_clip_as_file`. ``jwt`` is this client's own unless given."""
        return await download_clip_as_file(clip, path, jwt=jwt or await self._token(clip), on_progress=on_progress)

    async def close(self) -> None:
        """Nothing is held open between two calls; this is here for code that closes what it was given."""

    async def _token(self, clip: Clip) -> str | None:
        try:
            return await self._host.token_for(clip.playlist_url)
        except AuthenticationError as error:
            raise RecordingError("PLAYLIST_FETCH_FAILED", error.message, status=error.status) from error


async def download_clip_as_file(
    clip: Clip, path: PathLike | None = None, *, jwt: str | None = None, on_progress: ClipProgress | None = None
) -> bytes:
    """Fetches a clip, once it is ready, and returns it as a flat MP4 with its index in front; also writes it to ``path``.

    The file shows exactly what lies between the clip's markers. ``on_progress(fetched, total, bytes)`` is told of each part;
    what it raises is logged. Raises :class:`RecordingError` as :meth:`RecordingClient.fetch_playlist`, and INVALID_PLAYLIST,
    CHUNK_FETCH_FAILED; OSError where ``path`` cannot be written.
    """
    async with _http() as http:
        text = await _poll_playlist(http, clip, jwt, DEFAULT_PLAYLIST_POLL_SLACK_S)
        listed = parse_playlist(text, clip.playlist_url)
        body = bytearray(await _fetch_part(http, listed.init_url, 0))
        for number, url in enumerate(listed.segment_urls, 1):
            body += await _fetch_part(http, url, len(body))
            _tell(on_progress, number, len(listed.segment_urls), len(body))
    file = await asyncio.to_thread(flat_mp4, bytes(body), clip.start_marker, clip.end_marker)
    clip._keep(file)
    if path is not None:
        await asyncio.to_thread(Path(path).write_bytes, file)
    return file


async def fetch_playlist(
    playlist_url: str,
    *,
    predicted_ready_at_ms: int | None = None,
    slack_s: float = DEFAULT_PLAYLIST_POLL_SLACK_S,
    jwt: str | None = None,
) -> str:
    """The text of a playlist, which is waited for until it is ready. Raises as :meth:`RecordingClient.fetch_playlist`."""
    clip = replace(_NO_CLIP, playlist_url=playlist_url, predicted_ready_at_ms=predicted_ready_at_ms or 0)
    async with _http() as http:
        return await _poll_playlist(http, clip, jwt, slack_s)


_NO_CLIP: Final = Clip("", "snap", 0.0, 0.0, 0.0, 0, "")


def _tell(on_progress: ClipProgress | None, fetched: int, total: int, size: int) -> None:
    if on_progress is None:
        return
    try:
        on_progress(fetched, total, size)
    except Exception:
        logger.exception("the on_progress callback of a download raised")


@asynccontextmanager
async def _http() -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_LIMIT_S, sock_read=_ANSWER_LIMIT_S)
    async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as http:
        yield http


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer of HTTP; ``pause`` is what the server says to wait for, in seconds."""

    status: int
    body: bytes
    pause: float | None


async def _poll_playlist(http: aiohttp.ClientSession, clip: Clip, jwt: str | None, slack_s: float) -> str:
    """Asks until the playlist is there, as often as the server says, within bounds."""
    predicted = min(max(0.0, clip.predicted_ready_at_ms / 1000 - time.time()), _MAX_PREDICTION_S)
    loop = asyncio.get_running_loop()
    give_up, failures = loop.time() + predicted + slack_s, 0
    while True:
        try:
            answer = await _get(http, clip.playlist_url, jwt, _MAX_PLAYLIST_BYTES, "PLAYLIST_FETCH_FAILED")
        except RecordingError as error:
            failures += 1
            if failures >= _MAX_FAILURES or not error.recoverable or (error.status is not None and error.status < 500):
                raise
            answer = _Answer(503, b"", None)
        if answer.status == 200:
            return answer.body.decode("utf-8", "replace")
        pause = min(max(answer.pause or _MIN_PAUSE_S, _MIN_PAUSE_S), _MAX_PAUSE_S)
        if loop.time() + pause > give_up:
            raise RecordingError("CLIP_NOT_READY", f"the clip is not ready {slack_s:g} s after it should have been")
        await asyncio.sleep(pause)


async def _fetch_part(http: aiohttp.ClientSession, url: str, size: int) -> bytes:
    """One part of a clip. Its address says all that is needed: it gets no token, wherever it leads."""
    return (await _get(http, url, None, _MAX_CLIP_BYTES - size, "CHUNK_FETCH_FAILED")).body


async def _get(http: aiohttp.ClientSession, url: str, jwt: str | None, limit: int, code: RecordingErrorCode) -> _Answer:
    headers = {"Authorization": f"Bearer {jwt}"} if jwt else {}
    try:
        # What is signed is signed as it is written. A token goes nowhere else than where it was sent.
        request = http.get(URL(url, encoded=True), headers=headers, allow_redirects=not jwt)
        async with request as response:
            if response.status in (404, 410):
                raise RecordingError(
                    "CLIP_GONE", f"the clip is kept no longer, or never was ({response.status})", status=response.status
                )
            if response.status not in (200, 202):
                raise RecordingError(code, f"{_where(url)} answers with {response.status}", status=response.status)
            body = bytearray()
            async for part in response.content.iter_chunked(_PART_BYTES):
                body += part
                if len(body) > limit:
                    raise RecordingError("DOWNLOAD_UNSUPPORTED", f"{_where(url)} answers with more than {limit} bytes")
            return _Answer(response.status, bytes(body), _seconds(response.headers.get("Retry-After")))
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        raise RecordingError(code, f"{_where(url)} could not be read: {str(error) or type(error).__name__}") from error


def _where(url: str) -> str:
    """The address without what may be secret in it."""
    return url.partition("?")[0][:300]


def _seconds(header: str | None) -> float | None:
    return float(header) if header is not None and header.isdecimal() and len(header) < 6 else None
