"""The body of POST /tokens (reference: client and REST, section 2)."""

from typing import Any

import pytest
from pydantic import ValidationError

from reactor_coordinator.scopes import Scope, TokenRequest


def scope(**resources: Any) -> dict[str, Any]:
    return {"type": "session", "resources": resources}


@pytest.mark.parametrize(
    "details",
    [
        [{"type": "account", "resources": {"models": {"all": True}}}],
        [scope(models={"match": []})],
        [scope(models={"match": ["hel*"]})],
        [scope(models={"match": ["helios"], "all": True})],
        [scope(models={})],
        [scope(models={"all": False})],
        [scope()],
        [{**scope(models={"all": True}), "constraints": {"max_sessions": 0}}],
        [{**scope(models={"all": True}), "constraints": {"max_sessions": 501}}],
        [{**scope(models={"all": True}), "constraints": {"max_session_duration_seconds": 86_401}}],
        [{**scope(models={"all": True}), "more": 1}],
        [],
    ],
)
def test_refused(details: list[Any]) -> None:
    with pytest.raises(ValidationError):
        TokenRequest.model_validate({"authorization_details": details})


def test_taken_and_echoed() -> None:
    body = {**scope(models={"match": ["helios"]}, sessions={"bind": ["s"]}), "constraints": {"max_sessions": 500}}
    assert Scope.model_validate(body).model_dump(exclude_none=True) == body


@pytest.mark.parametrize("life", [0, -1, 31 * 86_400 + 1])
def test_a_life_out_of_range(life: int) -> None:
    with pytest.raises(ValidationError):
        TokenRequest.model_validate({"expires_after": life})


def test_a_scope_that_binds_sessions_grants_no_new_ones_unless_it_says_how_many() -> None:
    bound = scope(models={"all": True}, sessions={"bind": ["s"]})
    assert not Scope.model_validate(bound).covers_model("helios")
    assert Scope.model_validate({**bound, "constraints": {"max_sessions": 1}}).covers_model("helios")
    assert Scope.model_validate(scope(models={"match": ["helios"]}, sessions={"bind": ["s"]})).covers_model("helios")
