"""The checks of ``peer_conformance`` that concern sections which share what one of them encodes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Final

from reactor_protocol.errors import TransportError
from reactor_rtc.frames import Media, VideoFrame
from reactor_rtc.port import (
    EncodedPicture,
    Peer,
    PeerConfig,
    PeerEvent,
    PeerFactory,
    PeerState,
    PictureEncoded,
    Section,
    SharingRole,
    StateChanged,
)
from reactor_testing.peer_media_checks import Check
from reactor_testing.peer_pairs import BLUE, FRAME_S, GREEN, LIMIT_S, RED, Colour, Observed, is_like, picture, reading

_SECTION: Final = Section("video", "receive")


class Show:
    """A source that shows one colour to several viewers, and passes on what the one that leads encodes."""

    def __init__(self) -> None:
        self.senders: list[Peer] = []
        self.mids: list[str] = []
        self.seen: list[list[Media]] = []
        self.encoded: list[tuple[int, EncodedPicture]] = []
        self.leader = 0
        self._time_us = 1_000_000

    def heard(self, number: int, event: PeerEvent) -> None:
        """An event of one viewer's sender."""
        if isinstance(event, PictureEncoded):
            self.encoded.append((number, event.picture))
            if number == self.leader:
                for other, sender in enumerate(self.senders):
                    if other != number and sender.state is not PeerState.CLOSED:
                        sender.send_encoded(self.mids[other], event.picture)

    def give(self, role: SharingRole, *numbers: int) -> None:
        """These viewers' sections have that role."""
        for number in numbers:
            self.senders[number].share(self.mids[number], role)
            self.leader = number if role is SharingRole.LEAD else self.leader

    async def until(self, colour: Colour, done: Callable[[], bool], width: int = 160, height: int = 120) -> None:
        """Shows one colour, as a live source does."""
        async with asyncio.timeout(LIMIT_S):
            while not done():
                self._time_us += round(FRAME_S * 1_000_000)
                shown = replace(picture(colour, width, height), timestamp_us=self._time_us)
                for sender, mid in zip(self.senders, self.mids, strict=True):
                    sender.send_media(mid, shown)
                await asyncio.sleep(FRAME_S)

    async def until_seen(self, colour: Colour, *viewers: int, width: int = 160, height: int = 120) -> None:
        """Shows one colour until these viewers have seen it."""

        def arrived(media: Media) -> bool:
            return isinstance(media, VideoFrame) and (media.width, media.height) == (width, height) and is_like(media, colour)

        await self.until(colour, lambda: all(any(map(arrived, self.seen[viewer])) for viewer in viewers), width, height)


@asynccontextmanager
async def _show(offering: PeerFactory, answering: PeerFactory, count: int) -> AsyncIterator[Show]:
    show = Show()
    async with AsyncExitStack() as stack:
        for number in range(count):
            said, heard = Observed(), Observed()

            def hear(event: PeerEvent, number: int = number, heard: Observed = heard) -> None:
                heard(event)
                show.heard(number, event)

            viewer, sender = offering(PeerConfig(), said), answering(PeerConfig(), hear)
            stack.push_async_callback(viewer.close)
            stack.push_async_callback(sender.close)
            offer = await viewer.offer([_SECTION], ["data"])
            await viewer.accept_answer(await sender.answer(offer.sdp, [Section("video", "send", offer.mids[0])]))
            for observed in (said, heard):
                await observed.until(StateChanged(PeerState.CONNECTED))
            await sender.set_active(offer.mids[0], True)
            show.senders.append(sender)
            show.mids.append(offer.mids[0])
            show.seen.append(await stack.enter_async_context(reading(viewer, offer.mids[0])))
        yield show


async def followers_see_what_the_leader_encodes(offering: PeerFactory, answering: PeerFactory) -> None:
    """All see the picture, with its size, also an odd one, and also after it has changed; only the leader encodes."""
    async with _show(offering, answering, 3) as show:
        assert len({sender.shared_codec(mid) for sender, mid in zip(show.senders, show.mids, strict=True)}) == 1
        show.give(SharingRole.LEAD, 0)
        show.give(SharingRole.FOLLOW, 1, 2)
        await show.until_seen(RED, 0, 1, 2)
        await show.until_seen(GREEN, 0, 1, 2, width=121, height=91)
        await show.until_seen(BLUE, 0, 1, 2, width=318, height=182)
        assert {number for number, _ in show.encoded} == {0}
        assert show.encoded[0][1].key
        stats = await show.senders[1].stats()
        assert (stats.tracks[show.mids[1]].width, stats.tracks[show.mids[1]].height) == (318, 182)


async def another_takes_the_lead(offering: PeerFactory, answering: PeerFactory) -> None:
    """A follower leads from a keyframe on; who led may go, or follow."""
    async with _show(offering, answering, 3) as show:
        show.give(SharingRole.LEAD, 0)
        show.give(SharingRole.FOLLOW, 1, 2)
        await show.until_seen(RED, 0, 1, 2)
        show.give(SharingRole.LEAD, 1)
        show.give(SharingRole.FOLLOW, 0)
        await show.until_seen(GREEN, 0, 1, 2)
        assert next(made for number, made in show.encoded if number == 1).key
        await show.senders[1].close()
        show.give(SharingRole.LEAD, 2)
        await show.until_seen(BLUE, 0, 2)


async def a_viewer_goes_its_own_way_and_comes_back(offering: PeerFactory, answering: PeerFactory) -> None:
    """Back to ``OWN`` it encodes for itself; following anew it begins with the keyframe that is asked for."""
    async with _show(offering, answering, 2) as show:
        show.give(SharingRole.LEAD, 0)
        show.give(SharingRole.FOLLOW, 1)
        await show.until_seen(RED, 0, 1)
        show.give(SharingRole.OWN, 1, 0)
        await show.until_seen(GREEN, 0, 1)
        show.give(SharingRole.LEAD, 0)
        show.give(SharingRole.FOLLOW, 1)
        show.encoded.clear()
        show.senders[0].ask_keyframe(show.mids[0])
        await show.until_seen(BLUE, 0, 1)
        assert any(made.key for _, made in show.encoded)


async def a_keyframe_is_made_when_it_is_asked_for(offering: PeerFactory, answering: PeerFactory) -> None:
    """Pictures that lead are keyframes at the beginning and where one is asked for."""
    async with _show(offering, answering, 2) as show:
        show.give(SharingRole.LEAD, 0)
        show.give(SharingRole.FOLLOW, 1)
        await show.until_seen(RED, 0, 1)
        await show.until(RED, lambda: not show.encoded[-1][1].key)
        show.senders[0].ask_keyframe(show.mids[0])
        await show.until(RED, lambda: show.encoded[-1][1].key)


async def a_path_is_measured(offering: PeerFactory, answering: PeerFactory) -> None:
    """A connected peer says how much its path carries; a closed one says nothing, and shares nothing."""
    async with _show(offering, answering, 1) as show:
        sender, mid = show.senders[0], show.mids[0]
        await show.until_seen(RED, 0)
        assert (await sender.bandwidth() or 0) > 100_000
        await sender.close()
        assert await sender.bandwidth() is None
        assert sender.shared_codec(mid) is None
        try:
            sender.share(mid, SharingRole.LEAD)
        except TransportError:
            return
        raise AssertionError("TransportError was not raised")


SHARING_CHECKS: Final[tuple[Check, ...]] = (
    followers_see_what_the_leader_encodes,
    another_takes_the_lead,
    a_viewer_goes_its_own_way_and_comes_back,
    a_keyframe_is_made_when_it_is_asked_for,
    a_path_is_measured,
)
