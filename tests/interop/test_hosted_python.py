"""Python clients of three generations before one coordinator: how each tells that it is refused, and how each waits its turn.

The published 0.8 and 1.13 ask again and again while they wait, ours is told; 0.8 gives up after 20 times, which is after two
minutes. What they do once they are connected is in test_scenario.py (0.8 and ours) and test_hosted_native_client.py.
"""

import json
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.interop.children import Child
from tests.interop.coordinator import MODEL_NAME, QUEUE_LENGTH, Hosted
from tests.interop.observations import Observations
from tests.interop.servers import HERE

# A first run builds the virtual environments inside its first test.
pytestmark = [
    pytest.mark.network,
    pytest.mark.timeout(300),
    *(
        pytest.mark.against("client", "reactor-sdk", version, "on our coordinator: being refused, waiting in the queue")
        for version in ("0.8.0", "1.13.0")
    ),
]

VISIT_SECONDS = 100.0

Clients = Mapping[str, Path]
Attempt = dict[str, str]


@dataclass(frozen=True)
class Refusal:
    """What each client raises; ``told`` is a part of the message that all of them show."""

    step: str
    status: int
    told: str
    native: str
    ours: str
    waits: bool = False


REFUSALS = [
    Refusal("wrong key", 401, "the API key is not valid", "AuthError", "AuthenticationError"),
    Refusal("no credit", 402, "has no credit left", "BadRequestError", "CreditsExhaustedError"),
    Refusal("too many sessions", 403, "1 of 1 sessions of this API key are open", "UnauthorizedError", "QuotaExceededError"),
    Refusal("unknown model", 404, "there is no model 'no-such-model' here", "NotFoundError", "NotFoundError"),
    Refusal("too fast", 429, "this API key may create 1 sessions a minute", "RateLimitedError", "RateLimitedError", waits=True),
    Refusal("queue full", 429, "the queue for interop-echo is full", "RateLimitedError", "CapacityError", waits=True),
]


@pytest.fixture(scope="module")
def clients(published_client_python: Path, native_client_python: Path) -> Clients:
    """The interpreter of each client."""
    return {"0.8": published_client_python, "1.13": native_client_python, "ours": Path(sys.executable)}


def start(python: Path, hosted: Hosted, attempts: list[Attempt], log: Path) -> Child:
    env = {"INTEROP_ATTEMPTS": json.dumps(attempts)}
    return Child([python, HERE / "drivers" / "attempts.py", hosted.url], cwd=log.parent, env=env, log=log, seconds=VISIT_SECONDS)


def outcome(child: Child) -> Observations:
    child.wait()
    return Observations.read(child.output().splitlines(), {"the client": child.log()})


@pytest.fixture(scope="module")
def refused(coordinator: Hosted, clients: Clients, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Observations]:
    """Has every client refused for every reason, while the worker is taken and the queue is full."""
    logs = tmp_path_factory.mktemp("clients")
    coordinator.wait_until_free()
    coordinator.hold()
    one_session, one_a_minute = coordinator.new_key(max_sessions=1), coordinator.new_key(sessions_per_minute=1)
    for key in (one_session, one_a_minute, *[coordinator.key] * (QUEUE_LENGTH - 2)):
        coordinator.begin(key)
    keys = {
        "wrong key": "rk_of_nobody",
        "no credit": coordinator.new_key(credit_s=0.0),
        "too many sessions": one_session,
        "too fast": one_a_minute,
    }
    attempts = [
        {
            "step": refusal.step,
            "model": "no-such-model" if refusal.step == "unknown model" else MODEL_NAME,
            "key": keys.get(refusal.step, coordinator.key),
        }
        for refusal in REFUSALS
    ]
    with ExitStack() as stack:
        started = {
            name: stack.enter_context(start(python, coordinator, attempts, logs / name)) for name, python in clients.items()
        }
        told = {name: outcome(child) for name, child in started.items()}
    coordinator.clear()
    return told


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.step)
def test_the_published_client_raises_with_the_status_in_its_text(refused: dict[str, Observations], refusal: Refusal) -> None:
    told = refused["0.8"].of(refusal.step)
    assert told["raised"] == "RuntimeError"
    assert str(refusal.status) in told["text"]
    assert refusal.told in told["text"]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.step)
def test_the_native_client_raises_its_class_for_the_status(refused: dict[str, Observations], refusal: Refusal) -> None:
    told = refused["1.13"].of(refusal.step)
    assert told["raised"] == refusal.native
    assert refusal.told in told["text"]
    # The exchange of the key for a token has an exception without fields.
    assert told["status"] == (None if refusal.native == "AuthError" else refusal.status)
    assert (told["retry_after_ms"] or 0) > 0 if refusal.waits else told["retry_after_ms"] is None


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.step)
def test_our_client_tells_the_refusals_apart(refused: dict[str, Observations], refusal: Refusal) -> None:
    told = refused["ours"].of(refusal.step)
    assert told["raised"] == refusal.ours
    assert "RuntimeError" in told["bases"]
    assert refusal.told in told["text"]
    assert told["status"] == refusal.status
    assert (told["retry_after"] or 0) > 0 if refusal.waits else told["retry_after"] is None


def test_clients_of_all_generations_wait_in_one_queue_until_it_is_their_turn(
    hosted: Hosted, clients: Clients, tmp_path: Path
) -> None:
    holder, waiting = hosted.hold(), hosted.begin()

    def positions() -> list[int]:
        # A session that has just begun has no place yet.
        return sorted(session["queue"]["position"] for session in hosted.sessions() if "queue" in session)

    attempt = [{"step": "connect", "model": MODEL_NAME, "key": hosted.key}]
    with ExitStack() as stack:
        started: dict[str, Child] = {}
        for name, python in clients.items():
            started[name] = stack.enter_context(start(python, hosted, attempt, tmp_path / name))
            hosted.until(lambda: len(positions()) == 1 + len(started), f"{name} is in the queue")
        assert positions() == [1, 2, 3, 4]
        assert [child.output() for child in started.values()] == ["", "", ""]
        hosted.end(holder)
        hosted.until(lambda: hosted.session(waiting)["state"] == "ACTIVE", "the first in the queue has the worker")
        hosted.until(lambda: positions() == [1, 2, 3], "the others move up")
        hosted.end(waiting)
        told: dict[str, dict[str, Any]] = {name: outcome(child).of("connect") for name, child in started.items()}
    assert [each["raised"] for each in told.values()] == [None, None, None]
    assert {name: each["statuses"][:3] for name, each in told.items()} == dict.fromkeys(told, ["connecting", "waiting", "ready"])
    ended = [hosted.session(each["session_id"]) for each in told.values()]
    assert [session["reason"] for session in ended] == ["ended by its client"] * 3
    hosted.wait_until_free()
