"""A clock drawn into a picture: that of ``reactor bench``."""

from typing import TYPE_CHECKING

from benchmarks.shared import of_bench

if TYPE_CHECKING:
    from reactor_cli.bench.pixel_clock import Picture, age_ms, draw
else:
    _module = of_bench("pixel_clock")
    Picture, age_ms, draw = _module.Picture, _module.age_ms, _module.draw

__all__ = ["Picture", "age_ms", "draw"]
