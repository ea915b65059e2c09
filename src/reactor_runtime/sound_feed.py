"""SoundFeed: what a model has made to be heard, handed to the connections just before it is.

What the engine has been given goes out at once and cannot be called back, and a receiver drops what it cannot hold. So sound
waits here, where :meth:`SoundFeed.flush` silences it, however much of it the model has handed over.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np

from reactor_rtc.frames import AUDIO_RATE, AudioBlock, PcmArray
from reactor_rtc.resampling import Resampler
from reactor_runtime.emission import Bundle

LEAD_S: Final = 0.04
"""How long before it is due sound is handed over: a loop that is late by less is not heard."""
TICK_S: Final = 0.02
PATIENCE_S: Final = 0.06
"""For how long the next piece is waited for before silence takes its place."""
_GRAIN: Final = AUDIO_RATE // 100
"""The engine sends blocks of 10 ms."""

Deliver: TypeAlias = Callable[[str, AudioBlock], None]


class SoundFeed:
    """The sound of a session's tracks, from the first piece of each on without a gap, silence where the model makes none.

    Only so do a track's samples count the time, by which a receiver keeps lips in step. ``deliver`` is given blocks of whole
    10 ms at 48 kHz. Used on the loop that first puts something in.
    """

    def __init__(self, deliver: Deliver) -> None:
        self._deliver = deliver
        self._tracks: dict[str, _Stream] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._ticked = 0.0

    def put(self, track: str, block: AudioBlock) -> None:
        """Sound that follows what the track has, and is heard from now on if it has nothing."""
        loop = asyncio.get_running_loop()
        stream = self._tracks.get(track)
        if stream is None:
            stream = self._tracks[track] = _Stream(loop.time())
        stream.put(block)
        self._feed(track, stream, loop.time())
        if self._timer is None:
            self._tick(loop)

    def flush(self) -> Bundle:
        """Drops what is still to be heard, and returns it."""
        dropped = {track: AudioBlock(stream.drop()) for track, stream in self._tracks.items()}
        return {track: block for track, block in dropped.items() if block.samples.size}

    def clear(self) -> None:
        """Ends all tracks: the session is over."""
        self._tracks.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        # After a tick that is late there may be sound that nobody has had the time to put in: it comes before any silence.
        late = now - self._ticked > PATIENCE_S
        self._ticked = now
        for track, stream in self._tracks.items():
            self._feed(track, stream, now, patient=late)
        self._timer = loop.call_at(now + TICK_S, self._tick, loop)

    def _feed(self, track: str, stream: _Stream, now: float, *, patient: bool = True) -> None:
        samples = stream.due(now, patient=patient)
        if samples.shape[1]:
            self._deliver(track, AudioBlock(samples, AUDIO_RATE, round(now * 1_000_000)))


class _Stream:
    """One track: what waits, and up to when it has been handed over."""

    def __init__(self, now: float) -> None:
        self._resampler = Resampler()
        self._waiting: deque[PcmArray] = deque()
        self._count = 0
        self._channels = 1
        self._until = now
        self._spoke = now

    def put(self, block: AudioBlock) -> None:
        self._append(self._resampler.take(block))

    def _append(self, samples: PcmArray) -> None:
        if samples.shape[1]:
            self._channels = samples.shape[0]
            self._waiting.append(samples)
            self._count += samples.shape[1]

    def _take(self, wanted: int) -> PcmArray:
        """The next samples, as many as there are."""
        parts = []
        while wanted > 0 and self._waiting:
            part = self._waiting.popleft()
            if part.shape[1] > wanted:
                self._waiting.appendleft(part[:, wanted:])
                part = part[:, :wanted]
            wanted -= part.shape[1]
            self._count -= part.shape[1]
            parts.append(_with_channels(part, self._channels))
        return np.concatenate(parts, axis=1) if parts else np.zeros((self._channels, 0), np.int16)

    def drop(self) -> PcmArray:
        self._resampler.rest()
        return self._take(self._count)

    def due(self, now: float, *, patient: bool) -> PcmArray:
        """What is to be handed over ``now``: sound up to a little later, else silence up to now; ``patient`` waits for sound."""
        wanted = _grains(now + LEAD_S - self._until)
        sound = min(wanted, self._count // _GRAIN) * _GRAIN
        if sound > 0:
            self._until += sound / AUDIO_RATE
            self._spoke = now
            return self._take(sound)
        missing = _grains(now - self._until) * _GRAIN
        if patient or missing <= 0 or self._is_speaking(now):
            return self._take(0)
        # Less than a block is left: nothing has followed it.
        self._append(self._resampler.rest())
        last = self._take(missing)
        self._until += missing / AUDIO_RATE
        silence = np.zeros((last.shape[0], missing - last.shape[1]), np.int16)
        return np.concatenate([last, silence], axis=1)

    def _is_speaking(self, now: float) -> bool:
        """Whether the next piece may still come in time to follow the last one."""
        return now - max(self._until, self._spoke) < PATIENCE_S


def _grains(seconds: float) -> int:
    return int(seconds * 100 + 1e-6)


def _with_channels(samples: PcmArray, channels: int) -> PcmArray:
    if samples.shape[0] == channels:
        return samples
    mono = samples.mean(axis=0, keepdims=True).astype(np.int16)
    return mono if channels == 1 else np.repeat(mono, 2, axis=0)
