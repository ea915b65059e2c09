"""The restyle model's effects, captions and overlays as functions, and its contract."""

from __future__ import annotations

import struct
import zlib
from fractions import Fraction

import av
import numpy as np
import pytest
from decals import MAX_PIXELS, BadImage, Overlay, read_image, title_card
from effects import EFFECTS, NAMES, EffectName, apply_effect
from look import Look
from look import restyle as restyled
from raster import Rgb, luma
from tour.images import encode_png

from reactor_runtime import CommandError
from reactor_runtime.contract import Contract, read_contract
from restyle import Restyle


def scene(height: int = 180, width: int = 320) -> Rgb:
    """A picture with soft shades, hard edges and all sorts of colours."""
    down, across = np.mgrid[0:height, 0:width]
    picture = np.stack([across * 255 // width, down * 255 // height, (across + down) * 7 % 256], axis=2).astype(np.uint8)
    picture[height // 4 : height // 2, width // 4 : width // 2] = (250, 240, 30)
    return picture


# -------------------------------------------------------------------------------------------------------- effects


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(270, 480), (180, 320), (77, 101), (16, 16), (2, 2)])
def test_effect_keeps_the_shape_and_leaves_its_input_alone(name: EffectName, size: tuple[int, int]) -> None:
    picture = scene(*size)
    before = picture.copy()
    styled = apply_effect(picture, name)
    assert styled.shape == (*size, 3)
    assert styled.dtype == np.uint8
    assert np.array_equal(picture, before)


@pytest.mark.parametrize("name", NAMES)
def test_strength_0_is_the_picture_itself(name: EffectName) -> None:
    picture = scene()
    assert np.array_equal(apply_effect(picture, name, 0.0), picture)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "none"])
def test_strength_leads_evenly_from_the_picture_to_the_effect(name: EffectName) -> None:
    picture = scene()
    full = EFFECTS[name](picture)
    half = apply_effect(picture, name, 0.5)
    assert np.abs(full.astype(int) - picture).mean() > 3
    assert np.abs(half - (full.astype(int) + picture) / 2).max() <= 1.5


def test_every_two_effects_can_be_told_apart() -> None:
    styled = {name: apply_effect(scene(), name).astype(int) for name in NAMES}
    for one in NAMES:
        for other in NAMES:
            assert one == other or np.abs(styled[one] - styled[other]).mean() > 3, (one, other)


def test_noir_has_no_colour_and_is_dark_in_the_corners() -> None:
    styled = apply_effect(np.full((180, 320, 3), (250, 230, 120), np.uint8), "noir")
    assert np.ptp(styled.astype(int), axis=2).max() <= 1
    assert styled[0, 0, 0] < styled[90, 160, 0] / 2


def test_thermal_paints_what_is_brighter_hotter() -> None:
    ramp = np.repeat(np.linspace(0, 255, 320).astype(np.uint8)[np.newaxis, :, np.newaxis], 60, axis=0).repeat(3, axis=2)
    row = luma(apply_effect(ramp, "thermal"))[30, 10:310].astype(int)
    assert (np.diff(row[::20]) > 0).all()


def test_pixelate_makes_plain_squares_that_fit_the_picture() -> None:
    styled = apply_effect(scene(100, 90), "pixelate")
    for top in range(0, 96, 16):
        for left in range(0, 80, 16):
            assert np.ptp(styled[top : top + 16, left : left + 16].reshape(-1, 3), axis=0).max() == 0


# ------------------------------------------------------------------------------------------------ captions, overlays


def test_caption_shows_white_letters_on_a_darker_bar_low_in_the_picture() -> None:
    picture = np.full((360, 640, 3), 150, np.uint8)
    captioned = restyled(picture, Look(caption="Hello"))
    changed = np.flatnonzero((captioned != picture).any(axis=(1, 2)))
    assert changed.min() > 260
    assert changed.max() < 355
    bar = captioned[changed.min() : changed.max() + 1]
    assert (bar > 240).all(axis=2).sum() > 200
    assert (bar < 100).all(axis=2).sum() > 1000
    assert (picture == 150).all()


def test_captions_of_different_text_differ() -> None:
    assert not np.array_equal(restyled(scene(), Look(caption="O")), restyled(scene(), Look(caption="Q")))


@pytest.mark.parametrize("text", ["x" * 80, "many words " * 7, "Grüße, 你好 \n\t!", " ", "\u0301"])
@pytest.mark.parametrize("size", [(270, 480), (90, 160), (16, 16), (2, 2)])
def test_any_caption_fits_any_picture(text: str, size: tuple[int, int]) -> None:
    assert restyled(scene(*size), Look(caption=text)).shape == (*size, 3)


def test_overlay_is_drawn_in_the_top_right_corner_at_a_quarter_of_the_width() -> None:
    pixels = np.full((50, 100, 4), (255, 0, 0, 255), np.uint8)
    shown = restyled(np.zeros((360, 640, 3), np.uint8), Look(overlay=Overlay(pixels)))
    rows, columns = np.nonzero(shown[..., 0])
    assert np.ptp(columns) + 1 == pytest.approx(160, abs=1)
    assert np.ptp(rows) + 1 == pytest.approx(80, abs=1)
    assert columns.max() == pytest.approx(620, abs=2)
    assert rows.min() == pytest.approx(20, abs=2)


def test_overlay_honours_alpha() -> None:
    pixels = np.zeros((90, 120, 4), np.uint8)
    pixels[:, :40] = (255, 0, 0, 255)
    pixels[:, 40:80] = (255, 0, 0, 128)
    pixels[:, 80:] = (255, 0, 0, 0)
    shown = restyled(np.full((480, 640, 3), 100, np.uint8), Look(overlay=Overlay(pixels)))
    opaque, half, clear = (shown[60, column].astype(int) for column in (640 - 20 - 140, 640 - 20 - 80, 640 - 20 - 15))
    assert np.abs(opaque - (255, 0, 0)).max() <= 4
    assert np.abs(half - (178, 50, 50)).max() <= 4
    assert (clear == 100).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 1), (300, 200)])
@pytest.mark.parametrize("size", [(270, 480), (33, 17), (2, 2)])
def test_an_overlay_of_any_shape_fits_any_picture(shape: tuple[int, int], size: tuple[int, int]) -> None:
    look = Look(overlay=Overlay(np.full((*shape, 4), 255, np.uint8)))
    assert restyled(scene(*size), look).shape == (*size, 3)


def test_png_with_alpha_is_read_as_it_was_written() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (20, 30, 4), dtype=np.uint8)
    assert np.array_equal(read_image(encode_png(pixels)).pixels, pixels)


def test_jpeg_is_read() -> None:
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.framerate = 64, 48, "yuvj420p", Fraction(25)
    packets = [*encoder.encode(av.VideoFrame.from_ndarray(scene(48, 64), format="rgb24")), *encoder.encode(None)]
    pixels = read_image(b"".join(bytes(packet) for packet in packets)).pixels
    assert pixels.shape == (48, 64, 4)
    assert (pixels[..., 3] == 255).all()


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


PNG = b"\x89PNG\r\n\x1a\n"
HUGE = PNG + b"".join(
    _png_chunk(*chunk)
    for chunk in (
        (b"IHDR", struct.pack(">IIBBBBB", MAX_PIXELS // 1000, 2000, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes(1000))),
        (b"IEND", b""),
    )
)
BAD_IMAGES = {
    "nothing": b"",
    "text": b"ffconcat version 1.0\nfile /etc/hostname\n",
    "a bare signature": PNG,
    "rubbish after a signature": PNG + bytes(100),
    "half a picture": encode_png(scene())[:60],
    "a JPEG that is none": b"\xff\xd8\xff" + b"x" * 50,
    "a WebP that is none": b"RIFF\x10\x00\x00\x00WEBPVP8 " + bytes(20),
    "more pixels than allowed": HUGE,
}


@pytest.mark.parametrize("data", BAD_IMAGES.values(), ids=BAD_IMAGES.keys())
def test_a_file_that_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(BadImage):
        read_image(data)


@pytest.mark.parametrize("size", [(270, 480), (33, 17), (2, 2)])
def test_the_title_card_has_the_size_that_is_wanted(size: tuple[int, int]) -> None:
    card = title_card("Waiting for video", *size, 0)
    assert card.shape == (*size, 3)


def test_the_title_card_says_something() -> None:
    assert (title_card("Waiting", 360, 640, 0) > 200).any()
    assert not np.array_equal(title_card("Waiting", 360, 640, 0), title_card("Waiting", 360, 640, 1))


# -------------------------------------------------------------------------------------------------------- contract


@pytest.fixture(scope="module")
def contract() -> Contract:
    return read_contract(Restyle, "restyle")


def test_the_contract_has_all_commands_with_descriptions(contract: Contract) -> None:
    assert set(contract.commands) == {"set_effect", "set_strength", "set_caption", "set_overlay", "reset"}
    assert all(command.description for command in contract.commands.values())
    assert [(track.name, track.kind, track.flow) for track in contract.tracks] == [
        ("camera", "video", "in"),
        ("main_video", "video", "out"),
    ]
    assert {message.name for message in contract.messages} == {
        "effect_changed",
        "strength_changed",
        "caption_changed",
        "overlay_changed",
        "state",
    }


@pytest.mark.parametrize(
    ("command", "data"),
    [
        ("set_effect", {"effect": "sparkle"}),
        ("set_effect", {"effect": 3}),
        ("set_effect", {}),
        ("set_strength", {"strength": 1.01}),
        ("set_strength", {"strength": -0.1}),
        ("set_strength", {"strength": "0.5"}),
        ("set_strength", {"strength": float("nan")}),
        ("set_caption", {"caption": "x" * 81}),
        ("set_caption", {"caption": None}),
        ("reset", {"hard": True}),
    ],
)
def test_commands_out_of_their_limits_are_refused(contract: Contract, command: str, data: dict[str, object]) -> None:
    with pytest.raises(CommandError):
        contract.commands[command].validate(data, {})


@pytest.mark.parametrize("name", NAMES)
def test_every_effect_can_be_chosen(contract: Contract, name: EffectName) -> None:
    assert contract.commands["set_effect"].validate({"effect": name}, {}) == {"effect": name}
