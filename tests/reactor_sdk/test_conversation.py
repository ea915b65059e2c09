from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest

from reactor_protocol.codec import Frame
from reactor_protocol.errors import SendQueueFullError, TransportError
from reactor_protocol.messages import (
    ApplicationMessage,
    ClipFailed,
    ClipReady,
    Command,
    Ping,
    RequestClip,
    RequestRecording,
    ServerMessage,
)
from reactor_sdk import ControlRequestError, DisconnectedError, MessageTooLargeError, RequestTimeoutError, TrackTakenError
from reactor_sdk import conversation as module
from reactor_sdk.conversation import Conversation


class Wire:
    """The other side, by hand."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.heard: list[ServerMessage] = []
        self.waiting = 0
        self.conversation = Conversation(self, self.heard.append)

    def send(self, frame: Frame) -> None:
        self.frames.append(frame)

    def buffered(self, _label: str) -> int:
        return self.waiting

    def sent(self) -> list[Any]:
        return [json.loads(frame.payload) for frame in self.frames]

    def answer(self, label: str, body: Any) -> None:
        self.conversation.receive(Frame(label, json.dumps(body)))

    def result(self, **data: Any) -> None:
        self.answer("data", {"scope": "runtime", "data": {"type": "commandResult", "data": data}})


@pytest.fixture
async def wire() -> Wire:
    return Wire()


async def test_a_command_carries_an_id_and_gets_its_own_answer(wire: Wire) -> None:
    first = asyncio.create_task(wire.conversation.command(Command("a", {"n": 1})))
    second = asyncio.create_task(wire.conversation.command(Command("b")))
    await asyncio.sleep(0)
    one, two = (body["data"]["request_id"] for body in wire.sent())
    assert one != two
    assert wire.sent()[0] == {"scope": "application", "data": {"type": "a", "data": {"n": 1}, "request_id": one}}
    wire.result(request_id=two, ok=True, reply={"type": "done", "data": {"n": 2}}, frame=7)
    wire.result(request_id=one, ok=True)
    assert (await second).reply == ApplicationMessage("done", {"n": 2})
    assert (await second).frame == 7
    assert (await first).reply is None


async def test_a_command_without_an_answer_times_out(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COMMAND_TIMEOUT_S", 0.02)
    with pytest.raises(RequestTimeoutError, match="slow was not answered"):
        await wire.conversation.command(Command("slow"))
    wire.result(request_id="cmd_1", ok=True)  # too late: nobody waits
    assert wire.heard == []


async def test_a_slot_is_asked_for_over_the_control_channel(wire: Wire) -> None:
    asking = asyncio.create_task(wire.conversation.publish("camera"))
    await asyncio.sleep(0)
    frame, body = wire.frames[0], wire.sent()[0]
    assert frame.label == "control"
    assert (body["type"], body["method"], body["data"]) == ("request", "publish_track", {"name": "camera"})
    wire.answer("control", {"type": "response", "method": "publish_track", "request_id": body["request_id"], "data": {}})
    await asking


@pytest.mark.parametrize(
    ("code", "kind"),
    [("publish_refused", TrackTakenError), ("PUBLISHER_SLOT_TAKEN", TrackTakenError), ("other", ControlRequestError)],
)
async def test_a_slot_that_is_refused(wire: Wire, code: str, kind: type[ControlRequestError]) -> None:
    asking = asyncio.create_task(wire.conversation.publish("camera"))
    await asyncio.sleep(0)
    body = {"type": "response", "method": "publish_track", "request_id": wire.sent()[0]["request_id"]}
    wire.answer("control", {**body, "error": {"code": code, "message": "no"}})
    with pytest.raises(ControlRequestError, match="no") as caught:
        await asking
    assert type(caught.value) is kind
    assert caught.value.code == code


async def test_pings_go_out_once_open(wire: Wire) -> None:
    loop = asyncio.get_running_loop()
    wire.conversation.open()
    assert wire.conversation._timer is not None
    assert wire.conversation._timer.when() == pytest.approx(loop.time() + 5.0, abs=0.5)
    wire.conversation._channel._ping_at = loop.time()
    wire.conversation._due()
    assert wire.sent() == [{"scope": "runtime", "data": {"type": "ping", "data": {}}}]
    wire.conversation.close(DisconnectedError("over"))


async def test_messages_are_passed_on_and_rubbish_is_logged(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        wire.conversation.receive(Frame("data", "{not json"))
        wire.conversation.receive(Frame("data", b"\xff\x00"))
    wire.answer("data", {"scope": "application", "data": {"type": "state", "data": {"n": 1}}})
    assert wire.heard == [ApplicationMessage("state", {"n": 1})]
    assert len(caplog.records) == 2


async def test_the_end_of_the_connection_fails_what_waits_and_what_comes(wire: Wire) -> None:
    asking = asyncio.create_task(wire.conversation.command(Command("a")))
    await asyncio.sleep(0)
    wire.conversation.close(DisconnectedError("gone"))
    with pytest.raises(DisconnectedError, match="gone"):
        await asking
    with pytest.raises(DisconnectedError):
        wire.conversation.send(Ping())


async def test_a_message_that_is_too_large_is_refused(wire: Wire) -> None:
    with pytest.raises(MessageTooLargeError, match="upload_file"):
        await wire.conversation.command(Command("a", {"text": "x" * 300_000}))
    assert wire.frames == []


async def test_a_channel_that_is_going_away_is_a_disconnection() -> None:
    class Closing(Wire):
        def send(self, frame: Frame) -> None:
            raise TransportError("not open")

    with pytest.raises(DisconnectedError, match="not open"):
        Closing().conversation.send(Ping())


async def test_what_the_other_side_takes_is_the_limit_of_a_message(wire: Wire) -> None:
    wire.conversation.hear_answer("v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=sctp-port:5000\r\n")
    with pytest.raises(MessageTooLargeError, match=r"a is \d+ bytes, above the limit of 65536 that this connection has"):
        await wire.conversation.command(Command("a", {"text": "x" * 66_000}))
    wire.conversation.hear_answer("v=0\r\na=max-message-size:100000\r\n")
    asked = asyncio.create_task(wire.conversation.command(Command("a", {"text": "x" * 66_000})))
    await asyncio.sleep(0)
    wire.result(request_id=wire.sent()[0]["data"]["request_id"], ok=True)
    await asked


async def test_a_command_waits_for_room_and_is_refused_where_there_is_none(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    wire.waiting = 2_000_000
    asked = asyncio.create_task(wire.conversation.command(Command("a")))
    await asyncio.sleep(0)
    wire.conversation.drained()
    await asyncio.sleep(0)
    assert wire.frames == [], "it was told too early"
    wire.waiting = 100
    wire.conversation.drained()
    for _ in range(5):
        await asyncio.sleep(0)
    wire.result(request_id=wire.sent()[0]["data"]["request_id"], ok=True)
    await asked
    wire.waiting = 2_000_000
    monkeypatch.setattr(module, "ROOM_S", 0.01)
    with pytest.raises(SendQueueFullError, match="has taken nothing for 0.01 s, and 2000000 bytes wait for it"):
        await wire.conversation.command(Command("a"))
    wire.waiting = 0
    monkeypatch.undo()


CLIP = {
    "session_id": "s-1",
    "kind": "snap",
    "start_marker": 0.0,
    "end_marker": 1.0,
    "now_marker": 1.0,
    "predicted_ready_at_ms": 5,
    "playlist_url": "/clips",
}


async def test_answers_about_clips_come_in_the_order_of_the_requests(wire: Wire) -> None:
    first = asyncio.create_task(wire.conversation.clip(RequestClip(2.0)))
    second = asyncio.create_task(wire.conversation.clip(RequestRecording()))
    await asyncio.sleep(0)
    assert [sent["data"]["type"] for sent in wire.sent()] == ["requestClip", "requestRecording"]
    wire.answer("data", {"scope": "runtime", "data": {"type": "clipFailed", "data": {"reason": "no media generated yet"}}})
    wire.answer("data", {"scope": "runtime", "data": {"type": "clipReady", "data": CLIP}})
    assert await first == ClipFailed("no media generated yet")
    assert await second == ClipReady("s-1", "snap", 0.0, 1.0, 1.0, 5, "/clips")
    assert len(wire.heard) == 2


async def test_a_late_answer_about_a_clip_is_not_taken_for_the_next_one(wire: Wire) -> None:
    given_up = asyncio.create_task(wire.conversation.clip(RequestClip(2.0)))
    await asyncio.sleep(0)
    given_up.cancel()
    waiting = asyncio.create_task(wire.conversation.clip(RequestClip(3.0)))
    await asyncio.sleep(0)
    wire.answer("data", {"scope": "runtime", "data": {"type": "clipFailed", "data": {"reason": "late"}}})
    wire.answer("data", {"scope": "runtime", "data": {"type": "clipFailed", "data": {"reason": "mine"}}})
    assert await waiting == ClipFailed("mine")


async def test_who_waits_for_a_clip_hears_that_the_connection_is_gone(wire: Wire) -> None:
    waiting = asyncio.create_task(wire.conversation.clip(RequestClip(2.0)))
    await asyncio.sleep(0)
    wire.conversation.close(DisconnectedError("gone"))
    with pytest.raises(DisconnectedError):
        await waiting
