"""Leave a session and come back to it; or have that done for you."""

import asyncio

from reactor_sdk import Reactor, ReactorError


async def main() -> None:
    # --8<-- [start:by-hand]
    async with Reactor("studio", local=True) as reactor:
        await reactor.connect()
        await reactor.send_command("set_color", {"value": 50})
        session = reactor.get_session_id()

        await reactor.disconnect(recoverable=True)  # the session stays, for 60 s
        await reactor.reconnect()

        assert reactor.get_session_id() == session
        async for frame in reactor.frames():
            if frame.mean() < 60:
                print("still dark: the model went on")
                break
    # --8<-- [end:by-hand]


# --8<-- [start:automatic]
def steadfast() -> Reactor:
    reactor = Reactor("studio", local=True, auto_reconnect=True)

    @reactor.on_error
    def told(error: ReactorError) -> None:
        if error.code == "RECONNECTION_FAILED":
            print("trying again:", error.message)
        elif error.code == "RECONNECTION_GIVEN_UP":
            print("the session is over")

    return reactor


# --8<-- [end:automatic]


if __name__ == "__main__":
    asyncio.run(main())
