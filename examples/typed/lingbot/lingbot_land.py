"""What the LingBot stand-in shows: a landscape of heights and colours that one walks through, coloured by an uploaded image."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, TypeAlias, cast

import av
import numpy as np
from numpy.typing import NDArray

Rgb: TypeAlias = NDArray[np.uint8]
"""Shape (H, W, 3), dtype uint8."""
_Plane: TypeAlias = NDArray[np.float32]

WIDTH: Final = 416
HEIGHT: Final = 240
_MAP: Final = 512  # points of the land each way; it repeats
_SEA: Final = 62.0
_EYE: Final = 26.0  # above the ground
_FAR: Final = 420.0
_HALF_VIEW: Final = 0.62  # tangent of half the angle of view
_MAX_PIXELS: Final = 16_000_000
_DECODERS: Final = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "mjpeg"), (b"RIFF", "webp"))
_DISTANCES: Final = (3.0 * (_FAR / 3.0) ** np.linspace(0, 1, 150)).astype(np.float32)

_MOODS: Final = {
    "night": ((10, 12, 34), (40, 46, 84)), "sunset": ((84, 62, 120), (250, 150, 92)), "dawn": ((110, 130, 190), (250, 200, 170)),
    "snow": ((150, 170, 200), (226, 234, 242)), "storm": ((52, 58, 72), (120, 126, 134)),
    "desert": ((96, 150, 210), (236, 210, 164)),
}  # fmt: skip
_CLEAR: Final = ((70, 130, 210), (190, 215, 235))


class BadImage(ValueError):
    """The bytes are not a picture that can be used; the message says why."""


@dataclass(frozen=True, eq=False)
class Land:
    """Heights and colours, each for every point of the map, and the sky's colours from the top to the horizon."""

    heights: _Plane
    colours: NDArray[np.float32]
    sky: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Camera:
    """Where one stands, in points of the map, and looks: ``turn`` and ``tilt`` in degrees."""

    x: float = 256.0
    y: float = 256.0
    turn: float = 30.0
    tilt: float = 0.0


def read_image(data: bytes) -> tuple[Rgb, int, int]:
    """A PNG, JPEG or WebP picture as (64, 64, 3), and its own width and height. Raises :class:`BadImage`."""
    # Decoded without a demuxer: a file that pretends to be a playlist must not make the runtime open others.
    codec = next((name for magic, name in _DECODERS if data.startswith(magic)), None)
    if codec is None:
        raise BadImage("the file is not a PNG, JPEG or WebP picture")
    decoder = cast(av.VideoCodecContext, av.CodecContext.create(codec, "r"))
    decoder.options = {"max_pixels": str(_MAX_PIXELS)}
    try:
        frame = next(iter([*decoder.decode(av.Packet(data)), *decoder.decode(None)]), None)
        if frame is None:
            raise BadImage("the file holds no picture")
        small = frame.reformat(64, 64, format="rgb24", interpolation="AREA").to_ndarray()
    except (av.error.FFmpegError, ValueError) as error:
        raise BadImage(f"the picture cannot be decoded, or has more than {_MAX_PIXELS} pixels") from error
    return np.asarray(small, dtype=np.uint8), frame.width, frame.height


def make_land(seed: int, prompt: str, image: Rgb | None) -> Land:
    """The land of a seed: the image gives the ground its colours, the prompt's words the sky's."""
    heights = _heights(np.random.default_rng(seed))
    slope = np.roll(heights, 1, axis=1) - np.roll(heights, -1, axis=0)
    shade = np.clip(1.0 + slope * 0.075, 0.45, 1.5).astype(np.float32)
    colours = _ground(image, "snow" in prompt.lower())[np.clip(heights, 0, 255).astype(np.uint8)] * shade[..., np.newaxis]
    water = heights <= _SEA
    colours[water] = (34, 84, 120)
    top, horizon = next((mood for word, mood in _MOODS.items() if word in prompt.lower()), _CLEAR)
    if "night" in prompt.lower():
        colours *= np.asarray((0.30, 0.34, 0.52), np.float32)
    steps = np.linspace(0, 1, HEIGHT * 2, dtype=np.float32)[:, np.newaxis]
    sky = np.asarray(top, np.float32) * (1 - steps) + np.asarray(horizon, np.float32) * steps
    return Land(np.maximum(heights, _SEA), np.clip(colours, 0, 255), sky)


def _heights(chance: np.random.Generator) -> _Plane:
    """Hills on hills, from 0 to 255, that meet at the edges of the map."""
    field = np.zeros((_MAP, _MAP), np.float32)
    for cells, weight in ((4, 1.0), (8, 0.52), (16, 0.26), (32, 0.12), (64, 0.055)):
        field += weight * _smooth(chance.random((cells, cells), np.float32))
    field -= field.min()
    return np.asarray(235 * (field / field.max()) ** 1.5 + 10, np.float32)


def _smooth(cells: _Plane) -> _Plane:
    """Values of a grid, with what lies between them in between."""
    count = cells.shape[0]
    places = np.arange(_MAP, dtype=np.float32) * (count / _MAP)
    low = places.astype(np.intp)
    part = places - low
    part = part * part * (3 - 2 * part)
    high = (low + 1) % count
    rows = cells[low] * (1 - part[:, np.newaxis]) + cells[high] * part[:, np.newaxis]
    return np.asarray(rows[:, low] * (1 - part) + rows[:, high] * part, np.float32)


def _ground(image: Rgb | None, snow: bool) -> NDArray[np.float32]:
    """A colour for each height: sand, meadow, rock and snow, or those of the image from its bottom to its top."""
    stops: list[tuple[float, float, float]] = [(196, 178, 128), (96, 140, 62), (58, 104, 52), (120, 108, 92), (238, 240, 244)]
    if snow:
        stops = [(200, 206, 214), (222, 228, 236), (206, 214, 226), (150, 156, 168), (250, 250, 252)]
    if image is not None:
        bands = image.reshape(8, -1, 3).mean(axis=1)[::-1]
        stops = [(float(red), float(green), float(blue)) for red, green, blue in bands]
    places = np.linspace(_SEA, 240, len(stops))
    return np.stack([np.interp(np.arange(256), places, [stop[part] for stop in stops]) for part in range(3)], axis=1).astype(
        np.float32
    )


def view(land: Land, camera: Camera) -> Rgb:
    """What the camera sees; (240, 416, 3).

    Each column looks along one ray. A point of it covers what is below it on the screen and not covered yet, so the highest line
    that the ray has reached so far says, for each pixel, which point it shows.
    """
    turn = math.radians(camera.turn)
    spread = np.linspace(-_HALF_VIEW, _HALF_VIEW, WIDTH, dtype=np.float32)
    along_x, along_y = math.cos(turn) - spread * math.sin(turn), math.sin(turn) + spread * math.cos(turn)
    columns = (camera.x + _DISTANCES[:, np.newaxis] * along_x).astype(np.intp) % _MAP
    rows = (camera.y + _DISTANCES[:, np.newaxis] * along_y).astype(np.intp) % _MAP
    eye = ground(land, camera) + _EYE
    horizon = HEIGHT / 2 + math.tan(math.radians(camera.tilt)) * HEIGHT
    lines = horizon + (eye - land.heights[rows, columns]) * (HEIGHT * 0.85 / _DISTANCES[:, np.newaxis])
    lines = np.minimum.accumulate(np.clip(lines, 0, HEIGHT), axis=0).astype(np.intp)
    # How many points lie above each pixel's row: the next one is the one that it shows.
    counts = np.bincount((lines * WIDTH + np.arange(WIDTH)).ravel(), minlength=(HEIGHT + 1) * WIDTH).reshape(HEIGHT + 1, WIDTH)
    above = len(_DISTANCES) - np.cumsum(counts, axis=0)[:HEIGHT]
    lit = land.colours[rows, columns]
    haze = (1 - np.exp(-((_DISTANCES / _FAR) ** 2) * 2.6))[:, np.newaxis, np.newaxis].astype(np.float32)
    lit += (land.sky[-1] - lit) * haze
    shown = np.concatenate([lit, np.zeros((1, WIDTH, 3), np.float32)])[above, np.arange(WIDTH)]
    first = int(np.clip(HEIGHT * 2 - horizon, 0, HEIGHT))
    sky = np.broadcast_to(land.sky[first : first + HEIGHT, np.newaxis], shown.shape)
    return np.where((above == len(_DISTANCES))[..., np.newaxis], sky, shown).astype(np.uint8)


def ground(land: Land, camera: Camera) -> float:
    """How high the ground is where the camera stands."""
    return float(land.heights[int(camera.y) % _MAP, int(camera.x) % _MAP])
