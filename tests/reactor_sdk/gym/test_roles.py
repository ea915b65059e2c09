"""Which command is the action, which begins an episode, and which sets the seed."""

from typing import Any

import pytest
from gymnasium import spaces

from reactor_protocol.errors import InvalidArgumentError
from reactor_sdk.gym.options import Acting
from reactor_sdk.gym.roles import Order, roles_of

SEED = {"type": "integer", "minimum": 0, "maximum": 99}
JUMP: dict[str, Any] = {"high": {"type": "boolean"}}


def document(**commands: dict[str, Any]) -> dict[str, Any]:
    return {"paths": {f"/events/{name}": {"post": operation(properties)} for name, properties in commands.items()}}


def operation(properties: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}}


def test_the_one_command_left_is_the_action() -> None:
    roles = roles_of(document(reset={}, jump=JUMP, set_seed={"value": SEED}), Acting())
    assert (roles.action, roles.reset) == ("jump", "reset")
    assert roles.codec.space == spaces.Discrete(2)
    assert roles.acting(1) == Order("jump", {"high": True})
    assert roles.resetting(None, None) == [Order("reset", {})]
    assert roles.resetting(7, {"track": 3}) == [Order("set_seed", {"value": 7}), Order("reset", {"track": 3})]


def test_a_seed_is_within_the_bounds_of_the_model() -> None:
    roles = roles_of(document(set_seed={"seed": SEED}, jump=JUMP), Acting())
    assert roles.resetting(123, {}) == [Order("set_seed", {"seed": 23})]
    unbound = roles_of(document(set_seed={"seed": {"type": "integer"}}, jump=JUMP), Acting())
    assert unbound.resetting(2**31, None) == [Order("set_seed", {"seed": 2**31})]


def test_a_seed_that_the_reset_takes_goes_with_it() -> None:
    roles = roles_of(document(reset={"seed": SEED}, jump=JUMP), Acting())
    assert roles.resetting(7, None) == [Order("reset", {"seed": 7})]
    assert roles.resetting(7, {"seed": 8}) == [Order("reset", {"seed": 8})]
    assert roles.resetting(None, None) == [Order("reset", {})]


def test_nothing_is_sent_where_there_is_nothing_to_send_or_it_is_not_wanted() -> None:
    assert roles_of(document(jump=JUMP), Acting()).resetting(7, None) == []
    unwanted = Acting(action_command="jump", reset_command=None, seed_command=None)
    assert roles_of(document(reset={"seed": SEED}, jump=JUMP), unwanted).resetting(7, None) == []
    with pytest.raises(InvalidArgumentError, match="there is none"):
        roles_of(document(jump=JUMP), Acting()).resetting(None, {"track": 3})


def test_what_is_not_clear_is_asked_for_by_name() -> None:
    two = document(jump=JUMP, duck={}, reset={})
    with pytest.raises(InvalidArgumentError, match="pass action_command=.*the model has jump, duck, reset"):
        roles_of(two, Acting())
    assert roles_of(two, Acting(action_command="duck")).action == "duck"
    for wrong in (Acting(action_command="fly"), Acting(reset_command="fly"), Acting(seed_command="fly")):
        with pytest.raises(InvalidArgumentError, match="the model has no command 'fly'; it has jump, duck, reset"):
            roles_of(two, wrong)
    with pytest.raises(InvalidArgumentError, match="set_seed has no parameter for the seed"):
        roles_of(document(set_seed={"text": {"type": "string"}}, jump=JUMP), Acting())


def test_the_caller_may_say_what_an_action_is() -> None:
    keys = document(press={"key": {"type": "string"}})
    assert roles_of(keys, Acting(action=[{"key": "left"}, {"key": "right"}])).acting(1) == Order("press", {"key": "right"})
    named = Acting(action=lambda action: {"key": f"F{action}"}, action_space=spaces.Discrete(12, start=1))
    roles = roles_of(keys, named)
    assert roles.codec.space == spaces.Discrete(12, start=1)
    assert roles.acting(4) == Order("press", {"key": "F4"})
    with pytest.raises(InvalidArgumentError, match="no space fits the parameter 'key'"):
        roles_of(keys, Acting(action=lambda action: {"key": str(action)}))
