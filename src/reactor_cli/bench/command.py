"""The command."""

from __future__ import annotations


def bench() -> None:
    """Measure how fast a runtime is."""
