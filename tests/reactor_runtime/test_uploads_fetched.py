"""Uploads that a worker fetches: when, how often, and how long it tries."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path

import pytest
from tests.reactor_runtime.waiting import DEADLINE_S, Changes

from reactor_protocol.errors import BadRequestError, ConflictError
from reactor_protocol.messages import FileRef
from reactor_protocol.resources import UploadRequest
from reactor_runtime import CommandError, UploadedFile
from reactor_runtime import uploads as module
from reactor_runtime.fetching import FetchRefused, NotThereYet
from reactor_runtime.uploads import UploadStore

SOURCE = "http://coordinator/uploads/u-1?sig=x"
REF = FileRef("u-1", "a.png", "image/png", 6)
FILE = UploadedFile("a.png", "image/png", b"abcdef")


class Source:
    """A fetcher whose answers a test decides: bytes, or what is raised. The last one stands."""

    def __init__(self, *answers: bytes | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.open = asyncio.Event()
        self.open.set()
        self.closed = 0
        self.changes = Changes()

    async def fetch(self, source: str) -> AsyncGenerator[bytes, None]:
        self.asked.append(source)
        self.changes.announce()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        try:
            for start in range(0, len(answer), 3):
                yield answer[start : start + 3]
                await self.open.wait()
        finally:
            self.closed += 1

    async def until_asked(self, times: int, seconds: float = DEADLINE_S) -> None:
        await self.changes.until(lambda: len(self.asked) >= times, seconds)


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., UploadStore]]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(module, "_FIRST_RETRY_S", 0.001)
    monkeypatch.setattr(module, "_LAST_RETRY_S", 0.004)
    stores: list[UploadStore] = []

    def make(source: Source) -> UploadStore:
        stores.append(UploadStore(source))
        stores[-1].reserve(request())
        return stores[-1]

    yield make
    for store in stores:
        store.clear()
    assert list(tmp_path.iterdir()) == []


def request(size: int = 6, source: str | None = SOURCE, upload_id: str | None = "u-1") -> UploadRequest:
    return UploadRequest(name="a.png", size=size, mime_type="image/png", upload_id=upload_id, source=source)


async def refused(store: UploadStore, wait: float = 10.0) -> str:
    with pytest.raises(CommandError) as caught:
        await store.resolve(REF, wait)
    assert caught.value.code == "unresolved_upload"
    return caught.value.message


Make = Callable[[Source], UploadStore]


async def test_it_is_not_fetched_before_anybody_wants_it(worker: Make) -> None:
    source = Source(b"abcdef")
    worker(source)
    await asyncio.sleep(0)
    assert source.asked == []


async def test_a_command_that_refers_to_it_gets_it_and_it_is_fetched_once(worker: Make) -> None:
    source = Source(b"abcdef")
    store = worker(source)
    assert [each.read() for each in await asyncio.gather(*(store.resolve(REF) for _ in range(5)))] == [FILE] * 5
    assert (await store.resolve(REF)).read() == FILE
    assert source.asked == [SOURCE]
    assert source.closed == 1


async def test_an_announcement_fetches_it_ahead(worker: Make) -> None:
    source = Source(b"abcdef")
    store = worker(source)
    store.want(REF)
    store.want(REF)
    await source.until_asked(1)
    assert (await store.resolve(REF)).read() == FILE
    store.want(REF)
    assert source.asked == [SOURCE]


async def test_it_is_tried_again_until_the_bytes_are_there(worker: Make) -> None:
    source = Source(NotThereYet("HTTP 404"), NotThereYet("HTTP 409"), NotThereYet("nobody"), b"abcdef")
    store = worker(source)
    assert (await store.resolve(REF)).read() == FILE
    assert len(source.asked) == 4


async def test_it_is_not_tried_for_ever(worker: Make) -> None:
    source = Source(NotThereYet("HTTP 404"))
    store = worker(source)
    assert await refused(store, 0.02) == "the bytes of upload u-1 did not arrive"
    assert len(source.asked) > 1
    # One try more may have been under way.
    with pytest.raises(TimeoutError):
        await source.until_asked(len(source.asked) + 2, 0.05)
    asked = len(source.asked)
    source.answers = [b"abcdef"]
    assert (await store.resolve(REF)).read() == FILE
    assert len(source.asked) == asked + 1


async def test_one_that_waits_longer_keeps_it_trying(worker: Make) -> None:
    source = Source(NotThereYet("HTTP 404"))
    store = worker(source)
    patient = asyncio.create_task(store.resolve(REF, 10.0))
    await source.until_asked(1)
    await refused(store, 0.0)
    await source.until_asked(len(source.asked) + 3)
    source.answers = [b"abcdef"]
    assert (await patient).read() == FILE


@pytest.mark.parametrize("answer", [FetchRefused("HTTP 403"), b"abcde", b"abcdefg", b""])
async def test_what_cannot_be_had_is_refused_at_once(
    worker: Make, answer: bytes | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    source = Source(answer)
    store = worker(source)
    assert await refused(store) == "the bytes of upload u-1 did not arrive"
    assert len(source.asked) == 1
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    source.answers = [b"abcdef"]
    assert (await store.resolve(REF)).read() == FILE


async def test_no_more_is_read_than_was_announced(worker: Make) -> None:
    source = Source(b"x" * 3000)
    store = worker(source)
    await refused(store)
    assert source.closed == 1


async def test_a_transfer_that_takes_too_long_is_begun_anew(worker: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FETCH_LIMIT_S", 0.01)
    source = Source(b"abcdef")
    source.open.clear()
    store = worker(source)
    store.want(REF)
    await source.until_asked(2)
    source.open.set()
    assert (await store.resolve(REF)).read() == FILE


async def test_bytes_that_are_put_meanwhile_count(worker: Make) -> None:
    async def body() -> AsyncGenerator[bytes, None]:
        yield b"abcdef"

    source = Source(NotThereYet("HTTP 404"))
    store = worker(source)
    resolving = asyncio.create_task(store.resolve(REF, 60.0))
    await source.until_asked(2)
    await store.write("u-1", 6, body())
    async with asyncio.timeout(40):
        assert (await resolving).read() == FILE


async def test_bytes_that_are_being_put_are_waited_for(worker: Make) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def body() -> AsyncGenerator[bytes, None]:
        begun.set()
        await go_on.wait()
        yield b"abcdef"

    source = Source(b"xxxxxx")
    store = worker(source)
    putting = asyncio.create_task(store.write("u-1", 6, body()))
    await begun.wait()
    resolving = asyncio.create_task(store.resolve(REF))
    await asyncio.sleep(0)
    go_on.set()
    await putting
    assert (await resolving).read() == FILE
    assert source.asked == []


async def test_one_fetch_serves_all_and_ends_with_the_session(worker: Make, caplog: pytest.LogCaptureFixture) -> None:
    source = Source(NotThereYet("HTTP 404"))
    store = worker(source)
    for _ in range(3):
        store.want(REF)
    await source.until_asked(2)
    store.clear()
    with pytest.raises(TimeoutError):
        await source.until_asked(len(source.asked) + 1, 0.05)
    assert [record.getMessage() for record in caplog.records] == []


async def test_the_end_of_the_session_ends_the_fetch(worker: Make) -> None:
    source = Source(b"abcdef")
    source.open.clear()
    store = worker(source)
    resolving = asyncio.create_task(store.resolve(REF))
    await source.until_asked(1)
    store.clear()
    with pytest.raises(CommandError):
        await resolving
    assert source.closed == 1


async def test_the_same_reservation_again_is_the_same_place(worker: Make) -> None:
    source = Source(b"abcdef")
    store = worker(source)
    assert store.reserve(request(source="http://coordinator/newer")) == REF
    assert store.reserve(request(source=None)) == REF
    with pytest.raises(ConflictError, match="the upload id u-1 is taken"):
        store.reserve(request(size=7))
    assert (await store.resolve(REF)).read() == FILE
    assert source.asked == ["http://coordinator/newer"]
    assert store.reserve(request()) == REF
    assert (await store.resolve(REF)).read() == FILE
    assert len(source.asked) == 1


@pytest.mark.parametrize("address", ["", "/x", "file:///etc/passwd", "ftp://a/b", "http://"])
async def test_what_is_no_address(worker: Make, address: str) -> None:
    with pytest.raises(BadRequestError, match="a source is the address of the bytes"):
        worker(Source(b"")).reserve(request(source=address, upload_id="u-2"))


def test_a_runtime_that_is_no_worker_takes_no_source() -> None:
    with pytest.raises(BadRequestError, match="a source is taken by workers only: PUT the bytes"):
        UploadStore().reserve(request())
