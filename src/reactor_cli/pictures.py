"""Pictures as files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

import av
from av.video.stream import VideoStream

from reactor_protocol.errors import InvalidArgumentError
from reactor_rtc.frames import RgbArray

_CODECS: Final[dict[str, tuple[Literal["png", "mjpeg"], str]]] = {
    ".png": ("png", "rgb24"),
    ".jpg": ("mjpeg", "yuvj420p"),
    ".jpeg": ("mjpeg", "yuvj420p"),
}


def writer(file: Path) -> Callable[[RgbArray], None]:
    """What writes a (H, W, 3) uint8 RGB picture to a file. Raises :class:`InvalidArgumentError` for another kind of file."""
    known = _CODECS.get(file.suffix.lower())
    if known is None:
        raise InvalidArgumentError(f"a picture is a {', '.join(_CODECS)}, not {file.name}")
    codec, pixels = known

    def write(rgb: RgbArray) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(file), "w", format="image2", options={"update": "1"}) as container:
            stream = container.add_stream(codec, rate=1)
            assert isinstance(stream, VideoStream)
            stream.height, stream.width = rgb.shape[:2]
            stream.pix_fmt = pixels
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            container.mux([*stream.encode(frame), *stream.encode(None)])

    return write
