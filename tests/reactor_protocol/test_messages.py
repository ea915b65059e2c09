"""Messages are values."""

from __future__ import annotations

import dataclasses
from typing import Any, get_args

import pytest

from reactor_protocol import messages
from reactor_protocol.messages import ApplicationMessage, ClientMessage, Command, FileRef, Ping, ServerMessage

EVERY: list[type[Any]] = [*get_args(ClientMessage), *get_args(ServerMessage), FileRef, messages.Refusal]


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_a_message_cannot_be_changed(kind: type[Any]) -> None:
    message = kind(*[None] * len(dataclasses.fields(kind)))
    assert not hasattr(message, "__dict__")
    with pytest.raises((dataclasses.FrozenInstanceError, TypeError)):
        setattr(message, next((field.name for field in dataclasses.fields(kind)), "anything"), 1)


def test_equal_content_is_equal() -> None:
    assert Command("go", {"x": 1}) == Command("go", {"x": 1})
    assert Command("go", {"x": 1}) != Command("go", {"x": 2})
    assert Ping() == Ping()
    assert hash(FileRef("u", "n", "m", 3)) == hash(FileRef("u", "n", "m", 3))


def test_what_is_left_out_is_empty_and_not_shared() -> None:
    first, second = Command("go"), Command("go")
    assert (first.data, first.uploads, first.request_id) == ({}, {}, None)
    assert first.data is not second.data
    assert ApplicationMessage("done").data == {}
