"""Uploads: where files go, at addresses that are valid for a while, and how workers get them."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal, NoReturn, Protocol, TypeAlias
from urllib.parse import urlencode
from uuid import uuid4

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, from_url

from reactor_coordinator.config import CloudConfigError, Limits
from reactor_coordinator.records import SessionRecord, UploadRecord, WorkerRecord
from reactor_coordinator.store import uploads as upload_rows
from reactor_coordinator.store.database import Database
from reactor_coordinator.tokens import Signer, same_secret
from reactor_protocol.errors import (
    BadRequestError,
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    ServerError,
)
from reactor_protocol.resources import UploadRequest, UploadSlot

logger = logging.getLogger(__name__)

Verb: TypeAlias = Literal["GET", "PUT"]

_FILE: Final = "file:"
_USED: Final = "this address has been used: an upload is written once; ask for another one"
_SWEEP: Final = 500
_PROBE: Final = "openreactor-probe"
_PROBE_S: Final = 5.0
_ONCE: Final = {"max_retries": 0, "retry_timeout": timedelta(seconds=1)}
_SECRET_PART: Final = re.compile(r"(?<=://)[^/@\s]*@|\?\S*")
_BAD_SCHEME: Final = "BadScheme"
"""How the HTTP client of the store says that it does not speak http."""
_PART: Final = 1024 * 1024


class Receiver(Protocol):
    """Who is told of files: a worker, through its client."""

    async def reserve(self, worker: WorkerRecord, session_id: str, upload: UploadRequest) -> None: ...


class Uploads:
    """Files of sessions, in a folder or in an object store.

    A folder is written through this server, by addresses that it signs; an object store directly, by addresses that the store's
    own key signs. Either way a worker fetches the bytes when a command refers to them.
    """

    def __init__(self, url: str, database: Database, signer: Signer, limits: Limits, clock: Callable[[], float]) -> None:
        self._store: Any = _open(url)
        self._local = url.startswith(_FILE)
        self._database = database
        self._signer = signer
        self._limits = limits
        self._clock = clock
        self._writing: set[str] = set()
        self.base_url = ""
        """Where workers reach this server."""

    # ------------------------------------------------------------------------------------------------------- clients

    async def reserve(self, session: SessionRecord, request: UploadRequest, base_url: str) -> tuple[UploadSlot, UploadRecord]:
        """A place for a file. Raises :class:`BadRequestError`, and :class:`RateLimitedError` above the limit of a session."""
        limit = self._limits.upload_bytes
        if not request.name or not request.mime_type:
            raise BadRequestError("an upload needs a name and a mime_type")
        if not 0 < request.size <= limit:
            raise BadRequestError(f"an upload is 1 to {limit} bytes, not {request.size}")
        most = self._limits.uploads_per_session
        number, size = await self._database.read(upload_rows.total, session.id)
        if number >= most:
            raise RateLimitedError(f"a session takes {most} uploads: refer to one of those again")
        if size + request.size > self._limits.upload_bytes_per_session:
            whole = self._limits.upload_bytes_per_session
            raise RateLimitedError(f"a session takes {whole} bytes of uploads, and has {size}: refer to one of those again")
        now = self._clock()
        upload = UploadRecord(
            id=uuid4().hex,
            session_id=session.id,
            name=request.name[:255],
            mime_type=request.mime_type[:127],
            size=request.size,
            created_at=now,
            expires_at=now + self._limits.upload_seconds,
        )
        await self._database.write(upload_rows.add, upload)
        url = await self._address("PUT", upload, base_url, self._limits.upload_seconds)
        path = f"sessions/{session.id}/uploads/{upload.id}/{upload.name}"
        return UploadSlot(presigned_id=upload.id, presigned_url=url, path=path), upload

    async def write(self, upload_id: str, expires: int, signature: str, length: int | None, body: AsyncIterator[bytes]) -> None:
        """Takes the bytes of a file, once, before its address expires.

        Raises :class:`PermissionDeniedError` for an address that is late or not ours, :class:`ConflictError` for one that was
        used, and :class:`BadRequestError` for a size that was not announced.
        """
        self._check("PUT", upload_id, expires, signature)
        if upload_id in self._writing:
            raise ConflictError(_USED)
        # Until it is written down as complete: one who reads the record meanwhile would take it for empty.
        self._writing.add(upload_id)
        try:
            await self._write(await self._known(upload_id), length, body)
        finally:
            self._writing.discard(upload_id)

    async def _write(self, upload: UploadRecord, length: int | None, body: AsyncIterator[bytes]) -> None:
        if upload.complete_at is not None:
            raise ConflictError(_USED)
        if length is not None and length != upload.size:
            raise BadRequestError(f"{upload.size} bytes were announced, and {length} are sent")
        try:
            await obstore.put_async(self._store, _path(upload), _measured(body, upload.size), use_multipart=True)
        except BaseError as error:
            raise ServerError(f"the file could not be stored ({type(error).__name__})", status=503, retry_after=1) from error
        if not await self._database.write(upload_rows.completed, upload.id, self._clock()):
            await self._refuse_late(upload)

    async def _refuse_late(self, upload: UploadRecord) -> NoReturn:
        """Says why bytes that have arrived are not wanted any more. Those of a session that was swept meanwhile are deleted."""
        if await self._database.read(upload_rows.get, upload.id) is not None:
            raise ConflictError(_USED)
        await self._delete(upload)
        raise NotFoundError("the session of this upload is over: nothing was kept")

    # ------------------------------------------------------------------------------------------------------- workers

    async def read(self, upload_id: str, expires: int, signature: str) -> tuple[UploadRecord, AsyncIterator[bytes]]:
        """The bytes of a file. Raises :class:`NotFoundError` while they have not arrived."""
        self._check("GET", upload_id, expires, signature)
        upload = await self._known(upload_id)
        if upload.complete_at is None:
            raise NotFoundError("the bytes have not arrived yet")
        try:
            found = await obstore.get_async(self._store, _path(upload))
        except (BaseError, FileNotFoundError) as error:
            raise NotFoundError("the bytes are gone") from error
        return upload, _parts(found)

    async def hand_over(
        self, client: Receiver, worker: WorkerRecord, session_id: str, told: frozenset[str] = frozenset()
    ) -> frozenset[str]:
        """Tells a worker of the files of a session that has come to it, but for those that it has been ``told`` of."""
        uploads = [each for each in await self._database.read(upload_rows.of_session, session_id) if each.id not in told]
        for upload in uploads:
            await self.announce(client, worker, upload)
        return told | {upload.id for upload in uploads}

    async def announce(self, client: Receiver, worker: WorkerRecord, upload: UploadRecord) -> None:
        """Tells a worker of a file, and where its bytes can be had for as long as a session can last."""
        source = await self._address("GET", upload, self.base_url, self._limits.session_seconds + self._limits.upload_seconds)
        request = UploadRequest(
            name=upload.name, size=upload.size, mime_type=upload.mime_type, upload_id=upload.id, source=source
        )
        await client.reserve(worker, upload.session_id, request)

    async def sweep(self) -> int:
        """Deletes files of sessions that are over, and says how many."""
        over = await self._database.read(upload_rows.of_closed, _SWEEP)
        if not over:
            return 0
        for upload in over:
            await self._delete(upload)
        await self._database.write(upload_rows.forget, [upload.id for upload in over])
        return len(over)

    async def _delete(self, upload: UploadRecord) -> None:
        try:
            await obstore.delete_async(self._store, _path(upload))
        except FileNotFoundError:
            return
        except BaseError as error:
            logger.warning("the upload %s could not be deleted: %s", upload.id, error)

    # ----------------------------------------------------------------------------------------------------- addresses

    async def _address(self, verb: Verb, upload: UploadRecord, base_url: str, life_s: float) -> str:
        if not self._local:
            return str(await obstore.sign_async(self._store, verb, _path(upload), timedelta(seconds=life_s)))
        expires = int(self._clock() + life_s)
        signature = self._signer.upload_signature(verb, upload.id, expires)
        return f"{base_url.rstrip('/')}/uploads/{upload.id}?{urlencode({'expires': expires, 'signature': signature})}"

    def _check(self, verb: Verb, upload_id: str, expires: int, signature: str) -> None:
        if not same_secret(signature, self._signer.upload_signature(verb, upload_id, expires)):
            raise PermissionDeniedError("the address is not valid: use the presigned_url as it was given")
        if self._clock() >= expires:
            raise PermissionDeniedError("the address has expired: ask for another one")

    async def _known(self, upload_id: str) -> UploadRecord:
        upload = await self._database.read(upload_rows.get, upload_id)
        if upload is None:
            raise NotFoundError("there is no such upload")
        return upload


async def check_store(url: str) -> None:
    """Raises :class:`CloudConfigError` for a store that cannot be used, and for one over http that may not be used that way.

    Clients could use that one: addresses are signed without asking it. But what is to be read or deleted here never would be.
    """
    store, address = _open(url, retry_config=_ONCE), ""
    if url.startswith(_FILE):
        return
    try:
        address = str(await obstore.sign_async(store, "GET", _PROBE, timedelta(seconds=1)))
        if address.startswith("http:"):
            async with asyncio.timeout(_PROBE_S):
                await obstore.head_async(store, _PROBE)
    except (BaseError, FileNotFoundError, TimeoutError) as error:
        if _BAD_SCHEME in str(error):
            raise CloudConfigError(
                f"uploads: the object store is at an http:// endpoint ({_shown(address).removesuffix(_PROBE)}), and that is "
                "not allowed: set AWS_ALLOW_HTTP=true (Azure: AZURE_ALLOW_HTTP), or give it an https:// endpoint"
            ) from error
        # A store that is out of reach now may be there when it is needed.
        logger.debug("the store of uploads was not reached: %s", type(error).__name__)


def _open(url: str, **options: Any) -> Any:
    try:
        if url.startswith(_FILE):
            folder = Path(url.removeprefix(_FILE).removeprefix("//"))
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            return LocalStore(folder)
        return from_url(url, **options)
    except (BaseError, ValueError, OSError) as error:
        # The lines that follow the first one repeat the URL, with what is secret in it.
        raise CloudConfigError(f"uploads: {_shown(url)} cannot be used: {_shown(str(error).splitlines()[0])}") from None


def _shown(text: str) -> str:
    """A text with addresses in it, without their credentials and parameters."""
    return _SECRET_PART.sub("", text)


def _path(upload: UploadRecord) -> str:
    return f"{upload.session_id}/{upload.id}"


async def _measured(body: AsyncIterator[bytes], size: int) -> AsyncIterator[bytes]:
    written = 0
    async for part in body:
        written += len(part)
        if written > size:
            break
        if part:
            yield part
    if written != size:
        more = "more" if written > size else str(written)
        raise BadRequestError(f"{size} bytes were announced, and {more} arrived: nothing was kept")


async def _parts(found: Any) -> AsyncIterator[bytes]:
    async for part in found.stream(min_chunk_size=_PART):
        yield bytes(part)
