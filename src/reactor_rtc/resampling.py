"""Sound of any rate to 48 kHz: the engine sends blocks of 10 ms, which are no whole number of samples at 22,050 Hz."""

from __future__ import annotations

from typing import Literal

import av
import numpy as np
from numpy.typing import NDArray

from reactor_rtc.frames import AUDIO_RATE, AudioBlock, PcmArray


class Resampler:
    """Brings one stream of sound to one rate (Hz). Pieces of any length follow one another without a seam.

    The number of channels (mono, or stereo of whatever has more) and the rate may change between pieces.
    """

    def __init__(self, rate: int = AUDIO_RATE) -> None:
        self._rate = rate
        self._shape: tuple[int, int] | None = None
        self._resampler: av.AudioResampler | None = None

    def take(self, block: AudioBlock) -> PcmArray:
        """What has become ready, shape (1 or 2, n); the last millisecond of it comes with the next piece, or :meth:`rest`."""
        samples = block.samples if block.samples.shape[0] <= 2 else block.samples[:2]
        shape = (samples.shape[0], block.rate)
        if self._shape is not None and shape != self._shape:
            # What the old shape still holds is a fraction of a millisecond.
            self._resampler = None
        self._shape = shape
        if block.rate == self._rate:
            return samples
        layout: Literal["mono", "stereo"] = "mono" if shape[0] == 1 else "stereo"
        if self._resampler is None:
            self._resampler = av.AudioResampler(format="s16", layout=layout, rate=self._rate)
        frame = av.AudioFrame.from_ndarray(samples.T.reshape(1, -1), format="s16", layout=layout)
        frame.sample_rate = block.rate
        return self._joined(self._resampler.resample(frame))

    def rest(self) -> PcmArray:
        """What is left when nothing follows for now."""
        resampler, self._resampler = self._resampler, None
        return self._joined(resampler.resample(None)) if resampler is not None else self._nothing()

    def _joined(self, frames: list[av.AudioFrame]) -> PcmArray:
        channels = self._shape[0] if self._shape is not None else 1
        parts = [frame.to_ndarray().reshape(-1, channels).T for frame in frames]
        return np.concatenate(parts, axis=1) if parts else self._nothing()

    def _nothing(self) -> NDArray[np.int16]:
        return np.zeros((self._shape[0] if self._shape is not None else 1, 0), np.int16)
