"""Restyle: takes a client's video and gives it back in another style, as commands say while it runs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final, cast

from decals import BEATS, BadImage, read_image, title_card
from effects import EffectName
from look import Look, restyle
from raster import Rgb

from reactor_runtime import (
    BufferClosed,
    ClientInfo,
    CommandError,
    Input,
    InputBuffer,
    InputField,
    MessageField,
    ModelMessage,
    Output,
    ReactorModel,
    UploadedFile,
    Video,
    connected,
    event,
    session_started,
)

_WAITING: Final = "Waiting for video on the track camera"
_CARD_S: Final = 0.25  # how long a title card stands before the next one
_CAMERA_GONE_S: Final = 1.0
_SHORTEST_S: Final = 1 / 120  # between two frames, whatever the camera does


class RestyleInput(Input):
    """What clients send."""

    camera: Video


class RestyleOutput(Output):
    """What clients see."""

    main_video: Video


class EffectChanged(ModelMessage):
    """The effect is another one from the next frame on."""

    effect: str


class StrengthChanged(ModelMessage):
    """The strength is another one from the next frame on."""

    strength: float


class CaptionChanged(ModelMessage):
    """The caption is another one from the next frame on; an empty one is none."""

    caption: str


class OverlayChanged(ModelMessage):
    """The overlay is another one from the next frame on."""

    width: int = MessageField(description="Pixels of the uploaded picture; 0 where the overlay was removed.")
    height: int = MessageField(description="Pixels of the uploaded picture; 0 where the overlay was removed.")


class State(ModelMessage):
    """Everything that can be set; comes on connecting and after every command that changed something."""

    effect: str
    strength: float
    caption: str
    overlay: bool = MessageField(description="Whether there is an overlay.")


class Restyle(ReactorModel):
    """Restyles a client's video live: an effect, its strength, a caption and an overlay image, each set by a command."""

    fps = 30.0
    inputs: RestyleInput

    def __init__(self) -> None:
        self.look = Look()

    # ------------------------------------------------------------------------------------------------ commands

    @event(name="set_effect", description="Choose the effect; none shows the video as it is.")
    async def set_effect(self, effect: EffectName) -> EffectChanged:
        await self._change(replace(self.look, effect=effect))
        return EffectChanged(effect=effect)

    @event(name="set_strength", description="Set how much of the effect is mixed into the video.")
    async def set_strength(
        self, strength: float = InputField(ge=0.0, le=1.0, description="0 is the video, 1 the effect.")
    ) -> StrengthChanged:
        await self._change(replace(self.look, strength=strength))
        return StrengthChanged(strength=strength)

    @event(name="set_caption", description="Write a line of text over the video.")
    async def set_caption(
        self, caption: str = InputField(max_length=80, description="The text; empty removes it.", moderate=True)
    ) -> CaptionChanged:
        await self._change(replace(self.look, caption=caption))
        return CaptionChanged(caption=caption)

    @event(name="set_overlay", description="Put a PNG, JPEG or WebP picture into the top right corner; without one, remove it.")
    async def set_overlay(self, image: UploadedFile | None = None) -> OverlayChanged:
        if image is None:
            await self._change(replace(self.look, overlay=None))
            return OverlayChanged(width=0, height=0)
        try:
            # In a thread: a large picture takes longer to decode than a frame lasts.
            overlay = await asyncio.to_thread(read_image, image.data)
        except BadImage as error:
            raise CommandError("bad_image", f"{image.name}: {error}") from error
        await self._change(replace(self.look, overlay=overlay))
        height, width = overlay.pixels.shape[:2]
        return OverlayChanged(width=width, height=height)

    @event(name="reset", description="Show the video as it is, without caption and overlay.")
    async def reset(self) -> State:
        await self._change(Look())
        return self.state()

    def state(self) -> State:
        """Everything that can be set, as clients are told."""
        look = self.look
        return State(effect=look.effect, strength=look.strength, caption=look.caption, overlay=look.overlay is not None)

    async def _change(self, look: Look) -> None:
        self.look = look
        await self.send(self.state())

    # --------------------------------------------------------------------------------------------------- hooks

    @session_started
    def begin(self) -> None:
        """A new session starts with nothing of the last one."""
        self.look = Look()

    @connected
    async def greet(self, client: ClientInfo) -> None:
        """Tells a client how things are."""
        await client.send(self.state())

    # --------------------------------------------------------------------------------------------------- frames

    async def run(self) -> None:
        """Restyles each frame as soon as it comes; while none comes, shows a title card."""
        height, width, beat, patience = 720, 1280, 0, 0.0
        while True:
            if not self.connected.is_set():
                await self.connected.wait()
                patience = 0.0
            frame = await self._newest_frame(patience)
            if frame is not None:
                height, width = frame.shape[:2]
                patience = _CAMERA_GONE_S
                picture = restyle(frame, self.look)
            else:
                beat, patience = (beat + 1) % BEATS, _CARD_S
                picture = title_card(_WAITING, height, width, beat)
            # The camera sets the pace: a slower timetable of the runtime's would hold frames back and let newer ones wait.
            await self.emit(RestyleOutput(main_video=picture), compute_time=_SHORTEST_S)

    async def _newest_frame(self, patience: float) -> Rgb | None:
        """The newest frame of the camera, or None when none came for ``patience`` seconds."""
        camera = cast(InputBuffer, self.inputs.camera)  # the annotation declares the track, the attribute is its buffer
        try:
            frames = await camera.read(timeout=patience)
        except (TimeoutError, BufferClosed):
            return None
        newest: Rgb = frames[0].data
        return newest
