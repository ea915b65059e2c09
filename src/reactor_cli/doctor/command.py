"""The command."""

from __future__ import annotations


def doctor() -> None:
    """Find out what stands between this machine and a first frame."""
