"""Files that clients upload: reserved, written to disk, and read when a command refers to them."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from reactor_protocol.errors import BadRequestError, ConflictError, NotFoundError, RateLimitedError
from reactor_protocol.messages import FileRef
from reactor_protocol.names import UPLOAD_WAIT_S
from reactor_protocol.resources import UploadRequest
from reactor_runtime.commands import UNRESOLVED_UPLOAD
from reactor_runtime.fields import CommandError, UploadedFile

MAX_UPLOAD_BYTES = 256 * 1024 * 1024
MAX_UPLOADS = 256


@dataclass(slots=True)
class _Slot:
    """A place for one file."""

    file: FileRef
    path: Path
    writing: bool = False
    complete: asyncio.Event = field(default_factory=asyncio.Event)


class UploadStore:
    """The uploads of the running session, in a temporary folder that goes with it."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._slots: dict[str, _Slot] = {}

    def reserve(self, request: UploadRequest) -> FileRef:
        """Makes a place for a file. Raises :class:`BadRequestError`, :class:`ConflictError` or :class:`RateLimitedError`."""
        if not request.name or not request.mime_type:
            raise BadRequestError("an upload needs a name and a mime_type")
        if not 0 < request.size <= MAX_UPLOAD_BYTES:
            raise BadRequestError(f"an upload is 1 to {MAX_UPLOAD_BYTES} bytes, not {request.size}")
        upload_id = request.upload_id or uuid4().hex
        if not upload_id.replace("-", "").isalnum() or len(upload_id) > 64:
            raise BadRequestError("an upload_id is letters, digits and dashes, at most 64")
        if upload_id in self._slots:
            raise ConflictError(f"the upload id {upload_id} is taken")
        if len(self._slots) >= MAX_UPLOADS:
            raise RateLimitedError(f"a session takes at most {MAX_UPLOADS} uploads: refer to one of those again")
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="reactor-uploads-"))
        file = FileRef(upload_id, request.name[:255], request.mime_type[:127], request.size)
        self._slots[upload_id] = _Slot(file, self._folder / upload_id)
        return file

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
        try:
            written = await self._copy(slot, body)
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

    async def resolve(self, file: FileRef, wait: float = UPLOAD_WAIT_S) -> UploadedFile:
        """The file that a command refers to; waits up to ``wait`` seconds for its bytes.

        Raises :class:`CommandError` ``unresolved_upload``.
        """
        slot = self._slots.get(file.upload_id)
        if slot is None:
            raise CommandError(UNRESOLVED_UPLOAD, f"this session has no upload {file.upload_id}")
        try:
            async with asyncio.timeout(wait):
                await slot.complete.wait()
        except TimeoutError:
            raise CommandError(UNRESOLVED_UPLOAD, f"the bytes of upload {file.upload_id} did not arrive") from None
        data = await asyncio.to_thread(slot.path.read_bytes)
        return UploadedFile(slot.file.name, slot.file.mime_type, data)

    def clear(self) -> None:
        """Forgets all files and removes their folder."""
        self._slots.clear()
        folder, self._folder = self._folder, None
        if folder is not None:
            with contextlib.suppress(OSError):
                shutil.rmtree(folder)
