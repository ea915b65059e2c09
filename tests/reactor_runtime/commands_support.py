"""Reads commands of throw-away models, and says what a payload becomes."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from reactor_runtime import CommandError, ReactorModel, UploadedFile, event
from reactor_runtime.commands import CommandSpec
from reactor_runtime.contract import read_contract


def spec_of(handler: Callable[..., Any]) -> CommandSpec:
    """The command that a method called ``handler`` of a model called ``Model`` would be."""
    model = type("Model", (ReactorModel,), {"handler": event(name="command")(handler)})
    return read_contract(model).commands["command"]


def refusal(handler: Callable[..., Any], data: dict[str, Any], files: Mapping[str, UploadedFile] | None = None) -> str:
    """The reason with which a payload is refused; its code is ``invalid_command``."""
    with pytest.raises(CommandError) as caught:
        spec_of(handler).validate(data, files or {})
    assert caught.value.code == "invalid_command"
    return caught.value.message


def accepted(handler: Callable[..., Any], data: dict[str, Any]) -> Any:
    """What the only parameter of a handler is given."""
    (value,) = spec_of(handler).validate(data, {}).values()
    return value


def mistake(handler: Callable[..., Any]) -> str:
    """What the author of a handler is told."""
    with pytest.raises(TypeError) as caught:
        spec_of(handler)
    return str(caught.value)
