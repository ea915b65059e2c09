"""The film of a drive."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from dream import Dream
from film import draw_keys, drive, write_mp4, write_webp
from PIL import Image
from tests.examples.worlds.tiny_world import write_weights


def test_a_drive_becomes_a_film_and_a_small_animated_picture(tmp_path: Path) -> None:
    shown = drive(Dream(write_weights(tmp_path)), 6)
    assert [picture.shape for picture in shown] == [(512, 512, 3)] * 6
    write_mp4(tmp_path / "drive.mp4", shown)
    with av.open(str(tmp_path / "drive.mp4")) as film:
        frames = list(film.decode(video=0))
        assert (len(frames), frames[0].width, frames[0].height) == (6, 512, 512)
        assert film.streams.video[0].average_rate == Fraction(25)
    other = [np.full((512, 512, 3), 40 * number, np.uint8) for number in range(6)]  # of like pictures one would be left
    assert 0 < write_webp(tmp_path / "drive.webp", other) == (tmp_path / "drive.webp").stat().st_size <= 2_000_000
    with Image.open(tmp_path / "drive.webp") as animated:
        assert (animated.size, getattr(animated, "n_frames", 1)) == ((320, 320), 3)


def test_the_keys_that_are_held_are_lit() -> None:
    grey = np.full((512, 512, 3), 100, np.uint8)
    left, up, down, right = (384, 66), (424, 26), (424, 66), (464, 66)
    keys = {"left": left, "up": up, "down": down, "right": right}

    def lit(*action: float) -> set[str]:
        drawn = draw_keys(grey, np.array(action, np.float32))
        return {name for name, (x, y) in keys.items() if drawn[y, x, 0] > 200}

    assert lit(0, 0, 0) == set()
    assert lit(-1, 1, 0) == {"left", "up"}
    assert lit(1, 0, 0.8) == {"right", "down"}
