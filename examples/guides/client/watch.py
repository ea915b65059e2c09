import asyncio

from reactor_sdk import Reactor


async def main() -> None:
    async with Reactor("plain", local=True) as reactor:
        await reactor.connect()
        # Returns when the first frame that shows it is here.
        await reactor.send_command("set_brightness", {"brightness": 200}, wait="visible")
        async for frame in reactor.frames("main_video"):  # (H, W, 3) uint8 RGB, always the newest
            print(frame.shape, frame.mean())
            break


if __name__ == "__main__":
    asyncio.run(main())
