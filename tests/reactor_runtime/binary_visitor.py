"""A client of the runtime that speaks wire version v1, with or without chunking."""

from typing import Any

import httpx
from tests.reactor_runtime.visitor import Visitor

from reactor_protocol.chunking import Assembly, offered, split, with_agreement
from reactor_protocol.codec import JSON_CODEC, Frame
from reactor_protocol.codec_v1 import PROTOBUF_CODEC
from reactor_protocol.messages import ClientMessage, Ping
from reactor_rtc.port import ChannelOpened, FrameReceived, PeerEvent, PeerFactory

SIXTY_FOUR_MEGABYTES = 67_108_864


class BinaryVisitor(Visitor):
    """One client. It speaks as soon as its channel is open, unless it is shy."""

    def __init__(
        self, http: httpx.AsyncClient, factory: PeerFactory, *, chunks: int | None = SIXTY_FOUR_MEGABYTES, shy: bool = False
    ) -> None:
        super().__init__(http, factory)
        self.chunks = chunks
        self.shy = shy
        self.agreed: int | None = None
        self.texts: list[str] = []
        self.fragments = 0
        self._assemblies = {label: Assembly(SIXTY_FOUR_MEGABYTES) for label in ("data", "control")}

    def _event(self, event: PeerEvent) -> None:
        match event:
            case FrameReceived(frame):
                self._hear(frame)
                self.changes.announce()
                return
            case ChannelOpened("control") if not self.shy:
                self.say(Ping())
        super()._event(event)

    def _hear(self, frame: Frame) -> None:
        self.fragments += 1
        payload = frame.payload if self.chunks is None else self._assemblies[frame.label].feed(frame.payload)
        if payload is None:
            return
        if isinstance(payload, str):
            self.texts.append(payload)
        codec = JSON_CODEC if isinstance(payload, str) else PROTOBUF_CODEC
        message = codec.decode_server(Frame(frame.label, payload))
        if message is not None:
            self.received.append(message)

    async def offer(self) -> dict[str, Any]:
        body = await super().offer()
        return body if self.chunks is None else body | {"sdp_offer": with_agreement(body["sdp_offer"], self.chunks)}

    async def _take_answer(self) -> bool:
        response = await self.http.get(self.path)
        if response.status_code == 200:
            answer = response.json()["sdp_answer"]
            self.agreed = offered(answer)
            await self.peer.accept_answer(answer)
        return response.status_code == 200

    def say(self, message: ClientMessage) -> None:
        frame = PROTOBUF_CODEC.encode(message)
        for piece in [frame.payload] if self.chunks is None else split(frame.payload):
            self.say_raw(frame.label, piece)
