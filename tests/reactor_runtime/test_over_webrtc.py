"""The runtime over real WebRTC connections."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import numpy as np
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from tests.reactor_runtime.runtime_support import House, opened
from tests.reactor_runtime.visitor import Visitor, level_of
from tests.reactor_runtime.waiting import poll

from reactor_protocol.codec import JSON_CODEC
from reactor_protocol.messages import Command, FileRef, PauseTrack, UnpublishTrack
from reactor_rtc.frames import VideoFrame
from reactor_rtc.peer_proxy import make_peer
from reactor_runtime.config import Settings

pytestmark = pytest.mark.network


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with opened(factory=make_peer) as house:
        await house.start()
        yield house


async def leave(*visitors: Visitor) -> None:
    await asyncio.gather(*(visitor.leave() for visitor in visitors))


async def test_two_clients_of_one_session_each_get_frames(house: House) -> None:
    first, second = await house.welcome(), await house.welcome()
    first.resume()
    second.resume()
    pictures = await asyncio.gather(first.picture(60), second.picture(60))
    assert [(picture.width, picture.height) for picture in pictures] == [(64, 48)] * 2
    await leave(first, second)


async def test_a_track_is_paused_and_resumed_for_one_client_alone(house: House) -> None:
    first, second = await house.welcome(), await house.welcome()
    first.resume()
    second.resume()
    await asyncio.gather(first.picture(60), second.picture(60))
    first.say(PauseTrack("main"))
    await first.command("set_level", level=200)
    dark = asyncio.create_task(first.picture(200))
    for _ in range(5):
        await second.picture(200)
    assert not dark.done()
    first.resume()
    await dark
    await leave(first, second)


async def send_camera(visitor: Visitor, level: int) -> None:
    """A camera that shows one level, until it is cancelled."""
    frame = VideoFrame.from_rgb(np.full((48, 64, 3), level, np.uint8))
    while True:
        visitor.peer.send_media(visitor.mids["webcam"], frame)
        await asyncio.sleep(1 / 60)


async def seen(visitor: Visitor, level: int) -> None:
    """Waits until the model sees a camera of about this level."""

    async def near() -> bool:
        shown: int = (await visitor.ask("see_camera"))["level"]
        return abs(shown - level) <= 8

    await poll(near)


async def test_a_camera_has_one_publisher_until_it_is_given_back_or_gone(house: House) -> None:
    first, second = await house.welcome(), await house.welcome()
    async with asyncio.TaskGroup() as group:
        cameras = [group.create_task(send_camera(first, 80)), group.create_task(send_camera(second, 180))]
        assert (await first.publish("webcam")).error is None
        await seen(second, 80)
        refused = (await second.publish("webcam")).error
        assert refused is not None
        assert refused.code == "publish_refused"
        first.say(UnpublishTrack("webcam"))
        await poll(lambda: granted(second))
        await seen(first, 180)
        cameras[1].cancel()
        await second.leave()
        await poll(lambda: granted(first))
        await seen(first, 80)
        cameras[0].cancel()
    await leave(first)


async def granted(visitor: Visitor) -> bool:
    return (await visitor.publish("webcam")).error is None


@pytest.mark.parametrize("label", ["data", "control"])
async def test_rubbish_does_not_end_the_connection(house: House, label: str) -> None:
    visitor = await house.welcome()
    payloads: list[str | bytes] = ["{", "[]", b"\x00\xff\xfe", b"", "", "x" * 256 * 1024, b"\xff" * 256 * 1024]
    for payload in payloads:
        visitor.say_raw(label, payload)
    assert (await visitor.command("set_level", level=1)).error is None
    assert visitor.closed == set()
    await leave(visitor)


@pytest.mark.parametrize("label", ["data", "control"])
async def test_a_message_of_1_MB_does_not_end_the_connection(house: House, label: str) -> None:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    channels = {name: connection.createDataChannel(name) for name in ("control", "data")}
    opened_, answered = asyncio.Event(), asyncio.Event()
    channels["data"].on("open", opened_.set)
    channels["data"].on("message", lambda text: answered.set() if "commandResult" in text else None)
    await connection.setLocalDescription(await connection.createOffer())
    path = f"{house.root}/connections/1002/sdp_params"
    response = await house.http.post(path, json={"sdp_offer": connection.localDescription.sdp})
    assert response.status_code == 202, response.text
    answer: str = (await house.http.get(path)).json()["sdp_answer"]
    # A client that takes no notice of our limit.
    sdp = answer.replace("a=max-message-size:262144", "a=max-message-size:0")
    assert sdp != answer
    await connection.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
    async with asyncio.timeout(20):
        await opened_.wait()
        channels[label].send("x" * 1_000_000)
        channels[label].send(b"\xff" * 1_000_000)
        frame = JSON_CODEC.encode(Command("set_level", {"level": 1}, request_id="r"))
        channels["data"].send(str(frame.payload))
        await answered.wait()
    assert channels[label].readyState == "open"
    await connection.close()


async def test_a_client_that_vanishes_is_noticed_and_its_track_freed() -> None:
    async with opened(factory=make_peer, settings=Settings(ping_timeout=3.0)) as house:
        await house.start()
        first, second = await house.welcome(), await house.welcome()
        await first.publish("webcam")
        # It says nothing any more, as if it were gone: its engine keeps the connection alive all the same.

        async def freed() -> bool:
            second.ping()
            return await granted(second)

        await poll(freed)
        assert f"disconnected {first.id}" in (await second.ask("journal"))["entries"]
        await leave(first, second)


async def test_commands_with_and_without_a_request_id(house: House) -> None:
    visitor = await house.welcome()
    for command in (Command("bogus"), Command("refuse"), Command("set_level", {"level": 9})):
        visitor.say(command)
    assert await visitor.until_said("level_set") == {"level": 9}
    assert len(visitor.received) == 2
    accepted = await visitor.command("set_level", level=10)
    assert accepted.error is None
    assert accepted.reply is not None
    assert accepted.reply.data == {"level": 10}
    refused = (await visitor.command("set_level", level=256)).error
    assert refused is not None
    assert (refused.code, refused.message) == ("invalid_command", "level: 256 > le(255)")
    await leave(visitor)


async def test_a_command_with_an_upload_that_arrives_late(house: House) -> None:
    visitor = await house.welcome()
    body = {"name": "a.png", "size": 3, "mime_type": "image/png"}
    slot = (await house.http.post("/sessions/00000000-0000-0000-0000-000000000000/uploads", json=body)).json()
    ref = FileRef(slot["presigned_id"], "a.png", "image/png", 3)
    late = asyncio.create_task(visitor.command("see_file", {"file": ref}))
    await asyncio.sleep(0)
    await house.http.put(slot["presigned_url"], content=b"abc")
    reply = (await late).reply
    assert reply is not None
    assert reply.data == {"file": "a.png", "size": 3}
    await leave(visitor)


async def test_a_client_that_never_completes_its_negotiation_is_dropped() -> None:
    async with opened(factory=make_peer, settings=Settings(negotiation_timeout=0.2)) as house:
        await house.start()
        visitor = house.visitor()
        await visitor.register()
        assert (await house.http.post(visitor.path, json=await visitor.offer())).status_code == 202

        async def dropped() -> bool:
            return (await house.http.get(visitor.path)).status_code == 404

        await poll(dropped)
        await leave(visitor)


async def test_a_session_ends_some_time_after_its_last_client() -> None:
    async with opened(factory=make_peer, settings=Settings(orphan_timeout=0.5)) as house:
        await house.start()
        visitor = await house.welcome()
        await visitor.leave()
        await house.until("orphaned")
        await house.until("ready")


async def test_frames_of_one_session_never_show_in_the_next(house: House) -> None:
    first = await house.welcome()
    first.resume()
    await first.picture(60)
    await house.http.post("/stop_session")
    await house.start()
    second = await house.welcome()
    second.resume()
    levels = [level_of(await second.picture()) for _ in range(5)]
    assert all(abs(level - 120) <= 4 for level in levels), levels
    await leave(first, second)


async def test_a_legacy_client(house: House) -> None:
    visitor = house.visitor(legacy=True)
    await visitor.connect()
    await visitor.picture(60)
    async with asyncio.TaskGroup() as group:
        camera = group.create_task(send_camera(visitor, 100))
        await seen(visitor, 100)
        camera.cancel()
    again = house.visitor(legacy=True)
    await again.negotiate()
    await again.picture(60)
    await leave(visitor, again)


@pytest.mark.parametrize(
    "change",
    [
        {"sdp_offer": "rubbish"},
        {"sdp_offer": "v=0\r\n"},
        {"sdp_offer": "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n"},
        {"sdp_offer": "v=0\x00\ud83d"},
        {"ice_servers": [{"uris": ["rubbish"]}]},
        {"ice_servers": [{"uris": ["stun:host:99999"]}]},
        {"ice_servers": [{"uris": []}]},
        {"ice_servers": [{"uris": ["turn:host:3478"]}]},
    ],
)
async def test_an_offer_that_the_engine_cannot_use_is_400_and_never_500(house: House, change: dict[str, object]) -> None:
    visitor = house.visitor()
    offer = json.dumps(await visitor.offer() | change)
    response: httpx.Response = await house.http.post(f"{house.root}/connections/1002/sdp_params", content=offer)
    assert response.status_code in (400, 422), response.text
    assert response.json()["detail"]
    await leave(visitor)


async def test_candidates_that_the_engine_cannot_use_are_400_and_never_500(house: House) -> None:
    visitor = await house.welcome()
    path = f"{house.root}/connections/{visitor.id}/ice_candidates"
    for candidate in (
        {"candidate": "rubbish", "sdp_mid": "0", "sdp_mline_index": 0},
        {"candidate": "candidate:1 1 udp 1 127.0.0.1 9 typ host", "sdp_mid": "77"},
        {"candidate": "candidate:1 1 udp 1 127.0.0.1 9 typ host"},
        {"candidate": "candidate:1 1 udp 1 127.0.0.1 9 typ host", "sdp_mline_index": 2**70},
        {"candidate": "candidate:1 1 udp 1 127.0.0.1 9 typ host", "sdp_mline_index": -1},
    ):
        response = await house.http.post(path, json={"candidates": [candidate]})
        assert response.status_code in (202, 400, 422), candidate
    assert (await visitor.command("set_level", level=1)).error is None
    await leave(visitor)
