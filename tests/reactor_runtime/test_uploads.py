"""Uploads: reserved, written, and read by commands."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from reactor_protocol.errors import BadRequestError, ConflictError, NotFoundError, RateLimitedError
from reactor_protocol.messages import FileRef
from reactor_protocol.resources import UploadRequest
from reactor_runtime import CommandError, UploadedFile, uploads
from reactor_runtime.uploads import MAX_UPLOAD_BYTES, MAX_UPLOADS, UploadStore


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[UploadStore]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    store = UploadStore()
    yield store
    store.clear()
    assert list(tmp_path.iterdir()) == []


def request(size: int = 6, *, name: str = "a.png", mime_type: str = "image/png", upload_id: str | None = None) -> UploadRequest:
    return UploadRequest(name=name, size=size, mime_type=mime_type, upload_id=upload_id)


async def body(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_a_file_is_reserved_written_and_read_as_often_as_wanted(store: UploadStore) -> None:
    ref = store.reserve(request())
    assert (len(ref.upload_id), ref.name, ref.mime_type, ref.size) == (32, "a.png", "image/png", 6)
    await store.write(ref.upload_id, 6, body(b"abc", b"def"))
    for _ in range(2):
        assert (await store.resolve(ref)).read() == UploadedFile("a.png", "image/png", b"abcdef")


async def test_name_and_type_are_those_of_the_reservation(store: UploadStore) -> None:
    ref = store.reserve(request(upload_id="mine"))
    await store.write("mine", None, body(b"abcdef"))
    found = (await store.resolve(FileRef("mine", "other.exe", "text/html", 1))).read()
    assert found == UploadedFile("a.png", "image/png", b"abcdef")
    assert ref.upload_id == "mine"


@pytest.mark.parametrize(
    ("reservation", "problem"),
    [
        (request(0), f"an upload is 1 to {MAX_UPLOAD_BYTES} bytes, not 0"),
        (request(-1), "bytes, not -1"),
        (request(MAX_UPLOAD_BYTES + 1), f"an upload is 1 to {MAX_UPLOAD_BYTES} bytes"),
        (request(name=""), "an upload needs a name and a mime_type"),
        (request(mime_type=""), "an upload needs a name and a mime_type"),
        (request(upload_id="../../etc/passwd"), "an upload_id is letters, digits and dashes, at most 64"),
        (request(upload_id="--"), "an upload_id is letters"),
        (request(upload_id="a" * 65), "an upload_id is letters"),
    ],
)
def test_reservations_that_are_refused(store: UploadStore, reservation: UploadRequest, problem: str) -> None:
    with pytest.raises(BadRequestError, match=problem):
        store.reserve(reservation)


def test_an_id_is_taken_once(store: UploadStore) -> None:
    store.reserve(request(upload_id="mine"))
    with pytest.raises(ConflictError, match="the upload id mine is taken"):
        store.reserve(request(upload_id="mine"))


def test_a_session_takes_a_limited_number(store: UploadStore) -> None:
    for _ in range(MAX_UPLOADS):
        store.reserve(request())
    with pytest.raises(RateLimitedError, match=f"a session takes at most {MAX_UPLOADS} uploads"):
        store.reserve(request())


def test_a_session_takes_a_limited_number_of_bytes(store: UploadStore) -> None:
    for _ in range(32):
        store.reserve(request(MAX_UPLOAD_BYTES))
    with pytest.raises(RateLimitedError, match="the uploads of a session are at most 8589934592 bytes in all") as refused:
        store.reserve(request(1))
    assert refused.value.status == 429


async def test_places_that_nobody_fills_are_free_again_after_a_quarter_of_an_hour(store: UploadStore) -> None:
    written = store.reserve(request(), 0.0)
    await store.write(written.upload_id, 6, body(b"abcdef"))
    for _ in range(MAX_UPLOADS - 1):
        idle = store.reserve(request(), 100.0)
    with pytest.raises(RateLimitedError):
        store.reserve(request(), 999.9)
    store.reserve(request(), 1000.0)
    assert (await store.resolve(written)).read().data == b"abcdef"
    with pytest.raises(NotFoundError):
        await store.write(idle.upload_id, 6, body(b"abcdef"))


async def test_bytes_that_trickle_in_without_end(store: UploadStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "UNWRITTEN_S", 0.05)
    ref = store.reserve(request())

    async def endless() -> AsyncIterator[bytes]:
        yield b"a"
        await asyncio.Event().wait()

    with pytest.raises(BadRequestError, match="the bytes did not arrive within"):
        await store.write(ref.upload_id, 6, endless())
    await store.write(ref.upload_id, 6, body(b"abcdef"))


async def test_an_unknown_upload_is_not_written(store: UploadStore) -> None:
    with pytest.raises(NotFoundError, match="there is no upload nope"):
        await store.write("nope", 1, body(b"x"))


async def test_a_file_is_written_once(store: UploadStore) -> None:
    ref = store.reserve(request())
    await store.write(ref.upload_id, 6, body(b"abcdef"))
    with pytest.raises(ConflictError, match="has been written already"):
        await store.write(ref.upload_id, 6, body(b"xxxxxx"))
    assert (await store.resolve(ref)).read().data == b"abcdef"


async def test_two_writers_at_once(store: UploadStore) -> None:
    ref = store.reserve(request())
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"abc"
        begun.set()
        await go_on.wait()
        yield b"def"

    first = asyncio.create_task(store.write(ref.upload_id, 6, slow()))
    await begun.wait()
    with pytest.raises(ConflictError):
        await store.write(ref.upload_id, 6, body(b"xxxxxx"))
    go_on.set()
    await first
    assert (await store.resolve(ref)).read().data == b"abcdef"


@pytest.mark.parametrize(
    ("length", "parts", "problem"),
    [
        (7, [], "6 bytes were announced, and 7 are sent"),
        (6, [b"abc"], "6 bytes were announced, and 3 arrived"),
        (None, [b"abc", b"defgh"], "6 bytes were announced, and 8 arrived"),
    ],
)
async def test_one_that_is_too_short_or_too_long_may_be_sent_again(
    store: UploadStore, length: int | None, parts: list[bytes], problem: str
) -> None:
    ref = store.reserve(request())
    with pytest.raises(BadRequestError, match=problem):
        await store.write(ref.upload_id, length, body(*parts))
    with pytest.raises(CommandError):
        await store.resolve(ref, wait=0.0)
    await store.write(ref.upload_id, 6, body(b"abcdef"))
    assert (await store.resolve(ref)).read().data == b"abcdef"


async def test_one_that_breaks_off_with_an_error_may_be_sent_again(store: UploadStore) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"abc"
        raise ConnectionResetError("gone")

    ref = store.reserve(request())
    with pytest.raises(ConnectionResetError):
        await store.write(ref.upload_id, None, broken())
    await store.write(ref.upload_id, None, body(b"abcdef"))
    assert (await store.resolve(ref)).read().data == b"abcdef"


async def test_a_reference_waits_for_its_bytes(store: UploadStore) -> None:
    ref = store.reserve(request())
    resolving = asyncio.create_task(store.resolve(ref, wait=5))
    await asyncio.sleep(0)
    assert not resolving.done()
    await store.write(ref.upload_id, 6, body(b"abcdef"))
    assert (await resolving).read().data == b"abcdef"


async def test_a_reference_whose_bytes_never_come(store: UploadStore) -> None:
    ref = store.reserve(request(upload_id="late"))
    with pytest.raises(CommandError, match="the bytes of upload late did not arrive") as caught:
        await store.resolve(ref, wait=0.01)
    assert caught.value.code == "unresolved_upload"


async def test_an_unknown_reference(store: UploadStore) -> None:
    with pytest.raises(CommandError, match="this session has no upload nope") as caught:
        await store.resolve(FileRef("nope", "", "", 0))
    assert caught.value.code == "unresolved_upload"


async def test_a_session_that_ends_forgets_its_files(store: UploadStore) -> None:
    ref = store.reserve(request(upload_id="mine"))
    await store.write("mine", 6, body(b"abcdef"))
    store.clear()
    with pytest.raises(CommandError):
        await store.resolve(ref)
    assert store.reserve(request(upload_id="mine")).upload_id == "mine"
