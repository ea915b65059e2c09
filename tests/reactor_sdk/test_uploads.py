from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from reactor_sdk import InvalidArgumentError, NotFoundError, UnsupportedFileError, UploadError
from reactor_sdk.api import Api
from reactor_sdk.config import ClientConfig
from reactor_sdk.session import HostedSessions
from reactor_sdk.uploads import UploadFile, open_source, upload, with_host_of
from reactor_testing.fake_coordinator import API_KEY, FakeCoordinator


class Stream(io.RawIOBase):
    """A binary stream that can only be read forward."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self._rest = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._rest.read(size)


class Shrinking(io.BytesIO):
    """A file that ends before it should."""

    name = "shrinking.bin"

    def read(self, size: int | None = -1) -> bytes:
        return b"" if self.tell() >= 300_000 else super().read(size)


async def looked_at(file: UploadFile, **options: Any) -> tuple[str, str, int]:
    async with open_source(file, **options) as source:
        return source.name, source.mime_type, source.size


async def test_names_and_types_of_what_is_uploaded(tmp_path: Path) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(b"12345")
    assert await looked_at(str(path)) == ("cat.png", "image/png", 5)
    assert await looked_at(path) == ("cat.png", "image/png", 5)
    assert await looked_at(b"123") == ("upload", "application/octet-stream", 3)
    assert await looked_at(bytearray(b"123")) == ("upload", "application/octet-stream", 3)
    assert await looked_at(memoryview(b"123")) == ("upload", "application/octet-stream", 3)
    assert await looked_at(b"123", name="a.jpg") == ("a.jpg", "image/jpeg", 3)
    assert await looked_at(path, name="a.unknown", mime_type="image/webp") == ("a.unknown", "image/webp", 5)
    assert await looked_at(Stream(b"1234")) == ("upload", "application/octet-stream", 4)
    with path.open("rb") as file:
        assert await looked_at(file) == ("cat.png", "image/png", 5)
        file.seek(2)
        assert await looked_at(file) == ("cat.png", "image/png", 3)
        assert not file.closed


@pytest.mark.parametrize("empty", [b"", io.BytesIO(), Stream(b"")])
async def test_zero_bytes_are_refused(empty: UploadFile) -> None:
    with pytest.raises(InvalidArgumentError, match="zero bytes") as caught:
        await looked_at(empty)
    assert isinstance(caught.value, ValueError)


async def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFileError, match="is a directory"):
        await looked_at(tmp_path)


async def test_text_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("hello")
    with path.open() as file, pytest.raises(UnsupportedFileError, match="'rb'") as caught:
        await looked_at(file)  # type: ignore[arg-type]
    assert isinstance(caught.value, TypeError)


async def test_a_file_that_is_closed_or_open_for_writing_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "a.bin").open("wb") as file, pytest.raises(UnsupportedFileError, match="cannot be read"):
        await looked_at(file)
    with pytest.raises(UnsupportedFileError, match="cannot be read"):
        await looked_at(file)


@pytest.mark.parametrize("thing", [3, None, ["a"]])
async def test_what_is_no_file_is_refused(thing: Any) -> None:
    with pytest.raises(UnsupportedFileError, match="binary file object"):
        await looked_at(thing)


async def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UploadError, match=r"missing\.png.*No such file"):
        await looked_at(tmp_path / "missing.png")


@pytest.fixture
async def api(fake: FakeCoordinator) -> AsyncIterator[Api]:
    api = Api(fake.url)
    sessions = HostedSessions(api, ClientConfig("echo", fake.url, False, API_KEY))
    await sessions.authorize()
    await sessions.open(None)
    yield api
    await api.close()


async def sent(api: Api, fake: FakeCoordinator, file: UploadFile, **options: Any) -> Any:
    async with open_source(file) as source:
        return await upload(api, fake.session.session_id, source, options.get("on_progress"), keep_host=True)


async def test_the_bytes_arrive_and_progress_is_told(fake: FakeCoordinator, api: Api, tmp_path: Path) -> None:
    content = bytes(range(256)) * 3000
    path = tmp_path / "big.bin"
    path.write_bytes(content)
    told: list[tuple[int, int]] = []
    reference = await sent(api, fake, path, on_progress=lambda done, total: told.append((done, total)))
    assert fake.uploads[reference.upload_id] == content
    assert (reference.name, reference.size) == ("big.bin", 768_000)
    assert told == [(262_144, 768_000), (524_288, 768_000), (768_000, 768_000)]
    slot = fake.requested("POST /sessions/{id}/uploads")[0]
    assert slot.json() == {"name": "big.bin", "size": 768_000, "mime_type": "application/octet-stream"}
    assert "Authorization" not in fake.requested("PUT /uploads/{id}")[0].headers


async def test_progress_may_be_a_coroutine_and_may_fail(fake: FakeCoordinator, api: Api) -> None:
    told: list[int] = []

    async def progress(done: int, _total: int) -> None:
        told.append(done)
        raise ValueError("boom")

    reference = await sent(api, fake, b"abc", on_progress=progress)
    assert told == [3]
    assert fake.uploads[reference.upload_id] == b"abc"


async def test_a_transfer_that_is_refused(fake: FakeCoordinator, api: Api) -> None:
    fake.fail_next("PUT /uploads/{id}", 500, "disk full")
    with pytest.raises(UploadError, match="HTTP 500: disk full") as caught:
        await sent(api, fake, b"abc")
    assert caught.value.status == 500


async def test_a_server_that_hangs_up_in_the_middle(fake: FakeCoordinator, api: Api) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(10_000)
        writer.transport.abort()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/u"
    fake.fail_next("POST /sessions/{id}/uploads", 201, {"presigned_id": "x", "presigned_url": url, "path": ""})
    with pytest.raises(UploadError, match=r"upload did not arrive.*127\.0\.0\.1"):
        await sent(api, fake, b"x" * 20_000_000)
    server.close()


async def test_a_file_that_breaks_off(fake: FakeCoordinator, api: Api) -> None:
    with pytest.raises(UploadError, match=r"shrinking\.bin ended after 300032|shrinking\.bin"):
        await sent(api, fake, Shrinking(b"x" * 600_000))
    assert fake.uploads == {}


async def test_a_place_that_is_refused(fake: FakeCoordinator, api: Api) -> None:
    fake.fail_next("POST /sessions/{id}/uploads", 404, {"message": "no session"})
    with pytest.raises(NotFoundError, match="no session"):
        await sent(api, fake, b"abc")


def test_the_host_of_a_presigned_address_can_be_replaced() -> None:
    bound = "http://0.0.0.0:8080/uploads/a%2Fb?sig=x%2By"
    assert with_host_of(bound, "http://gpu-box:9000/api") == "http://gpu-box:9000/uploads/a%2Fb?sig=x%2By"
    assert with_host_of("/uploads/1", "http://gpu-box:9000") == "http://gpu-box:9000/uploads/1"
    assert with_host_of("http://gpu-box:9000/u?a=%2B", "http://gpu-box:9000") == "http://gpu-box:9000/u?a=%2B"
