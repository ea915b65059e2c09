"""Shows 1280x720 at 30 frames a second, and answers a command at once."""

import numpy as np

from reactor_runtime import InputField, ModelMessage, Output, ReactorApp, Video, event


class Out(Output):
    main_video: Video


class Pong(ModelMessage):
    count: int


class Crossing(ReactorApp):
    """Does next to nothing itself."""

    fps = 30.0

    def __init__(self) -> None:
        self.picture = np.random.default_rng(1).integers(0, 256, (720, 1280, 3), np.uint8)

    @event(name="ping")
    async def ping(self, count: int = InputField(default=0)) -> Pong:
        return Pong(count)

    def generate(self, input: object) -> Out:
        self.picture[:8, :8] += 1
        return Out(main_video=self.picture)
