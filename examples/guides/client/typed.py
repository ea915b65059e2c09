"""A typed client: made by `reactor codegen`, and checked by mypy like any other code."""

import asyncio
from pathlib import Path

from examples.guides.typed.studio_model import MAIN_VIDEO, ColorChanged, StudioModel


async def main(logo: Path = Path("logo.png")) -> None:
    # --8<-- [start:use]
    async with StudioModel(local=True) as studio:

        @studio.on_color_changed
        def changed(message: ColorChanged) -> None:
            print("now", message.value)

        await studio.connect()
        reply = await studio.set_color(value=200)
        print(reply)  # ColorChanged(value=200)
        await studio.set_logo(image=logo)  # a path is uploaded first
        async for frame in studio.frames(MAIN_VIDEO):
            print(frame.shape)
            break
    # --8<-- [end:use]


if __name__ == "__main__":
    asyncio.run(main())
