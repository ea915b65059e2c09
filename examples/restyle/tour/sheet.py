"""The contact sheet: one picture for each step, with the command that made it so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from lettering import line
from raster import Rgb, paint, palette, resize

from tour.report import Report, Shown
from tour.stamp import STRIP

_COLUMNS: Final = 3
_WIDTH: Final = 640  # of a picture; heights follow
_GAP: Final = 24
_LABEL: Final = 44
_HEADER: Final = 124
_PAPER: Final = palette([(18, 19, 28), (27, 27, 42)])
_WHITE: Final = (244, 244, 250)
_DIM: Final = (146, 150, 176)


def contact_sheet(report: Report) -> Rgb:
    """All steps of a report as one picture, (H, W, 3)."""
    shown = report.shown
    height = round(_WIDTH * (report.size[0] - STRIP) / report.size[1])
    rows = -(-len(shown) // _COLUMNS)
    tall = _HEADER + rows * (height + _LABEL + _GAP) + _GAP // 2
    wide = _GAP + _COLUMNS * (_WIDTH + _GAP)
    paper = paint(np.linspace(0, 255, tall).astype(np.uint8)[:, np.newaxis].repeat(wide, axis=1), _PAPER)
    _head(paper, report)
    for i, each in enumerate(shown):
        top, left = _HEADER + i // _COLUMNS * (height + _LABEL + _GAP), _GAP + i % _COLUMNS * (_WIDTH + _GAP)
        picture = np.ascontiguousarray(each.settled.rgb[STRIP:])
        paper[top : top + height, left : left + _WIDTH] = resize(picture, _WIDTH, height, "AREA")
        _label(paper, each, report, (top + height + 6, left))
    return paper


def _head(paper: Rgb, report: Report) -> None:
    figures = report.as_dict()
    _write(paper, "openreactor: one stream, restyled live", 34.0, (22, _GAP), _WHITE)
    told = [
        f"{report.seconds:.0f} s",
        f"{report.fps:.1f} fps",
        f"camera to model to screen {figures['glass_to_glass_ms'].get('p50', 0):.0f} ms",
        f"command {figures['command_ms'].get('p50', 0):.1f} ms",
    ]
    _write(paper, "   /   ".join(told), 19.0, (80, _GAP), _DIM)


def _label(paper: Rgb, shown: Shown, report: Report, place: tuple[int, int]) -> None:
    top, left = place
    failed = shown.step.label in report.problems
    _write(paper, shown.step.label, 17.0, place, (255, 110, 110) if failed else _WHITE)
    when = line(f"{shown.at:.1f} s", 17.0)
    _ink(paper, when, (top, left + _WIDTH - when.shape[1]), _DIM)


def _write(paper: Rgb, text: str, size: float, place: tuple[int, int], colour: Sequence[int]) -> None:
    _ink(paper, line(text, size), place, colour)


def _ink(paper: Rgb, ink: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], place: tuple[int, int], colour: Sequence[int]) -> None:
    area = paper[place[0] : place[0] + ink.shape[0], place[1] : place[1] + ink.shape[1]]
    share = ink[: area.shape[0], : area.shape[1], np.newaxis].astype(np.float32) / 255
    area[...] = (area * (1 - share) + np.asarray(colour, dtype=np.float32) * share + 0.5).astype(np.uint8)
