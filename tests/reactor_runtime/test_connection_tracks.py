"""One client's tracks, over a fake peer."""

import asyncio

import numpy as np
from tests.reactor_runtime.runtime_support import opened
from tests.reactor_runtime.visitor import Visitor
from tests.reactor_runtime.waiting import poll

from reactor_protocol.messages import (
    PauseTrack,
    UnpublishTrack,
)
from reactor_rtc.frames import AudioBlock, VideoFrame


def picture(level: int) -> VideoFrame:
    return VideoFrame.from_rgb(np.full((48, 64, 3), level, np.uint8))


async def camera(visitor: Visitor) -> dict[str, int]:
    return await visitor.ask("see_camera")


async def test_nothing_flows_until_a_track_is_resumed_nor_while_it_is_paused() -> None:
    async with opened() as house:
        await house.start()
        visitor, other = await house.welcome(), await house.welcome()
        watching = asyncio.create_task(visitor.picture())
        other.resume()
        await other.picture(60)
        await other.picture(60)
        assert not watching.done()
        visitor.resume()
        await watching
        visitor.say(PauseTrack("main"))
        await visitor.command("set_level", level=200)
        dark = asyncio.create_task(visitor.picture(200))
        await other.picture(200)
        await other.picture(200)
        assert not dark.done()
        visitor.resume()
        await dark


async def test_a_viewer_of_a_model_that_stands_still_sees_its_last_picture() -> None:
    async with opened() as house:
        await house.start()
        first = await house.welcome()
        first.resume()
        await first.picture(60)
        await first.command("stand_still")
        second = await house.welcome()
        watching = asyncio.create_task(second.picture(60))
        second.resume()
        await watching


async def test_an_input_track_has_one_publisher_until_it_is_given_back() -> None:
    async with opened() as house:
        await house.start()
        first, second = await house.welcome(), await house.welcome()
        assert (await first.publish("webcam")).error is None
        refused = (await second.publish("webcam")).error
        assert refused is not None
        assert refused.code == "publish_refused"
        assert refused.message.startswith("track already published")
        assert (await second.publish("voice")).error is None
        first.say(UnpublishTrack("webcam"))
        await first.command("set_level", level=1)

        async def granted() -> bool:
            return (await second.publish("webcam")).error is None

        await poll(granted)


async def test_tracks_that_cannot_be_published() -> None:
    async with opened() as house:
        await house.start()
        visitor = await house.welcome()
        for name in ("bogus", "main", ""):
            error = (await visitor.publish(name)).error
            assert error is not None
            assert error.code == "unknown_track"
            assert error.message == f"no track {name!r} that this client could send; it has: webcam, voice"


async def test_only_the_publisher_is_seen() -> None:
    async with opened() as house:
        await house.start()
        first, second = await house.welcome(), await house.welcome()
        await first.publish("webcam")
        second.peer.send_media(second.mids["webcam"], picture(200))
        first.peer.send_media(first.mids["webcam"], picture(100))

        async def seen() -> bool:
            return (await camera(first))["frames"] == 1

        await poll(seen)
        first.say(UnpublishTrack("webcam"))
        await first.command("set_level", level=1)
        first.peer.send_media(first.mids["webcam"], picture(150))
        first.peer.send_media(first.mids["voice"], AudioBlock(np.zeros((1, 480), np.int16)))
        await first.command("set_level", level=1)
        assert (await camera(first))["frames"] == 1


async def test_a_client_that_was_refused_is_not_seen_however_much_it_sends() -> None:
    async with opened() as house:
        await house.start()
        first, second = await house.welcome(), await house.welcome()
        assert (await first.publish("webcam")).error is None
        assert (await second.publish("webcam")).error is not None
        for _ in range(50):
            second.peer.send_media(second.mids["webcam"], picture(200))
        first.peer.send_media(first.mids["webcam"], picture(100))

        async def seen() -> bool:
            return (await camera(first))["frames"] > 0

        await poll(seen)
        for _ in range(50):
            second.peer.send_media(second.mids["webcam"], picture(200))
        first.peer.send_media(first.mids["webcam"], picture(100))

        async def both() -> dict[str, int] | None:
            found = await camera(first)
            return found if found["frames"] >= 2 else None

        await poll(both)
        assert (await camera(second))["frames"] == 2
        await second.command("set_level", level=1)
        assert (await camera(first))["frames"] == 2


async def test_a_legacy_client_is_not_seen_either_where_another_one_publishes() -> None:
    async with opened() as house:
        await house.start()
        first, legacy = await house.welcome(), house.visitor(legacy=True)
        assert (await first.publish("webcam")).error is None
        await legacy.connect()
        await legacy.picture()  # its tracks are open
        for _ in range(20):
            legacy.peer.send_media(legacy.mids["webcam"], picture(200))
            await legacy.command("set_level", level=1)
        first.peer.send_media(first.mids["webcam"], picture(100))

        seen: list[dict[str, int]] = []

        async def publisher_seen() -> bool:
            seen.append(await camera(first))
            return seen[-1]["level"] == 100

        await poll(publisher_seen)
        assert seen[-1] == {"frames": 1, "level": 100}


async def test_a_publisher_that_goes_frees_its_track_and_the_model_hears_of_it() -> None:
    async with opened() as house:
        await house.start()
        first, second = await house.welcome(), await house.welcome()
        await first.publish("webcam")
        await first.leave()

        async def free() -> bool:
            return (await second.publish("webcam")).error is None

        await poll(free)
        entries = (await second.ask("journal"))["entries"]
        assert entries == [f"connected {first.id}", f"connected {second.id}", f"disconnected {first.id}"]


async def test_a_legacy_client_watches_and_publishes_without_asking() -> None:
    async with opened() as house:
        await house.start()
        visitor = house.visitor(legacy=True)
        await visitor.connect()
        await visitor.picture(60)
        visitor.peer.send_media(visitor.mids["webcam"], picture(100))

        async def seen() -> bool:
            return (await camera(visitor))["frames"] == 1

        await poll(seen)
        other = await house.welcome()
        assert (await other.publish("webcam")).error is not None


async def test_a_client_that_maps_a_section_which_it_does_not_offer_darkens_nobody_else() -> None:
    async with opened() as house:
        await house.start()
        odd = house.visitor()
        await odd.register()
        offer = await odd.offer()
        for entry in offer["track_mapping"]:
            entry["mid"] = "77"
        assert (await house.http.post(odd.path, json=offer)).status_code == 202
        await odd.peer.accept_answer((await house.http.get(odd.path)).json()["sdp_answer"])
        await odd.until_said("welcome")
        visitor = await house.welcome()
        odd.resume()
        assert (await odd.publish("webcam")).error is None
        visitor.resume()
        await visitor.picture(60)
        assert (await odd.command("set_level", level=1)).error is None
