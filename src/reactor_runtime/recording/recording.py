"""Recording: one session's. Fed on the runtime's loop, encoded on a thread of its own, read on the loop again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import av

from reactor_rtc.frames import AudioBlock, Media, VideoFrame
from reactor_runtime.emission import Bundle
from reactor_runtime.recording.backlog import Backlog
from reactor_runtime.recording.clock import MediaClock
from reactor_runtime.recording.options import RecordingOptions
from reactor_runtime.recording.playlist import ChunkName, Condition
from reactor_runtime.recording.timeline import Coverage, Fragment, Pending, Timeline
from reactor_runtime.recording.writer import Cut, Finish, Item, Picture, Sound, SoundFormat, Writer
from reactor_runtime.tracks import TrackSpec

logger = logging.getLogger(__name__)

_CUT_PAUSE_S: Final = 0.5
"""Between two cuts that somebody asks for: each costs a picture that is coded by itself."""
_NICENESS: Final = 5
"""Viewers come first: the system lets the recorder have what they leave."""


class Recording:
    """What the clients of one session are sent. Its methods are called on the loop that made it."""

    def __init__(
        self, recording_id: str, folder: Path, options: RecordingOptions, tracks: tuple[TrackSpec, TrackSpec | None]
    ) -> None:
        self.id = recording_id
        self.folder = folder
        self.timeline = Timeline()
        self.dropped = 0
        self.failure: str | None = None
        self.on_chunk: Callable[[int], None] = _nothing
        self._options = options
        self._video, self._audio = tracks
        self._clock = MediaClock()
        self._backlog = Backlog()
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._done: asyncio.Future[None] = self._loop.create_future()
        self._started = self._finishing = False
        self._cut_at = -_CUT_PAUSE_S

    @property
    def now(self) -> float:
        """How many seconds of media there are, the latest of which may not be on disk yet."""
        return self._clock.now

    @property
    def condition(self) -> Condition:
        """What a playlist says of the recording as a whole."""
        return Condition(self.timeline.final, max(self.timeline.end, 0.0 if self.timeline.final else self.now), self.dropped)

    # ----------------------------------------------------------------------------------------------------- feeding

    def take(self, bundle: Bundle, period: float) -> None:
        """Records what clients are sent, which a picture of shows for ``period`` seconds. Never waits."""
        if self._finishing or self.failure is not None:
            return
        picture, sound = self._of(bundle, self._video), self._of(bundle, self._audio)
        frame = picture if isinstance(picture, VideoFrame) else None
        block = sound if isinstance(sound, AudioBlock) else None
        if not self._started:
            if frame is None:
                return
            self._start(block)
        placed = self._clock.place(
            period if frame is not None else None, None if block is None else block.samples.shape[1] / block.rate
        )
        if frame is not None and placed.picture is not None:
            self._put(Picture(frame, placed.picture))
        if block is not None and placed.sound is not None:
            self._put(Sound(block, placed.sound))

    def _of(self, bundle: Bundle, track: TrackSpec | None) -> Media | None:
        return bundle.get(track.name) if track is not None else None

    def _put(self, item: Item) -> None:
        if not self._backlog.put(item):
            self.dropped += 1
            if self.dropped == 1 or self.dropped % 100 == 0:
                logger.warning("the recording %s lacks %d pictures or sounds: the encoder is too slow", self.id, self.dropped)

    def _start(self, block: AudioBlock | None) -> None:
        self._started = True
        sound = SoundFormat()
        if self._audio is not None:
            # A model whose first picture comes without sound may yet turn out to be stereo.
            sound = SoundFormat(2 if block is None else min(2, block.samples.shape[0]), self._audio.rate)
        writer = Writer(self.folder, self._options, sound, self)
        threading.Thread(target=self._work, args=(writer,), name="recorder", daemon=True).start()

    def cut(self, now: float) -> None:
        """Has what was made so far put on disk at once; ``now`` is of a steady clock. Too many of these are passed over."""
        if self._started and not self._finishing and now - self._cut_at >= _CUT_PAUSE_S:
            self._cut_at = now
            self._backlog.put(Cut(self._clock.now))

    async def finish(self) -> None:
        """Ends the recording: what was made is put on disk, and nothing follows. Returns when that is done."""
        if not self._finishing:
            self._finishing = True
            if not self._started:
                self._ended(None)
            elif not self._backlog.put(Finish(self._clock.now)):
                raise RuntimeError("the recorder has stopped taking anything")
        await asyncio.shield(self._done)

    # ---------------------------------------------------------------------------------------------- on the thread

    def _work(self, writer: Writer) -> None:
        if sys.platform == "linux":
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        failure: str | None = "the recorder has crashed"
        try:
            item: Item | None = None
            while not isinstance(item, Finish):
                item = self._backlog.get()
                writer.write(item)
            failure = None
        except (av.FFmpegError, OSError, ValueError) as error:
            failure = str(error) or type(error).__name__
        finally:
            self._tell(lambda: self._ended(failure))

    def _tell(self, news: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to tell
            self._loop.call_soon_threadsafe(news)

    def begun(self) -> None:
        """The initialisation segment is on disk."""
        self._tell(lambda: self.on_chunk(-1))

    def written(self, fragment: Fragment) -> None:
        """A fragment is on disk."""
        self._tell(lambda: self._add(fragment))

    # ----------------------------------------------------------------------------------------------------- reading

    def _add(self, fragment: Fragment) -> None:
        completed = self.timeline.add(fragment)
        if completed is not None:
            self.on_chunk(completed)
        for chunk in self.timeline.trim(self._options.keep.recording_bytes):
            (self.folder / str(ChunkName(chunk))).unlink(missing_ok=True)
        self._announce()

    def _ended(self, failure: str | None) -> None:
        if failure is not None:
            self.failure = failure
            logger.error("the recording %s has ended early, at %.1f s: %s", self.id, self.timeline.end, failure)
        self.timeline.final = True
        if self.timeline.fragments:
            self.on_chunk(self.timeline.fragments[-1].chunk)
        if not self._done.done():
            self._done.set_result(None)
        self._announce()

    def _announce(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def coverage(self, start: float, end: float, patience: float) -> Coverage:
        """What answers a request for ``start`` to ``end``; waits for up to ``patience`` seconds for what is on its way."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while isinstance(self.timeline.cover(start, end), Pending):
                    await self._news.wait()
        return self.timeline.cover(start, end)


def _nothing(_chunk: int) -> None:
    """Nobody wants to know."""
