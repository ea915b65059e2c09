"""The checks of ``peer_conformance`` that concern pictures and sound."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Final, TypeAlias, cast

from reactor_protocol.errors import InvalidArgumentError, TransportError
from reactor_rtc.frames import AudioBlock, Media, VideoFrame
from reactor_rtc.port import (
    PeerConfig,
    PeerFactory,
    PeerState,
    StateChanged,
)
from reactor_testing.peer_pairs import (
    BLUE,
    GREEN,
    LABELS,
    LIMIT_S,
    RED,
    SECTIONS,
    Observed,
    colour_of,
    connected,
    is_like,
    picture,
    reading,
    received,
    refused,
    send_until,
    tone,
)

SILENT_FRAMES: Final = 6

Check: TypeAlias = Callable[[PeerFactory, PeerFactory], Coroutine[Any, Any, None]]
"""A check of two factories: one for the peer that offers, one for the peer that answers."""


async def pictures_cross(offering: PeerFactory, answering: PeerFactory) -> None:
    """Both ways, with size and colour; the size may change in mid-stream, and may be odd."""
    async with connected(offering, answering) as pair:
        to_offerer, to_answerer, *_ = pair.mids
        await pair.answerer.set_active(to_offerer, True)
        for sender, mid, receiver in ((pair.answerer, to_offerer, pair.offerer), (pair.offerer, to_answerer, pair.answerer)):
            for colour, width, height in ((RED, 160, 120), (GREEN, 121, 91), (BLUE, 318, 182)):
                sent = picture(colour, width, height)
                seen = await received(sender, mid, sent, receiver, lambda media, sent=sent: _size(media) == _size(sent))  # type: ignore[misc]
                assert is_like(seen, colour), colour_of(seen)


async def sound_crosses(offering: PeerFactory, answering: PeerFactory) -> None:
    """Both ways, as 16-bit blocks, about as loud as it was sent."""
    async with connected(offering, answering) as pair:
        *_, to_offerer, to_answerer = pair.mids
        await pair.answerer.set_active(to_offerer, True)
        for sender, mid, receiver in ((pair.answerer, to_offerer, pair.offerer), (pair.offerer, to_answerer, pair.answerer)):
            block = await received(sender, mid, tone(), receiver, lambda media: 8_000 < _loudness(media) < 24_000)
            assert isinstance(block, AudioBlock)
            assert block.rate == 48_000
            assert block.samples.dtype.name == "int16"


async def inactive_sections_send_nothing(offering: PeerFactory, answering: PeerFactory) -> None:
    """An answerer's section is silent until ``set_active(True)``, and again after ``set_active(False)``."""
    async with connected(offering, answering) as pair:
        mid = pair.mids[0]
        async with reading(pair.offerer, mid) as seen:
            for colour in (GREEN, BLUE):
                attempts = iter(range(SILENT_FRAMES))
                await send_until(pair.answerer, mid, picture(RED), lambda left=attempts: next(left, None) is None)  # type: ignore[misc]
                await pair.answerer.set_active(mid, True)
                await send_until(pair.answerer, mid, picture(colour), lambda c=colour: any(is_like(m, c) for m in seen))  # type: ignore[misc]
                await pair.answerer.set_active(mid, False)
            assert not [media for media in seen if is_like(media, RED)]


async def a_verb_may_be_called_at_once_with_itself(offering: PeerFactory, answering: PeerFactory) -> None:
    """``set_active`` and ``close`` overlap without harm: the last word counts, and the end is announced once."""
    async with connected(offering, answering) as pair:
        mid = pair.mids[0]
        for _ in range(10):
            await asyncio.gather(*(pair.answerer.set_active(mid, flag) for flag in (True, False, True)))
        await received(pair.answerer, mid, picture(GREEN), pair.offerer, lambda media: is_like(media, GREEN))
        await asyncio.gather(pair.answerer.close(), pair.answerer.close())
        await pair.answerer.close()
        assert pair.answerer_said.events.count(StateChanged(PeerState.CLOSED)) == 1


async def media_before_the_connection_is_dropped(offering: PeerFactory, answering: PeerFactory) -> None:
    """A section may be held and sent to before anybody has answered; unknown sections raise ``TransportError``."""
    offerer = offering(PeerConfig(), Observed())
    try:
        offer = await offerer.offer(SECTIONS, LABELS)
        await offerer.set_active(offer.mids[1], False)
        await offerer.set_active(offer.mids[1], True)
        offerer.send_media(offer.mids[1], picture(RED))
        await refused(offerer.set_active("77", True), TransportError)
        await refused(_send_media(offerer.send_media, "77", picture(RED)), TransportError)
        await refused(anext(aiter(offerer.media("77"))), TransportError)
    finally:
        await offerer.close()
    offerer.send_media(offer.mids[1], picture(RED))


async def wrong_media_is_refused(offering: PeerFactory, answering: PeerFactory) -> None:
    """Sound for a video section raises, and the other way; an empty block is dropped; what follows still flows."""
    async with connected(offering, answering) as pair:
        _, video, _, audio = pair.mids
        await refused(_send_media(pair.offerer.send_media, video, tone()), InvalidArgumentError)
        await refused(_send_media(pair.offerer.send_media, audio, picture(RED)), InvalidArgumentError)
        pair.offerer.send_media(audio, AudioBlock(tone().samples[:, :0]))
        await received(pair.offerer, video, picture(GREEN), pair.answerer, lambda media: is_like(media, GREEN))
        await received(pair.offerer, audio, tone(), pair.answerer, lambda media: _loudness(media) > 8_000)


async def what_is_told_of_a_frame_crosses_once_asked(offering: PeerFactory, answering: PeerFactory) -> None:
    """``tag`` on the side that receives, then on the one that sends: number and metadata arrive with their frame."""
    async with connected(offering, answering) as pair:
        mid = pair.mids[0]
        await pair.answerer.set_active(mid, True)
        await received(pair.answerer, mid, picture(RED), pair.offerer, lambda media: is_like(media, RED))
        for _ in range(2):  # asking again changes nothing
            pair.offerer.tag(mid)
            pair.answerer.tag(mid)
        sent = replace(picture(GREEN), number=41, metadata=b"told")
        seen = await received(pair.answerer, mid, sent, pair.offerer, lambda media: getattr(media, "number", None) == 41)
        assert isinstance(seen, VideoFrame)
        assert (is_like(seen, GREEN), seen.metadata) == (True, b"told")
        await refused(_tag(pair.offerer.tag, "77"), TransportError)


async def a_slow_reader_gets_the_newest(offering: PeerFactory, answering: PeerFactory) -> None:
    """Whoever does not read for a while gets the newest picture then, and no queue of old ones."""
    async with connected(offering, answering) as pair:
        mid = pair.mids[1]
        async with aclosing(cast(Any, pair.answerer.media(mid))) as slow:
            first = asyncio.ensure_future(anext(slow))
            await received(pair.offerer, mid, picture(RED), pair.answerer, lambda media: first.done())
            for step in range(10):
                pair.offerer.send_media(mid, picture((20 * step, 200, 20 * step)))
                await asyncio.sleep(0)
            await received(pair.offerer, mid, picture(BLUE), pair.answerer, lambda media: is_like(media, BLUE))
            async with asyncio.timeout(LIMIT_S):
                assert is_like(await anext(slow), BLUE)


async def _tag(tag: Callable[[str], None], mid: str) -> None:
    tag(mid)


def _size(media: Media) -> tuple[int, int]:
    assert isinstance(media, VideoFrame)
    return media.width, media.height


def _loudness(media: Media) -> int:
    assert isinstance(media, AudioBlock)
    return int(abs(media.samples.astype("int32")).max(initial=0))


async def _send_media(send: Callable[[str, Media], None], mid: str, media: Media) -> None:
    send(mid, media)


MEDIA_CHECKS: Final[tuple[Check, ...]] = (
    pictures_cross,
    sound_crosses,
    what_is_told_of_a_frame_crosses_once_asked,
    inactive_sections_send_nothing,
    a_verb_may_be_called_at_once_with_itself,
    media_before_the_connection_is_dropped,
    wrong_media_is_refused,
    a_slow_reader_gets_the_newest,
)
