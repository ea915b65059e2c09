"""From an Output to frames for the wire: validated, split, and converted once for all viewers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reactor_protocol.errors import InvalidArgumentError
from reactor_rtc.frames import AudioBlock, Media, VideoFrame
from reactor_runtime.tracks import Audio, Output, Track, TrackPayload, Video, batch_of, payloads_of

Bundle: TypeAlias = Mapping[str, Media]
"""What leaves together: media by track name."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One emission: bundles in order, to be played at ``fps``; with each, the encoded metadata of its tracks that have some."""

    bundles: tuple[Bundle, ...]
    fps: float
    metadata: tuple[Mapping[str, bytes], ...] = ()


def chunk_of(output: Output, fps: float, now: float) -> Chunk:
    """The chunk of an output that is ready ``now`` (seconds of the monotonic clock).

    Raises :class:`InvalidArgumentError` naming the track whose data or metadata cannot be sent.
    """
    count = batch_of(output) or 1
    now_us = round(now * 1_000_000)
    stamps = [now_us + round(i * 1_000_000 / fps) for i in range(count)]
    payloads = payloads_of(output)
    columns: dict[str, list[Media | None]] = {}
    tags: dict[str, list[bytes | None]] = {}
    for name, track in type(output).declared().items():
        payload = payloads[name]
        try:
            if payload.metadata is not None:
                tags[name] = _tags(payload, track, count)
            if issubclass(track, Video):
                pictures = _pictures(payload, stamps)
                if name in tags:
                    pictures = [replace(picture, metadata=tag) for picture, tag in zip(pictures, tags[name], strict=True)]
                columns[name] = list(pictures)
            elif issubclass(track, Audio):
                columns[name] = _sounds(payload.data, track.sample_rate, stamps)
        except InvalidArgumentError as error:
            raise InvalidArgumentError(f"track {name!r}: {error}") from None
    bundles = [{name: m for name, column in columns.items() if (m := column[i]) is not None} for i in range(count)]
    metadata = [{name: tag for name, column in tags.items() if (tag := column[i]) is not None} for i in range(count)]
    return Chunk(tuple(bundles), fps, tuple(metadata) if tags else ())


def _tags(payload: TrackPayload, track: type[Track], count: int) -> list[bytes | None]:
    if not issubclass(track, Video):
        raise InvalidArgumentError("sound carries no metadata: give it to a picture")
    return payload.encoded(count)


def _pictures(payload: TrackPayload, stamps: list[int]) -> list[VideoFrame]:
    data: NDArray[Any] = payload.data
    if data.ndim == 4:
        return [VideoFrame.from_rgb(picture, stamp) for picture, stamp in zip(data, stamps, strict=True)]
    picture = VideoFrame.from_rgb(data, stamps[0])
    return [replace(picture, timestamp_us=stamp) for stamp in stamps]


def _sounds(data: NDArray[Any], rate: int, stamps: list[int]) -> list[Media | None]:
    if data.size == 0:
        return [None] * len(stamps)
    parts = np.array_split(data, len(stamps), axis=-1)
    return [AudioBlock.from_array(part, rate, stamp) if part.size else None for part, stamp in zip(parts, stamps, strict=True)]
