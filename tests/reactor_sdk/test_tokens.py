"""Tokens: from where they come, when they are replaced, and that nobody gets to see them."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from tests.reactor_sdk.observer import Observer

from reactor_protocol.resources import Token
from reactor_sdk import (
    AuthenticationError,
    InvalidArgumentError,
    NetworkError,
    Reactor,
    RequestTimeoutError,
    fetch_jwt_token,
)
from reactor_sdk.tokens import RenewedToken, lifetime
from reactor_testing.fake_coordinator import API_KEY, FakeCoordinator

network = pytest.mark.network


class Times:
    """Two clocks that stand still until they are moved."""

    def __init__(self) -> None:
        self.now = 100.0
        self.epoch = 1_000_000.0

    def pass_by(self, seconds: float) -> None:
        self.now += seconds
        self.epoch += seconds


def issuing(times: Times, life: float) -> tuple[RenewedToken, list[str]]:
    """A token that is renewed, and what was issued for it."""
    issued: list[str] = []

    async def issue() -> Token:
        issued.append(f"t{len(issued) + 1}")
        return Token(jwt=issued[-1], expires_at=times.epoch + life)

    return RenewedToken(issue, lambda: times.now, lambda: times.epoch), issued


def jwt(**claims: object) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{body}.c2ln"


# ------------------------------------------------------------------------------------------------------- in itself


@pytest.mark.parametrize(("life", "fresh_for"), [(3600.0, 3570.0), (40.0, 20.0)])
async def test_a_token_is_replaced_before_it_expires(life: float, fresh_for: float) -> None:
    times = Times()
    token, issued = issuing(times, life)
    assert await token.token() == "t1"
    times.pass_by(fresh_for - 0.5)
    assert await token.token() == "t1"
    times.pass_by(1.0)
    assert await token.token() == "t2"
    assert issued == ["t1", "t2"]


async def test_a_refused_token_is_replaced_once_for_all_who_were_refused() -> None:
    token, issued = issuing(Times(), 3600.0)
    refused = await token.token()
    error = AuthenticationError("no")
    assert await asyncio.gather(*[token.renewed(refused, error) for _ in range(5)]) == ["t2"] * 5
    assert issued == ["t1", "t2"]


async def test_many_who_need_the_first_token_get_one() -> None:
    token, issued = issuing(Times(), 3600.0)
    assert await asyncio.gather(*[token.token() for _ in range(5)]) == ["t1"] * 5
    assert issued == ["t1"]


async def test_a_token_that_cannot_be_replaced_yet_is_used_until_its_end() -> None:
    times, answers = Times(), [Token(jwt="t1", expires_at=1_000_100.0)]

    async def issue() -> Token:
        if not answers:
            raise NetworkError("nobody")
        return answers.pop()

    token = RenewedToken(issue, lambda: times.now, lambda: times.epoch)
    assert await token.token() == "t1"
    times.pass_by(99.0)
    assert await token.token() == "t1"
    times.pass_by(2.0)
    with pytest.raises(NetworkError):
        await token.token()


@pytest.mark.parametrize(
    ("token", "life"),
    [
        (Token(jwt="opaque", expires_at=1060.0), 60.0),
        (Token(jwt=jwt(exp=1060)), 60.0),
        (Token(jwt=jwt(exp=5000, iat=4940)), 60.0),  # our clock is slow
        (Token(jwt=jwt(exp=500, iat=440)), None),  # our clock is fast
        (Token(jwt="opaque"), None),
        (Token(jwt="a.!!!.c"), None),
        (Token(jwt=jwt(exp="soon")), None),
        (Token(jwt="a.W10.c"), None),
    ],
)
def test_how_long_a_token_lives(token: Token, life: float | None) -> None:
    assert lifetime(token, now=1000.0) == life


# -------------------------------------------------------------------------------------------------- from the outside


@network
async def test_a_token_of_a_key_is_renewed_while_a_session_runs(fake: FakeCoordinator, connected: Reactor) -> None:
    fake.expire_tokens()
    reference = await connected.upload_file(b"123")
    assert fake.uploads[reference.upload_id] == b"123"
    sent = [request.headers["Authorization"] for request in fake.requested("POST /sessions/{id}/uploads")]
    # What listens to the session's events may have met the refusal first.
    assert sent[-1] == "Bearer jwt-of-the-test-2"
    assert len(fake.requested("POST /tokens")) == 2


@network
async def test_a_session_is_ended_although_its_token_has_expired(fake: FakeCoordinator, connected: Reactor) -> None:
    fake.expire_tokens()
    await connected.disconnect()
    assert fake.session.state == "CLOSED"


async def test_a_token_is_renewed_while_a_client_waits(fake: FakeCoordinator, reactor: Reactor) -> None:
    fake.place_in_queue(2, 2)
    observer = Observer(reactor)
    waiting = asyncio.create_task(reactor.connect())
    await observer.until("queue_changed")
    fake.expire_tokens()
    fake.break_streams()
    fake.place_in_queue(1, 1)
    await observer.until("queue_changed", 2)
    sent = [request.headers["Authorization"] for request in fake.requested("GET /sessions/{id}")]
    assert sent[0] == "Bearer jwt-of-the-test"
    assert sent[-1] == "Bearer jwt-of-the-test-2"
    await reactor.disconnect()
    with pytest.raises(RuntimeError):
        await waiting


async def test_a_key_that_is_revoked_ends_it(fake: FakeCoordinator, reactor: Reactor) -> None:
    fake.fail_next("POST /sessions", 401, code="UNAUTHORIZED", times=2)
    with pytest.raises(AuthenticationError, match="HTTP 401: told to fail"):
        await reactor.connect()
    assert (len(fake.requested("POST /sessions")), len(fake.requested("POST /tokens"))) == (2, 2)


@network
async def test_a_token_serves_in_place_of_a_key(fake: FakeCoordinator) -> None:
    async with Reactor("echo", api_url=fake.url, jwt=await fetch_jwt_token(API_KEY, fake.url)) as reactor:
        assert await reactor.send_command("echo", {}) == {"type": "echo", "data": {}}
    assert fake.session.state == "CLOSED"
    assert len(fake.requested("POST /tokens")) == 1


async def test_a_token_that_is_refused_says_what_to_do(fake: FakeCoordinator) -> None:
    reactor = Reactor("echo", api_url=fake.url, jwt="  stale-secret\n")
    with pytest.raises(AuthenticationError, match=r"HTTP 401.*jwt= is not accepted.*a function that returns one") as caught:
        await reactor.connect()
    assert caught.value.status == 401
    assert fake.requested("POST /sessions")[0].headers["Authorization"] == "Bearer stale-secret"
    assert "stale-secret" not in f"{caught.value} {caught.value!r} {reactor!r} {reactor.get_last_error()}"


@network
@pytest.mark.parametrize("kind", ["plain", "async"])
async def test_a_function_is_asked_again_when_its_token_is_refused(fake: FakeCoordinator, kind: str) -> None:
    given = iter(["stale", "jwt-of-the-test"])

    async def later() -> str:
        return next(given)

    async with Reactor("echo", api_url=fake.url, jwt=(lambda: next(given)) if kind == "plain" else later) as reactor:
        await reactor.connect()
        assert reactor.get_status() == "ready"
    assert fake.requested("POST /tokens") == []


def failing(error: Exception) -> Callable[[], str]:
    def function() -> str:
        raise error

    return function


@pytest.mark.parametrize(
    ("function", "kind", "message"),
    [
        (failing(KeyError("rk_secret")), AuthenticationError, "the function passed as jwt= raised KeyError"),
        (failing(ConnectionResetError("rk_secret")), NetworkError, "ConnectionResetError"),
        (failing(RequestTimeoutError("in time")), RequestTimeoutError, "in time"),
        (lambda: None, InvalidArgumentError, "got NoneType"),
        (lambda: "two words", InvalidArgumentError, "one word"),
    ],
)
async def test_a_function_that_gives_no_token(function: Any, kind: type[Exception], message: str) -> None:
    reactor = Reactor("echo", api_url="http://127.0.0.1:1", jwt=function)
    with pytest.raises(kind, match=message) as caught:
        await reactor.connect()
    assert "rk_secret" not in str(caught.value)
    assert "two words" not in str(caught.value)
    assert reactor.get_status() == "disconnected"


@pytest.mark.parametrize("given", ["two words", "new\nline", "\x00"])
def test_what_cannot_be_a_token_is_refused_without_being_repeated(given: str) -> None:
    with pytest.raises(InvalidArgumentError, match="one word") as caught:
        Reactor("echo", jwt=given)
    assert given not in str(caught.value)


def test_a_key_and_a_token_at_once_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="not both"):
        Reactor("echo", "rk_x", jwt="t")


async def test_a_server_that_repeats_a_secret_is_not_quoted(
    fake: FakeCoordinator, reactor: Reactor, caplog: pytest.LogCaptureFixture
) -> None:
    fake.fail_next("POST /sessions", 403, {"message": "jwt-of-the-test is not for this"})
    with caplog.at_level(logging.DEBUG), pytest.raises(RuntimeError, match=r"HTTP 403: \[hidden\] is not for this"):
        await reactor.connect()
    fake.fail_next("POST /tokens", 401, {"message": f"no key {API_KEY}"})
    with caplog.at_level(logging.DEBUG), pytest.raises(RuntimeError, match=r"HTTP 401: no key \[hidden\]"):
        await reactor.connect()
    assert "jwt-of-the-test" not in caplog.text
