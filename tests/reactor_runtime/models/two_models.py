"""Two models that share a module, and a base that they share."""

import numpy as np

from reactor_runtime import ModelMessage, Output, ReactorApp, Video

PICTURE = np.zeros((4, 4, 3), np.uint8)


class RedOut(Output):
    red: Video


class BlueOut(Output):
    blue: Video


class RedSaid(ModelMessage):
    text: str


class BlueSaid(ModelMessage):
    text: str


def blue_of() -> type[Output]:
    return BlueOut


class Red(ReactorApp):
    async def run(self) -> None:
        await self.send(RedSaid("r"))
        await self.emit(RedOut(red=PICTURE))


class Blue(ReactorApp):
    async def run(self) -> None:
        await self.send(BlueSaid("b"))
        await self.emit(blue_of()(blue=PICTURE))
