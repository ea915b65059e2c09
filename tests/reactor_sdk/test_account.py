from __future__ import annotations

import pytest

from reactor_sdk import AuthenticationError, InvalidArgumentError, NotFoundError, end_session, fetch_jwt_token, list_sessions
from reactor_sdk.api import Api
from reactor_sdk.config import ClientConfig
from reactor_sdk.session import HostedSessions
from reactor_testing.fake_coordinator import API_KEY, FakeCoordinator


async def leave_behind(fake: FakeCoordinator) -> str:
    """A session that nobody ends."""
    api = Api(fake.url)
    opened = await HostedSessions(api, ClientConfig("echo", fake.url, False, API_KEY)).open(None)
    await api.close()
    return opened.session.session_id


async def test_a_token_without_restrictions_is_asked_for_without_a_body(fake: FakeCoordinator) -> None:
    assert await fetch_jwt_token(API_KEY, fake.url) == "jwt-of-the-test"
    assert fake.requested("POST /tokens")[0].body == b""


async def test_a_token_with_every_restriction(fake: FakeCoordinator) -> None:
    await fetch_jwt_token(
        API_KEY,
        fake.url,
        models=["helios"],
        sessions=["s1", "s2"],
        max_sessions=3,
        max_session_duration_seconds=600,
        expires_after=120,
    )
    assert fake.requested("POST /tokens")[0].json() == {
        "expires_after": 120,
        "authorization_details": [
            {
                "type": "session",
                "resources": {"models": {"match": ["helios"]}, "sessions": {"bind": ["s1", "s2"]}},
                "constraints": {"max_sessions": 3, "max_session_duration_seconds": 600},
            }
        ],
    }


async def test_a_token_with_some_restrictions(fake: FakeCoordinator) -> None:
    await fetch_jwt_token(API_KEY, fake.url, max_sessions=1)
    await fetch_jwt_token(API_KEY, fake.url, expires_after=60)
    limited, short = (request.json() for request in fake.requested("POST /tokens"))
    assert limited == {
        "authorization_details": [{"type": "session", "resources": {"models": {"all": True}}, "constraints": {"max_sessions": 1}}]
    }
    assert short == {"expires_after": 60}


@pytest.mark.parametrize("names", [[], "helios", [""]])
async def test_an_empty_restriction_is_refused(fake: FakeCoordinator, names: list[str]) -> None:
    with pytest.raises(InvalidArgumentError, match="models= must be a list of names"):
        await fetch_jwt_token(API_KEY, fake.url, models=names)
    assert fake.requests == []


async def test_sessions_that_were_left_behind_are_seen_and_ended(fake: FakeCoordinator) -> None:
    first, second = await leave_behind(fake), await leave_behind(fake)
    listed = await list_sessions(API_KEY, fake.url)
    assert [(each["session_id"], each["model"]) for each in listed] == [(first, {"name": "echo"}), (second, {"name": "echo"})]
    await end_session(first, API_KEY, fake.url)
    assert fake.sessions[first].state == "CLOSED"
    assert [each["session_id"] for each in await list_sessions(API_KEY, fake.url)] == [second]


async def test_sessions_of_nobody(fake: FakeCoordinator) -> None:
    with pytest.raises(NotFoundError, match="HTTP 404"):
        await end_session("nope", API_KEY, fake.url)
    with pytest.raises(NotFoundError):
        await end_session("../tokens", API_KEY, fake.url)
    assert fake.requested("DELETE /tokens") == []
    with pytest.raises(AuthenticationError):
        await list_sessions("rk_wrong", fake.url)
