"""Whether what was seen is what was asked for: each picture is compared with every look that it could have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from look import Look, restyle
from numpy.typing import NDArray
from raster import Rgb, shrink

from tour.clip import camera_pictures
from tour.report import Shown
from tour.stamp import STRIP

Coarse = NDArray[np.int16]


def find_problems(clip: Path, shown: Sequence[Shown]) -> dict[str, str]:
    """What is wrong with the steps, by label: a picture that is nearer to another look of the same camera picture."""
    height = shown[0].first.rgb.shape[0] - STRIP
    sources = camera_pictures(clip, height, {each.first.number for each in shown})
    looks = [each.step.look for each in shown]
    problems = {each.step.label: _problem(sources[each.first.number], each.first.rgb, each.step.look, looks) for each in shown}
    return {label: problem for label, problem in problems.items() if problem}


def _problem(source: Rgb, seen: Rgb, wanted: Look, looks: Sequence[Look]) -> str:
    rivals = [*looks, replace(wanted, caption=""), replace(wanted, overlay=None), replace(wanted, strength=1.0), wanted]
    by_name = {_name(look): look for look in rivals}
    picture = _coarse(seen)
    away = {name: float(np.abs(picture - _coarse(restyle(source, look))).mean()) for name, look in by_name.items()}
    nearest, name = min(away, key=lambda name: away[name]), _name(wanted)
    if nearest == name:
        return ""
    return f"it looks like {nearest} ({away[nearest]:.1f} levels away) rather than like {name} ({away[name]:.1f})"


def _name(look: Look) -> str:
    strength = f" at {look.strength:g}" if look.effect != "none" else ""
    caption = f" with caption {look.caption!r}" if look.caption else ""
    return f"{look.effect}{strength}{caption}{' and overlay' if look.overlay is not None else ''}"


def _coarse(rgb: Rgb) -> Coarse:
    """The picture without its strip, at a quarter of the size, where the losses of coding hardly count."""
    return shrink(np.ascontiguousarray(rgb[STRIP:]), 4).astype(np.int16)
