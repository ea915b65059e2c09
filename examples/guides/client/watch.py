import asyncio

from reactor_sdk import Reactor


async def main() -> None:
    async with Reactor("plain", local=True) as reactor:
        await reactor.connect()
        print(await reactor.send_command("set_color", {"value": 200}))
        async for picture in reactor.frames("main_video"):  # (H, W, 3) uint8 RGB, always the newest
            print(picture.shape, picture.mean())
            break


if __name__ == "__main__":
    asyncio.run(main())
