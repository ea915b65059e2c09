"""The model of the broadcast tests: two output tracks of flat pictures, whose size and level commands change."""

import asyncio

import numpy as np

from reactor_runtime import ModelMessage, Output, ReactorModel, Video, connected, event
from reactor_runtime.fields import ClientInfo


class GalleryOut(Output):
    main: Video
    side: Video


class Welcome(ModelMessage):
    client: int


class Gallery(ReactorModel):
    """``main`` shows ``level``, ``side`` shows 255 less that."""

    fps = 30.0

    def __init__(self) -> None:
        super().__init__()
        self.shape = (96, 128, 3)
        self.level = 60
        self.still = False
        self.noise = False
        self.random = np.random.default_rng(7)

    async def run(self) -> None:
        while True:
            await self.connected.wait()
            if self.still:
                await asyncio.sleep(0.005)
            else:
                main, side = (np.full(self.shape, level, np.uint8) for level in (self.level, 255 - self.level))
                if self.noise:
                    main += self.random.integers(0, 40, self.shape, np.uint8)
                await self.emit(GalleryOut(main=main, side=side))

    @connected
    async def greet(self, client: ClientInfo) -> None:
        await client.send(Welcome(client=client.id))

    @event(name="show")
    async def show(self, level: int, width: int = 128, height: int = 96) -> None:
        self.level, self.shape = level, (height, width, 3)

    @event(name="make_noise")
    async def make_noise(self) -> None:
        """From now on ``main`` costs as much as its rate allows."""
        self.noise = True

    @event(name="stand_still")
    async def stand_still(self, still: bool = True) -> None:
        self.still = still
