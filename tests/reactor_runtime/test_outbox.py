"""One client's outbox: order, bounds, and what both ends are told of what does not go."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any, cast

import pytest

from reactor_protocol.channel import ChannelTimes
from reactor_protocol.codec import Frame
from reactor_protocol.errors import TransportError
from reactor_protocol.messages import ApplicationMessage, CommandResult
from reactor_rtc.port import Peer
from reactor_runtime import outbox as module
from reactor_runtime.outbox import HIGH_BYTES, MOST_BYTES, Outbox
from reactor_runtime.wire import Wire

OFFER = "v=0\r\ns=-\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=max-message-size:262144\r\n"
CHUNKING = OFFER.replace("m=", "a=x-reactor-dc-chunking:1 max-message-size=67108864\r\nm=")
PING = b"\x00\x10\x03R\x00"


class Network:
    """The two verbs of a peer that an outbox needs: what was sent waits until somebody takes it."""

    def __init__(self) -> None:
        self.sent: list[Frame] = []
        self.waiting = 0
        self.gone = False

    def send(self, frame: Frame) -> None:
        if self.gone:
            raise TransportError("gone")
        self.sent.append(frame)
        self.waiting += len(frame.payload)

    def buffered(self, _label: str) -> int:
        return self.waiting

    def texts(self) -> list[Any]:
        return [json.loads(frame.payload)["data"] for frame in self.sent]


class Client:
    def __init__(self, offer: str = OFFER) -> None:
        self.network = Network()
        self.lost: list[str] = []
        wire = Wire(0.0, ChannelTimes())
        wire.hear_offer(offer)
        if offer == CHUNKING:
            wire.receive(Frame("control", PING), 0.0)
        wire.release()
        self.outbox = Outbox(1002, wire, self.lost.append)
        self.outbox.open(cast(Peer, self.network))

    def take(self) -> None:
        """Everything that waits in the engine leaves."""
        self.network.waiting = 0
        self.outbox.drained("data")


def message(number: int, size: int = 200_000) -> ApplicationMessage:
    return ApplicationMessage("made", {"number": number, "text": "x" * size})


async def test_200_messages_of_200_kb_arrive_in_their_order_while_the_client_takes_them() -> None:
    client = Client()
    for number in range(200):
        assert client.outbox.send(message(number)) is None
        waits = asyncio.create_task(client.outbox.room())
        await asyncio.sleep(0)
        if not waits.done():
            client.take()
        assert await waits
    client.take()
    assert [body["data"]["number"] for body in client.network.texts()] == list(range(200))
    assert client.network.waiting <= HIGH_BYTES + 262_144


async def test_what_does_not_fit_is_refused_and_the_client_hears_how_much_it_missed() -> None:
    client = Client()
    refused = [answer for number in range(60) if (answer := client.outbox.send(message(number))) is not None]
    fit = 60 - len(refused)
    assert HIGH_BYTES + MOST_BYTES - 400_000 <= fit * 200_064 <= HIGH_BYTES + MOST_BYTES + 400_000
    assert refused[0].code == "send_queue_full"
    assert f"no more than {MOST_BYTES} can" in refused[0].message
    while len(client.network.sent) < fit:
        client.take()
    assert [body["data"]["number"] for body in client.network.texts()[:fit]] == list(range(fit))
    assert client.network.texts()[fit:] == [
        {
            "type": "error",
            "data": {
                "code": "MESSAGES_LOST",
                "message": f"{60 - fit} messages were not sent: this client takes them too slowly",
                "recoverable": True,
                "component": "gpu",
            },
        }
    ]
    assert client.outbox.send(message(61)) is None


async def test_a_client_that_takes_nothing_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.01)
    client = Client()
    for number in range(10):
        client.outbox.send(message(number))
    assert not await client.outbox.room(0.01)
    assert not await client.outbox.room(3600), "nobody waits for it any more"
    while len(client.network.sent) < 10:
        client.take()
    assert await client.outbox.room(3600)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            message(1, 300_000),
            {"type": "error", "code": "MESSAGE_TOO_LARGE", "message": r"made is 3\d{5} bytes, above the limit of 262144"},
        ),
        (
            CommandResult("r1", message(1, 300_000), frame=7),
            {"type": "commandResult", "code": "message_too_large", "message": "above the limit of 262144"},
        ),
    ],
)
async def test_both_ends_are_told_of_a_message_that_is_too_large(said: Any, told: dict[str, str]) -> None:
    client = Client()
    refusal = client.outbox.send(said)
    assert refusal is not None
    assert refusal.code == "message_too_large"
    (body,) = client.network.texts()
    error = body["data"].get("error", body["data"])
    assert (body["type"], error["code"]) == (told["type"], told["code"])
    assert re.search(told["message"], error["message"])
    assert error["message"] == refusal.message
    if isinstance(said, CommandResult):
        assert body["data"]["request_id"] == "r1"


async def test_the_fragments_of_a_message_stay_together_and_a_cut_one_ends_the_connection() -> None:
    client = Client(CHUNKING)
    for number in range(3):
        assert client.outbox.send(message(number, 900_000)) is None
    assert len(client.network.sent) == 17, "the channel is full after a message and a part"
    client.network.gone = True
    client.network.waiting = 0
    client.outbox.drained("data")
    assert client.lost == ["a message could not be sent to its end"]


async def test_a_client_that_is_going_away_misses_what_it_is_told() -> None:
    client = Client()
    client.network.gone = True
    assert client.outbox.send(message(1)) is None
    assert client.lost == []
