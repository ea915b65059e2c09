"""Colour of frames that others made: any matrix, range and transfer, to BT.601 limited range, which the engine carries."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Any, Final, cast

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

BT709: Final = 1
BT601: Final = 5
LIMITED: Final = 1
FULL: Final = 2

_SMPTE170M: Final = 6
"""BT.601 as a frame tells it, where :data:`BT601` is the scaler's number of the same matrix."""
_MATRICES: Final = {1: BT709, 4: 4, 5: BT601, 6: BT601, 7: 7, 9: 9, 10: 9}
"""The scaler's matrix for what a frame tells (ISO/IEC 23091-2, 8.3)."""
_BT2020: Final = 9
_PQ, _HLG, _UNSPECIFIED = 16, 18, 2
_NOT_DECODED: Final = 0
_HD_LINES: Final = 720

_WHITE_NITS: Final = 203.0
"""Light of a white sheet of paper in HDR (ITU-R BT.2408); what is brighter is white in SDR too."""
_HLG_PEAK_NITS: Final = 1000.0
_LIGHT_STEPS: Final = 4096
_GAMMA: Final = 1 / 2.4
_BT2020_TO_BT709: Final = (
    (1.6605, -0.5876, -0.0728),
    (-0.1246, 1.1329, -0.0083),
    (-0.0182, -0.1006, 1.1187),
)
"""ITU-R BT.2087, in linear light."""
_LUMA: Final = (0.2627, 0.6780, 0.0593)

Light = NDArray[np.float32]


class _Converters(threading.local):
    """One scaling context for each conversion and thread; making one costs more than a conversion."""

    def __init__(self) -> None:
        self.to_i420 = VideoReformatter()
        self.to_hdr = VideoReformatter()
        self.of_sdr = VideoReformatter()


_converters = _Converters()


def to_bt601(frame: av.VideoFrame) -> av.VideoFrame:
    """The frame in yuv420p, BT.601, limited range; itself where it is that already. HDR (PQ, HLG) is brought down to SDR."""
    # PyAV before 17 does not tell the transfer: there HDR is read as SDR of its matrix.
    if getattr(frame, "color_trc", _UNSPECIFIED) in (_PQ, _HLG):
        frame = _sdr_of(frame)
        return _converters.of_sdr.reformat(frame, format="yuv420p", **_between(BT601, FULL), threads=1)
    matrix, span = matrix_of(frame), range_of(frame)
    return _converters.to_i420.reformat(frame, format="yuv420p", **_between(matrix, span), threads=1)


def tell_bt601(frame: av.VideoFrame) -> None:
    """Has a frame say that it is BT.601, limited range."""
    frame.colorspace, frame.color_range = _SMPTE170M, LIMITED


def _between(matrix: int, span: int) -> dict[str, Any]:
    return {"src_colorspace": matrix, "dst_colorspace": BT601, "src_color_range": span, "dst_color_range": LIMITED}


def matrix_of(frame: av.VideoFrame) -> int:
    """The matrix of a frame, as the scaler numbers it.

    Where nothing is told: BT.709 for a video file of 720 lines and more, as players take it; BT.601 for what is smaller, for
    cameras and JPEG, and for what a program has made, for that is what its libraries convert to.
    """
    told = _MATRICES.get(frame.colorspace)
    if told is not None:
        return told
    of_a_file = frame.pict_type != _NOT_DECODED and frame.format.is_planar and len(frame.format.components) >= 3
    is_hd = of_a_file and frame.height >= _HD_LINES and range_of(frame) == LIMITED and frame.format.name != "nv12"
    return BT709 if is_hd else BT601


def range_of(frame: av.VideoFrame) -> int:
    """The range of a frame; that of RGB, grey and JPEG is full."""
    kind = frame.format
    if not _is_yuv(frame) or kind.name.startswith("yuvj") or frame.color_range == FULL:
        return FULL
    return LIMITED


def _is_yuv(frame: av.VideoFrame) -> bool:
    kind = frame.format
    return not kind.is_rgb and not kind.has_palette and len(kind.components) >= 3


# --------------------------------------------------------------------------------------------------------------- HDR


def _sdr_of(frame: av.VideoFrame) -> av.VideoFrame:
    """An HDR frame as SDR, in RGB: light up to that of white is kept, and what is brighter is white."""
    matrix = _MATRICES.get(frame.colorspace, _BT2020)
    codes = _converters.to_hdr.reformat(
        frame,
        format="gbrp10le",
        src_colorspace=matrix,
        dst_colorspace=BT709,
        src_color_range=range_of(frame),
        dst_color_range=FULL,
        threads=1,
    )
    green, blue, red = (_plane(codes, index) for index in range(3))
    hlg = frame.color_trc == _HLG
    table = _hlg_light() if hlg else _pq_light()
    light = [table[plane] for plane in (red, green, blue)]
    if hlg:
        luma = sum((part * share for part, share in zip(light, _LUMA, strict=True)), np.float32(0))
        gain = _hlg_gain()[np.minimum(luma * _LIGHT_STEPS, _LIGHT_STEPS).astype(np.uint16)]
        light = [part * gain for part in light]
    sdr = np.empty((frame.height, frame.width, 3), np.uint8)
    for channel, weights in enumerate(_BT2020_TO_BT709):
        mixed = sum((part * np.float32(weight) for part, weight in zip(light, weights, strict=True)), np.float32(0))
        sdr[..., channel] = _encoded()[(np.clip(mixed, 0, 1) * _LIGHT_STEPS + 0.5).astype(np.uint16)]
    return av.VideoFrame.from_ndarray(sdr, format="rgb24")


def _plane(frame: av.VideoFrame, index: int) -> NDArray[np.uint16]:
    plane = frame.planes[index]
    rows = np.frombuffer(cast(memoryview, plane), "<u2").reshape(-1, plane.line_size // 2)
    return rows[: frame.height, : frame.width]


@lru_cache(maxsize=1)
def _pq_light() -> Light:
    """Light of each 10-bit code, 1 being white (SMPTE ST 2084)."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    power = (np.arange(1024) / 1023) ** (1 / m2)
    nits = 10_000 * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)
    return (nits / _WHITE_NITS).astype(np.float32)


@lru_cache(maxsize=1)
def _hlg_light() -> Light:
    """Light of the scene of each 10-bit code, in 0 to 1 (ITU-R BT.2100)."""
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * np.log(4 * a)
    code = np.arange(1024) / 1023
    light = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
    return light.astype(np.float32)


@lru_cache(maxsize=1)
def _hlg_gain() -> Light:
    """From the light of the scene to that of a display, 1 being white, by the luma of the scene (ITU-R BT.2100, gamma 1.2)."""
    luma = np.arange(_LIGHT_STEPS + 1) / _LIGHT_STEPS
    return (luma**0.2 * _HLG_PEAK_NITS / _WHITE_NITS).astype(np.float32)


@lru_cache(maxsize=1)
def _encoded() -> NDArray[np.uint8]:
    """The 8-bit code of SDR for light (ITU-R BT.1886)."""
    return np.round(255 * (np.arange(_LIGHT_STEPS + 1) / _LIGHT_STEPS) ** _GAMMA).astype(np.uint8)
