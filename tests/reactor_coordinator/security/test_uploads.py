"""Addresses of uploads: used twice, late, forged or for the other verb; and bytes that are more or fewer than announced."""

import asyncio
import contextlib
import io
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.reactor_coordinator.house import House, configuration, opened

from reactor_coordinator.uploads import Verb

NOT_VALID = {"code": "FORBIDDEN", "message": "the address is not valid: use the presigned_url as it was given"}
USED = {"code": "CONFLICT", "message": "this address has been used: an upload is written once; ask for another one"}
THREE: dict[str, Any] = {"name": "a.txt", "size": 3, "mime_type": "text/plain"}


async def reserved(house: House, asked: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
    """A session's token and an upload slot."""
    token = await house.token(await house.key())
    session_id = (await house.begin(token))["session_id"]
    reply = await house.ask("POST", f"/sessions/{session_id}/uploads", token, json=asked or THREE)
    assert reply.status == 201, reply.body
    return session_id, dict(reply.body)


def path_of(slot: dict[str, Any]) -> str:
    parts = urlsplit(slot["presigned_url"])
    return f"{parts.path}?{parts.query}"


def signed(house: House, verb: Verb, upload_id: str, expires: int) -> str:
    signature = house.coordinator.service.signer.upload_signature(verb, upload_id, expires)
    return f"/uploads/{upload_id}?expires={expires}&signature={signature}"


def kept(tmp_path: Path) -> list[bytes]:
    """The files that uploads have left."""
    return [file.read_bytes() for file in (tmp_path / "uploads").rglob("*") if file.is_file()]


async def test_an_address_works_once(house: House, tmp_path: Path) -> None:
    _, slot = await reserved(house)
    assert (await house.ask("PUT", path_of(slot), data=b"abc")).status == 200
    again = await house.ask("PUT", path_of(slot), data=b"xyz")
    assert (again.status, again.body) == (409, USED)
    assert kept(tmp_path) == [b"abc"]


async def test_an_address_that_two_use_at_once(house: House, tmp_path: Path) -> None:
    _, slot = await reserved(house)
    replies = await asyncio.gather(*(house.ask("PUT", path_of(slot), data=each) for each in (b"abc", b"xyz")))
    assert sorted(reply.status for reply in replies) == [200, 409]
    (winner,) = [each for each, reply in zip((b"abc", b"xyz"), replies, strict=True) if reply.status == 200]
    assert kept(tmp_path) == [winner]


async def test_an_address_that_is_late(house: House, tmp_path: Path) -> None:
    _, slot = await reserved(house)
    upload_id = slot["presigned_id"]
    late = int(house.coordinator.service.clock()) - 1
    reply = await house.ask("PUT", signed(house, "PUT", upload_id, late), data=b"abc")
    assert reply.status == 403
    assert reply.body == {"code": "FORBIDDEN", "message": "the address has expired: ask for another one"}
    assert kept(tmp_path) == []


async def test_an_address_lives_for_a_quarter_of_an_hour(house: House) -> None:
    _, slot = await reserved(house)
    expires = int(parse_qs(urlsplit(slot["presigned_url"]).query)["expires"][0])
    assert 890 <= expires - house.coordinator.service.clock() <= 900


async def test_an_address_that_was_changed(house: House, tmp_path: Path) -> None:
    _, slot = await reserved(house)
    _, other = await reserved(house)
    mine, theirs = slot["presigned_id"], other["presigned_id"]
    path = path_of(slot)
    expires = parse_qs(urlsplit(path).query)["expires"][0]
    changed = [
        path.replace(mine, theirs),
        path.replace(f"expires={expires}", f"expires={int(expires) + 1}"),
        path[:-1] + ("0" if path[-1] != "0" else "1"),
        path[:-1],
        path.replace(mine, f"{mine}%00"),
        path.replace(mine, mine.upper()),
        signed(house, "GET", mine, int(expires)),
    ]
    for each in changed:
        reply = await house.ask("PUT", each, data=b"abc")
        assert (reply.status, reply.body) == (403, NOT_VALID), each
    assert kept(tmp_path) == []


async def test_an_address_without_its_signature(house: House) -> None:
    _, slot = await reserved(house)
    path = f"/uploads/{slot['presigned_id']}"
    for query in ("", "?expires=1", "?signature=x", "?expires=x&signature=x", f"?expires={10**30}&signature=x"):
        assert (await house.ask("PUT", path + query, data=b"abc")).status == 422
    assert (await house.ask("PUT", f"{path}?expires=9999999999&signature=%ff", data=b"abc")).status in (403, 422)


async def test_an_address_for_writing_reads_nothing_and_the_other_way_round(house: House) -> None:
    _, slot = await reserved(house)
    assert (await house.ask("PUT", path_of(slot), data=b"abc")).status == 200
    reply = await house.ask("GET", path_of(slot))
    assert (reply.status, reply.body) == (403, NOT_VALID)
    soon = int(house.coordinator.service.clock()) + 60
    reading = await house.ask("GET", signed(house, "GET", slot["presigned_id"], soon))
    assert (reading.status, reading.body) == (200, "abc")
    assert reading.headers["Content-Type"] == "application/octet-stream"
    assert reading.headers["X-Content-Type-Options"] == "nosniff"
    writing = await house.ask("PUT", signed(house, "GET", slot["presigned_id"], soon), data=b"xyz")
    assert (writing.status, writing.body) == (403, NOT_VALID)


async def test_a_size_that_was_not_announced(house: House, tmp_path: Path) -> None:
    _, slot = await reserved(house)
    for body in (b"abcd", b"ab", b""):
        reply = await house.ask("PUT", path_of(slot), data=body)
        assert reply.status == 400
        assert reply.body == {"code": "BAD_REQUEST", "message": f"3 bytes were announced, and {len(body)} are sent"}
    assert kept(tmp_path) == []
    assert (await house.ask("PUT", path_of(slot), data=b"abc")).status == 200


@pytest.mark.parametrize(("size", "more"), [(8_000_000, "more"), (10_000_000, "9000000")])
async def test_a_size_that_turns_out_to_be_another_one_on_the_way(house: House, tmp_path: Path, size: int, more: str) -> None:
    _, slot = await reserved(house, {**THREE, "size": size})
    host, port = house.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"PUT {path_of(slot)} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    for _ in range(9):
        writer.write(b"f4240\r\n" + b"x" * 1_000_000 + b"\r\n")
    writer.write(b"0\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    said = f"{size} bytes were announced, and {more} arrived: nothing was kept"
    assert said.encode() in await reader.readuntil(b"}")
    writer.close()
    assert kept(tmp_path) == []


async def test_a_client_that_leaves_in_the_middle_leaves_nothing(house: House, tmp_path: Path) -> None:
    _, slot = await reserved(house, {**THREE, "size": 8_000_000})
    host, port = house.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"PUT {path_of(slot)} HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\n".encode() + b"x" * 6_000_000)
    await writer.drain()
    async with asyncio.timeout(40):
        while slot["presigned_id"] not in house.coordinator.service.uploads._writing:
            await house.looked(1)
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        while house.coordinator.service.uploads._writing:
            await house.looked(1)
    assert kept(tmp_path) == []
    assert (await house.ask("PUT", path_of(slot), data=io.BytesIO(b"x" * 8_000_000))).status == 200


async def test_bytes_that_arrive_after_the_session_was_swept_are_not_kept(house: House, tmp_path: Path) -> None:
    session_id, slot = await reserved(house, {**THREE, "size": 8_000_000})
    host, port = house.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"PUT {path_of(slot)} HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\n".encode() + b"x" * 6_000_000)
    await writer.drain()
    admin = await house.token(await house.key(role="admin"))
    async with asyncio.timeout(40):
        while slot["presigned_id"] not in house.coordinator.service.uploads._writing:
            await house.looked(1)
        assert (await house.ask("DELETE", f"/sessions/{session_id}", admin)).status == 204
        assert await house.coordinator.service.uploads.sweep() == 1
        writer.write(b"x" * 2_000_000)
        assert (await reader.readline()).startswith(b"HTTP/1.1 404 ")
    writer.close()
    assert kept(tmp_path) == []


async def test_a_name_decides_nothing_about_where_bytes_go(house: House, tmp_path: Path) -> None:
    expected = set()
    for name in ("../../../etc/passwd", "/etc/passwd", "a\r\nSet-Cookie: x=1", "..", "C:\\x", "x" * 5000, "\u202e"):
        session_id, slot = await reserved(house, {**THREE, "name": name})
        assert (await house.ask("PUT", path_of(slot), data=b"abc")).status == 200
        expected.add(Path(session_id) / slot["presigned_id"])
    folder = tmp_path / "uploads"
    assert {file.relative_to(folder) for file in folder.rglob("*") if file.is_file()} == expected


async def test_a_kind_of_file_decides_nothing_about_how_it_is_served(house: House) -> None:
    _, slot = await reserved(house, {**THREE, "mime_type": "text/html\r\nSet-Cookie: x=1"})
    assert (await house.ask("PUT", path_of(slot), data=b"abc", headers={"Content-Type": "text/html"})).status == 200
    soon = int(house.coordinator.service.clock()) + 60
    reply = await house.ask("GET", signed(house, "GET", slot["presigned_id"], soon))
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/octet-stream")
    assert "Set-Cookie" not in reply.headers


async def test_a_client_names_neither_id_nor_source(house: House) -> None:
    asked = {**THREE, "upload_id": "mine", "source": "http://169.254.169.254/latest/meta-data"}
    session_id, slot = await reserved(house, asked)
    assert slot["presigned_id"] != "mine"
    async with asyncio.timeout(40):
        while not (worker := next((each for each in house.workers if each.session_id == session_id), None)):
            await house.looked(1)
        await worker.until(lambda: worker.asked.uploads)
    (told,) = worker.asked.uploads.values()
    assert told.source is not None
    assert told.source.startswith(f"{house.url}/uploads/{slot['presigned_id']}?")


async def test_a_session_has_so_many_uploads_and_no_more(tmp_path: Path) -> None:
    limits = {"uploads_per_session": 2, "upload_bytes": 3}
    async with opened(configuration(tmp_path, limits=limits)) as house:
        token = await house.token(await house.key())
        path = f"/sessions/{(await house.begin(token))['session_id']}/uploads"
        assert [(await house.ask("POST", path, token, json=THREE)).status for _ in range(3)] == [201, 201, 429]
        large = await house.ask("POST", path, token, json={**THREE, "size": 4})
        assert (large.status, large.body["message"]) == (400, "an upload is 1 to 3 bytes, not 4")


async def test_all_files_of_a_session_together_are_bounded(tmp_path: Path) -> None:
    async with opened(configuration(tmp_path, limits={"upload_bytes_per_session": 100})) as house:
        token = await house.token(await house.key())
        path = f"/sessions/{(await house.begin(token))['session_id']}/uploads"
        body = {"name": "a", "size": 60, "mime_type": "text/plain"}
        assert (await house.ask("POST", path, token, json=body)).status == 201
        refused = await house.ask("POST", path, token, json=body)
        assert (refused.status, refused.body["code"]) == (429, "RATE_LIMITED")
        assert refused.body["message"] == "a session takes 100 bytes of uploads, and has 60: refer to one of those again"
