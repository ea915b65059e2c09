"""The frame that shows what a command did, found by its number: from a model that stands still in between."""

import asyncio
import json

import pytest
from tests.end_to_end.served import watching

from reactor_sdk import CommandReply, DisconnectedError, InvalidArgumentError, InvalidStateError, RequestTimeoutError, visible

pytestmark = pytest.mark.network

MODEL = "still"


async def test_a_command_returns_when_the_frame_that_shows_it_is_there() -> None:
    async with watching(MODEL) as client:
        for level in (200, 40, 240, 90):
            reply = await client.send_command("show", {"level": level}, wait="visible")
            assert reply == {}
            async for frame in client.frames():
                assert abs(frame.mean() - level) < 4
                break


async def test_frames_come_with_number_and_metadata() -> None:
    async with watching(MODEL) as client:
        numbered = client.frames(with_info=True)
        for level in (200, 40):
            reply = await client.send_command("show", {"level": level}, wait="answered")
            async for frame, info in numbered:
                if info.number is not None and info.number >= (reply.frame or 0):
                    assert info.number == reply.frame
                    assert json.loads(info.metadata or b"") == {"level": level}
                    assert abs(frame.mean() - level) < 4
                    break


async def test_without_wait_the_answer_is_what_it_was() -> None:
    async with watching(MODEL) as client:
        assert await client.send_command("show", {"level": 10}) is None
        quiet = await client.send_command("be_quiet", {}, wait="answered")
        assert isinstance(quiet, CommandReply)
        assert (quiet, bool(quiet), type(quiet.frame)) == ({}, False, int)


async def test_numbers_go_on_over_a_connection_that_is_made_again() -> None:
    async with watching(MODEL) as client:
        before = await client.send_command("show", {"level": 200}, wait="visible")
        await client.disconnect(recoverable=True)
        await client.reconnect()
        numbered = client.frames(with_info=True)
        after = await client.send_command("show", {"level": 60}, wait="visible")
        assert after.frame == (before.frame or 0) + 1
        async for _, info in numbered:
            if info.number == after.frame:
                break


async def test_who_shares_an_encoder_is_told_too() -> None:
    async with watching(MODEL) as first, watching(MODEL) as second:
        for level in (200, 40):
            for client in (first, second):
                await client.send_command("show", {"level": level}, wait="visible")
                async for frame in client.frames():
                    assert abs(frame.mean() - level) < 4
                    break


async def test_a_command_that_shows_nothing_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    async with watching(MODEL) as client:
        await client.send_command("show", {"level": 10}, wait="visible")
        monkeypatch.setattr(visible, "VISIBLE_TIMEOUT_S", 0.3)
        with pytest.raises(RequestTimeoutError, match=r"be_quiet was run, but frame \d of 'main_video'.* within 0.3 s"):
            await client.send_command("be_quiet", {}, wait="visible")


async def test_what_ends_the_connection_ends_the_wait() -> None:
    async with watching(MODEL) as client:
        waiting = asyncio.ensure_future(client.send_command("be_quiet", {}, wait="visible"))
        await client.send_command("be_quiet", {})  # run after the other one
        await client.disconnect(recoverable=True)
        with pytest.raises(DisconnectedError):
            await waiting


async def test_what_cannot_be_seen_is_refused_before_it_is_sent() -> None:
    async with watching(MODEL) as client:
        with pytest.raises(InvalidArgumentError, match='wait is "answered" or "visible", got \'shown\''):
            await client.send_command("show", {"level": 9}, wait="shown")  # type: ignore[call-overload]
        await client.pause_track("main_video")
        with pytest.raises(InvalidStateError, match="'main_video' is paused"):
            await client.send_command("show", {"level": 9}, wait="visible")
