"""Two clients in one session: one plays, one watches."""

import asyncio

from reactor_sdk import CommandRejected, Reactor


async def main() -> None:
    # --8<-- [start:watch]
    async with Reactor("studio", local=True) as player:
        await player.connect()
        async with Reactor("studio", local=True, view_only=True) as spectator:
            await spectator.connect()
            async for frame in spectator.frames():
                print(frame.shape)
                break
            try:
                await spectator.send_command("set_color", {"value": 1})
            except CommandRejected as refusal:
                print(refusal.code)  # view_only
    # --8<-- [end:watch]


if __name__ == "__main__":
    asyncio.run(main())
