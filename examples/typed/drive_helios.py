"""Drives Helios, or its stand-in, by the typed client: a prompt, an image if one is named, and six seconds of video.

reactor run examples/typed/helios      # in another terminal
python examples/typed/drive_helios.py [IMAGE]
"""

from __future__ import annotations

import asyncio
import sys

from openreactor_models import HeliosModel
from openreactor_models.helios import ChunkComplete, CommandError, State

CHUNKS = 4


async def main(image: str | None) -> None:
    """Connects to a local runtime, and says what it is told."""
    done = asyncio.Event()
    async with HeliosModel(local=True) as helios:

        @helios.on_state
        def told(state: State) -> None:
            print(f"chunk {state.current_chunk}, {'running' if state.running else 'standing'}: {state.current_prompt}")

        @helios.on_chunk_complete
        async def counted(chunk: ChunkComplete) -> None:
            if chunk.chunk_index == 0:
                await helios.schedule_prompt("a neon city in the rain at night", chunk=2)
            if chunk.chunk_index == CHUNKS - 1:
                done.set()

        @helios.on_command_error
        def refused(error: CommandError) -> None:
            sys.exit(f"{error.command}: {error.reason}")

        await helios.connect()
        await helios.set_prompt("a misty forest at sunset by the ocean")
        if image is not None:
            await helios.send_image(image)
        await helios.start()
        async for frame in helios.frames():
            if done.is_set():
                print(f"the last picture is {frame.shape[1]}x{frame.shape[0]}")
                break


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else None))
