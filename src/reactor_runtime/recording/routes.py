"""The routes of recordings (reference: runtime, sections 3 and 8)."""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from reactor_protocol.errors import ApiError, BadRequestError, NotFoundError
from reactor_runtime.recording.playlist import CHUNK_TYPE, INIT_NAME, INIT_TYPE, PLAYLIST_TYPE, ChunkName, byte_range, playlist
from reactor_runtime.recording.recording import Recording
from reactor_runtime.recording.store import Recordings
from reactor_runtime.recording.timeline import Covered, Gone

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)
_PATIENCE_S: Final = 0.5
"""What is on its way is waited for: nearly every clip is there at the first request."""
_RETRY_S: Final = 1
_PART_BYTES: Final = 256 * 1024
_PRIVATE: Final = {"Cache-Control": "private, max-age=60", "X-Content-Type-Options": "nosniff"}


class GoneError(ApiError):
    """410: there was never such a recording here, or it is kept no longer."""

    code = "CLIP_GONE"
    status = 410


def recording_routes(recordings: Recordings) -> APIRouter:
    """``/clips`` and ``/clips/chunks``."""
    router = APIRouter()

    @router.get("/clips")
    async def clips(session_id: str = "", start: str = "", end: str = "") -> Response:
        """A part of a recording as an HLS playlist: 200, or 202 while it is not complete."""
        low, high = _seconds("start", start), _seconds("end", end)
        if high <= low:
            raise BadRequestError("end must be after start: both are seconds of recorded media")
        recording = _find(recordings, session_id)
        if high <= recording.now:
            recording.cut(time.monotonic())
        coverage = await recording.coverage(low, high, _PATIENCE_S)
        if isinstance(coverage, Gone):
            raise NotFoundError(coverage.reason)
        if not isinstance(coverage, Covered):
            return Response(status_code=202, headers={"Retry-After": str(_RETRY_S), "Cache-Control": "no-store"})
        text = playlist(recording.id, coverage, recording.condition)
        return Response(text, media_type=PLAYLIST_TYPE, headers={"Cache-Control": "no-store"})

    @router.get("/clips/chunks/{recording_id}/{name}")
    async def chunk(request: Request, recording_id: str, name: str) -> Response:
        """The bytes that a playlist lists, or a range of them."""
        stretch = _stretch(_find(recordings, recording_id), name)
        try:
            wanted = byte_range(request.headers.get("range"), stretch.size)
        except ValueError as error:
            return JSONResponse({"detail": "the range lies outside"}, 416, {"Content-Range": str(error)})
        headers = {**_PRIVATE, "Accept-Ranges": "bytes"}
        first, last = wanted or (0, stretch.size - 1)
        if wanted is not None:
            headers["Content-Range"] = f"bytes {first}-{last}/{stretch.size}"
        headers["Content-Length"] = str(last - first + 1)
        body = _read(stretch.path, stretch.offset + first, last - first + 1)
        return StreamingResponse(
            body, 206 if wanted is not None else 200, headers, INIT_TYPE if name == INIT_NAME else CHUNK_TYPE
        )

    return router


def _find(recordings: Recordings, recording_id: str) -> Recording:
    found = recordings.find(recording_id) if _ID.fullmatch(recording_id) else None
    if found is None:
        raise GoneError("there is no such recording: none was made, or it is kept no longer")
    return found


def _seconds(name: str, text: str) -> float:
    # Not what float() takes: "nan", "1_0" and the digits of other scripts are no times.
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    if math.isnan(value):
        raise BadRequestError(f"{name} must be a number of seconds, 0 or more")
    return value


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Bytes of a file."""

    path: Path
    offset: int
    size: int


def _stretch(recording: Recording, name: str) -> _Stretch:
    """Where the bytes of that name are. A name is only ever taken for numbers, so that no path can be asked for."""
    path = recording.folder / INIT_NAME
    if name == INIT_NAME and recording.timeline.fragments:
        return _Stretch(path, 0, path.stat().st_size)
    asked = ChunkName.parse(name)
    piece = recording.timeline.piece(asked.chunk, asked.first, asked.last) if asked is not None else None
    if piece is None:
        raise NotFoundError("there is no such part of the recording")
    return _Stretch(recording.folder / str(ChunkName(piece.chunk)), piece.offset, piece.size)


async def _read(path: Path, offset: int, size: int) -> AsyncIterator[bytes]:
    file = await asyncio.to_thread(path.open, "rb")
    try:
        await asyncio.to_thread(file.seek, offset)
        while size > 0 and (part := await asyncio.to_thread(file.read, min(size, _PART_BYTES))):
            size -= len(part)
            yield part
    finally:
        file.close()
