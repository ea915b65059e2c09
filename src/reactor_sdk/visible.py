"""Waiting for the frame that shows what a command did."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from reactor_protocol.errors import InvalidStateError, RequestTimeoutError, SessionEndedError
from reactor_rtc.frames import VideoFrame
from reactor_sdk.connection import Connection
from reactor_sdk.frames import FrameFeed, Outlet
from reactor_sdk.link import Link
from reactor_sdk.stats import main_video

VISIBLE_TIMEOUT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Sight:
    """Where the effect of a command is looked for."""

    track: str
    feed: FrameFeed

    async def until_shown(self, command: str, number: int, connection: Connection) -> None:
        """Returns once a frame of that number or a later one has come.

        Raises :class:`RequestTimeoutError` where the model shows none, and what ended the connection.
        """
        outlet = self.feed.subscribe(self.track)
        showing = asyncio.ensure_future(_shown(outlet, number))
        either: set[asyncio.Future[Any]] = {showing, connection.over}
        try:
            async with asyncio.timeout(VISIBLE_TIMEOUT_S):
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError as error:
            raise RequestTimeoutError(
                f"{command} was run, but frame {number} of {self.track!r}, the first that can show it, and all after it did not "
                f"come within {VISIBLE_TIMEOUT_S:g} s: does the model make a frame after each command?"
            ) from error
        finally:
            came = showing.done()
            showing.cancel()
        if not came:
            connection.check_open()
        elif not showing.result():
            raise SessionEndedError(f"{command} was run, and the session ended before a frame could show it")


async def _shown(outlet: Outlet[VideoFrame], number: int) -> bool:
    """True when the frame of that number or a later one has come; False where none will."""
    while (frame := await outlet.get()) is not None:
        if frame.number is not None and frame.number >= number:
            return True
    return False


def sight_of(link: Link) -> Sight:
    """The main video, whose frames are numbered from now on.

    Raises :class:`InvalidStateError` where nobody could see what a command does: no video, a paused one, or a server that does
    not say which frame a command leads to.
    """
    name = main_video(link.state.tracks())
    if name is None:
        raise InvalidStateError('wait="visible" needs a video of the model, and it sends none')
    if not link.holdings.flows(name):
        raise InvalidStateError(f'wait="visible" needs frames, and {name!r} is paused: resume_track({name!r}) first')
    if not (link.state.acknowledges and link.state.numbers_frames):
        raise InvalidStateError(
            'wait="visible" needs a server that numbers frames (extensions "acks" and "frame_numbers" 2), which this one, '
            "a published or an older runtime, does not: leave wait out, and look at the frames that follow"
        )
    link.tag(name)
    return Sight(name, link.frames)
