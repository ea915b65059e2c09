"""The routes of uploads."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import httpx
from tests.reactor_runtime.runtime_support import House, opened

NIL = "00000000-0000-0000-0000-000000000000"
FILE = {"name": "a.png", "size": 6, "mime_type": "image/png"}


async def reserve(house: House, session: str = NIL, **changes: Any) -> httpx.Response:
    return await house.http.post(f"/sessions/{session}/uploads", json=FILE | changes)


async def test_a_file_is_reserved_and_written_once() -> None:
    async with opened() as house:
        await house.start()
        response = await reserve(house, upload_id="u-1")
        assert response.status_code == 201
        assert response.json() == {
            "presigned_id": "u-1",
            "presigned_url": "http://runtime:8080/uploads/u-1",
            "path": f"sessions/{NIL}/uploads/u-1/a.png",
        }
        url = response.json()["presigned_url"]
        assert (await house.http.put(url, content=b"abcdef")).status_code == 200
        assert (await house.http.put(url, content=b"abcdef")).status_code == 409


async def test_an_id_is_made_up_and_a_given_one_is_taken_once() -> None:
    async with opened() as house:
        await house.start()
        session = (await house.http.get("/session")).json()["session_id"]
        made_up = (await reserve(house, session)).json()["presigned_id"]
        assert len(made_up) == 32
        assert (await reserve(house, upload_id=made_up)).status_code == 409


async def test_reservations_that_are_refused() -> None:
    async with opened() as house:
        assert (await reserve(house)).status_code == 400
        assert (await reserve(house)).json()["detail"] == "No session running"
        await house.start()
        unknown = await reserve(house, str(uuid4()))
        assert (unknown.status_code, unknown.json()["detail"]) == (404, "Unknown session")
        refused: list[dict[str, Any]] = [{"size": 0}, {"size": -1}, {"size": 2**40}, {"name": ""}, {"upload_id": "a/b"}]
        for changes in [*refused, {"mime_type": ""}]:
            assert (await reserve(house, **changes)).status_code == 400, changes
        malformed: list[dict[str, Any]] = [{"size": "many"}, {"name": None}, {"size": 1e400}, {"name": ["a"]}]
        for changes in malformed:
            response = await house.http.post(f"/sessions/{NIL}/uploads", content=_json(FILE | changes))
            assert response.status_code == 422, changes


def _json(body: dict[str, object]) -> str:
    return str(body).replace("'", '"').replace("None", "null").replace("inf", "1e400")


async def test_bytes_that_are_not_what_was_announced_may_be_sent_again() -> None:
    async def parts(*data: bytes) -> AsyncIterator[bytes]:
        for part in data:
            yield part

    async with opened() as house:
        await house.start()
        url = (await reserve(house)).json()["presigned_url"]
        short = await house.http.put(url, content=b"abc")
        assert (short.status_code, short.json()["detail"]) == (400, "6 bytes were announced, and 3 are sent")
        broken = await house.http.put(url, content=parts(b"abc"))
        assert (broken.status_code, broken.json()["detail"]) == (400, "6 bytes were announced, and 3 arrived")
        long = await house.http.put(url, content=parts(b"abc", b"defg"))
        assert (long.status_code, long.json()["detail"]) == (400, "6 bytes were announced, and 7 arrived")
        odd = await house.http.put(url, content=parts(b"abc"), headers=[(b"content-length", b"\xb2")])
        assert odd.status_code == 400
        assert (await house.http.put(url, content=parts(b"abc", b"def"))).status_code == 200


async def test_one_that_breaks_off_may_be_sent_again() -> None:
    async with opened() as house:
        await house.start()
        slot = (await reserve(house)).json()["presigned_id"]
        messages: Iterator[dict[str, object]] = iter(
            [{"type": "http.request", "body": b"abc", "more_body": True}, {"type": "http.disconnect"}]
        )
        answers = []

        async def receive() -> dict[str, object]:
            return next(messages)

        async def send(message: dict[str, object]) -> None:
            answers.append(message)

        scope = {"type": "http", "method": "PUT", "path": f"/uploads/{slot}", "headers": [], "query_string": b"", "root_path": ""}
        app = house.http._transport.app  # type: ignore[attr-defined]
        async with asyncio.timeout(40):
            await app(scope, receive, send)
        assert answers[0]["status"] == 400
        assert (await house.http.put(f"/uploads/{slot}", content=b"abcdef")).status_code == 200


async def test_an_unknown_upload_is_404_with_and_without_a_session() -> None:
    async with opened() as house:
        assert (await house.http.put("/uploads/nope", content=b"x")).status_code == 404
        await house.start()
        assert (await house.http.put("/uploads/nope", content=b"x")).status_code == 404


async def test_a_session_that_ends_takes_its_files_with_it() -> None:
    async with opened() as house:
        await house.start()
        url = (await reserve(house)).json()["presigned_url"]
        await house.http.post("/stop_session")
        assert (await house.http.put(url, content=b"abcdef")).status_code == 404


async def test_a_file_above_the_limit_of_other_bodies() -> None:
    async with opened() as house:
        await house.start()
        data = b"x" * (2 * 1024 * 1024)
        url = (await reserve(house, size=len(data))).json()["presigned_url"]
        assert (await house.http.put(url, content=data)).status_code == 200
