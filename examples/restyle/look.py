"""How the picture shall look, and the picture that looks so."""

from __future__ import annotations

from dataclasses import dataclass

from decals import Overlay, caption_decal, draw, overlay_decal
from effects import EffectName, apply_effect
from raster import Rgb


@dataclass(frozen=True)
class Look:
    """Everything that commands can change. ``strength`` is 0 to 1."""

    effect: EffectName = "none"
    strength: float = 1.0
    caption: str = ""
    overlay: Overlay | None = None


def restyle(rgb: Rgb, look: Look) -> Rgb:
    """The picture with that look: shape (H, W, 3) as it came, a new array wherever something is changed."""
    height, width = rgb.shape[:2]
    styled = apply_effect(rgb, look.effect, look.strength)
    decals = [
        caption_decal(look.caption, height, width) if look.caption else None,
        overlay_decal(look.overlay, height, width) if look.overlay is not None else None,
    ]
    for decal in decals:
        if decal is not None:
            if styled is rgb:
                styled = rgb.copy()
            draw(styled, decal)
    return styled
