"""What the Helios stand-in shows: colours that flow, a light for each word of the prompt, and the uploaded image among them."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from typing import Final, TypeAlias, cast

import av
import numpy as np
from numpy.typing import NDArray

Rgb: TypeAlias = NDArray[np.uint8]
"""Shape (H, W, 3), dtype uint8."""
_Plane: TypeAlias = NDArray[np.float32]

WIDTH: Final = 640
HEIGHT: Final = 384
_W: Final = WIDTH // 2
_H: Final = HEIGHT // 2
_MOST_WORDS: Final = 7
_MAX_PIXELS: Final = 16_000_000
_DECODERS: Final = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "mjpeg"), (b"RIFF", "webp"))

_COLOURS: Final = {
    "forest": (38, 120, 60), "ocean": (18, 92, 150), "sea": (22, 110, 150), "fire": (235, 90, 20), "night": (24, 26, 70),
    "sunset": (240, 120, 70), "sunrise": (250, 170, 110), "snow": (225, 235, 245), "desert": (214, 164, 90),
    "sky": (110, 170, 235),
    "gold": (230, 180, 50), "red": (210, 40, 40), "green": (50, 160, 70), "blue": (40, 80, 210), "city": (120, 130, 160),
    "rain": (80, 100, 130), "neon": (240, 40, 200), "autumn": (200, 100, 30), "spring": (140, 200, 90), "storm": (60, 66, 96),
}  # fmt: skip


class BadImage(ValueError):
    """The bytes are not a picture that can be shown; the message says why."""


@dataclass(frozen=True, eq=False)
class Scene:
    """What a prompt, an image and a seed look like. ``image`` is half as large as the picture; ``strength`` is 0 to 1."""

    prompt: str
    seed: int = 0
    image: Rgb | None = None
    strength: float = 0.5


def read_image(data: bytes) -> tuple[Rgb, int, int]:
    """A PNG, JPEG or WebP picture in the size of a scene's, and its own width and height. Raises :class:`BadImage`."""
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
        small = frame.reformat(_W, _H, format="rgb24").to_ndarray()
    except (av.error.FFmpegError, ValueError) as error:
        raise BadImage(f"the picture cannot be decoded, or has more than {_MAX_PIXELS} pixels") from error
    return np.asarray(small, dtype=np.uint8), frame.width, frame.height


_Y: Final = np.linspace(-0.6, 0.6, _H, dtype=np.float32)[:, np.newaxis]
_X: Final = np.linspace(-1.0, 1.0, _W, dtype=np.float32)[np.newaxis, :]


def paint(scene: Scene, seconds: float) -> Rgb:
    """The picture of a scene at a time of its own; (384, 640, 3)."""
    words = _words(scene.prompt)
    flow = _flow(scene.seed, seconds)
    light = _ramp(words).astype(np.float32).take((flow * 255).astype(np.uint8), axis=0)
    if scene.image is not None:
        light += (_drifting(scene.image, flow) - light) * np.float32(scene.strength)
    light += _glow(words, seconds)
    small = np.clip(light, 0, 255).astype(np.uint8)
    return _doubled(small)


def _words(prompt: str) -> list[str]:
    words = ["".join(each for each in word.lower() if each.isalnum()) for word in prompt.split()]
    telling = [word for word in words if word in _COLOURS or len(word) > 3]
    return list(dict.fromkeys(telling or ["nothing"]))[:_MOST_WORDS]


def _colour(word: str) -> tuple[int, int, int]:
    if word in _COLOURS:
        return _COLOURS[word]
    code = zlib.crc32(word.encode())
    hue = code % 360 / 60
    ramp = [max(0.0, min(1.0, abs((hue + shift) % 6 - 3) - 1)) for shift in (0, 4, 2)]
    red, green, blue = (round(60 + 150 * part) for part in ramp)
    return red, green, blue


def _ramp(words: list[str]) -> Rgb:
    """256 colours, from dark over those of the words to light."""
    stops = np.asarray([(8, 8, 20), *map(_colour, words), (248, 244, 235)], np.float32)
    places = np.linspace(0, len(stops) - 1, 256)
    return np.stack([np.interp(places, range(len(stops)), stops[:, part]) for part in range(3)], axis=1).astype(np.uint8)


def _flow(seed: int, seconds: float) -> _Plane:
    """A field of values from 0 to 1 that folds into itself."""
    turn = seed % 997 * 0.7
    t = seconds * 0.6
    bent = _Y + 0.28 * np.sin(2.1 * _X + t + turn)
    wide = _X + 0.24 * np.sin(3.2 * bent + 0.7 * t)
    field = np.sin(2.6 * wide + turn) + np.sin(3.4 * bent - 0.8 * t) + 0.6 * np.sin(4.3 * (wide + bent) + 0.5 * t)
    return np.asarray(np.clip(field * 0.19 + 0.46, 0, 0.999), np.float32)


def _drifting(image: Rgb, flow: _Plane) -> NDArray[np.float32]:
    """The image, as if seen through the flow."""
    shift = ((flow - 0.5) * 18).astype(np.intp)
    rows = np.clip(np.arange(_H)[:, np.newaxis] + shift, 0, _H - 1)
    columns = np.clip(np.arange(_W)[np.newaxis, :] - shift, 0, _W - 1)
    return np.asarray(image[rows, columns], np.float32)


def _glow(words: list[str], seconds: float) -> NDArray[np.float32]:
    """A light for each word, on an orbit of its own: a spot and a halo. Each is a product of rows and columns."""
    rows, columns = [], []
    for number, word in enumerate(words):
        code = zlib.crc32(word.encode())
        angle = seconds * (0.35 + code % 7 * 0.06) + number * 2.4
        x, y = 0.72 * math.cos(angle), 0.38 * math.sin(angle * 1.3 + code % 11)
        size = 0.004 + code % 5 * 0.002
        for spread, bright in ((size, 0.9), (size * 9, 0.35)):
            rows.append(np.exp(-((_Y[:, 0] - y) ** 2) / spread))
            columns.append(np.exp(-((_X[0] - x) ** 2) / spread)[:, np.newaxis] * np.asarray(_colour(word), np.float32) * bright)
    # Not by a matrix product: its threads would fight with the encoder's for the cores.
    across = np.stack(columns).reshape(len(rows), -1).astype(np.float32)
    light = np.einsum("kh,kw->hw", np.stack(rows).astype(np.float32), across)
    return np.asarray(light.reshape(_H, _W, 3), np.float32)


def _doubled(small: Rgb) -> Rgb:
    """Twice as wide and high, with what lies between two pixels between them."""
    tall = np.empty((HEIGHT, _W, 3), np.uint8)
    tall[0::2] = small
    tall[1:-1:2] = (small[:-1] >> 1) + (small[1:] >> 1)
    tall[-1] = small[-1]
    large = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    large[:, 0::2] = tall
    large[:, 1:-1:2] = (tall[:, :-1] >> 1) + (tall[:, 1:] >> 1)
    large[:, -1] = tall[:, -1]
    return large
