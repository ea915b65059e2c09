"""Files to a session: from whatever holds the bytes to a reference that a command can carry."""

from __future__ import annotations

import asyncio
import inspect
import io
import logging
import mimetypes
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, Final, Protocol, TypeAlias, cast

from yarl import URL

from reactor_protocol.errors import (
    ApiError,
    InvalidArgumentError,
    NetworkError,
    RequestTimeoutError,
    UnsupportedFileError,
    UploadError,
)
from reactor_protocol.messages import FileRef
from reactor_protocol.resources import UploadRequest, UploadSlot
from reactor_sdk.api import Api

logger = logging.getLogger(__name__)


class Readable(Protocol):
    """A file object open for reading bytes."""

    def read(self, size: int = -1, /) -> bytes | None: ...


UploadFile: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Readable
ProgressCallback: TypeAlias = Callable[[int, int], Awaitable[None] | None]
"""Called with the bytes sent and the bytes in all."""

_CHUNK_BYTES: Final = 256 * 1024
_SPOOL_BYTES: Final = 4 * 1024 * 1024
_DEFAULT_NAME: Final = "upload"
_DEFAULT_MIME_TYPE: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class _Source:
    """Bytes to send: an open binary file at the place to begin, how many there are, and what they are called."""

    file: IO[bytes]
    size: int
    name: str
    mime_type: str

    async def chunks(self, progress: Callable[[int], Awaitable[None]]) -> AsyncIterator[bytes]:
        """The bytes in pieces; reading does not hold the event loop."""
        sent = 0
        while sent < self.size:
            chunk = await asyncio.to_thread(self.file.read, min(_CHUNK_BYTES, self.size - sent))
            if not chunk:
                raise UploadError(f"{self.name} ended after {sent} of {self.size} bytes")
            yield chunk
            sent += len(chunk)
            await progress(sent)


async def upload(api: Api, session_id: str, source: _Source, on_progress: ProgressCallback | None, *, keep_host: bool) -> FileRef:
    """Sends a file to a session. ``keep_host`` False replaces the host of the presigned address by the API's own.

    Raises :class:`UploadError` for a transfer that broke off, :class:`ApiError` where the server gives no place for it.
    """

    async def progress(sent: int) -> None:
        if on_progress is None:
            return
        try:
            result = on_progress(sent, source.size)
            if inspect.isawaitable(result):
                await result
        except Exception:
            logger.exception("the on_progress callback of an upload raised")

    request = UploadRequest(name=source.name, size=source.size, mime_type=source.mime_type)
    slot = (await api.fetch("POST", f"/sessions/{session_id}/uploads", request)).parse(UploadSlot)
    target = slot.presigned_url if keep_host else with_host_of(slot.presigned_url, api.address)
    try:
        await api.put_bytes(target, source.chunks(progress), source.size, source.mime_type)
    except (ApiError, NetworkError, RequestTimeoutError) as error:
        raise UploadError(f"{source.name} did not arrive: {error}", status=error.status) from error
    return FileRef(slot.presigned_id, source.name, source.mime_type, source.size)


def with_host_of(url: str, base: str) -> str:
    """The address on the host and port of ``base``: a runtime reports the address it is bound to, which may not be reachable."""
    target, origin = URL(url, encoded=True), URL(base)
    if target.is_absolute() and target.origin() == origin.origin():
        return url
    return str(
        URL.build(
            scheme=origin.scheme,
            authority=origin.authority,
            path=target.raw_path,
            query_string=target.raw_query_string,
            encoded=True,
        )
    )


@asynccontextmanager
async def open_source(file: UploadFile, name: str | None = None, mime_type: str | None = None) -> AsyncIterator[_Source]:
    """What to send, for as long as the block lasts.

    Raises :class:`UnsupportedFileError` for a directory, a text file object or anything else that is not bytes,
    :class:`UploadError` for a path that cannot be read, and :class:`InvalidArgumentError` for zero bytes.
    """
    opened, found, own = await asyncio.to_thread(_open, file)
    try:
        size = await asyncio.to_thread(_remaining, opened)
        if size == 0:
            raise InvalidArgumentError(f"{name or found or 'the file'} holds zero bytes: there is nothing to upload")
        called = name or found or _DEFAULT_NAME
        yield _Source(opened, size, called, mime_type or mimetypes.guess_type(called)[0] or _DEFAULT_MIME_TYPE)
    finally:
        if own:
            await asyncio.to_thread(opened.close)


def _open(file: UploadFile) -> tuple[IO[bytes], str | None, bool]:
    """A seekable binary file, the name it has, and whether it is ours to close."""
    if isinstance(file, bytes | bytearray | memoryview):
        return io.BytesIO(file), None, True
    if isinstance(file, str | os.PathLike):
        return _open_path(Path(file))
    if isinstance(file, io.TextIOBase):
        raise UnsupportedFileError("the file is open in text mode: open it with mode 'rb'")
    if not callable(getattr(file, "read", None)):
        raise UnsupportedFileError(f"a path, bytes, or a binary file object is needed, got {type(file).__name__}")
    named = getattr(file, "name", None)
    name = Path(named).name if isinstance(named, str) else None
    try:
        beginning: object = file.read(0)
    except (OSError, ValueError) as error:
        raise UnsupportedFileError(f"the file object cannot be read: {error}") from error
    if isinstance(beginning, str):
        raise UnsupportedFileError("the file object gives text: open it with mode 'rb'")
    binary = cast(IO[bytes], file)
    return (binary, name, False) if _seekable(file) else (_spooled(binary), name, True)


def _open_path(path: Path) -> tuple[IO[bytes], str | None, bool]:
    if path.is_dir():
        raise UnsupportedFileError(f"{path} is a directory: upload its files one by one")
    try:
        return path.open("rb"), path.name, True
    except OSError as error:
        raise UploadError(f"{path} cannot be read: {error.strerror or error}") from error


def _seekable(file: Any) -> bool:
    seekable = getattr(file, "seekable", None)
    return callable(seekable) and bool(seekable())


def _spooled(file: IO[bytes]) -> IO[bytes]:
    """What is left of a stream, on disk: the size has to be known before the first byte is sent."""
    spool = tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES)  # noqa: SIM115  # closed by whoever asked for the source
    shutil.copyfileobj(file, spool, _CHUNK_BYTES)
    spool.seek(0)
    return spool


def _remaining(file: IO[bytes]) -> int:
    here = file.tell()
    end = file.seek(0, os.SEEK_END)
    file.seek(here)
    return max(0, end - here)
