"""The restyle model's commands and loop, on a stage that only remembers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import numpy as np
import pytest
from decals import title_card
from effects import apply_effect
from look import Look
from raster import Rgb
from tour.images import badge, encode_png

from reactor_rtc.frames import VideoFrame
from reactor_runtime import ClientInfo, CommandError, InputBuffer, InputFrame, ModelMessage, Output, UploadedFile
from reactor_runtime.model import bind
from reactor_runtime.step_gate import StepReport
from reactor_runtime.tracks import payloads_of
from restyle import CaptionChanged, EffectChanged, OverlayChanged, Restyle, RestyleInput, State, StrengthChanged


class Stage:
    """Keeps what the model emits and sends; nothing is ever held back."""

    def __init__(self) -> None:
        self.pictures: asyncio.Queue[Rgb] = asyncio.Queue()
        self.sent: list[ModelMessage] = []

    async def emit(self, output: Output, fps: float | None, drop: bool) -> None:
        self.pictures.put_nowait(payloads_of(output)["main_video"].data)
        await asyncio.sleep(0)

    async def send(self, message: ModelMessage) -> None:
        self.sent.append(message)

    def flush(self, hold: bool) -> None:
        raise AssertionError("the model makes no batches")

    def step_completed(self, report: StepReport) -> None:
        raise AssertionError("nobody counts the steps")


class Studio:
    """A model with its stage and its camera."""

    def __init__(self) -> None:
        self.model, self.stage, self.camera = Restyle(), Stage(), InputBuffer()
        self.model.inputs = RestyleInput()
        setattr(self.model.inputs, "camera", self.camera)  # noqa: B010 - the runtime puts the buffer where the track is declared
        bind(self.model, self.stage)

    def shoot(self, picture: Rgb) -> None:
        """The camera sends a picture."""
        self.camera.push(InputFrame(VideoFrame.from_rgb(picture)))

    async def next_of_size(self, height: int, width: int) -> Rgb:
        """The next picture of that size that the model emits."""
        async with asyncio.timeout(40):
            while (picture := await self.stage.pictures.get()).shape[:2] != (height, width):
                pass
        return picture


@pytest.fixture
def studio() -> Studio:
    return Studio()


@asynccontextmanager
async def running(studio: Studio) -> AsyncIterator[None]:
    task = asyncio.create_task(studio.model.run())
    studio.model.connected.set()
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def flat(value: int, height: int = 90, width: int = 160) -> Rgb:
    return np.full((height, width, 3), value, np.uint8)


async def test_commands_reply_and_tell_everybody_the_state(studio: Studio) -> None:
    model = studio.model
    assert await model.set_effect("noir") == EffectChanged(effect="noir")
    assert await model.set_strength(0.25) == StrengthChanged(strength=0.25)
    assert await model.set_caption("Hi") == CaptionChanged(caption="Hi")
    assert studio.stage.sent[-1] == State(effect="noir", strength=0.25, caption="Hi", overlay=False)
    assert len(studio.stage.sent) == 3


async def test_overlay_is_taken_told_and_removed(studio: Studio) -> None:
    file = UploadedFile("badge.png", "image/png", encode_png(badge()))
    assert await studio.model.set_overlay(file) == OverlayChanged(width=400, height=400)
    assert studio.stage.sent[-1] == State(effect="none", strength=1.0, caption="", overlay=True)
    assert await studio.model.set_overlay() == OverlayChanged(width=0, height=0)
    assert studio.stage.sent[-1] == State(effect="none", strength=1.0, caption="", overlay=False)


async def test_a_bad_overlay_is_refused_and_changes_nothing(studio: Studio) -> None:
    await studio.model.set_overlay(UploadedFile("badge.png", "image/png", encode_png(badge())))
    before = studio.model.look
    with pytest.raises(CommandError) as caught:
        await studio.model.set_overlay(UploadedFile("notes.png", "image/png", b"not a picture"))
    assert caught.value.code == "bad_image"
    assert "notes.png" in caught.value.message
    assert studio.model.look is before
    assert len(studio.stage.sent) == 1


async def test_reset_and_a_new_session_start_over(studio: Studio) -> None:
    await studio.model.set_effect("neon")
    await studio.model.set_caption("left over")
    assert await studio.model.reset() == State(effect="none", strength=1.0, caption="", overlay=False)
    await studio.model.set_effect("neon")
    studio.model.begin()
    assert studio.model.look == Look()


async def test_a_client_is_told_the_state_when_it_connects(studio: Studio) -> None:
    told: list[ModelMessage] = []

    async def send(message: ModelMessage) -> None:
        told.append(message)

    await studio.model.set_effect("vhs")
    await studio.model.greet(ClientInfo(1, time.monotonic(), _send=send))
    assert told == [State(effect="vhs", strength=1.0, caption="", overlay=False)]


async def test_without_a_camera_a_title_card_is_shown_at_once(studio: Studio) -> None:
    async with running(studio):
        card = await studio.next_of_size(720, 1280)
    assert any(np.array_equal(card, title_card("Waiting for video on the track camera", 720, 1280, beat)) for beat in range(4))


async def test_nothing_is_made_while_nobody_looks(studio: Studio) -> None:
    task = asyncio.create_task(studio.model.run())
    for _ in range(5):
        await asyncio.sleep(0)
    assert studio.stage.pictures.empty()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_frames_come_back_restyled_in_their_own_size(studio: Studio) -> None:
    async with running(studio):
        await studio.model.set_effect("thermal")
        for height, width in ((90, 160), (48, 64)):
            studio.shoot(flat(200, height, width))
            shown = await studio.next_of_size(height, width)
            assert np.abs(shown.astype(int) - apply_effect(flat(200, height, width), "thermal")).max() <= 8


async def test_the_newest_frame_is_taken_and_older_ones_are_dropped(studio: Studio) -> None:
    for value in range(0, 200, 10):
        studio.shoot(flat(value))
    async with running(studio):
        shown = await studio.next_of_size(90, 160)
        assert studio.camera.available == 0
    assert abs(int(shown.mean()) - 190) <= 4


async def test_a_closed_camera_does_not_end_the_model(studio: Studio) -> None:
    async with running(studio):
        await studio.next_of_size(720, 1280)
        studio.camera.close()
        await studio.next_of_size(720, 1280)
