"""Writer: what a recording's thread does with each picture and sound. Decides where to cut, and writes fragments to files."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, TypeAlias

from reactor_rtc.frames import AudioBlock, VideoFrame
from reactor_runtime.recording.encoder import FragmentEncoder
from reactor_runtime.recording.options import RecordingOptions
from reactor_runtime.recording.playlist import INIT_NAME, ChunkName
from reactor_runtime.recording.timeline import FRAGMENT_S, Fragment

_EARLY_S: Final = 0.004
"""A picture that is due on a second may come so much before it."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Seen from ``at`` on, in seconds of media."""

    frame: VideoFrame
    at: float


@dataclass(frozen=True, slots=True)
class Sound:
    """Heard from ``at`` on."""

    block: AudioBlock
    at: float


@dataclass(frozen=True, slots=True)
class Cut:
    """Ends the fragment that is being made: somebody waits for what is up to ``at``."""

    at: float


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing follows; the last picture is seen until ``at``."""

    at: float


Item: TypeAlias = Picture | Sound | Cut | Finish


@dataclass(frozen=True, slots=True)
class SoundFormat:
    """The track of sound: channels are 0 where there is none; ``rate`` is in Hz."""

    channels: int = 0
    rate: int = 48_000


class Reader(Protocol):
    """Who is told of what has been written; called on the writer's thread."""

    def begun(self) -> None: ...

    def written(self, fragment: Fragment) -> None: ...


class Writer:
    """Encodes into files of one folder, which is there already. Raises :class:`av.FFmpegError` and OSError."""

    def __init__(self, folder: Path, options: RecordingOptions, sound: SoundFormat, reader: Reader) -> None:
        self._folder = folder
        self._options = options
        self._sound = sound
        self._reader = reader
        self._encoder: FragmentEncoder | None = None
        self._began: float | None = None
        self._place = _Place()

    def write(self, item: Item) -> None:
        """Takes the next thing. Times never run backwards."""
        match item:
            case Picture(frame, at):
                self._picture(frame, at)
            case Sound(block, at):
                if self._encoder is not None:
                    self._encoder.sound(block, at)
            case Cut(at):
                self._cut(at)
            case Finish(at):
                if self._encoder is not None:
                    self._encoder.close()
                self._cut(at)

    def _picture(self, frame: VideoFrame, at: float) -> None:
        if self._encoder is None:
            self._encoder = FragmentEncoder(self._options, frame, self._sound.channels, self._sound.rate)
            (self._folder / INIT_NAME).write_bytes(self._encoder.init)
            self._reader.begun()
        if self._began is not None and at + _EARLY_S >= math.floor(self._began + _EARLY_S) + FRAGMENT_S:
            self._cut(at)
        if self._began is None:
            self._began = at
        self._encoder.picture(frame, at)

    def _cut(self, end: float) -> None:
        if self._encoder is None or self._began is None or end <= self._began:
            return
        data, began = self._encoder.cut(end), self._began
        self._began = None
        if not data:
            return
        self._place.enter(math.floor((began + _EARLY_S) / self._options.chunk_seconds))
        with (self._folder / str(ChunkName(self._place.chunk))).open("ab") as file:
            file.write(data)
        fragment = Fragment(self._place.chunk, self._place.index, self._place.offset, len(data), began, end)
        self._place.passed(len(data))
        self._reader.written(fragment)


@dataclass(slots=True)
class _Place:
    """Where the next fragment goes."""

    chunk: int = -1
    index: int = 0
    offset: int = 0

    def enter(self, chunk: int) -> None:
        if chunk != self.chunk:
            self.chunk, self.index, self.offset = chunk, 0, 0

    def passed(self, size: int) -> None:
        self.index += 1
        self.offset += size
