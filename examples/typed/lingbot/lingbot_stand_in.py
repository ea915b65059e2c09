"""A stand-in for LingBot: its commands, messages and track, with a procedural landscape in place of a generated world.

No neural network runs here. It is there so that programs for LingBot can be written and tested on any machine.
"""

from __future__ import annotations

import asyncio
import math
import random
from dataclasses import dataclass, replace
from typing import Literal

from lingbot_land import BadImage, Camera, Land, Rgb, make_land, read_image, view

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

CHUNK = 16  # frames
FPS = 30.0
_LAST_CHUNK = 2_000
_STRIDE = 1.6  # points of the map for each frame
_STEEPEST = 18.0  # degrees
_STEPS = 4  # of a turn, in each chunk

Movement = Literal["idle", "forward", "back", "strafe_left", "strafe_right"]
LookHorizontal = Literal["idle", "left", "right"]
LookVertical = Literal["idle", "up", "down"]

_AHEAD = {"forward": (1.0, 0.0), "back": (-1.0, 0.0), "strafe_left": (0.0, -1.0), "strafe_right": (0.0, 1.0)}
_TURN = {"left": -1.0, "right": 1.0}
_TILT = {"up": 1.0, "down": -1.0}


class LingBotOutput(Output):
    main_video: Video


class State(ModelMessage):
    """How things are: comes on connecting, after every accepted command and after every chunk."""

    started: bool = MessageField(description="Whether the generation has begun.")
    running: bool = MessageField(description="Whether frames are being made.")
    paused: bool
    has_image: bool
    has_prompt: bool
    current_prompt: str | None
    current_chunk: int = MessageField(description="The chunk that is made next.")
    current_action: str = MessageField(description="What the camera does, in one word for each of its parts.")
    movement: Movement
    look_horizontal: LookHorizontal
    look_vertical: LookVertical
    rotation_speed_deg: float
    seed: int


class PromptAccepted(ModelMessage):
    """A prompt has been taken."""

    prompt: str


class ImageAccepted(ModelMessage):
    """An image has been taken."""

    width: int = MessageField(description="Pixels of the uploaded image.")
    height: int = MessageField(description="Pixels of the uploaded image.")


class ConditionsReady(ModelMessage):
    """What the generation can start from: it needs an image."""

    has_prompt: bool
    has_image: bool


class GenerationStarted(ModelMessage):
    """The generation has begun."""

    chunk_num: int


class ChunkComplete(ModelMessage):
    """A chunk has been made."""

    chunk_index: int
    active_action: str = MessageField(description="What the camera did in it.")


class GenerationComplete(ModelMessage):
    """The world has come to its end; reset begins another one."""


class CommandError(ModelMessage):
    """A command was not carried out."""

    command: str
    reason: str


@dataclass(frozen=True, slots=True)
class Steering:
    """What the camera does until it is told otherwise; ``speed`` is in degrees of one step."""

    movement: Movement = "idle"
    horizontal: LookHorizontal = "idle"
    vertical: LookVertical = "idle"
    speed: float = 5.0

    @property
    def action(self) -> str:
        """In a word for each part that moves, or idle."""
        looks = [f"look_{each}" for each in (self.horizontal, self.vertical) if each != "idle"]
        parts = ([self.movement] if self.movement != "idle" else []) + looks
        return "+".join(parts) or "idle"


class LingBotStandIn(ReactorModel):
    """A stand-in for LingBot: the same commands, messages and track, and a procedural landscape instead of a generated world."""

    fps = FPS

    prompt: str
    seed: int
    image: Rgb | None
    land: Land | None
    camera: Camera
    steering: Steering
    started: bool
    paused: bool
    frames: int

    def __init__(self) -> None:
        self.begin()

    # ------------------------------------------------------------------------------------------------- conditions

    @event(name="set_prompt", description="Say what the world is like.")
    async def set_prompt(self, prompt: str = InputField(description="What the world is like.", moderate=True)) -> None:
        self.prompt, self.land = prompt, None
        await self.send(PromptAccepted(prompt=prompt))
        await self._conditions()

    @event(name="set_image", description="Give the image that the world begins with; once it has begun, the image stays.")
    async def set_image(self, image: UploadedFile) -> None:
        if self.started:
            await self._refuse("set_image", "the generation has begun: reset it first")
            return
        try:
            # In a thread: a large picture takes longer to decode than a frame lasts.
            self.image, width, height = await asyncio.to_thread(read_image, image.data)
        except BadImage as error:
            await self._refuse("set_image", str(error))
            return
        self.land = None
        await self.send(ImageAccepted(width=width, height=height))
        await self._conditions()

    @event(name="set_seed", description="Set where chance begins.")
    async def set_seed(self, seed: int = InputField(ge=-1, description="-1 for a random one.")) -> None:
        self.seed, self.land = (random.randrange(1 << 31) if seed < 0 else seed), None
        await self.send(self.state_now())

    # --------------------------------------------------------------------------------------------------- steering

    @event(name="set_movement", description="Walk; it lasts until the next set_movement.")
    async def set_movement(self, movement: Movement) -> None:
        await self._steer(replace(self.steering, movement=movement))

    @event(name="set_look_horizontal", description="Turn; it lasts until the next set_look_horizontal.")
    async def set_look_horizontal(self, look_horizontal: LookHorizontal) -> None:
        await self._steer(replace(self.steering, horizontal=look_horizontal))

    @event(name="set_look_vertical", description="Look up or down; it lasts until the next set_look_vertical.")
    async def set_look_vertical(self, look_vertical: LookVertical) -> None:
        await self._steer(replace(self.steering, vertical=look_vertical))

    @event(name="set_rotation_speed_deg", description="Set how fast the camera turns.")
    async def set_rotation_speed_deg(
        self, rotation_speed_deg: float = InputField(5.0, ge=0.0, le=30.0, description="Degrees of one step.")
    ) -> None:
        await self._steer(replace(self.steering, speed=rotation_speed_deg))

    # ------------------------------------------------------------------------------------------------- generation

    @event(name="start", description="Begin; an image has to be set.")
    async def start(self) -> None:
        if self.started or self.image is None:
            await self._refuse("start", "the generation has begun already" if self.started else "set an image first")
            return
        self.started = True
        await self.send(GenerationStarted(chunk_num=self.chunk))
        await self._run(paused=False)

    @event(name="pause", description="Stand still, and make no further frame.")
    async def pause(self) -> None:
        if not self.running:
            await self._refuse("pause", "nothing is being generated")
            return
        await self._run(paused=True)

    @event(name="resume", description="Go on after a pause.")
    async def resume(self) -> None:
        if not self.paused:
            await self._refuse("resume", "the generation is not paused")
            return
        await self._run(paused=False)

    @event(name="reset", description="Forget everything: image, prompt and where the camera was.")
    async def reset(self) -> None:
        self.begin()
        await self.send(self.state_now())

    # ------------------------------------------------------------------------------------------------------ parts

    @session_started
    def begin(self) -> None:
        """Everything as at the beginning: each session starts anew."""
        self.prompt, self.seed = "", 0
        self.image = None
        self.land = None
        self.camera, self.steering = Camera(), Steering()
        self.started = self.paused = False
        self.frames = 0

    @connected
    async def greet(self, client: ClientInfo) -> None:
        """Tells a client how things are."""
        await client.send(self.state_now())

    @property
    def running(self) -> bool:
        """Whether frames are being made."""
        return self.started and not self.paused and self.chunk < _LAST_CHUNK

    @property
    def chunk(self) -> int:
        """The chunk that is made next."""
        return self.frames // CHUNK

    def state_now(self) -> State:
        """How things are, as clients are told."""
        return State(
            started=self.started,
            running=self.running,
            paused=self.paused,
            has_image=self.image is not None,
            has_prompt=bool(self.prompt),
            current_prompt=self.prompt or None,
            current_chunk=self.chunk,
            current_action=self.steering.action,
            movement=self.steering.movement,
            look_horizontal=self.steering.horizontal,
            look_vertical=self.steering.vertical,
            rotation_speed_deg=self.steering.speed,
            seed=self.seed,
        )

    async def _conditions(self) -> None:
        await self.send(ConditionsReady(has_prompt=bool(self.prompt), has_image=self.image is not None))
        await self.send(self.state_now())

    async def _steer(self, steering: Steering) -> None:
        self.steering = steering
        await self.send(self.state_now())

    async def _run(self, *, paused: bool) -> None:
        self.paused = paused
        await self.send(self.state_now())

    async def _refuse(self, command: str, reason: str) -> None:
        await self.send(CommandError(command=command, reason=reason))

    # --------------------------------------------------------------------------------------------------- pictures

    async def run(self) -> None:
        """Makes frame after frame, while it has begun and is not paused."""
        while True:
            await self.connected.wait()
            if not self.running:
                await asyncio.sleep(1 / FPS)  # a paused world has no frame to wait for
                continue
            if self.land is None:
                self.land = make_land(self.seed, self.prompt, self.image)
            self.camera = moved(self.camera, self.steering)
            await self.emit(LingBotOutput(main_video=view(self.land, self.camera)))
            await self._count()

    async def _count(self) -> None:
        if not self.started:
            return  # a reset came in between
        self.frames += 1
        if self.frames % CHUNK == 0:
            await self.send(ChunkComplete(chunk_index=self.chunk - 1, active_action=self.steering.action))
            if self.chunk == _LAST_CHUNK:
                await self.send(GenerationComplete())
            await self.send(self.state_now())


def moved(camera: Camera, steering: Steering) -> Camera:
    """Where the camera is one frame later."""
    ahead, aside = _AHEAD.get(steering.movement, (0.0, 0.0))
    angle = math.radians(camera.turn)
    step = steering.speed * _STEPS / CHUNK
    tilt = camera.tilt + step * _TILT.get(steering.vertical, 0.0)
    return Camera(
        x=camera.x + _STRIDE * (ahead * math.cos(angle) - aside * math.sin(angle)),
        y=camera.y + _STRIDE * (ahead * math.sin(angle) + aside * math.cos(angle)),
        turn=(camera.turn + step * _TURN.get(steering.horizontal, 0.0)) % 360,
        tilt=max(-_STEEPEST, min(_STEEPEST, tilt)),
    )
