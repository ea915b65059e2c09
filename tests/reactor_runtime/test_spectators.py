"""Connections that only watch, over a fake peer."""

import asyncio

import numpy as np
from tests.reactor_runtime.runtime_support import House, opened
from tests.reactor_runtime.visitor import Visitor

from reactor_protocol.messages import Command, FileRef, FileUploaded
from reactor_rtc.frames import VideoFrame

REFUSAL = "this connection is view-only: it sends neither commands nor tracks"


async def spectator(house: House) -> Visitor:
    visitor = house.visitor()
    await visitor.register()
    body = await visitor.offer() | {"view_only": True}
    assert (await house.http.post(visitor.path, json=body)).status_code == 202
    await visitor.peer.accept_answer((await house.http.get(visitor.path)).json()["sdp_answer"])
    await visitor.until_said("welcome")
    return visitor


async def test_a_spectator_sees_the_picture_and_its_commands_are_refused() -> None:
    async with opened() as house:
        await house.start()
        watcher, other = await spectator(house), await house.welcome()
        watching = asyncio.create_task(watcher.picture(60))
        watcher.resume()
        await watching
        refused = (await watcher.command("set_level", level=200)).error
        assert refused is not None
        assert (refused.code, refused.message) == ("view_only", REFUSAL)
        watcher.say(Command("set_level", {"level": 200}))  # asks for no answer, and gets none
        watcher.say(FileUploaded(FileRef("u", "a.png", "image/png", 3)))
        refused = (await watcher.command("set_level", level=200)).error
        assert refused is not None
        other.resume()
        await other.picture(60)


async def test_a_spectator_publishes_nothing_and_what_it_sends_is_not_read() -> None:
    async with opened() as house:
        await house.start()
        watcher, other = await spectator(house), await house.welcome()
        refused = (await watcher.publish("webcam")).error
        assert refused is not None
        assert (refused.code, refused.message) == ("view_only", REFUSAL)
        watcher.peer.send_media(watcher.mids["webcam"], VideoFrame.from_rgb(np.full((48, 64, 3), 100, np.uint8)))
        assert (await other.publish("webcam")).error is None
        assert (await other.ask("see_camera"))["frames"] == 0


async def test_a_spectator_is_a_client_and_keeps_the_session() -> None:
    async with opened() as house:
        await house.start()
        first = await house.welcome()
        watcher = await spectator(house)
        entries = (await first.ask("journal"))["entries"]
        assert entries == [f"connected {first.id}", f"connected {watcher.id}"]
        await first.leave()
        await house.until("streaming")


async def test_an_offer_that_says_so_in_other_words_is_refused() -> None:
    async with opened() as house:
        await house.start()
        visitor = house.visitor()
        await visitor.register()
        offer = await visitor.offer()
        for value in ("yes", 1, "true", ["view_only"]):
            response = await house.http.post(visitor.path, json=offer | {"view_only": value})
            assert response.status_code == 422
            assert response.json()["detail"][0]["loc"] == ["body", "view_only"]
        for quiet in (False, None):
            assert (await house.http.put(visitor.path, json=offer | {"view_only": quiet})).status_code == 202


async def test_what_a_runtime_offers_says_that_it_knows_spectators() -> None:
    async with opened() as house:
        await house.start()
        assert (await house.http.get("/session")).json()["capabilities"]["extensions"]["view_only"] == 1
