"""What the demo measured: as a table for people and as JSON for programs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rich.table import Table

from tour.script import Step
from tour.watch import Seen


@dataclass(frozen=True)
class Shown:
    """One step as it was seen. ``first`` is the first picture taken after the answer, ``settled`` the last of the step.

    ``at`` is when the step began and ``obeyed`` how long it took from the last command to ``first``, both in seconds.
    """

    step: Step
    first: Seen
    settled: Seen
    at: float
    obeyed: float


@dataclass
class Report:
    """Everything measured; times in seconds, samples in the order they were taken."""

    seconds: float = 0.0
    camera_fps: float = 0.0
    size: tuple[int, int] = (0, 0)
    connected: float = 0.0
    first_frame: float = 0.0
    first_picture: float = 0.0
    upload: float = 0.0
    arrivals: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    round_trips: list[float] = field(default_factory=list)
    unreadable: int = 0
    shown: list[Shown] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def fps(self) -> float:
        """Pictures of the camera that came back, per second."""
        if len(self.arrivals) < 2:
            return 0.0
        return (len(self.arrivals) - 1) / (self.arrivals[-1] - self.arrivals[0])

    def as_dict(self) -> dict[str, Any]:
        """The figures, times in milliseconds."""
        return {
            "seconds": round(self.seconds, 2),
            "width": self.size[1],
            "height": self.size[0],
            "connected_ms": _ms(self.connected),
            "first_frame_ms": _ms(self.first_frame),
            "first_picture_ms": _ms(self.first_picture),
            "fps": round(self.fps, 2),
            "camera_fps": self.camera_fps,
            "pictures": len(self.arrivals),
            "unreadable": self.unreadable,
            "glass_to_glass_ms": _spread(self.latencies),
            "command_ms": {**_spread(self.round_trips), "count": len(self.round_trips)},
            "obeyed_ms": _spread([shown.obeyed for shown in self.shown if shown.step.commands]),
            "upload_ms": _ms(self.upload),
            "steps": [
                {"label": label, "seen": label not in self.problems, "problem": self.problems.get(label, "")}
                for label in (shown.step.label for shown in self.shown)
            ],
        }


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


def _spread(samples: list[float]) -> dict[str, float]:
    if not samples:
        return {}
    return {name: _ms(float(np.percentile(samples, share))) for name, share in (("p50", 50), ("p95", 95))}


def table_of(report: Report) -> Table:
    """The figures as a table."""
    figures = report.as_dict()
    table = Table(
        title=f"restyle at {report.size[1]}x{report.size[0]}, camera, model and screen on one machine",
        title_style="bold",
        header_style="dim",
    )
    table.add_column("figure")
    table.add_column("measured", justify="right", style="cyan")
    table.add_column("what it is", style="dim")
    count = len(report.round_trips)
    rows = [
        ("time to connected", f"{figures['connected_ms']:.0f} ms", "connect() until READY"),
        ("time to first frame", f"{figures['first_frame_ms']:.0f} ms", "connect() until the model's title card"),
        ("time to first picture", f"{figures['first_picture_ms']:.0f} ms", "publish_track() until the clip comes back"),
        ("frames per second", f"{report.fps:.1f}", f"of the {report.camera_fps:g} that are published"),
        ("glass to glass, p50 / p95", _pair(figures["glass_to_glass_ms"]), "camera to model to screen: two network hops"),
        ("command round trip, p50 / p95", _pair(figures["command_ms"]), f"send_command() to its answer, {count} times"),
        ("command to picture, p50 / p95", _pair(figures["obeyed_ms"]), "send_command() to a picture shot after its answer"),
    ]
    for row in rows:
        table.add_row(*row)
    return table


def _pair(spread: dict[str, float]) -> str:
    return f"{spread['p50']:.1f} / {spread['p95']:.1f} ms" if spread else "-"
