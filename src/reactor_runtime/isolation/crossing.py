"""Media on their way from one process to the other: pictures by reference to shared memory, sound as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from reactor_rtc.frames import AudioBlock, Media, PixelFormat, VideoFrame
from reactor_runtime.emission import Bundle
from reactor_runtime.isolation.arena import Lender


@dataclass(frozen=True, slots=True)
class Picture:
    """A :class:`VideoFrame` whose bytes are in shared memory; ``loan`` is their place among those of the message."""

    loan: int
    width: int
    height: int
    timestamp_us: int
    pixels: PixelFormat
    metadata: bytes | None
    capture_time_us: int | None
    number: int | None


Crossing: TypeAlias = Picture | AudioBlock


@dataclass(frozen=True, slots=True)
class Cargo:
    """Bundles that cross together. ``loans`` are offsets and lengths; a picture that is shown more than once crosses once."""

    bundles: tuple[Mapping[str, Crossing], ...]
    loans: tuple[tuple[int, int], ...]


class NoRoomError(Exception):
    """The shared memory is full."""


def load(bundles: tuple[Bundle, ...], lender: Lender) -> Cargo:
    """Bundles as they cross. Raises :class:`NoRoomError`, and nothing is lent then."""
    loans: dict[int, tuple[int, int, int]] = {}

    def cross(media: Media) -> Crossing:
        if isinstance(media, AudioBlock):
            return media
        loan = loans.get(id(media.data))
        if loan is None:
            offset = lender.lend(media.data)
            if offset is None:
                lender.take_back([offset for _, offset, _ in loans.values()])
                raise NoRoomError(f"there is no room for {len(bundles)} frames of {media.width}x{media.height}")
            loan = loans[id(media.data)] = (len(loans), offset, media.data.size)
        size = (media.width, media.height)
        return Picture(loan[0], *size, media.timestamp_us, media.pixels, media.metadata, media.capture_time_us, media.number)

    crossed = tuple({name: cross(media) for name, media in bundle.items()} for bundle in bundles)
    return Cargo(crossed, tuple((offset, length) for _, offset, length in loans.values()))


def unload(cargo: Cargo, look: Callable[[int, int], NDArray[np.uint8]]) -> tuple[Bundle, ...]:
    """The bundles, whose pictures are where they were lent."""
    parts = [look(offset, length) for offset, length in cargo.loans]

    def arrive(media: Crossing) -> Media:
        if isinstance(media, AudioBlock):
            return media
        return VideoFrame(
            parts[media.loan],
            media.width,
            media.height,
            media.timestamp_us,
            media.pixels,
            media.metadata,
            media.capture_time_us,
            media.number,
        )

    return tuple({name: arrive(media) for name, media in bundle.items()} for bundle in cargo.bundles)
