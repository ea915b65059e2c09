"""Files that clients upload: reserved, written to disk or fetched from a coordinator, and read when a command refers to them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import uuid4

from reactor_protocol.errors import BadRequestError, ConflictError, NotFoundError, RateLimitedError
from reactor_protocol.messages import FileRef
from reactor_protocol.names import UPLOAD_WAIT_S
from reactor_protocol.resources import UploadRequest
from reactor_rtc.scope import TaskScope
from reactor_runtime.commands import UNRESOLVED_UPLOAD
from reactor_runtime.fetching import Fetcher, FetchRefused, NotThereYet, is_source
from reactor_runtime.fields import CommandError
from reactor_runtime.stored import StoredFile

logger = logging.getLogger(__name__)

MAX_UPLOAD_BYTES = 256 * 1024 * 1024
MAX_UPLOADS = 256
MAX_SESSION_BYTES: Final = 8 * 1024**3
"""Limit of all files of a session, those counted that are still to come."""

UNWRITTEN_S: Final = 900.0
"""How long a place is kept for bytes that nobody sends, and how long sending them may take."""

FETCH_LIMIT_S: Final = 120.0
"""How long one transfer from a source may take."""

_FIRST_RETRY_S: Final = 0.05
_LAST_RETRY_S: Final = 0.5


@dataclass(slots=True)
class _Slot:
    """A place for one file."""

    file: FileRef
    path: Path
    writing: bool = False
    complete: asyncio.Event = field(default_factory=asyncio.Event)
    reserved_at: float = 0.0
    source: str | None = None
    wanted_until: float = 0.0
    fetching: asyncio.Task[None] | None = None
    trouble: str | None = None


class UploadStore:
    """The uploads of the running session, in a temporary folder that goes with it.

    With a ``fetcher`` it is that of a worker: a reservation may name a source, and may be repeated.
    """

    def __init__(self, fetcher: Fetcher | None = None) -> None:
        self._fetcher = fetcher
        self._scope = TaskScope("uploads")
        self._folder: Path | None = None
        self._slots: dict[str, _Slot] = {}

    def reserve(self, request: UploadRequest, now: float | None = None) -> FileRef:
        """Makes a place for a file. Raises :class:`BadRequestError`, :class:`ConflictError` or :class:`RateLimitedError`.

        A coordinator that did not hear the answer asks again: the same id and size are the same place, of the newer source.
        """
        self._check(request)
        now = time.monotonic() if now is None else now
        self._forget_unwritten(now)
        known = self._slots.get(request.upload_id) if request.upload_id else None
        if known is not None:
            if self._fetcher is None or known.file.size != request.size:
                raise ConflictError(f"the upload id {request.upload_id} is taken")
            known.source = request.source or known.source
            return known.file
        if len(self._slots) >= MAX_UPLOADS:
            raise RateLimitedError(f"a session takes at most {MAX_UPLOADS} uploads: refer to one of those again")
        if sum(slot.file.size for slot in self._slots.values()) + request.size > MAX_SESSION_BYTES:
            raise RateLimitedError(f"the uploads of a session are at most {MAX_SESSION_BYTES} bytes in all")
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="reactor-uploads-"))
        upload_id = request.upload_id or uuid4().hex
        file = FileRef(upload_id, request.name[:255], request.mime_type[:127], request.size)
        self._slots[upload_id] = _Slot(file, self._folder / upload_id, reserved_at=now, source=request.source)
        return file

    def _forget_unwritten(self, now: float) -> None:
        """Places whose bytes nobody sends are free again; what is fetched from a source has time."""
        for upload_id, slot in list(self._slots.items()):
            idle = not slot.complete.is_set() and not slot.writing and slot.source is None
            if idle and now - slot.reserved_at >= UNWRITTEN_S:
                del self._slots[upload_id]
                slot.path.unlink(missing_ok=True)

    def _check(self, request: UploadRequest) -> None:
        if not request.name or not request.mime_type:
            raise BadRequestError("an upload needs a name and a mime_type")
        if not 0 < request.size <= MAX_UPLOAD_BYTES:
            raise BadRequestError(f"an upload is 1 to {MAX_UPLOAD_BYTES} bytes, not {request.size}")
        given = request.upload_id
        if given and (not given.replace("-", "").isalnum() or len(given) > 64):
            raise BadRequestError("an upload_id is letters, digits and dashes, at most 64")
        if request.source is not None and self._fetcher is None:
            raise BadRequestError("a source is taken by workers only: PUT the bytes")
        if request.source is not None and not is_source(request.source):
            raise BadRequestError("a source is the address of the bytes, http://... or https://...")

    async def write(self, upload_id: str, length: int | None, body: AsyncIterator[bytes]) -> None:
        """Takes the bytes of a file. One that breaks off, or is not of the declared size, may be sent again."""
        slot = self._slots.get(upload_id)
        if slot is None:
            raise NotFoundError(f"there is no upload {upload_id}")
        if slot.complete.is_set() or slot.writing:
            raise ConflictError(f"the upload {upload_id} has been written already")
        if length is not None and length != slot.file.size:
            raise BadRequestError(f"{slot.file.size} bytes were announced, and {length} are sent")
        slot.writing = True
        limit = asyncio.timeout(UNWRITTEN_S)
        try:
            async with limit:
                written = await self._copy(slot, body)
        except TimeoutError as error:
            if not limit.expired():
                raise  # whoever gives the bytes has waited too long itself
            raise BadRequestError(f"the bytes did not arrive within {UNWRITTEN_S:g} s") from error
        finally:
            slot.writing = False
        if written != slot.file.size:
            raise BadRequestError(f"{slot.file.size} bytes were announced, and {written} arrived")
        slot.complete.set()

    @staticmethod
    async def _copy(slot: _Slot, body: AsyncIterator[bytes]) -> int:
        written = 0
        with slot.path.open("wb") as target:
            async for part in body:
                written += len(part)
                if written > slot.file.size:
                    break
                await asyncio.to_thread(target.write, part)
        return written

    async def resolve(self, file: FileRef, wait: float = UPLOAD_WAIT_S) -> StoredFile:
        """The file that a command refers to; waits up to ``wait`` seconds for its bytes.

        Raises :class:`CommandError` ``unresolved_upload``.
        """
        slot = self._slots.get(file.upload_id)
        if slot is None:
            raise CommandError(UNRESOLVED_UPLOAD, f"this session has no upload {file.upload_id}")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await self._arrival(slot, wait)
        if not slot.complete.is_set():
            if slot.trouble is not None:
                # For the operator alone: it may name addresses that are none of a client's business.
                logger.warning("the upload %s was not fetched: %s", file.upload_id, slot.trouble)
            raise CommandError(UNRESOLVED_UPLOAD, f"the bytes of upload {file.upload_id} did not arrive")
        return StoredFile(slot.file.name, slot.file.mime_type, slot.path)

    def clear(self) -> None:
        """Forgets all files and removes their folder."""
        for slot in self._slots.values():
            if slot.fetching is not None:
                slot.fetching.cancel()
        self._slots.clear()
        folder, self._folder = self._folder, None
        if folder is not None:
            with contextlib.suppress(OSError):
                shutil.rmtree(folder)

    # ----------------------------------------------------------------------------------------------------- fetching

    def want(self, file: FileRef, wait: float = UPLOAD_WAIT_S) -> None:
        """Begins to fetch a file that has a source, and goes on to try for ``wait`` seconds. One fetch serves all who want it."""
        slot = self._slots.get(file.upload_id)
        if slot is not None:
            self._want(slot, wait)

    def _want(self, slot: _Slot, wait: float) -> asyncio.Task[None] | None:
        if slot.source is None or self._fetcher is None:
            return None
        slot.wanted_until = max(slot.wanted_until, time.monotonic() + wait)
        if slot.fetching is None or slot.fetching.done():
            slot.fetching = self._scope.start(self._fetch(slot, self._fetcher), f"fetch {slot.file.upload_id}")
        return slot.fetching

    async def _arrival(self, slot: _Slot, wait: float) -> None:
        fetching = self._want(slot, wait)
        if fetching is None:
            await slot.complete.wait()
        else:
            await asyncio.wait({fetching})  # shared with others: giving up here does not end it

    async def _fetch(self, slot: _Slot, fetcher: Fetcher) -> None:
        pause = _FIRST_RETRY_S
        while not slot.complete.is_set():
            try:
                async with asyncio.timeout(FETCH_LIMIT_S), aclosing(fetcher.fetch(slot.source or "")) as body:
                    await self.write(slot.file.upload_id, None, body)
                return
            except (NotThereYet, TimeoutError, ConflictError) as error:
                slot.trouble = str(error) or "it takes too long"
            except (FetchRefused, BadRequestError, OSError) as error:
                slot.trouble = str(error)
                return
            if time.monotonic() + pause > slot.wanted_until:
                return
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LAST_RETRY_S)
