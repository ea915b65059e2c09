"""Action spaces from the schema of a command, and actions to its data."""

import re
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from reactor_protocol.errors import InvalidArgumentError
from reactor_sdk.gym.spaces import codec_of, codec_of_list

STEER = {"type": "number", "minimum": -1, "maximum": 1}
GAS = {"type": "number", "minimum": 0.0, "maximum": 0.1, "default": 0.0}
MODE = {"type": "string", "enum": ["walk", "run", "jump"]}
GEAR = {"type": "integer", "minimum": -1, "maximum": 5}
LIGHTS = {"type": "boolean", "default": False}


def test_numbers_are_a_flat_box_in_the_order_of_the_schema() -> None:
    codec = codec_of("drive", {"steer": STEER, "gas": GAS}, {"steer"})
    assert codec.space == spaces.Box(np.array([-1, 0], np.float32), np.array([1, 0.1], np.float32), dtype=np.float32)
    assert codec.encode(np.array([-0.5, 0.05], np.float32)) == {"steer": -0.5, "gas": pytest.approx(0.05)}


def test_a_number_never_leaves_the_bounds_of_the_schema() -> None:
    codec = codec_of("drive", {"gas": GAS}, ())
    highest = codec.space.high  # type: ignore[attr-defined]
    assert float(highest[0]) > 0.1, "the bound of float32 is above that of the schema"
    assert codec.encode(highest) == {"gas": 0.1}


@pytest.mark.parametrize("action", [[0.1], [0.1, 0.2, 0.3], [float("nan"), 0.0], "left", None])
def test_numbers_that_are_too_few_too_many_or_none_are_refused(action: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="an action is 2"):
        codec_of("drive", {"steer": STEER, "gas": GAS}, ()).encode(action)


@pytest.mark.parametrize(
    ("schema", "space", "action", "value"),
    [
        (MODE, spaces.Discrete(3), 2, "jump"),
        (GEAR, spaces.Discrete(7, start=-1), np.int64(-1), -1),
        (GEAR, spaces.Discrete(7, start=-1), 5, 5),
        (LIGHTS, spaces.Discrete(2), np.array(1), True),
        ({"anyOf": [GEAR, {"type": "null"}], "default": None}, spaces.Discrete(7, start=-1), 0, 0),
    ],
)
def test_one_choice_is_discrete(schema: dict[str, Any], space: spaces.Space[Any], action: Any, value: object) -> None:
    codec = codec_of("set", {"it": schema}, ())
    assert codec.space == space
    sent = codec.encode(action)["it"]
    assert sent == value
    assert type(sent) is type(value)


def test_several_choices_are_multi_discrete() -> None:
    codec = codec_of("set", {"mode": MODE, "gear": GEAR, "lights": LIGHTS}, {"mode"})
    assert codec.space == spaces.MultiDiscrete([3, 7, 2], start=[0, -1, 0])
    assert codec.encode(np.array([1, -1, 1])) == {"mode": "run", "gear": -1, "lights": True}


def test_numbers_and_choices_are_a_dict() -> None:
    codec = codec_of("set", {"steer": STEER, "mode": MODE}, ())
    assert codec.space == spaces.Dict({"steer": spaces.Box(-1, 1, (1,), np.float32), "mode": spaces.Discrete(3)})
    assert codec.encode({"steer": np.array([0.5], np.float32), "mode": 1}) == {"steer": 0.5, "mode": "run"}
    for wrong in ({"steer": [0.5]}, {"steer": [0.5], "mode": 3}, {"steer": [0.5], "mode": -1}, [0.5, 1]):
        with pytest.raises(InvalidArgumentError):
            codec.encode(wrong)


def test_a_command_without_parameters_is_the_one_action() -> None:
    codec = codec_of("jump", {}, ())
    assert codec.space == spaces.Discrete(1)
    assert codec.encode(0) == {}


@pytest.mark.parametrize("action", [3, -1, 0.5, "walk", None, [1, 2]])
def test_an_action_of_no_space_is_refused(action: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=re.escape("an action is of Discrete(3)")):
        codec_of("set", {"mode": MODE}, ()).encode(action)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string"},
        {"type": "number", "minimum": 0},
        {"type": "integer"},
        {"$ref": "#/components/schemas/ReactorUploadReference"},
        {"type": "integer", "minimum": 0, "maximum": 2**40},
    ],
)
def test_what_fits_no_space_is_left_to_its_default_or_named_with_the_cure(schema: dict[str, Any]) -> None:
    left = codec_of("set", {"mode": MODE, "other": schema}, {"mode"})
    assert left.encode(0) == {"mode": "walk"}
    with pytest.raises(InvalidArgumentError, match=r"set: no space fits the parameter 'other'.*pass action="):
        codec_of("set", {"mode": MODE, "other": schema}, {"mode", "other"})


def test_every_sample_can_be_sent() -> None:
    codec = codec_of("set", {"steer": STEER, "mode": MODE, "gear": GEAR}, ())
    codec.space.seed(3)
    for _ in range(20):
        data = codec.encode(codec.space.sample())
        assert -1 <= data["steer"] <= 1
        assert data["mode"] in ("walk", "run", "jump")
        assert data["gear"] in range(-1, 6)


def test_a_list_of_data_is_counted() -> None:
    codec = codec_of_list([{"key": "left"}, {"key": "right"}])
    assert codec.space == spaces.Discrete(2)
    assert codec.encode(1) == {"key": "right"}
    for wrong in ([], ["left"]):
        with pytest.raises(InvalidArgumentError, match="action= as a list has the data of the command"):
            codec_of_list(wrong)  # type: ignore[arg-type]
