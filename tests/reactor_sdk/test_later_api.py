"""Programs for reactor-sdk 1.x are told so in one line, and a block that only listens is told that it hears nothing."""

import asyncio
import logging

import pytest

from reactor_protocol.errors import InvalidArgumentError, NetworkError
from reactor_sdk import Reactor, reactor

OF_1 = "is of reactor-sdk 1.x, and this client has the API of reactor-sdk 0.8: use "


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("track", "frames(name), on_frame or publish_track(name, track)"),
        ("tracks", "get_remote_tracks() or get_capabilities()"),
        ("status", "get_status()"),
        ("step", "an environment of reactor_sdk.gym"),
    ],
)
def test_a_name_of_the_later_api(name: str, instead: str) -> None:
    client = Reactor("echo", local=True)
    with pytest.raises(AttributeError) as told:
        getattr(client, name)
    assert str(told.value) == f"Reactor.{name} {OF_1}{instead} (guide: migrate)"
    assert not hasattr(client, name)


def test_any_other_name_is_as_ever() -> None:
    with pytest.raises(AttributeError, match=r"^'Reactor' object has no attribute 'trakc'$"):
        _ = Reactor("echo", local=True).trakc  # type: ignore[attr-defined]


def test_the_event_frame() -> None:
    client = Reactor("echo", local=True)
    with pytest.raises(InvalidArgumentError) as told:
        client.on("frame", print)  # type: ignore[arg-type]
    wanted = f"the event 'frame' {OF_1}on_frame, or `async for frame in reactor.frames()` (guide: migrate)"
    assert str(told.value) == wanted


def reminders(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [message for message in caplog.messages if "is not connected, because nothing in it needs a connection" in message]


async def test_a_block_that_waits_without_a_connection_says_so_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reactor.REMINDER_S == 5.0
    monkeypatch.setattr(reactor, "REMINDER_S", 0.0)
    with caplog.at_level(logging.WARNING):
        async with Reactor("echo", local=True) as client:
            client.on("message", print)
            for _ in range(20):
                await asyncio.sleep(0)
    assert len(reminders(caplog)) == 1
    assert "call `await reactor.connect()` before waiting for events" in reminders(caplog)[0]


async def test_a_block_that_has_tried_to_connect_says_nothing(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reactor, "REMINDER_S", 0.0)
    monkeypatch.setenv("REACTOR_LOCAL_URL", "http://127.0.0.1:9")
    with caplog.at_level(logging.WARNING):
        async with Reactor("echo", local=True) as client:
            with pytest.raises(NetworkError):
                await client.connect()
            for _ in range(10):
                await asyncio.sleep(0)
    assert reminders(caplog) == []
