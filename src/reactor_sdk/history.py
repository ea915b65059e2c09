"""What a client remembers of its connections' figures: one sample a second of the last hour, also across reconnects."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from reactor_protocol.errors import ReactorException
from reactor_rtc.port import PeerStats, TrackStats

SAMPLE_PERIOD_S: Final = 1.0
MAX_SAMPLES: Final = 3600

_MIN_ELAPSED_S: Final = 0.05
"""Rates over less than this are noise."""


@dataclass(frozen=True, slots=True)
class StatsSample:
    """Figures of one second of a connection; those of pictures are the main video's. What is not known is None.

    ``at`` is when the sample was taken, in seconds since 1970. ``connected`` False marks the moment at which a connection ended,
    lost or closed; such a sample has no figures. ``rtt`` (the network's round trip) and ``command_rtt`` (the mean of what
    commands of that second took, from ``send_command`` to the model's answer) are in seconds, ``frames_per_second`` in 1/s,
    ``bitrate`` (of the main video) and ``available_outgoing_bitrate`` in bit/s, ``packet_loss_ratio`` is 0 to 1, ``jitter`` in
    seconds. Rates are of the second before ``at``.
    """

    at: float
    connected: bool = True
    rtt: float | None = None
    command_rtt: float | None = None
    frames_per_second: float | None = None
    bitrate: float | None = None
    packet_loss_ratio: float | None = None
    jitter: float | None = None
    available_outgoing_bitrate: float | None = None


@dataclass(frozen=True, slots=True)
class _Rates:
    frames_per_second: float | None = None
    bitrate: float | None = None
    packet_loss_ratio: float | None = None


class StatsHistory:
    """The newest ``capacity`` samples. Times are given by the caller, in seconds since 1970 of a clock that nobody sets."""

    def __init__(self, capacity: int = MAX_SAMPLES) -> None:
        self._samples: deque[StatsSample] = deque(maxlen=capacity)
        self._before: tuple[float, TrackStats] | None = None
        self._trips = 0
        self._trips_s = 0.0

    @property
    def samples(self) -> tuple[StatsSample, ...]:
        """What is remembered, oldest first."""
        return tuple(self._samples)

    def answered(self, seconds: float) -> None:
        """A command was answered after so long; the next sample tells."""
        self._trips += 1
        self._trips_s += seconds

    def read(self, now: float, figures: PeerStats, main: str | None) -> None:
        """Adds a sample. ``main`` is the section of the main video, as ``figures`` name it."""
        track = figures.tracks.get(main) if main is not None else None
        rates = _Rates() if track is None or self._before is None else _rates(now - self._before[0], self._before[1], track)
        self._samples.append(
            StatsSample(
                at=now,
                rtt=figures.rtt,
                command_rtt=self._trips_s / self._trips if self._trips else None,
                frames_per_second=rates.frames_per_second,
                bitrate=rates.bitrate,
                packet_loss_ratio=rates.packet_loss_ratio,
                jitter=track.jitter if track is not None else None,
                available_outgoing_bitrate=figures.available_outgoing_bitrate,
            )
        )
        self._before = (now, track or _NOTHING)
        self._trips, self._trips_s = 0, 0.0

    def ended(self, now: float) -> None:
        """A connection has ended; the next one begins to count at nothing."""
        self._before = None
        self._samples.append(StatsSample(at=now, connected=False))


_NOTHING: Final = TrackStats("video", "receive")
"""What a track has counted of which nothing has come yet."""


def _rates(elapsed: float, before: TrackStats, after: TrackStats) -> _Rates:
    if elapsed < _MIN_ELAPSED_S:
        return _Rates()
    old, new = before.totals, after.totals
    # A packet that was late, and not lost, is taken off the count again.
    lost, received = max(0, new.lost - old.lost), max(0, new.packets - old.packets)
    return _Rates(
        max(0, new.frames - old.frames) / elapsed,
        max(0, new.octets - old.octets) * 8 / elapsed,
        lost / (lost + received) if lost + received else 0.0,
    )


class Figured(Protocol):
    """A connection whose figures can be read."""

    def stats(self, *, remember: bool = True) -> Awaitable[tuple[PeerStats, Mapping[str, str]]]:
        """Figures by section, and the section of each track."""
        ...


class Sampling:
    """Keeps a client's history: reads the figures of each of its connections once a second.

    ``clock`` gives seconds since 1970; unless given it goes on evenly, also when somebody sets the computer's.
    """

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self.history = StatsHistory()
        self._clock = clock or _steady_clock()

    async def keep(self, connection: Figured, main: Callable[[], str | None]) -> None:
        """Samples a connection until it is cancelled, which marks the connection's end. ``main`` names the main video track."""
        try:
            while True:
                try:
                    figures, mids = await connection.stats(remember=False)
                except ReactorException:
                    return  # the connection is going away
                self.history.read(self._clock(), figures, mids.get(main() or ""))
                await asyncio.sleep(SAMPLE_PERIOD_S)
        finally:
            self.history.ended(self._clock())


def _steady_clock() -> Callable[[], float]:
    origin = time.time() - time.monotonic()
    return lambda: origin + time.monotonic()
