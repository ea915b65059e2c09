"""Films a drive through the dream, with the keys that the driver holds: an mp4, and a small animated picture for the docs.

    python examples/worlds/car_racing/film.py --seconds 20 --out docs

The driver sees nothing but the dreamed pictures.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
from dream import WEIGHTS, Actions, Dream
from eyes import LookingDriver
from pictures import LARGE, Rgb, enlarge
from PIL import Image, ImageDraw

FPS: Final = 25
SMALL: Final = 320
"""Rows and columns of the animated picture."""
MOST_BYTES: Final = 2_000_000

_KEY: Final = 40
_CORNER: Final = (LARGE - 3 * _KEY - 16, 16)


def drive(dream: Dream, count: int) -> list[Rgb]:
    """So many pictures of a drive, (512, 512, 3), with the keys that are held."""
    driver = LookingDriver()
    shown = []
    for _ in range(count):
        action = driver.act(dream.picture)
        shown.append(draw_keys(enlarge(dream.step(action)), action))
    return shown


def draw_keys(picture: Rgb, action: Actions) -> Rgb:
    """The picture with the arrow keys in its corner, each as bright as it is held."""
    steer, gas, brake = (float(part) for part in action)
    image = Image.fromarray(picture)
    pen = ImageDraw.Draw(image, "RGBA")
    keys = (((1, 0), 0, gas), ((0, 1), 3, -steer), ((1, 1), 2, brake), ((2, 1), 1, steer))
    for (column, row), quarter, held in keys:
        left, top = _CORNER[0] + column * _KEY, _CORNER[1] + row * _KEY
        light = round(255 * min(1.0, max(0.0, held)))
        pen.rounded_rectangle((left + 2, top + 2, left + _KEY - 3, top + _KEY - 3), 7, (20, 24, 28, 150))
        pen.rounded_rectangle((left + 2, top + 2, left + _KEY - 3, top + _KEY - 3), 7, (255, 214, 64, light))
        pen.polygon(_arrow(left + _KEY / 2, top + _KEY / 2, quarter), (30, 30, 30, 255) if light > 127 else (255, 255, 255, 210))
    return np.asarray(image, np.uint8)


def _arrow(x: float, y: float, quarter: int) -> list[tuple[float, float]]:
    """A triangle around a point: up, and turned clockwise by quarters."""
    points = [(0.0, -9.0), (9.0, 7.0), (-9.0, 7.0)]
    for _ in range(quarter):
        points = [(-down, across) for across, down in points]
    return [(x + across, y + down) for across, down in points]


def write_mp4(file: Path, shown: Sequence[Rgb]) -> None:
    """The pictures as H.264, for every browser."""
    with av.open(str(file), "w", options={"movflags": "faststart"}) as target:
        stream = target.add_stream("libx264", rate=Fraction(FPS), options={"crf": "23", "maxrate": "800k", "bufsize": "1600k"})
        stream.height, stream.width, stream.pix_fmt = *shown[0].shape[:2], "yuv420p"
        for picture in shown:
            target.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")))
        target.mux(stream.encode(None))


def write_webp(file: Path, shown: Sequence[Rgb]) -> int:
    """Every second picture, smaller, for ever; returns the size, at most 2 MB. Raises SystemExit where that is too little."""
    images = [Image.fromarray(picture).resize((SMALL, SMALL), Image.Resampling.LANCZOS) for picture in shown[::2]]
    for quality in (70, 50, 30, 15):
        images[0].save(file, save_all=True, append_images=images[1:], duration=2000 // FPS, loop=0, quality=quality, method=4)
        size = file.stat().st_size
        if size <= MOST_BYTES:
            return size
    raise SystemExit(f"{file} has {size:,} bytes at the lowest quality: film fewer seconds")


def main() -> None:
    """Films."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="folder of world.onnx and starts.npz (%(default)s)")
    parser.add_argument("--seconds", type=int, choices=range(1, 121), default=20, metavar="1..120", help="(%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="(%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("out"), help="for car_racing.mp4 and car_racing.webp (%(default)s)")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    shown = drive(Dream(asked.weights, seed=asked.seed), asked.seconds * FPS)
    write_mp4(asked.out / "car_racing.mp4", shown)
    size = write_webp(asked.out / "car_racing.webp", shown)
    print(f"{asked.out / 'car_racing.mp4'} and {asked.out / 'car_racing.webp'}: {len(shown)} pictures, {size:,} bytes")


if __name__ == "__main__":
    main()
