"""A clip that remembers its file, so that a notebook can play it."""

from __future__ import annotations

from typing import Final

MAX_SHOWN_BYTES: Final = 8 * 1024 * 1024
"""A longer file is not remembered: it would be kept in memory, and saved in the notebook."""


class HoldsFile:
    """Base of values that may hold an MP4 file beside what they are; it is no part of their value."""

    __slots__ = ("_file",)
    _file: bytes

    def _keep(self, mp4: bytes) -> None:
        if len(mp4) <= MAX_SHOWN_BYTES:
            object.__setattr__(self, "_file", mp4)

    @property
    def _kept(self) -> bytes | None:
        return getattr(self, "_file", None)
