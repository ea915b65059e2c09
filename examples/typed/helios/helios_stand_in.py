"""A stand-in for Helios: its commands, messages and track, with a procedural picture in place of a generated one.

No neural network runs here. It is there so that programs for Helios can be written and tested on any machine.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import Literal

import numpy as np
from helios_scene import BadImage, Rgb, Scene, paint, read_image

from reactor_runtime import (
    ClientInfo,
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

CHUNK = 33  # frames
FPS = 24.0
_MOST_KEPT = 64  # scheduled prompts, and snapshots


class HeliosOutput(Output):
    main_video: Video


class State(ModelMessage):
    """How things are: comes on connecting, after every accepted command and after every chunk."""

    running: bool = MessageField(description="Whether chunks are being made.")
    started: bool = MessageField(description="Whether the generation has begun.")
    paused: bool
    current_prompt: str | None = MessageField(description="What is shown, or null before the first prompt.")
    current_chunk: int = MessageField(description="The chunk that is made next.")
    current_frame: int = MessageField(description="Frames that have been made.")
    image_set: bool
    image_strength: float
    scheduled_prompts: dict[str, str] = MessageField(description="Prompts to come, by the number of their chunk.")


class PromptAccepted(ModelMessage):
    """A prompt has been taken."""

    prompt: str


class ImageAccepted(ModelMessage):
    """An image has been taken."""

    width: int = MessageField(description="Pixels of the uploaded image.")
    height: int = MessageField(description="Pixels of the uploaded image.")


class ConditionsReady(ModelMessage):
    """What the generation can start from."""

    has_prompt: bool
    has_image: bool


class GenerationStarted(ModelMessage):
    """The generation has begun."""

    prompt: str
    chunk_index: int


class GenerationPaused(ModelMessage):
    """No further chunk is made."""

    chunk_index: int


class GenerationResumed(ModelMessage):
    """Chunks are made again."""

    chunk_index: int


class GenerationReset(ModelMessage):
    """Everything is as at the beginning."""


class ChunkComplete(ModelMessage):
    """A chunk has been made."""

    chunk_index: int
    frames_emitted: int = MessageField(description="Frames of this chunk.")
    active_prompt: str


class RewindComplete(ModelMessage):
    """The generation goes on from an earlier chunk."""

    chunk_index: int


class RewindFailed(ModelMessage):
    """There is nothing to go back to."""

    reason: str


class SnapshotSaved(ModelMessage):
    """A chunk has been marked."""

    chunk_index: int


class SnapshotList(ModelMessage):
    """The chunks that have been marked."""

    chunk_indices: list[int]


class CommandError(ModelMessage):
    """A command was not carried out."""

    command: str
    reason: str


class HeliosStandIn(ReactorModel):
    """A stand-in for Helios: the same commands, messages and track, and a procedural picture instead of a generated one."""

    fps = FPS

    scene: Scene
    scheduled: dict[int, str]
    snapshots: list[int]
    chunk: int
    started: bool
    paused: bool
    going: asyncio.Event

    def __init__(self) -> None:
        self.begin()

    # ------------------------------------------------------------------------------------------------- conditions

    @event(name="set_prompt", description="Say what to show: at the start, at once while paused, else from the next chunk on.")
    async def set_prompt(self, prompt: str = InputField(description="What to show.", moderate=True)) -> None:
        if await self._blank("set_prompt", prompt):
            return
        self.scene = replace(self.scene, prompt=prompt)
        await self.send(PromptAccepted(prompt=prompt))
        await self._conditions()

    @event(name="schedule_prompt", description="Say what to show from a later chunk on.")
    async def schedule_prompt(
        self,
        prompt: str = InputField(description="What to show.", moderate=True),
        chunk: int = InputField(ge=0, description="The chunk that begins with it; another prompt for the same chunk gives way."),
    ) -> None:
        if await self._blank("schedule_prompt", prompt):
            return
        if chunk < self.chunk or (chunk not in self.scheduled and len(self.scheduled) >= _MOST_KEPT):
            past = chunk < self.chunk
            await self._refuse("schedule_prompt", f"chunk {chunk} has been made" if past else "too many prompts are scheduled")
            return
        self.scheduled[chunk] = prompt
        await self.send(PromptAccepted(prompt=prompt))
        await self.send(self.state_now())

    @event(name="set_image", description="Give the image that the video follows.")
    async def set_image(self, image: UploadedFile) -> None:
        if await self._take(image, "set_image"):
            await self._conditions()

    @event(name="set_conditioning", description="Give prompt and image at once.")
    async def set_conditioning(
        self, image: UploadedFile, prompt: str = InputField(description="What to show.", moderate=True)
    ) -> None:
        if await self._blank("set_conditioning", prompt) or not await self._take(image, "set_conditioning"):
            return
        self.scene = replace(self.scene, prompt=prompt)
        await self.send(PromptAccepted(prompt=prompt))
        await self._conditions()

    @event(name="set_image_strength", description="Set how closely the video follows the image.")
    async def set_image_strength(
        self, image_strength: float = InputField(ge=0.0, le=1.0, description="0 follows the prompt alone, 1 the image.")
    ) -> None:
        self.scene = replace(self.scene, strength=image_strength)
        await self.send(self.state_now())

    @event(name="set_sr_scale", description="Set how much larger than it is made the video is sent.")
    async def set_sr_scale(self, sr_scale: Literal["off", "2x", "4x"]) -> None:
        # Taken, and told to nobody: a procedural picture gains nothing from being enlarged.
        await self.send(self.state_now())

    @event(name="set_seed", description="Set where chance begins.")
    async def set_seed(self, seed: int = InputField(ge=-1, description="-1 for a random one.")) -> None:
        self.scene = replace(self.scene, seed=random.randrange(1 << 31) if seed < 0 else seed)
        await self.send(self.state_now())

    # ------------------------------------------------------------------------------------------------- generation

    @event(name="start", description="Begin the generation; a prompt has to be set.")
    async def start(self) -> None:
        if self.started or not (self.scene.prompt or 0 in self.scheduled):
            await self._refuse("start", "the generation has begun already" if self.started else "set a prompt first")
            return
        self._switch_prompt()
        self.started = True
        await self.send(GenerationStarted(prompt=self.scene.prompt, chunk_index=self.chunk))
        await self.send(self.state_now())
        self._go()

    @event(name="pause", description="Make no further chunk.")
    async def pause(self) -> None:
        if not self.started or self.paused:
            await self._refuse("pause", "nothing is being generated")
            return
        self.paused = True
        self._go()
        await self.send(GenerationPaused(chunk_index=self.chunk))
        await self.send(self.state_now())

    @event(name="resume", description="Go on after a pause.")
    async def resume(self) -> None:
        if not self.paused:
            await self._refuse("resume", "the generation is not paused")
            return
        self.paused = False
        await self.send(GenerationResumed(chunk_index=self.chunk))
        await self.send(self.state_now())
        self._go()

    @event(name="reset", description="Forget everything: prompt, image and chunks.")
    async def reset(self) -> None:
        self.begin()
        self.output.flush()
        await self.send(GenerationReset())
        await self.send(self.state_now())

    @event(name="rewind", description="Go back to the chunk that was marked last, or else by one chunk.")
    async def rewind(self) -> None:
        if self.chunk == 0:
            await self.send(RewindFailed(reason="no chunk has been made"))
            return
        earlier = [chunk for chunk in self.snapshots if chunk < self.chunk]
        self.chunk = earlier[-1] if earlier else self.chunk - 1
        self.output.flush(hold=True)
        await self.send(RewindComplete(chunk_index=self.chunk))
        await self.send(self.state_now())

    @event(name="save_snapshot", description="Mark the present chunk, for rewind.")
    async def save_snapshot(self) -> None:
        kept = sorted({*self.snapshots, self.chunk})
        self.snapshots = kept[-_MOST_KEPT:]
        await self.send(SnapshotSaved(chunk_index=self.chunk))

    @event(name="list_snapshots", description="Tell which chunks are marked.")
    async def list_snapshots(self) -> None:
        await self.send(SnapshotList(chunk_indices=self.snapshots))

    # ------------------------------------------------------------------------------------------------------ parts

    @session_started
    def begin(self) -> None:
        """Everything as at the beginning: each session starts anew."""
        self.scene = Scene("")
        self.scheduled = {}
        self.snapshots = []
        self.started = self.paused = False
        self.chunk = 0
        self.going = asyncio.Event()

    @connected
    async def greet(self, client: ClientInfo) -> None:
        """Tells a client how things are."""
        await client.send(self.state_now())

    def state_now(self) -> State:
        """How things are, as clients are told."""
        return State(
            running=self.started and not self.paused,
            started=self.started,
            paused=self.paused,
            current_prompt=self.scene.prompt or None,
            current_chunk=self.chunk,
            current_frame=self.chunk * CHUNK,
            image_set=self.scene.image is not None,
            image_strength=self.scene.strength,
            scheduled_prompts={str(chunk): prompt for chunk, prompt in sorted(self.scheduled.items())},
        )

    async def _conditions(self) -> None:
        await self.send(ConditionsReady(has_prompt=bool(self.scene.prompt), has_image=self.scene.image is not None))
        await self.send(self.state_now())

    async def _blank(self, command: str, prompt: str) -> bool:
        if prompt.strip():
            return False
        await self._refuse(command, "the prompt is empty")
        return True

    async def _take(self, image: UploadedFile, command: str) -> bool:
        try:
            # In a thread: a large picture takes longer to decode than a frame lasts.
            pixels, width, height = await asyncio.to_thread(read_image, image.data)
        except BadImage as error:
            await self._refuse(command, str(error))
            return False
        self.scene = replace(self.scene, image=pixels)
        await self.send(ImageAccepted(width=width, height=height))
        return True

    async def _refuse(self, command: str, reason: str) -> None:
        await self.send(CommandError(command=command, reason=reason))

    def _go(self) -> None:
        if self.started and not self.paused:
            self.going.set()
        else:
            self.going.clear()

    def _switch_prompt(self) -> None:
        if (prompt := self.scheduled.pop(self.chunk, None)) is not None:
            self.scene = replace(self.scene, prompt=prompt)

    # --------------------------------------------------------------------------------------------------- pictures

    async def run(self) -> None:
        """Makes chunk after chunk, while it has begun and is not paused."""
        while True:
            going = self.going
            await self.connected.wait()
            try:
                async with asyncio.timeout(1.0):
                    await going.wait()
            except TimeoutError:
                continue  # a reset, or a new session, has put another event in its place
            if going is self.going:
                await self._make_chunk()

    async def _make_chunk(self) -> None:
        self._switch_prompt()
        made, scene, chunk = self.going, self.scene, self.chunk
        pictures: list[Rgb] = []
        for number in range(CHUNK):
            pictures.append(paint(scene, (chunk * CHUNK + number) / FPS))
            await asyncio.sleep(0)  # lets commands in: a chunk takes a while
        if made is not self.going or not made.is_set() or self.chunk != chunk:
            return  # a reset, a pause or a rewind came in between
        await self.emit(HeliosOutput(main_video=np.stack(pictures)))
        if made is self.going and self.chunk == chunk:
            self.chunk += 1
            await self.send(ChunkComplete(chunk_index=chunk, frames_emitted=CHUNK, active_prompt=scene.prompt))
            await self.send(self.state_now())
