"""What typed clients are made of: messages read as dataclasses, and handlers of them."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import pytest

from reactor_protocol.errors import DecodeError
from reactor_sdk.typed import Handler, TrackCapability, TypedModel, Wire, read_message


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    x: int


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    speed: float
    mode: Literal["on", "off"] = "on"
    place: Place | None = None
    class_: Annotated[str, Wire("class")] = ""
    places: list[Place] = field(default_factory=list)


class PainterModel(TypedModel):
    MODEL: ClassVar = "painter"
    TRACKS: ClassVar[list[TrackCapability]] = [{"name": "main_video", "kind": "video", "direction": "recvonly"}]

    def on_state(self, handler: Handler[State]) -> Handler[State]:
        return self._listen("state", State, handler)


def test_a_message_is_read_and_what_is_new_in_it_is_ignored() -> None:
    told = {"speed": 2, "class": "a", "places": [{"x": 1, "y": 2}], "place": {"x": 3}, "since": "v2"}
    assert read_message(State, told) == State(speed=2.0, class_="a", places=[Place(x=1)], place=Place(x=3))


@pytest.mark.parametrize(
    ("told", "where"),
    [
        ({}, "State: speed: Field required"),
        ({"speed": "2"}, "State: speed: Input should be a valid number"),
        ({"speed": 1, "mode": "maybe"}, "State: mode: Input should be 'on' or 'off'"),
        ({"speed": 1, "places": [{"x": "1"}]}, "State: places.0.x: Input should be a valid integer"),
        ([], "State: the message: Input should be an object"),
        ({"speed": object()}, "not JSON serializable"),
    ],
)
def test_a_message_of_another_shape_is_named(told: Any, where: str) -> None:
    with pytest.raises(DecodeError) as caught:
        read_message(State, told)
    assert where in str(caught.value)


async def test_handlers_get_the_messages_of_their_kind_alone(caplog: pytest.LogCaptureFixture) -> None:
    painter = PainterModel(local=True)
    seen: list[State] = []
    assert painter.on_state(seen.append) == seen.append
    for kind, data in (("state", {"speed": 1}), ("other", {"speed": 2}), ("state", {"speed": "fast"}), ("state", {"speed": 3})):
        painter._events.emit("message", {"type": kind, "data": data})
    assert seen == [State(speed=1.0), State(speed=3.0)]
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(told) == 1
    assert "the message 'state' is not what this client was made for" in told[0]
    assert "reactor codegen" in told[0]
    painter.off("message", seen.append)
    painter._events.emit("message", {"type": "state", "data": {"speed": 4}})
    assert len(seen) == 2


def test_the_model_and_its_tracks_are_preset() -> None:
    config = PainterModel(local=True)._link.dialer.config
    assert (config.model_name, [track.name for track in config.tracks]) == ("painter", ["main_video"])
    assert PainterModel(local=True, model_name="own/painter")._link.dialer.config.model_name == "own/painter"
