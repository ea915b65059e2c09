"""Sound of any rate at 48 kHz: the right pitch, and no seam between pieces."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from reactor_rtc.frames import AudioBlock
from reactor_rtc.resampling import Resampler

LOUD = 12_000


def tone(rate: int, hertz: float, seconds: float, channels: int = 1) -> NDArray[np.int16]:
    wave = LOUD * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)
    return np.tile(wave.astype(np.int16), (channels, 1))


def resampled(samples: NDArray[np.int16], rate: int, piece: int) -> NDArray[np.int16]:
    resampler = Resampler()
    parts = [resampler.take(AudioBlock(samples[:, at : at + piece], rate)) for at in range(0, samples.shape[1], piece)]
    return np.concatenate([*parts, resampler.rest()], axis=1)


def pitch(samples: NDArray[np.int16]) -> float:
    """The strongest frequency of sound at 48 kHz, to a hundredth of a Hertz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 19))
    return float(np.argmax(spectrum)) * 48_000 / (1 << 19)


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("milliseconds", [3, 33, 1000])
def test_pitch_and_length_are_kept_and_pieces_join_without_a_seam(rate: int, milliseconds: int) -> None:
    heard = resampled(tone(rate, 440.0, 2.0), rate, rate * milliseconds // 1000)
    assert heard.dtype == np.int16
    assert heard.shape[0] == 1
    assert heard.shape[1] == pytest.approx(96_000, abs=96)
    middle = heard[0, 4_800:-4_800].astype(float)
    assert pitch(middle) == pytest.approx(440.0, abs=0.1)
    # A tone of 440 Hz and 12,000 never bends by more than 40 between samples; a click does.
    assert np.abs(np.diff(middle, 2)).max() < 48


def test_channels_may_change_between_pieces() -> None:
    resampler = Resampler()
    shapes = [resampler.take(AudioBlock(tone(22_050, 440.0, 0.1, channels), 22_050)).shape[0] for channels in (1, 2, 5, 1)]
    assert shapes == [1, 2, 2, 1]
