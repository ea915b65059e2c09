"""Bodies and numbers that nobody sends by accident. Each is refused with a reason, and none is a mistake of the server."""

import asyncio
import io
from typing import Any

import pytest
from tests.reactor_coordinator.house import House
from tests.reactor_coordinator.security.addresses import OF_A_SESSION, filled

from reactor_coordinator.bodies import parse
from reactor_protocol.names import HEADER_API_KEY

JSON = {"Content-Type": "application/json"}
MEBIBYTE = 1024 * 1024
NO_JSON = "the body is not JSON that can be used: "

CANNOT_BE_READ = {
    "not JSON": (b"{", NO_JSON),
    "a number that is none": (b'{"x": NaN}', NO_JSON),
    "an infinite number": (b'{"x": -Infinity}', NO_JSON),
    "a hundred thousand lists in each other": (b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", NO_JSON + "recursion limit"),
    "not UTF-8": (b'{"x": "\xff\xfe"}', NO_JSON),
    "half a character": (b'{"x": "\\ud800"}', NO_JSON),
    "half a character in a name": (b'{"\\ud800": 1}', NO_JSON),
    "a number with ten thousand digits": (b'{"x": ' + b"9" * 10_000 + b"}", NO_JSON + "number out of range"),
    "a null character": (b'{"x": "a\\u0000b"}', "the body holds a null character: leave it out"),
    "a null character in a name": (b'{"x": [{"a\\u0000b": 1}]}', "the body holds a null character: leave it out"),
    "a number beyond all bounds": (b'{"x": 1e999}', "the body holds a number that is too large"),
    "a long number beyond all bounds": (b'{"x": ' + b"9" * 250 + b"e99}", "the body holds a number that is too large"),
}


async def first_line(house: House, token: str, header: str, body: bytes) -> bytes:
    """The first line of the answer to a request whose body is not sent to its end."""
    host, port = house.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST /sessions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{header}\r\n\r\n"
    writer.write(head.encode() + body)
    line = (await reader.readline()).strip()
    writer.close()
    return line


@pytest.mark.parametrize(("body", "message"), CANNOT_BE_READ.values(), ids=CANNOT_BE_READ.keys())
def test_a_body_that_cannot_be_read(body: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        parse(body)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'"\\\\u0000"', "\\u0000"),
        (b"[1e300, 123456789012345678901234567890]", [1e300, 123456789012345678901234567890]),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b"[" * 200 + b"]" * 200, None),
    ],
)
def test_a_body_that_is_only_unusual(body: bytes, value: Any) -> None:
    assert parse(body) == value or value is None


async def test_every_route_refuses_a_body_that_cannot_be_read(any_house: House) -> None:
    key = await any_house.key()
    token = await any_house.token(key)
    session_id = (await any_house.begin(token))["session_id"]
    running = await any_house.until(token, session_id, "ACTIVE")
    addresses = [(method, filled(address, session_id)) for method, address, body in OF_A_SESSION if body is not None]
    for body, message in CANNOT_BE_READ.values():
        for method, address in [*addresses, ("POST", "/sessions"), ("POST", "/tokens")]:
            reply = await any_house.ask(method, address, token, data=body, headers={**JSON, HEADER_API_KEY: key})
            assert (method, address, reply.status, reply.body["code"]) == (method, address, 400, "BAD_REQUEST")
            assert reply.body["message"].startswith(message)
    assert await any_house.until(token, session_id, "ACTIVE") == running


async def test_a_reason_that_cannot_be_kept_ends_a_session_all_the_same(any_house: House) -> None:
    token = await any_house.token(await any_house.key())
    for body in (b'{"reason": "a\\u0000b"}', b'{"reason": "' + b"x" * 65 + b'"}', b"[" * 1000, b'{"reason": "\xff"}'):
        session_id = (await any_house.begin(token))["session_id"]
        assert (await any_house.ask("DELETE", f"/sessions/{session_id}", token, data=body)).status == 204
        assert (await any_house.until(token, session_id, "CLOSED"))["reason"] == "ended by its client"


async def test_names_that_cannot_be_kept(any_house: House) -> None:
    token = await any_house.token(await any_house.key())
    for name in ("", "x" * 129, "a\x00b", "../../etc/passwd", "echo'; DROP TABLE sessions; --"):
        reply = await any_house.ask("POST", "/sessions", token, json={"model": {"name": name}})
        assert reply.status in (400, 404, 422), (name, reply.body)
    assert (await any_house.ask("GET", "/sessions", token)).body == {"sessions": []}


async def test_numbers_beyond_all_bounds(any_house: House) -> None:
    token = await any_house.token(await any_house.key())
    for body in ({"max_session_duration_seconds": 10**30}, {"max_session_duration_seconds": -1}, {"queue": 10**30}):
        reply = await any_house.ask("POST", "/sessions", token, json={"model": {"name": "echo"}, **body})
        assert (reply.status, reply.body["code"]) == (422, "BAD_REQUEST")
    session_id = (await any_house.begin(token))["session_id"]
    for size in (10**30, 2**63, -1, 0):
        asked = {"name": "a", "mime_type": "b/c", "size": size}
        reply = await any_house.ask("POST", f"/sessions/{session_id}/uploads", token, json=asked)
        assert (reply.status, reply.body["code"]) == (400, "BAD_REQUEST")
    await any_house.until(token, session_id, "ACTIVE")
    for times in ("start=nan&end=1", "start=0&end=inf", "start=-1&end=1", "start=0&end=1e30", "start=0"):
        assert (await any_house.ask("GET", f"/clips?session_id={session_id}&{times}", token)).status == 422
    for connection in ("-1", "9" * 40, "1e3", "10000"):
        path = f"/sessions/{session_id}/transport/webrtc/connections/{connection}/sdp_params"
        assert (await any_house.ask("GET", path, token)).status == 422


async def test_ten_megabytes_are_refused_before_they_are_read(house: House) -> None:
    token = await house.token(await house.key())
    line = await first_line(house, token, f"Content-Length: {10 * MEBIBYTE}", b"")
    assert line.startswith(b"HTTP/1.1 413 ")


async def test_ten_megabytes_that_are_not_announced(house: House) -> None:
    token = await house.token(await house.key())
    parts = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    line = await first_line(house, token, "Transfer-Encoding: chunked", parts * 17)
    assert line.startswith(b"HTTP/1.1 413 ")


async def test_a_body_that_is_too_large_is_told_so(house: House) -> None:
    reply = await house.ask("POST", "/tokens", data=io.BytesIO(b"x" * (MEBIBYTE + 1)))
    assert reply.status == 413
    assert reply.body["code"] == "BODY_TOO_LARGE"
    assert reply.body["message"] == "a request body is at most 1048576 bytes; send files as uploads"


async def test_what_a_client_offers_of_ice_servers_does_not_reach_the_worker(house: House) -> None:
    token = await house.token(await house.key())
    session_id = (await house.begin(token))["session_id"]
    await house.until(token, session_id, "ACTIVE")
    offer = {"sdp_offer": "v=0", "ice_servers": [{"uris": ["turn:169.254.169.254:80"]}]}
    assert (await house.ask("POST", f"/sessions/{session_id}/transport/webrtc/sdp_params", token, json=offer)).status == 202
    (worker,) = [each for each in house.workers if each.session_id == session_id]
    assert worker.offers[0].ice_servers == []
