"""Events: what is told without being asked for."""

import asyncio
from typing import Any

from reactor_sdk import Reactor, ReactorError, ReactorStatus


async def main() -> None:
    # --8<-- [start:handlers]
    reactor = Reactor("studio", local=True)
    welcomed = asyncio.Event()

    @reactor.on_message
    def told(message: dict[str, Any]) -> None:
        print(message["type"], message["data"])  # welcome {'value': 128}
        welcomed.set()

    @reactor.on_status(ReactorStatus.READY)
    def ready(status: ReactorStatus) -> None:
        print("connected")

    @reactor.on_error
    def failed(error: ReactorError) -> None:
        print(error.code, error.message, "worth another try" if error.recoverable else "final")

    async with reactor:
        await reactor.connect()
        await welcomed.wait()
    # --8<-- [end:handlers]


if __name__ == "__main__":
    asyncio.run(main())
