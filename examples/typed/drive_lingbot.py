"""Walks through a world of LingBot, or of its stand-in, by the typed client. The world begins with an image of yours.

reactor run examples/typed/lingbot     # in another terminal
python examples/typed/drive_lingbot.py IMAGE
"""

from __future__ import annotations

import asyncio
import sys

from openreactor_models import LingBotModel
from openreactor_models.lingbot import ChunkComplete, CommandError, Movement

WALK: tuple[Movement, ...] = ("forward", "strafe_left", "forward", "idle")


async def main(image: str) -> None:
    """Connects to a local runtime, and changes its step with every second chunk."""
    steps = asyncio.Queue[int]()
    async with LingBotModel(local=True) as lingbot:

        @lingbot.on_chunk_complete
        def counted(chunk: ChunkComplete) -> None:
            print(f"chunk {chunk.chunk_index}: {chunk.active_action}")
            steps.put_nowait(chunk.chunk_index)

        @lingbot.on_command_error
        def refused(error: CommandError) -> None:
            sys.exit(f"{error.command}: {error.reason}")

        await lingbot.connect()
        await lingbot.send_image(image)
        await lingbot.set_prompt("a quiet valley at sunset")
        await lingbot.set_rotation_speed_deg(8)
        await lingbot.set_look_horizontal("right")
        await lingbot.start()
        for movement in WALK:
            await lingbot.set_movement(movement)
            await steps.get()
            await steps.get()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    asyncio.run(main(sys.argv[1]))
