from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from reactor_protocol.messages import Command, Ping, RequestSchema
from reactor_sdk import FileRef, InvalidArgumentError
from reactor_sdk.commands import command, runtime_message

FILE = FileRef("u1", "a.png", "image/png", 3)


def test_a_dict_is_the_data() -> None:
    assert command("set_prompt", {"prompt": "hi"}) == Command("set_prompt", {"prompt": "hi"})


def test_a_json_object_as_text_is_the_data() -> None:
    assert command("set_prompt", '{"prompt": "hi", "n": 1}') == Command("set_prompt", {"prompt": "hi", "n": 1})


def test_files_at_top_level_become_uploads() -> None:
    assert command("set_image", {"image": FILE, "strength": 1}) == Command("set_image", {"strength": 1}, {"image": FILE})


@pytest.mark.parametrize("data", [{"images": [FILE]}, {"options": {"image": FILE}}, {"deep": [{"a": (FILE,)}]}])
def test_files_deeper_inside_are_refused_with_advice(data: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError, match="top level"):
        command("set_images", data)


@pytest.mark.parametrize("data", [None, 3, ["a"], "[1]", "{", "text", {1: "a"}])
def test_data_that_is_not_an_object_is_refused(data: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="set_prompt"):
        command("set_prompt", data)


def test_the_data_that_was_given_is_left_as_it_was() -> None:
    data = {"image": FILE}
    command("set_image", data)
    assert data == {"image": FILE}


def test_messages_for_the_platform() -> None:
    assert runtime_message("requestSchema") == RequestSchema()
    assert runtime_message("ping") == Ping()
    with pytest.raises(InvalidArgumentError, match="requestSchema"):
        runtime_message("requestClip")


def test_numbers_and_arrays_of_numpy_travel_as_plain_ones() -> None:
    data = {"pose": np.array([0.5, 1.0]), "steps": np.int64(3), "on": np.bool_(False), "deep": [{"x": np.float32(2.0)}]}
    sent = command("move", data).data
    assert json.dumps(sent) == '{"pose": [0.5, 1.0], "steps": 3, "on": false, "deep": [{"x": 2.0}]}'


@pytest.mark.parametrize(
    ("value", "words"), [(float("nan"), "pose is nan"), ({"x": [np.inf]}, r"pose\.x\[0\] is inf"), ({1}, "pose is of type set")]
)
def test_what_json_cannot_say_is_refused_by_its_name(value: Any, words: str) -> None:
    with pytest.raises(InvalidArgumentError, match=f"move: {words}"):
        command("move", {"pose": value})
