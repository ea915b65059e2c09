"""The runtime: sessions and their clients, who come, vanish, return and are told why it ends."""

import asyncio

import pytest
from tests.reactor_runtime.runtime_support import House, opened
from tests.reactor_runtime.waiting import poll

from reactor_protocol.messages import PublishTrack, RuntimeMessage
from reactor_protocol.names import LEGACY_CONNECTION_ID
from reactor_rtc.port import EventSink, PeerConfig
from reactor_runtime.config import Settings
from reactor_testing.fake_peer import FakeNetwork, FakePeer


async def state(house: House) -> str:
    return str((await house.http.get("/session")).json()["state"])


async def test_the_states_of_a_session_with_two_clients() -> None:
    async with opened() as house:
        await house.start()
        assert await state(house) == "waiting"
        first = await house.welcome()
        assert await state(house) == "streaming"
        second = await house.welcome()
        await first.leave()
        await second.command("set_level", level=1)
        assert await state(house) == "streaming"
        await second.leave()
        await house.until("orphaned")
        third = await house.welcome()
        assert await state(house) == "streaming"
        assert (await third.ask("journal"))["entries"] == [
            f"connected {first.id}",
            f"connected {second.id}",
            f"disconnected {first.id}",
            f"disconnected {second.id}",
            f"connected {third.id}",
        ]


@pytest.mark.parametrize(("body", "reason"), [({}, "Session ended: it was stopped."), ({"reason": "deployment"}, "deployment")])
async def test_clients_are_told_why_a_session_ends(body: dict[str, str], reason: str) -> None:
    async with opened() as house:
        await house.start()
        visitors = [await house.welcome(), await house.welcome()]
        await house.http.post("/stop_session", json=body)
        for visitor in visitors:
            assert await visitor.until_ended() == reason
            await visitor.changes.until(lambda: visitor.closed == {"data", "control"})  # noqa: B023 - awaited here
        assert await state(house) == "ready"
        assert list(house.runtime.signalling) == []


async def test_a_moderated_session_says_so() -> None:
    async with opened() as house:
        await house.start()
        visitor = await house.welcome()
        await house.http.post("/stop_session", json={"moderate": True})
        await visitor.until_ended()
        (notice,) = [message for message in visitor.received if isinstance(message, RuntimeMessage)]
        assert notice.type == "moderation"
        assert notice.data["action"] == "terminate"
        assert notice.data["message"] == "Session terminated due to policy violation."


async def test_the_end_of_the_server_is_told_too() -> None:
    async with opened() as house:
        await house.start()
        visitor = await house.welcome()
        await house.runtime.close()
        assert await visitor.until_ended() == "Session ended: the server is shutting down."


async def test_a_session_ends_some_time_after_its_last_client() -> None:
    # Long enough for a client to join on a busy machine: until then the session is without one too.
    async with opened(settings=Settings(orphan_timeout=0.5)) as house:
        await house.start()
        visitor = await house.welcome()
        await visitor.leave()
        await house.until("ready")


async def test_nothing_of_one_session_is_seen_in_the_next() -> None:
    async with opened() as house:
        await house.start()
        first = await house.welcome()
        first.resume()
        shown = await first.picture()
        await first.command("stand_still")
        await first.publish("webcam")
        await house.http.post("/stop_session")
        await house.start()
        second = await house.welcome()
        second.resume()
        again = await second.picture()
        assert again.to_rgb().mean() != shown.to_rgb().mean()
        assert (await second.publish("webcam")).error is None
        assert (await second.ask("journal"))["entries"] == [f"connected {second.id}"]


# --------------------------------------------------------------------------------------- clients that come and go


async def test_a_client_that_falls_silent_is_given_up_and_its_track_freed() -> None:
    async with opened(settings=Settings(ping_timeout=0.5)) as house:
        await house.start()
        silent = await house.welcome()
        await silent.publish("webcam")
        await house.until("orphaned")
        lively = await house.welcome()
        assert (await lively.publish("webcam")).error is None
        assert f"disconnected {silent.id}" in (await lively.ask("journal"))["entries"]


async def test_a_ping_timeout_of_0_gives_nobody_up() -> None:
    async with opened(settings=Settings(ping_timeout=0.0)) as house:
        await house.start()
        visitor = await house.welcome()
        assert (await visitor.command("set_level", level=1)).error is None


async def test_a_path_that_breaks_loses_the_client() -> None:
    network = FakeNetwork()
    async with opened(factory=network.make_peer) as house:
        await house.start()
        visitor = await house.welcome()
        assert isinstance(visitor.peer, FakePeer)
        network.drop(visitor.peer)
        network.restore(visitor.peer)
        assert (await visitor.command("set_level", level=1)).error is None
        network.fail(visitor.peer)
        await house.until("orphaned")


async def test_a_client_that_never_completes_its_negotiation_is_dropped() -> None:
    async with opened(settings=Settings(negotiation_timeout=0.05)) as house:
        await house.start()
        visitor = house.visitor()
        await visitor.register()
        assert (await house.http.post(visitor.path, json=await visitor.offer())).status_code == 202
        assert len(list(house.runtime.signalling)) == 1

        async def dropped() -> bool:
            return (await house.http.get(visitor.path)).status_code == 404

        await poll(dropped)
        assert list(house.runtime.signalling) == []
        assert await state(house) == "waiting"


async def test_a_client_that_returns_under_its_id_has_never_left() -> None:
    async with opened() as house:
        await house.start()
        first = await house.welcome()
        await first.publish("webcam")
        again = house.visitor()
        again.id = first.id
        await again.negotiate()
        await again.changes.until(lambda: again.open == {"data", "control"})
        assert (await again.ask("journal"))["entries"] == [f"connected {first.id}"]
        assert (await again.publish("webcam")).error is None
        assert await state(house) == "streaming"


class SlowToClose(FakePeer):
    """Takes its time to close, as the engine does for a client that is gone."""

    closing: asyncio.Event
    released: asyncio.Event

    @classmethod
    def on(cls, network: FakeNetwork, config: PeerConfig, sink: EventSink) -> "SlowToClose":
        peer = cls(network, config, sink)
        network._peers[peer.id] = peer
        return peer

    async def close(self) -> None:
        self.closing.set()
        await self.released.wait()
        await super().close()


async def test_a_legacy_client_that_returns_while_its_old_connection_closes_is_not_lost() -> None:
    network = FakeNetwork()
    made: list[FakePeer] = []

    def first_is_slow(config: PeerConfig, sink: EventSink) -> FakePeer:
        peer = network.make_peer(config, sink) if made else SlowToClose.on(network, config, sink)
        made.append(peer)
        return peer

    async with opened(factory=first_is_slow) as house:
        house.factory = network.make_peer
        SlowToClose.closing, SlowToClose.released = asyncio.Event(), asyncio.Event()
        await house.start()
        first = house.visitor(legacy=True)
        await first.connect()
        await first.leave()
        async with asyncio.timeout(40):
            await SlowToClose.closing.wait()
        second = house.visitor(legacy=True)
        await second.connect()
        SlowToClose.released.set()
        await poll(lambda: _is_closed(made[0]))
        assert (await second.command("set_level", level=1)).error is None
        assert house.runtime.table.clients == {LEGACY_CONNECTION_ID}
        assert await state(house) == "streaming"


async def _is_closed(peer: FakePeer) -> bool:
    return peer.state == "closed"


async def test_an_offer_that_cannot_be_used_ends_the_connection_that_it_was_to_replace() -> None:
    async with opened() as house:
        await house.start()
        visitor = await house.welcome()
        await visitor.publish("webcam")
        response = await house.http.put(visitor.path, json={"sdp_offer": "rubbish"})
        assert response.status_code == 400
        await house.until("orphaned")
        assert (await (await house.welcome()).publish("webcam")).error is None


async def test_a_session_that_ends_while_an_offer_is_taken_leaves_nothing_behind() -> None:
    async with opened() as house:
        await house.start()
        visitor = house.visitor()
        await visitor.register()
        offer = await visitor.offer()
        taking = asyncio.create_task(house.http.post(visitor.path, json=offer))
        stopping = asyncio.create_task(house.http.post("/stop_session"))
        assert (await stopping).status_code == 200
        assert (await taking).status_code in (202, 400)
        assert list(house.runtime.signalling) == []
        await house.start()
        assert (await house.http.get(visitor.path)).status_code == 404


async def test_a_client_that_is_lost_while_the_session_ends_is_not_told_of() -> None:
    async with opened() as house:
        await house.start()
        first, second = await house.welcome(), await house.welcome()
        leaving = asyncio.create_task(first.leave())
        assert (await house.http.post("/stop_session")).status_code == 200
        await leaving
        await second.until_ended()
        await house.start()
        third = await house.welcome()
        assert (await third.ask("journal"))["entries"] == [f"connected {third.id}"]


async def test_two_clients_race_for_one_track() -> None:
    async with opened() as house:
        await house.start()
        visitors = [await house.welcome() for _ in range(4)]
        for visitor in visitors:
            visitor.say(PublishTrack("p", "voice"))
        results = await asyncio.gather(*(visitor.publish("webcam") for visitor in visitors))
        assert sorted(result.error is None for result in results) == [False, False, False, True]
