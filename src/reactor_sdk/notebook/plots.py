"""``plot_stats``: a session's figures as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from reactor_sdk.history import StatsSample
from reactor_sdk.notebook import extra

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Remembers(Protocol):
    """What keeps samples: a :class:`reactor_sdk.Reactor`."""

    def stats_history(self) -> tuple[StatsSample, ...]: ...


def plot_stats(source: Remembers | Sequence[StatsSample]) -> Figure:
    """Latency (ms), frames per second and bitrate (Mbit/s) over the session, and when there was no connection.

    ``source`` is a :class:`reactor_sdk.Reactor`, connected or not, or samples of :meth:`reactor_sdk.Reactor.stats_history`. The
    figure has no background and reads on light and dark pages; ``figure.savefig("stats.png")`` writes it. Raises
    :class:`MissingExtraError` where matplotlib is not installed.
    """
    samples = source if isinstance(source, Sequence) else source.stats_history()
    figure: Figure = extra.module("stats_figure", "plot_stats()").figure_of(samples)
    return figure
