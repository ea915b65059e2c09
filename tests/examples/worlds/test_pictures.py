"""Pictures in and out of the dream."""

import io

import numpy as np
import pytest
from pictures import BadImage, enlarge, fit, read_image
from PIL import Image
from tour.images import encode_png


def drawn() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Grass, a road of 20 columns, the black bar with a white light."""
    picture = np.empty((64, 64, 3), np.uint8)
    picture[:] = (100, 204, 100)
    picture[:, 22:42] = (102, 102, 102)
    picture[56:] = 0
    picture[58:62, 4:8] = 255
    return picture


def test_flat_colours_stay_and_edges_are_sharp() -> None:
    large = enlarge(drawn())
    assert large.shape == (512, 512, 3)
    assert large.dtype == np.uint8
    assert large[100, 60].tolist() == [100, 204, 100]
    assert large[100, 256].tolist() == [102, 102, 102]
    # Half way between the middles of two pixels, and not wider than half of the eight pixels that one became.
    row = large[200, :, 1].astype(int)
    between = np.flatnonzero((row > 110) & (row < 196))
    assert {175, 176, 335, 336} <= set(between.tolist()) <= {*range(174, 178), *range(334, 338)}
    assert row.max() <= 204
    assert row.min() >= 102


def test_the_dials_do_not_blur_into_the_world() -> None:
    large = enlarge(drawn())
    assert large[446, 60].tolist() == [100, 204, 100]
    assert large[450, 60].tolist() == [0, 0, 0]
    assert large[480, 48].tolist() == [255, 255, 255]


def test_an_image_is_read_and_fitted() -> None:
    pixels = np.zeros((100, 200, 4), np.uint8)
    pixels[:, :100], pixels[:, 100:] = (220, 30, 30, 255), (30, 30, 220, 255)
    read = read_image(encode_png(pixels))
    assert read.shape == (100, 200, 3)
    assert read[50, 20].tolist() == [220, 30, 30]
    small = fit(read)
    assert small.shape == (64, 64, 3)
    assert small[32, 10].tolist() == [220, 30, 30]
    assert small[32, 54].tolist() == [30, 30, 220]


@pytest.mark.parametrize("data", [b"", b"#EXTM3U\nhttp://127.0.0.1/x.png", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff cut short"])
def test_what_is_no_image_is_refused(data: bytes) -> None:
    with pytest.raises(BadImage):
        read_image(data)


def test_an_image_of_too_many_pixels_is_refused() -> None:
    file = io.BytesIO()
    Image.new("1", (4001, 4000)).save(file, "PNG")
    with pytest.raises(BadImage, match="16000000 pixels"):
        read_image(file.getvalue())
