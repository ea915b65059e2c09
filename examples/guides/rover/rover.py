"""Rover: a dot that is driven with keys or a gamepad."""

import math

import numpy as np

from reactor_runtime import InputField, InputState, Output, ReactorApp, Video, event, session_started

WIDTH, HEIGHT = 640, 360


class Seen(Output):
    main_video: Video


class Controls(InputState):
    steer: float = InputField(default=0.0, ge=-1, le=1, description="-1 is left, 1 is right.")
    gas: float = InputField(default=0.0, ge=-1, le=1, description="-1 is backwards, 1 is ahead.")


class Rover(ReactorApp):
    """A dot that is driven."""

    fps = 30.0
    state: Controls

    @session_started
    def begin(self) -> None:
        self.x, self.y, self.heading = WIDTH / 2, HEIGHT / 2, 0.0

    @event(name="set_controls", description="Drive.")
    async def set_controls(
        self, steer: float = InputField(default=0.0, ge=-1, le=1), gas: float = InputField(default=0.0, ge=-1, le=1)
    ) -> None:
        self.state.steer, self.state.gas = steer, gas

    @event(name="reset", description="Back to the middle.")
    async def reset(self) -> None:
        self.begin()

    def generate(self, controls: Controls, /) -> Seen:
        self.heading += 0.1 * controls.steer
        self.x = (self.x + 6 * controls.gas * math.cos(self.heading)) % WIDTH
        self.y = (self.y + 6 * controls.gas * math.sin(self.heading)) % HEIGHT
        rows, columns = np.ogrid[0:HEIGHT, 0:WIDTH]
        picture = np.full((HEIGHT, WIDTH, 3), (18, 30, 36), np.uint8)
        picture[(columns - self.x) ** 2 + (rows - self.y) ** 2 < 300] = (255, 176, 59)
        return Seen(main_video=picture)
