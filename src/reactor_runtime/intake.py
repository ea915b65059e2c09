"""Intake: media of clients on its way into the buffers of a model, sound at the rate that the model has declared."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial

import av
import numpy as np

from reactor_rtc.frames import AudioBlock, Media
from reactor_runtime.inputs import CAPACITY, InputBuffer, InputFrame
from reactor_runtime.tracks import Audio, MediaInput, Track

_SHORTEST_FRAMES_PER_S = 1000


class Intake:
    """The buffers of a model's input tracks, by the name of the track.

    ``on_missed`` is told the track and how many samples of its sound were dropped before they were read, on the reader's thread.
    """

    def __init__(
        self,
        holders: Mapping[str, type[MediaInput]],
        kind: type[InputBuffer] = InputBuffer,
        on_missed: Callable[[str, int], None] | None = None,
    ) -> None:
        self._holders = holders
        tracks = {name: track for holder in holders.values() for name, track in holder.declared().items()}
        self.buffers = {
            name: _buffer(track, partial(kind, on_missed=partial(on_missed, name) if on_missed else None))
            for name, track in tracks.items()
        }
        self._resamplers = {name: Resampler(track.sample_rate) for name, track in tracks.items() if issubclass(track, Audio)}

    def bind(self, model: object) -> None:
        """Gives a model its holders, each with its buffers."""
        for attribute, holder_class in self._holders.items():
            setattr(model, attribute, holder_class(**{name: self.buffers[name] for name in holder_class.declared()}))

    def push(self, track: str, media: Media) -> None:
        """Media that a client sent; none for a track that the model does not have."""
        buffer = self.buffers.get(track)
        if buffer is None:
            return
        if isinstance(media, AudioBlock):
            resampler = self._resamplers.get(track)
            if resampler is None:
                return
            for block in resampler.take(media):
                buffer.push(InputFrame(block))
        elif track not in self._resamplers:
            buffer.push(InputFrame(media))

    def clear(self) -> None:
        """Drops what is unread: whoever comes next must not see it."""
        for buffer in self.buffers.values():
            buffer.clear()

    def reset(self) -> None:
        """Drops what is unread, and opens closed buffers."""
        for buffer in self.buffers.values():
            buffer.reset()

    def close(self) -> None:
        """Ends pending reads."""
        for buffer in self.buffers.values():
            buffer.close()


def _buffer(track: type[Track], make: Callable[..., InputBuffer]) -> InputBuffer:
    if issubclass(track, Audio) and track.buffer_seconds is not None:
        frames = math.ceil(track.buffer_seconds * _SHORTEST_FRAMES_PER_S)
        return make(max(1, frames), max_samples=math.ceil(track.sample_rate * track.buffer_seconds))
    return make(CAPACITY)


class Resampler:
    """Brings blocks of one stream of sound to one rate (Hz), mono."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._source = 0
        self._resampler: av.AudioResampler | None = None

    def take(self, block: AudioBlock) -> list[AudioBlock]:
        """The blocks that have become ready: none where the first few samples are still awaited."""
        if block.rate == self._rate:
            return [block]
        if self._resampler is None or self._source != block.rate:
            self._source = block.rate
            self._resampler = av.AudioResampler(format="s16", layout="mono", rate=self._rate)
        frame = av.AudioFrame.from_ndarray(block.to_mono().samples, format="s16", layout="mono")
        frame.sample_rate = block.rate
        ready = self._resampler.resample(frame)
        return [AudioBlock(np.ascontiguousarray(part.to_ndarray()), self._rate, block.timestamp_us) for part in ready]
