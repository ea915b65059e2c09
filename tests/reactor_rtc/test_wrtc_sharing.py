"""Sharing over the real engine: what a viewer's own wishes do to what it follows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import webrtc
from tests.reactor_runtime.waiting import Changes

from reactor_rtc.frames import VideoFrame
from reactor_rtc.port import KeyframeWanted, PeerConfig, PeerEvent, PeerState, PictureEncoded, Section, SharingRole
from reactor_rtc.wrtc_peer import WrtcPeer

pytestmark = pytest.mark.network

DEADLINE_S = 40.0


class Viewer:
    """The other side: counts what arrives, and can ask for a keyframe as one does that has lost a picture."""

    def __init__(self, changes: Changes) -> None:
        self.peer = WrtcPeer(PeerConfig(), lambda _event: None)
        self._changes = changes
        self.pictures = 0
        self.keys = 0
        self._transformer: Any = None

    async def offer(self) -> str:
        offer = await self.peer.offer([Section("video", "receive")], ["data"])
        receiver = self.peer._connection.get_transceivers()[0].receiver
        self._transform = receiver.transform = webrtc.RTCRtpScriptTransform(self._count)
        return offer.sdp

    async def _count(self, event: Any) -> None:
        self._transformer = event.transformer
        writer = event.transformer.writable.get_writer()
        async for encoded in event.transformer.readable:
            self.pictures += 1
            self.keys += encoded.type == webrtc.EncodedVideoChunkType.key
            self._changes.announce()
            await writer.write(encoded)

    async def ask(self) -> None:
        await self._transformer.send_key_frame_request()


class Stage:
    """Senders of one picture, the first of which leads; what they say."""

    def __init__(self) -> None:
        self.changes = Changes()
        self.said: list[tuple[int, PeerEvent]] = []
        self.senders: list[WrtcPeer] = []
        self.viewers: list[Viewer] = []

    async def admit(self) -> None:
        number = len(self.senders)
        viewer, sender = Viewer(self.changes), WrtcPeer(PeerConfig(), lambda event: self._heard(number, event))
        self.senders.append(sender)
        self.viewers.append(viewer)
        await viewer.peer.accept_answer(await sender.answer(await viewer.offer(), [Section("video", "send", "0")]))
        sender.share("0", SharingRole.FOLLOW if number else SharingRole.LEAD)
        await self.until(lambda: sender.state is PeerState.CONNECTED)
        await sender.set_active("0", True)

    def _heard(self, number: int, event: PeerEvent) -> None:
        self.said.append((number, event))
        self.changes.announce()
        if isinstance(event, PictureEncoded):
            for sender in self.senders[1:]:
                sender.send_encoded("0", event.picture)

    def wishes(self, number: int) -> int:
        return sum(isinstance(event, KeyframeWanted) for who, event in self.said if who == number)

    async def show(self) -> None:
        """Shows a picture 30 times a second, until it is cancelled."""
        picture = VideoFrame.from_rgb(np.full((96, 128, 3), 90, np.uint8))
        for number in range(10_000):
            for sender in self.senders:
                sender.send_media("0", replace(picture, timestamp_us=1_000_000 + number * 33_000))
            await asyncio.sleep(0.033)

    async def until(self, wanted: Callable[[], object]) -> None:
        await self.changes.until(wanted, DEADLINE_S)


async def staged(stack: AsyncExitStack, count: int) -> Stage:
    stage = Stage()
    for _ in range(count):
        await stage.admit()
        stack.push_async_callback(stage.senders[-1].close)
        stack.push_async_callback(stage.viewers[-1].peer.close)
    showing = asyncio.ensure_future(stage.show())
    stack.callback(showing.cancel)
    return stage


async def test_a_viewer_that_asks_for_a_keyframe_is_heard_and_gets_the_leaders_next_one() -> None:
    async with AsyncExitStack() as stack:
        stage = await staged(stack, 2)
        leader, follower = stage.viewers
        stage.senders[0].ask_keyframe("0")
        await stage.until(lambda: follower.pictures > 5 and leader.pictures > 5)
        wishes, keys = stage.wishes(1), follower.keys
        await follower.ask()
        await stage.until(lambda: stage.wishes(1) > wishes)
        stage.senders[0].ask_keyframe("0")
        await stage.until(lambda: follower.keys > keys)


async def test_the_leaders_viewer_is_heard_too_and_its_keyframe_serves_all() -> None:
    async with AsyncExitStack() as stack:
        stage = await staged(stack, 2)
        leader, follower = stage.viewers
        await stage.until(lambda: follower.pictures > 5 and leader.pictures > 5)
        assert stage.wishes(0) == 0
        keys = follower.keys
        await leader.ask()
        await stage.until(lambda: stage.wishes(0) == 1 and follower.keys > keys)


async def test_no_picture_is_left_out_for_a_follower() -> None:
    async with AsyncExitStack() as stack:
        stage = await staged(stack, 3)
        await stage.until(lambda: all(viewer.pictures > 5 for viewer in stage.viewers))
        before = [viewer.pictures for viewer in stage.viewers]
        await stage.until(lambda: stage.viewers[0].pictures >= before[0] + 40)
        for viewer, seen in zip(stage.viewers[1:], before[1:], strict=True):
            assert viewer.pictures - seen >= 34
