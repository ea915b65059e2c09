"""A model whose picture says which action it has applied last: 4 by 4 blocks, white for a bit that is set."""

import numpy as np

from reactor_runtime import InputField, ModelMessage, Output, ReactorModel, Video, event

BLOCK = 32
BEGUN = 65_535


class Picture(Output):
    main_video: Video


class Scored(ModelMessage):
    """What the newest action was worth; every hundredth ends an episode."""

    reward: float
    terminated: bool


class Digits(ReactorModel):
    """Shows the number of the newest action, and the seed on a line below."""

    fps = 60
    number = 0
    seed = 0

    @event(name="show")
    def show(self, number: int = InputField(ge=0, le=65_535)) -> Scored:
        self.number = number
        return Scored(reward=number / 2, terminated=number % 100 == 99)

    @event(name="reset")
    def reset(self, number: int = InputField(ge=0, le=65_535, default=BEGUN)) -> None:
        self.number = number

    @event(name="set_seed")
    def set_seed(self, seed: int = InputField(ge=0, le=255)) -> None:
        self.seed = seed

    @event(name="pace")
    def pace(self, fps: float = InputField(ge=0.01, le=240)) -> None:
        self.output.fps = fps
        self.output.flush(hold=True)

    async def run(self) -> None:
        while True:
            await self.connected.wait()
            await self.emit(Picture(main_video=self._draw()))

    def _draw(self) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        bits = [self.number >> place & 1 for place in range(16)] + [self.seed >> place & 1 for place in range(4)]
        cells = np.array(bits, np.uint8).reshape(5, 4) * 255
        return np.repeat(np.kron(cells, np.ones((BLOCK, BLOCK), np.uint8))[:, :, np.newaxis], 3, axis=2)
