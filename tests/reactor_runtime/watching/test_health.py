"""What ``/health`` says, with the literals of the reference (runtime, 3.3 and 12)."""

import pytest

from reactor_protocol.lifecycles import RuntimeState
from reactor_runtime.watching.health import Facts, Health, health_of

R = RuntimeState


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (R.CREATED, "loading"),
        (R.READY, "available"),
        (R.WAITING, "serving"),
        (R.STREAMING, "serving"),
        (R.ORPHANED, "serving"),
        (R.CLOSING, "serving"),
    ],
)
def test_all_is_well(state: RuntimeState, word: str) -> None:
    health = health_of(Facts(state))
    assert health == Health("healthy", word, "")
    assert health.code == 200


def test_the_end() -> None:
    health = health_of(Facts(R.TERMINATED, failure="the model stopped: run() returned", reloading="x", silent_s=99.0))
    assert health == Health("unhealthy", "terminated", "the model stopped: run() returned")
    assert health.code == 503
    assert health_of(Facts(R.TERMINATED)).detail == ""


def test_a_model_whose_author_has_to_mend_it() -> None:
    health = health_of(Facts(R.CREATED, failure="the model failed to load: SyntaxError: invalid syntax"))
    assert health == Health("degraded", "loading", "the model failed to load: SyntaxError: invalid syntax")


def test_a_model_that_is_loaded_again() -> None:
    said = "the model is being loaded again: the model stopped: it was killed"
    reason = "the model stopped: it was killed"
    assert health_of(Facts(R.STREAMING, reloading=reason)) == Health("degraded", "serving", said)
    assert health_of(Facts(R.READY, reloading=reason)) == Health("degraded", "loading", said)
    assert health_of(Facts(R.CREATED, reloading=reason)) == Health("degraded", "loading", said)
    # Of course it does not answer.
    assert health_of(Facts(R.STREAMING, reloading=reason, silent_s=99.0)).detail == said
    assert health_of(Facts(R.STREAMING, reloading=reason)).code == 200


def test_a_model_that_is_silent() -> None:
    assert health_of(Facts(R.STREAMING, silent_s=14.9)) == Health("healthy", "serving", "")
    assert health_of(Facts(R.STREAMING, silent_s=15.0)) == Health(
        "degraded", "serving", "the model has not answered a command for 15 s"
    )


def test_a_recorder_that_has_failed() -> None:
    health = health_of(Facts(R.STREAMING, recorder="No space left on device", silent_s=20.0))
    assert health.status == "degraded"
    assert health.detail == (
        "the model has not answered a command for 20 s; the session is not recorded: No space left on device"
    )
