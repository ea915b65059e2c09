"""Splice: has the frames of a stand-in's encoder carry the pictures of another encoder to one more viewer. Pure."""

from __future__ import annotations

from collections import deque
from typing import Final, Generic, TypeVar

from reactor_rtc.port import EncodedPicture

F = TypeVar("F")

MAX_BEHIND: Final = 6
"""How many pictures may wait for frames; with more, the viewer loses its place and goes on at the next keyframe."""


class Splice(Generic[F]):
    """What a viewer gets is whole: from a keyframe on, no picture is left out, since each is the ground of the next. No frame is
    left out either, since the engine has numbered it: one whose picture does not come waits for the next.

    So there must be a frame for each picture. A stand-in is put into the encoder along with a picture, to be ready in time,
    unless a frame is left over (:meth:`due`), and where a picture finds none (:attr:`missing`). Times are in microseconds.
    """

    def __init__(self) -> None:
        self._inside: dict[int, None] = {}
        self._newest: int | None = None
        self._frames: deque[F] = deque()
        self._pictures: deque[EncodedPicture] = deque()
        self.started = False

    @property
    def inside(self) -> tuple[int, ...]:
        """The times of the stand-ins that are inside the encoder."""
        return tuple(self._inside)

    @property
    def missing(self) -> bool:
        """Whether a picture waits for a frame, and no stand-in that could carry it is inside."""
        return len(self._pictures) > len(self._inside)

    def due(self) -> bool:
        """Whether a picture that is about to be encoded needs a stand-in."""
        return len(self._frames) + len(self._inside) <= len(self._pictures)

    def enter(self, time: int) -> int:
        """A stand-in is put into the encoder at about that time; its own, which is later than that of the last one."""
        self._newest = time if self._newest is None else max(time, self._newest + 1_000)
        self._inside[self._newest] = None
        return self._newest

    def leave(self, time: int) -> bool:
        """Whether what comes out of the encoder is a stand-in. Those that went in before it will not come any more."""
        if time not in self._inside:
            return False
        for earlier in [other for other in self._inside if other <= time]:
            del self._inside[earlier]
        return True

    def frame(self, frame: F) -> list[tuple[F, EncodedPicture]]:
        """Takes the frame of a stand-in; gives what can be sent now, in order."""
        self._frames.append(frame)
        return self._pairs()

    def picture(self, picture: EncodedPicture) -> list[tuple[F, EncodedPicture]]:
        """Takes a picture; gives what can be sent now, in order."""
        if picture.key:
            self.started = True
            self._pictures.clear()
        if not self.started:
            return []
        self._pictures.append(picture)
        pairs = self._pairs()
        if len(self._pictures) > MAX_BEHIND:
            self._pictures.clear()
            self.started = False
        return pairs

    def _pairs(self) -> list[tuple[F, EncodedPicture]]:
        return [(self._frames.popleft(), self._pictures.popleft()) for _ in range(min(len(self._frames), len(self._pictures)))]
