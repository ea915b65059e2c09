"""A client of the runtime, made of HTTP requests and a Peer, so that a test sees every word of the conversation."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from itertools import count
from typing import Any

import httpx
from tests.reactor_runtime.waiting import DEADLINE_S, Changes, poll

from reactor_protocol.codec import JSON_CODEC, Frame
from reactor_protocol.messages import (
    ApplicationMessage,
    ClientMessage,
    Command,
    CommandResult,
    FileRef,
    Ping,
    PublishResult,
    PublishTrack,
    ResumeTrack,
    ServerMessage,
    SessionEnded,
)
from reactor_protocol.names import NIL_SESSION_ID
from reactor_rtc.frames import Media, VideoFrame
from reactor_rtc.port import ChannelClosed, ChannelOpened, FrameReceived, PeerConfig, PeerEvent, PeerFactory, Section

TRACKS = [("main", "video", "recvonly"), ("webcam", "video", "sendonly"), ("voice", "audio", "sendonly")]

_ids = count(1)


class Visitor:
    """One client. ``legacy`` ones have one data channel and no connection id."""

    def __init__(self, http: httpx.AsyncClient, factory: PeerFactory, *, legacy: bool = False) -> None:
        self.http = http
        self.legacy = legacy
        self.received: list[ServerMessage] = []
        self.open: set[str] = set()
        self.closed: set[str] = set()
        self.changes = Changes()
        self.peer = factory(PeerConfig(), self._event)
        self.mids: dict[str, str] = {}
        self.tracks = TRACKS
        self.id = 1001
        self.root = f"/sessions/{NIL_SESSION_ID}/transport/webrtc"

    def _event(self, event: PeerEvent) -> None:
        match event:
            case ChannelOpened(label):
                self.open.add(label)
            case ChannelClosed(label):
                self.closed.add(label)
            case FrameReceived(frame):
                message = JSON_CODEC.decode_server(frame)
                if message is not None:
                    self.received.append(message)
            case _:
                pass
        self.changes.announce()

    # ------------------------------------------------------------------------------------------------ negotiation

    async def register(self) -> None:
        """Asks for a connection id."""
        response = await self.http.post(f"{self.root}/connections")
        assert response.status_code == 201, response.text
        self.id = response.json()["connection_id"]

    @property
    def path(self) -> str:
        """Where offers and answers go."""
        return f"{self.root}/sdp_params" if self.legacy else f"{self.root}/connections/{self.id}/sdp_params"

    async def offer(self) -> dict[str, Any]:
        """The body of an offer of all tracks."""
        sections = [Section("video" if kind == "video" else "audio", _flow(way)) for _, kind, way in self.tracks]
        offer = await self.peer.offer(sections, ["data"] if self.legacy else ["control", "data"])
        mapping = []
        for (name, kind, way), mid in zip(self.tracks, offer.mids, strict=True):
            self.mids[name] = mid
            mapping.append({"mid": mid, "name": name, "kind": kind, "direction": way})
        return {"sdp_offer": offer.sdp, "track_mapping": mapping}

    async def negotiate(self) -> None:
        """Offers, and takes the answer."""
        response = await self.http.post(self.path, json=await self.offer())
        assert response.status_code == 202, response.text
        await poll(self._take_answer)

    async def _take_answer(self) -> bool:
        response = await self.http.get(self.path)
        if response.status_code == 200:
            await self.peer.accept_answer(response.json()["sdp_answer"])
        return response.status_code == 200

    async def connect(self) -> None:
        """Joins the running session, and returns once the model has greeted."""
        if not self.legacy:
            await self.register()
        await self.negotiate()
        await self.until_said("welcome")

    # ------------------------------------------------------------------------------------------------ conversation

    def say(self, message: ClientMessage) -> None:
        self.peer.send(JSON_CODEC.encode(message))

    def say_raw(self, label: str, payload: str | bytes) -> None:
        self.peer.send(Frame(label, payload))

    def said(self, kind: str) -> list[dict[str, Any]]:
        """The data of the model's messages of that name."""
        return [m.data for m in self.received if isinstance(m, ApplicationMessage) and m.type == kind]

    async def until_said(self, kind: str, times: int = 1) -> dict[str, Any]:
        await self.changes.until(lambda: len(self.said(kind)) >= times)
        return self.said(kind)[times - 1]

    async def command(self, name: str, uploads: Mapping[str, FileRef] | None = None, /, **data: Any) -> CommandResult:
        """Sends a command that asks for an acknowledgement, and returns it."""
        request_id = f"r{next(_ids)}"
        self.say(Command(name, data, uploads or {}, request_id))
        return await self.result(request_id)

    async def result(self, request_id: str) -> CommandResult:
        def found() -> list[CommandResult]:
            return [m for m in self.received if isinstance(m, CommandResult) and m.request_id == request_id]

        await self.changes.until(found)
        return found()[0]

    async def ask(self, name: str) -> dict[str, Any]:
        """The data of a command's reply."""
        reply = (await self.command(name)).reply
        assert reply is not None
        return reply.data

    async def publish(self, track: str) -> PublishResult:
        request_id = f"p{next(_ids)}"
        self.say(PublishTrack(request_id, track))

        def found() -> list[PublishResult]:
            return [m for m in self.received if isinstance(m, PublishResult) and m.request_id == request_id]

        await self.changes.until(found)
        return found()[0]

    async def until_ended(self) -> str:
        """Why the session ended."""

        def found() -> list[str]:
            return [m.reason for m in self.received if isinstance(m, SessionEnded)]

        await self.changes.until(found)
        return found()[0]

    def ping(self) -> None:
        self.say(Ping())

    # ------------------------------------------------------------------------------------------------------- media

    def resume(self, track: str = "main") -> None:
        self.say(ResumeTrack(track))

    async def picture(self, level: int | None = None, track: str = "main") -> VideoFrame:
        """The next picture that arrives, or the next of about this level."""
        async with asyncio.timeout(DEADLINE_S), aclosing(self._media(track)) as pictures:
            async for media in pictures:
                assert isinstance(media, VideoFrame)
                if level is None or abs(level_of(media) - level) <= 4:
                    return media
        raise AssertionError("the track has ended")

    async def _media(self, track: str) -> AsyncGenerator[Media, None]:
        async for media in self.peer.media(self.mids[track]):
            yield media

    async def leave(self) -> None:
        await self.peer.close()


def _flow(way: str) -> Any:
    return "receive" if way == "recvonly" else "send"


def level_of(picture: VideoFrame) -> int:
    return int(picture.to_rgb().mean())
