"""A client that is out of reach for a while: it keeps what it has, and goes on when it is back."""

import asyncio

import numpy as np
from tests.reactor_runtime.runtime_support import House, opened
from tests.reactor_runtime.visitor import Visitor
from tests.reactor_runtime.waiting import poll

from reactor_protocol.messages import Command
from reactor_rtc.frames import VideoFrame
from reactor_rtc.port import PeerState
from reactor_runtime.config import Settings, read_settings
from reactor_testing.fake_peer import FakeNetwork, FakePeer

SHORT = Settings(disconnect_grace=0.2)


def end_of(visitor: Visitor) -> FakePeer:
    assert isinstance(visitor.peer, FakePeer)
    return visitor.peer


async def until_state(visitor: Visitor, state: PeerState) -> None:
    async def reached() -> bool:
        return visitor.peer.state is state

    await poll(reached, seconds=20)


async def until_alone(house: House, visitor: Visitor) -> None:
    async def alone() -> bool:
        return [connection.id for connection in house.runtime.signalling] == [visitor.id]

    await poll(alone, seconds=20)


def test_the_grace_is_ten_seconds_or_what_the_environment_says() -> None:
    assert read_settings({}).disconnect_grace == 10
    assert read_settings({"WEBRTC_DISCONNECT_GRACE_SECONDS": "2.5"}).disconnect_grace == 2.5


async def test_a_client_that_comes_back_in_time_has_lost_nothing() -> None:
    network = FakeNetwork()
    async with opened(factory=network.make_peer) as house:
        await house.start()
        visitor, other = await house.welcome(), await house.welcome()
        assert (await visitor.publish("webcam")).error is None
        network.drop(end_of(visitor))
        await until_state(visitor, PeerState.DISCONNECTED)
        visitor.say(Command("set_level", {"level": 5}, request_id="meanwhile"))
        refused = (await other.publish("webcam")).error
        assert refused is not None, "the slot is still held"
        assert refused.code == "publish_refused"
        network.restore(end_of(visitor))
        assert (await visitor.result("meanwhile")).error is None
        picture = VideoFrame.from_rgb(np.full((48, 64, 3), 100, np.uint8))

        async def seen() -> bool:
            visitor.peer.send_media(visitor.mids["webcam"], picture)
            frames: int = (await visitor.ask("see_camera"))["frames"]
            return frames > 0

        await poll(seen, seconds=20)
        entries = (await other.ask("journal"))["entries"]
        assert entries == [f"connected {visitor.id}", f"connected {other.id}"]


async def test_a_client_that_stays_away_is_given_up() -> None:
    network = FakeNetwork()
    async with opened(settings=SHORT, factory=network.make_peer) as house:
        await house.start()
        visitor, other = await house.welcome(), await house.welcome()
        assert (await visitor.publish("webcam")).error is None
        network.drop(end_of(visitor))
        await until_alone(house, other)
        assert (await other.publish("webcam")).error is None
        assert (await other.ask("journal"))["entries"][-1] == f"disconnected {visitor.id}"


async def test_without_a_grace_it_is_given_up_at_once() -> None:
    network = FakeNetwork()
    async with opened(settings=Settings(disconnect_grace=0), factory=network.make_peer) as house:
        await house.start()
        visitor, other = await house.welcome(), await house.welcome()
        network.drop(end_of(visitor))
        await until_alone(house, other)


async def test_a_path_that_fails_at_once_is_not_waited_for() -> None:
    network = FakeNetwork()
    async with opened(settings=Settings(disconnect_grace=1000), factory=network.make_peer) as house:
        await house.start()
        visitor, other = await house.welcome(), await house.welcome()
        network.fail(end_of(visitor))
        await until_alone(house, other)


async def test_a_path_that_fails_during_the_grace_still_has_the_rest_of_it() -> None:
    # The engine says so 10 s after DISCONNECTED, and finds the way back all the same when the client is there again.
    network = FakeNetwork()
    async with opened(settings=SHORT, factory=network.make_peer) as house:
        await house.start()
        visitor, other = await house.welcome(), await house.welcome()
        network.drop(end_of(visitor))
        await until_state(visitor, PeerState.DISCONNECTED)
        network.fail(end_of(visitor))
        await until_state(visitor, PeerState.FAILED)
        assert visitor.id in [connection.id for connection in house.runtime.signalling]
        await until_alone(house, other)


async def test_each_absence_has_a_grace_of_its_own() -> None:
    network = FakeNetwork()
    async with opened(settings=SHORT, factory=network.make_peer) as house:
        await house.start()
        visitor = await house.welcome()
        loop = asyncio.get_running_loop()
        began = loop.time()
        while loop.time() - began < 0.5:
            network.drop(end_of(visitor))
            await until_state(visitor, PeerState.DISCONNECTED)
            network.restore(end_of(visitor))
            await until_state(visitor, PeerState.CONNECTED)
            assert (await visitor.command("set_level", level=1)).error is None
        assert [connection.id for connection in house.runtime.signalling] == [visitor.id]


async def test_silence_is_no_reason_to_go_while_the_client_is_out_of_reach() -> None:
    network = FakeNetwork()
    settings = Settings(disconnect_grace=1000, ping_timeout=0.2)
    async with opened(settings=settings, factory=network.make_peer) as house:
        await house.start()
        visitor, other = await house.welcome(), house.visitor()
        network.drop(end_of(visitor))
        await until_state(visitor, PeerState.DISCONNECTED)
        # Another one that says nothing is given up meanwhile.
        await other.connect()
        await until_alone(house, visitor)
        network.restore(end_of(visitor))
        assert (await visitor.command("set_level", level=1)).error is None
