"""Reads the engine's figures of every connection now and then."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol

from reactor_protocol.errors import TransportError
from reactor_protocol.messages import JsonObject
from reactor_rtc.port import PeerStats
from reactor_runtime.watching.watch import Watch

INTERVAL_S: Final = 2.5
_JOURNAL_EVERY: Final = 2
"""The journal is told every 5 s (reference: runtime, 9.1); a connection that lasts for less than that is measured too."""


class Sampled(Protocol):
    """A connection whose figures are read."""

    id: int

    async def stats(self) -> tuple[PeerStats, Mapping[str, str]]:
        """The engine's figures, and the names of tracks by mid. Raises :class:`TransportError` once it is closed."""
        ...


async def sample(watch: Watch, connections: Callable[[], Iterable[Sampled]], interval_s: float = INTERVAL_S) -> None:
    """Reads them every ``interval_s`` seconds, for ever; one after the other, so that they never come in a burst."""
    for number in itertools.count(1):
        await asyncio.sleep(interval_s)
        figures = await sample_once(watch, connections())
        if number % _JOURNAL_EVERY == 0:
            watch.measured(figures)


async def sample_once(watch: Watch, connections: Iterable[Sampled]) -> list[JsonObject]:
    """Reads the figures of these connections. Returns what the journal says of them."""
    figures = []
    for connection in connections:
        with contextlib.suppress(TransportError):
            stats, tracks = await connection.stats()
            figures.append(watch.traffic.read(connection.id, stats, tracks))
    return figures
