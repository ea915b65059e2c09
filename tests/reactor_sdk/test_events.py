from __future__ import annotations

import asyncio
import logging

import pytest

from reactor_sdk import InvalidArgumentError, ReactorStatus
from reactor_sdk.events import EVENTS, Events, Subscribable

READY, DISCONNECTED, WAITING = ReactorStatus.READY, ReactorStatus.DISCONNECTED, ReactorStatus.WAITING


def test_there_are_the_documented_events_and_that_of_the_queue() -> None:
    assert set(EVENTS) == {
        "status_changed",
        "session_id_changed",
        "message",
        "runtime_message",
        "track_received",
        "error",
        "session_expiration_changed",
        "capabilities_received",
        "queue_changed",
    }


def test_handlers_are_called_in_the_order_of_registration_once_each() -> None:
    events, heard = Events(), list[object]()

    def first(value: object) -> None:
        heard.append(("first", value))

    def second(value: object) -> None:
        heard.append(("second", value))

    for handler in (first, second, first):
        events.on("message", handler)
    events.emit("message", 1)
    assert heard == [("first", 1), ("second", 1)]


def test_off_ends_a_subscription_and_is_content_without_one() -> None:
    events, heard = Events(), list[object]()
    events.on("message", heard.append)
    events.off("message", heard.append)
    events.off("message", print)
    events.emit("message", 1)
    assert heard == []


@pytest.mark.parametrize("verb", ["on", "off"])
def test_an_unknown_event_is_refused_and_the_known_ones_named(verb: str) -> None:
    with pytest.raises(InvalidArgumentError, match="statusChanged.*status_changed.*capabilities_received"):
        getattr(Subscribable(), verb)("statusChanged", print)


def test_a_handler_must_be_callable() -> None:
    with pytest.raises(InvalidArgumentError, match="callable"):
        Events().on("message", 3)  # type: ignore[arg-type]


def test_a_handler_that_raises_is_logged_with_the_event_and_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    events, heard = Events(), list[object]()

    def broken(_value: object) -> None:
        raise ValueError("boom")

    events.on("runtime_message", broken)
    events.on("runtime_message", heard.append)
    with caplog.at_level(logging.ERROR):
        events.emit("runtime_message", 1)
    assert heard == [1]
    assert "runtime_message" in caplog.text
    assert "boom" in caplog.text


async def test_coroutine_handlers_run_as_tasks_and_their_failures_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    events, heard = Events(), list[object]()

    async def slow(value: object) -> None:
        await asyncio.sleep(0)
        heard.append(value)

    async def broken(_value: object) -> None:
        raise ValueError("boom")

    events.on("message", slow)
    events.on("message", broken)
    with caplog.at_level(logging.ERROR):
        events.emit("message", 1)
        assert heard == []
        await events.settle(1.0)
    assert heard == [1]
    assert "'message'" in caplog.text


async def test_settle_ends_what_does_not_end_by_itself_and_leaves_the_events_usable() -> None:
    events, heard = Events(), list[object]()

    async def endless(value: object) -> None:
        heard.append(value)
        await asyncio.Event().wait()

    events.on("message", endless)
    events.emit("message", 1)
    await events.settle(0.01)
    events.emit("message", 2)
    await events.settle(0.01)
    assert heard == [1, 2]


def test_a_handler_may_unsubscribe_while_it_is_called() -> None:
    events, heard = Events(), list[object]()

    def once(value: object) -> None:
        heard.append(value)
        events.off("message", once)

    events.on("message", once)
    events.emit("message", 1)
    events.emit("message", 2)
    assert heard == [1]


class Listening(Subscribable):
    """A thing that can be listened to."""

    @property
    def events(self) -> Events:
        return self._events


def test_on_status_bare_hears_every_change() -> None:
    thing, heard = Listening(), list[ReactorStatus]()

    @thing.on_status
    def hear(status: ReactorStatus) -> None:
        heard.append(status)

    for status in (WAITING, READY):
        thing.events.emit("status_changed", status)
    assert heard == [WAITING, READY]


def test_on_status_with_one_status_hears_only_that() -> None:
    thing, heard = Listening(), list[ReactorStatus]()

    @thing.on_status(READY)
    def hear(status: ReactorStatus) -> None:
        heard.append(status)

    for status in (WAITING, READY):
        thing.events.emit("status_changed", status)
    assert heard == [READY]


def test_on_status_with_a_list_hears_only_those() -> None:
    thing, heard = Listening(), list[ReactorStatus]()

    @thing.on_status([READY, DISCONNECTED])
    def hear(status: ReactorStatus) -> None:
        heard.append(status)

    for status in (WAITING, READY, DISCONNECTED):
        thing.events.emit("status_changed", status)
    assert heard == [READY, DISCONNECTED]


def test_on_status_with_none_hears_every_change() -> None:
    thing, heard = Listening(), list[ReactorStatus]()

    @thing.on_status(None)
    def hear(status: ReactorStatus) -> None:
        heard.append(status)

    thing.events.emit("status_changed", WAITING)
    assert heard == [WAITING]


def test_on_track_hears_only_the_track_of_that_name() -> None:
    thing, heard = Listening(), list[str]()

    @thing.on_track("main_video")
    def hear(track: str) -> None:
        heard.append(track)

    thing.events.emit("track_received", "main_audio", "the sound")
    thing.events.emit("track_received", "main_video", "the picture")
    assert heard == ["the picture"]


def test_decorators_return_the_function_and_off_ends_what_they_made() -> None:
    thing, heard = Listening(), list[object]()

    def hear(value: object) -> None:
        heard.append(value)

    assert thing.on_message(hear) is hear
    assert thing.on_internal_message(hear) is hear
    assert thing.on_error(hear) is hear
    assert thing.on_status(READY)(hear) is hear
    assert thing.on_track("main_video")(hear) is hear
    thing.off("status_changed", hear)
    thing.events.emit("message", "a")
    thing.events.emit("runtime_message", "b")
    thing.events.emit("error", "c")
    thing.events.emit("status_changed", READY)
    assert heard == ["a", "b", "c"]
