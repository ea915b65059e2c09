"""CarRacing: a world that a small neural network dreams while somebody drives in it."""

from __future__ import annotations

import asyncio
import math
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dream import LIVELY, WEIGHTS, Dream
from pictures import BadImage, Rgb, enlarge, read_image

from reactor_runtime import (
    ClientInfo,
    CommandError,
    InputField,
    MessageField,
    ModelMessage,
    Output,
    ReactorModel,
    StepOutcome,
    UploadedFile,
    Video,
    connected,
    disconnected,
    event,
    session_started,
)

_MAX_SEED: Final = 2**31 - 1
_TELL_S: Final = 1.0
_IDLE_S: Final = 5.0


class Seen(Output):
    """What clients see: 512 by 512 pixels."""

    main_video: Video


class State(ModelMessage):
    """How things are: on connecting, after every command but set_controls, and every second."""

    frame: int = MessageField(description="Pictures that have been dreamed since the beginning.")
    fps: float = MessageField(description="Pictures shown in a second; 0 until there are figures.")
    ms_per_frame: float = MessageField(
        description="Time that one picture takes to dream and to enlarge; 0 until there are figures."
    )
    seed: int = MessageField(description="The same seed and the same driving make the same dream.")
    start: int | None = MessageField(description="Number of the beginning; null where it is an uploaded picture.")
    temperature: float
    paused: bool
    steer: float
    gas: float
    brake: float


@dataclass(frozen=True)
class Controls:
    """What is held: steer -1 (left) to 1 (right), gas and brake 0 to 1."""

    steer: float = 0.0
    gas: float = 0.0
    brake: float = 0.0


@dataclass
class Meter:
    """Counts pictures, and has figures of them every second. It begins anew after a time without pictures."""

    since: float = -math.inf
    last: float = -math.inf
    shown: int = 0
    busy: float = 0.0
    fps: float = 0.0
    ms_per_frame: float = 0.0

    def add(self, now: float, busy: float) -> bool:
        """A picture has been shown at ``now`` that took ``busy`` seconds: whether there are new figures."""
        idle, self.last = now - self.last > _IDLE_S, now
        if idle:
            self.since, self.shown, self.busy = now, 0, 0.0
            return False
        self.shown, self.busy = self.shown + 1, self.busy + busy
        passed = now - self.since
        if passed < _TELL_S:
            return False
        self.fps, self.ms_per_frame = round(self.shown / passed, 2), round(1000 * self.busy / self.shown, 2)
        self.since, self.shown, self.busy = now, 0, 0.0
        return True


class CarRacing(ReactorModel):
    """Drive in a dream: every picture is made up by a neural network, from the last four and what you hold."""

    fps = 25.0

    def load(self, config_path: Path | None) -> None:
        """Loads the weights of the folder that the manifest names, or its own. Raises NoWeights."""
        self.dream = Dream(config_path or WEIGHTS)
        self.begin()

    @session_started
    def begin(self) -> None:
        """A new session is a dream of its own."""
        self.controls = Controls()
        self.paused = False
        self.dream.temperature = LIVELY
        self.meter = Meter()
        self._begin_at(self.dream.reset(seed=self._new_seed())[0])

    def _new_seed(self) -> int:
        self.seed = random.randrange(10_000)  # few enough digits to be told to a friend
        return self.seed

    def _begin_at(self, start: int | None) -> None:
        self.start = start
        self.frame = 0
        self.screen: Rgb = enlarge(self.dream.picture)

    # ------------------------------------------------------------------------------------------------ commands

    @event(name="set_controls", description="Drive: what is given is held until the next one.")
    async def set_controls(
        self,
        steer: float = InputField(default=0.0, ge=-1.0, le=1.0, description="-1 is left, 1 is right."),
        gas: float = InputField(default=0.0, ge=0.0, le=1.0, description="1 is full."),
        brake: float = InputField(default=0.0, ge=0.0, le=1.0, description="Above 0.9 the wheels lock."),
    ) -> None:
        self.controls = Controls(steer, gas, brake)

    @event(name="reset", description="Begin again, at another place.")
    async def reset(self) -> None:
        self._begin_at(self.dream.reset()[0])
        await self._tell()

    @event(name="set_seed", description="Begin again with this seed, and let go: the same driving then makes the same dream.")
    async def set_seed(self, seed: int = InputField(ge=0, le=_MAX_SEED)) -> None:
        self.seed, self.controls = seed, Controls()  # what was held before would be seen in the first picture
        self._begin_at(self.dream.reset(seed=seed)[0])
        await self._tell()

    @event(name="set_start", description="Dream on from a PNG, JPEG or WebP picture; the square in its middle is taken.")
    async def set_start(self, image: UploadedFile) -> None:
        try:
            # In a thread: a large picture takes longer to decode than a frame lasts.
            picture = await asyncio.to_thread(read_image, image.data)
        except BadImage as error:
            raise CommandError("bad_image", f"{image.name}: {error}") from error
        self.dream.begin_with(picture)
        self._begin_at(None)
        await self._tell()

    @event(name="set_temperature", description="How much is left to chance.")
    async def set_temperature(
        self, temperature: float = InputField(ge=0.0, le=2.0, description="0 is none; above 1, more bends lie ahead.")
    ) -> None:
        self.dream.temperature = temperature
        await self._tell()

    @event(name="set_paused", description="Hold the dream, or go on.")
    async def set_paused(self, paused: bool = False) -> None:
        self.paused = paused
        await self._tell()

    # --------------------------------------------------------------------------------------------------- hooks

    @connected
    async def greet(self, client: ClientInfo) -> None:
        """Tells a client how things are."""
        await client.send(self.told())

    @disconnected
    def let_go(self) -> None:
        """Whoever leaves holds nothing any more: the car must not drive on by itself for those who stay."""
        self.controls = Controls()

    def told(self) -> State:
        """How things are, as clients are told."""
        meter, held = self.meter, self.controls
        return State(
            frame=self.frame,
            fps=meter.fps,
            ms_per_frame=meter.ms_per_frame,
            seed=self.seed,
            start=self.start,
            temperature=self.dream.temperature,
            paused=self.paused,
            steer=held.steer,
            gas=held.gas,
            brake=held.brake,
        )

    async def _tell(self) -> None:
        await self.send(self.told())

    # --------------------------------------------------------------------------------------------------- frames

    def generate(self, _input: object, /) -> Seen:
        """The next picture; while the dream is held, the last one again."""
        if not self.paused:
            held = self.controls
            self.screen = enlarge(self.dream.step((held.steer, held.gas, held.brake)))
            self.frame += 1
        return Seen(main_video=self.screen)

    async def process_output(self, outcome: StepOutcome) -> Output | None:
        """Shows the picture, and tells every second how it goes."""
        if self.meter.add(asyncio.get_running_loop().time(), outcome.elapsed):
            await self._tell()
        return outcome.to_output()
