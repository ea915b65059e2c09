from __future__ import annotations

from typing import Any

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
