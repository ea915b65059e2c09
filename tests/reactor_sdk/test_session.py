from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from reactor_protocol.resources import Session
from reactor_sdk import (
    AuthenticationError,
    ConflictError,
    InvalidArgumentError,
    InvalidStateError,
    ModelFailedError,
    NotFoundError,
    ServerError,
    SessionEndedError,
    TransportError,
    queueing,
    session,
)
from reactor_sdk.api import Api
from reactor_sdk.config import ClientConfig
from reactor_sdk.session import HostedSessions, LocalSessions, check_described, make_sessions
from reactor_testing.fake_coordinator import API_KEY, FakeCoordinator


@pytest.fixture
async def api(fake: FakeCoordinator) -> AsyncIterator[Api]:
    api = Api(fake.url)
    yield api
    await api.close()


@pytest.fixture
async def hosted(fake: FakeCoordinator, api: Api) -> HostedSessions:
    sessions = HostedSessions(api, ClientConfig("echo", fake.url, False, API_KEY))
    await sessions.authorize()
    return sessions


@pytest.fixture
def local(api: Api) -> LocalSessions:
    return LocalSessions(api)


def test_the_configuration_chooses_the_world() -> None:
    api = Api("http://127.0.0.1:1")
    assert isinstance(make_sessions(api, ClientConfig("m", "http://127.0.0.1:1", local=True)), LocalSessions)
    assert isinstance(make_sessions(api, ClientConfig("m", "http://127.0.0.1:1", local=False)), HostedSessions)


async def test_a_hosted_session_is_asked_for_as_documented(fake: FakeCoordinator, hosted: HostedSessions) -> None:
    opened = await hosted.open(None)
    assert opened.created
    request = fake.requested("POST /sessions")[0]
    body = request.json()
    assert body["model"] == {"name": "echo"}
    assert body["client_info"]["sdk_type"] == "python"
    assert body["supported_transports"] == [{"protocol": "webrtc", "version": "1.0"}]
    assert request.headers["Authorization"] == "Bearer jwt-of-the-test"


async def test_waiting_lasts_until_the_session_is_described(fake: FakeCoordinator, hosted: HostedSessions) -> None:
    fake.change(polls=3, streams=False)
    ready = await hosted.wait((await hosted.open(None)).session)
    assert ready.capabilities is not None
    assert len(fake.requested("GET /sessions/{id}")) == 3


async def test_waiting_survives_a_few_failures_and_a_token_that_ran_out(fake: FakeCoordinator, hosted: HostedSessions) -> None:
    opened = await hosted.open(None)
    fake.fail_next("GET /sessions/{id}", 503)
    fake.fail_next("GET /sessions/{id}", 429, retry_after=0.01)
    fake.fail_next("GET /sessions/{id}", 401)
    assert (await hosted.wait(opened.session)).capabilities is not None
    assert len(fake.requested("POST /tokens")) == 2


async def test_waiting_gives_up_after_many_failures(
    fake: FakeCoordinator, hosted: HostedSessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queueing, "_LONGEST_POLL_S", 0.01)
    opened = await hosted.open(None)
    fake.fail_next("GET /sessions/{id}", 500, times=6)
    with pytest.raises(ServerError):
        await hosted.wait(opened.session)


async def test_a_session_that_is_gone_is_not_waited_for(fake: FakeCoordinator, hosted: HostedSessions) -> None:
    opened = await hosted.open(None)
    fake.fail_next("GET /sessions/{id}", 404)
    with pytest.raises(NotFoundError):
        await hosted.wait(opened.session)
    fake.session.state = "CLOSED"
    with pytest.raises(SessionEndedError, match="CLOSED"):
        await hosted.wait(opened.session)


async def test_an_inactive_session_is_restarted_if_that_is_possible(fake: FakeCoordinator, hosted: HostedSessions) -> None:
    fake.change(streams=False)
    opened = await hosted.open(None)
    fake.session.state = "INACTIVE"
    assert (await hosted.wait(opened.session)).capabilities is not None
    assert len(fake.requested("PUT /sessions/{id}")) == 1


async def test_an_inactive_session_that_cannot_be_restarted_is_over(fake: FakeCoordinator, hosted: HostedSessions) -> None:
    fake.change(streams=False)
    opened = await hosted.open(None)
    fake.session.state = "INACTIVE"
    fake.fail_next("PUT /sessions/{id}", 409, {"message": "no worker"})
    with pytest.raises(SessionEndedError, match="no worker"):
        await hosted.wait(opened.session)


async def test_adopting_asks_about_the_session_and_does_not_own_it(fake: FakeCoordinator, hosted: HostedSessions) -> None:
    await hosted.open(None)
    opened = await hosted.open(fake.session.session_id)
    assert not opened.created
    with pytest.raises(NotFoundError):
        await hosted.open("00000000-1111-2222-3333-444444444444")


async def test_ending_a_hosted_session_twice_is_fine(fake: FakeCoordinator, hosted: HostedSessions) -> None:
    opened = await hosted.open(None)
    await hosted.end(opened.session.session_id)
    assert fake.session.state == "CLOSED"
    fake.fail_next("DELETE /sessions/{id}", 404)
    await hosted.end(opened.session.session_id)


async def test_a_refused_key(fake: FakeCoordinator, api: Api) -> None:
    with pytest.raises(AuthenticationError, match="HTTP 401"):
        await HostedSessions(api, ClientConfig("echo", fake.url, False, "rk_wrong")).authorize()


async def test_a_local_session_is_started_without_a_token(fake: FakeCoordinator, local: LocalSessions) -> None:
    await local.authorize()
    opened = await local.open(None)
    assert opened.created
    request = fake.requested("POST /start_session")[0]
    assert request.json() == {}
    assert "Authorization" not in request.headers
    assert fake.requested("POST /tokens") == []


async def test_a_runtime_that_loads_is_waited_for(fake: FakeCoordinator, local: LocalSessions) -> None:
    fake.fail_next("POST /start_session", 503, {"detail": "loading"}, retry_after=0.01, times=4)
    assert (await local.open(None)).created
    assert len(fake.requested("POST /start_session")) == 5


async def test_a_runtime_whose_model_failed_says_why(fake: FakeCoordinator, local: LocalSessions) -> None:
    fake.fail_next("POST /start_session", 503, {"detail": "the model did not load: no weights"})
    with pytest.raises(ModelFailedError, match="the model did not load: no weights") as caught:
        await local.open(None)
    assert caught.value.status == 503


async def test_a_running_local_session_is_joined_and_not_owned(fake: FakeCoordinator, local: LocalSessions) -> None:
    first = await local.open(None)
    second = await local.open(None)
    assert not second.created
    assert second.session.session_id == first.session.session_id


async def test_a_session_that_somebody_uses_is_refused_to_who_wants_one_of_its_own(fake: FakeCoordinator, api: Api) -> None:
    alone = LocalSessions(api, joins=False, spares=True)
    assert (await alone.open(None)).created
    for state in ("waiting", "streaming"):
        fake.session.state = state
        with pytest.raises(InvalidStateError, match=r"somebody else uses the session .*url=.*share=True"):
            await alone.open(None)
    assert fake.requested("POST /stop_session") == []


async def test_a_session_that_its_client_left_behind_is_ended_for_one_of_its_own(fake: FakeCoordinator, api: Api) -> None:
    alone = LocalSessions(api, joins=False, spares=True)
    left = await alone.open(None)
    fake.session.state = "orphaned"
    opened = await alone.open(None)
    assert opened.created
    assert opened.session.session_id != left.session.session_id
    assert fake.requested("POST /stop_session")[0].json() == {"if_unused": True, "leaving": None}


async def test_who_spares_others_ends_a_session_that_it_joined_if_it_is_the_last(fake: FakeCoordinator, api: Api) -> None:
    sharing = LocalSessions(api, spares=True)
    await sharing.open(None)
    joined = await sharing.open(None)
    assert joined.created
    await sharing.end(joined.session.session_id, 1_002)
    assert fake.requested("POST /stop_session")[0].json() == {"if_unused": True, "leaving": 1_002}


async def test_a_session_that_is_being_put_away_is_waited_for(fake: FakeCoordinator, local: LocalSessions) -> None:
    await local.open(None)
    fake.session.state = "ready"
    fake.fail_next("POST /start_session", 409, {"detail": "closing"})
    assert (await local.open(None)).created


async def test_a_conflict_that_lasts_is_told(
    fake: FakeCoordinator, local: LocalSessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_CLOSING_LIMIT_S", 0.0)
    await local.open(None)
    fake.session.state = "closing"
    with pytest.raises(ConflictError):
        await local.open(None)


async def test_a_local_session_cannot_be_named(local: LocalSessions) -> None:
    with pytest.raises(InvalidArgumentError, match="local"):
        await local.open("some-session")


async def test_finding_a_local_session_again(fake: FakeCoordinator, local: LocalSessions) -> None:
    opened = await local.open(None)
    assert (await local.find(opened.session.session_id)).session_id == opened.session.session_id
    with pytest.raises(SessionEndedError, match="restarted or has ended it"):
        await local.find("of-the-runtime-before")


async def test_only_the_own_local_session_is_ended(fake: FakeCoordinator, local: LocalSessions) -> None:
    opened = await local.open(None)
    await local.end("of-somebody-else")
    assert fake.requested("POST /stop_session") == []
    await local.end(opened.session.session_id)
    await local.end(opened.session.session_id)
    assert fake.session.state == "ready"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"capabilities": {"tracks": []}, "selected_transport": {"protocol": "webrtc"}}, "no tracks"),
        ({"capabilities": {"tracks": []}, "selected_transport": {"protocol": "carrier-pigeon"}}, "carrier-pigeon"),
        ({}, "none"),
    ],
)
def test_a_session_that_cannot_be_connected_to_is_refused(body: dict[str, object], message: str) -> None:
    with pytest.raises(TransportError, match=message):
        check_described(Session.model_validate({"session_id": "s", "state": "ACTIVE", **body}))


async def test_a_server_that_tells_nothing_of_a_session_is_not_asked_again(fake: FakeCoordinator, hosted: HostedSessions) -> None:
    opened = await hosted.open(None)
    with pytest.raises(NotFoundError):
        _ = [each async for each in hosted.follow(opened.session.session_id)]
    local = LocalSessions(Api(fake.url))
    assert [each async for each in local.follow(opened.session.session_id)] == []
