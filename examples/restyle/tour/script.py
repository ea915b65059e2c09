"""What happens in the demo: the commands, in order, and how the picture has to look after each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from decals import read_image
from effects import EffectName
from look import Look


@dataclass(frozen=True)
class Step:
    """One change. ``look`` is what it leads to, with all that came before.

    ``commands`` are (name, data); a value of bytes is a PNG file, to be uploaded first.
    """

    label: str
    look: Look
    commands: tuple[tuple[str, Mapping[str, Any]], ...] = field(default=())


class _Writer:
    """Writes steps one after the other, and keeps the look that they have led to."""

    def __init__(self) -> None:
        self.look = Look()
        self.steps = [Step("the clip, as it is sent", self.look)]

    def effect(self, name: EffectName) -> None:
        self.look = replace(self.look, effect=name)
        self._add(f'set_effect("{name}")', ("set_effect", {"effect": name}))

    def caption(self, text: str) -> None:
        self.look = replace(self.look, caption=text)
        self._add(f'set_caption("{text}")', ("set_caption", {"caption": text}))

    def overlay(self, png: bytes) -> None:
        self.look = replace(self.look, overlay=read_image(png))
        self._add("set_overlay(image=badge.png)", ("set_overlay", {"image": png}))

    def slide(self, strength: float, moves: int = 10) -> None:
        """The strength as somebody moves a slider: many small commands."""
        start = self.look.strength
        self.look = replace(self.look, strength=strength)
        ways = [round(start + (strength - start) * (i + 1) / moves, 3) for i in range(moves)]
        self._add(f"set_strength({strength:g})", *(("set_strength", {"strength": way}) for way in ways))

    def reset(self) -> None:
        self.look = Look()
        self._add("reset()", ("reset", {}))

    def _add(self, label: str, *commands: tuple[str, Mapping[str, Any]]) -> None:
        self.steps.append(Step(label, self.look, commands))


def write_script(badge: bytes) -> list[Step]:
    """The twelve steps of the demo. ``badge`` is the PNG file of the overlay."""
    script = _Writer()
    script.effect("noir")
    script.caption("Set in mid-stream")
    script.effect("comic")
    script.effect("thermal")
    script.slide(0.4)
    script.effect("neon")
    script.slide(1.0)
    script.overlay(badge)
    script.effect("pixelate")
    script.effect("dream")
    script.reset()
    return script.steps
