"""Commands: what a model offers, what it answers, and what it refuses."""

import asyncio

from reactor_sdk import CommandRejected, Reactor


async def main() -> None:
    async with Reactor("studio", local=True) as reactor:
        await reactor.connect()
        # --8<-- [start:offered]
        capabilities = reactor.get_capabilities()
        assert capabilities is not None
        print([track["name"] for track in capabilities["tracks"]])
        # --8<-- [end:offered]
        # --8<-- [start:answered]
        reply = await reactor.send_command("set_color", {"value": 200})
        print(reply)  # {'type': 'color_changed', 'data': {'value': 200}}
        # --8<-- [end:answered]
        # --8<-- [start:visible]
        shown = await reactor.send_command("set_color", {"value": 90}, wait="visible")
        async for frame, info in reactor.frames("main_video", with_info=True):
            if info.number is not None and shown.frame is not None:
                print(info.number >= shown.frame, round(frame.mean(), -1))  # True 90.0
                break
        # --8<-- [end:visible]
        # --8<-- [start:refused]
        try:
            await reactor.send_command("set_color", {"value": 999})
        except CommandRejected as refusal:
            print(refusal.code, "-", refusal.reason)  # invalid_command - value: 999 > le(255)
        # --8<-- [end:refused]


if __name__ == "__main__":
    asyncio.run(main())
