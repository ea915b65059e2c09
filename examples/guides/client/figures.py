"""The figures of a session, and a picture of them."""

import asyncio
from pathlib import Path

from reactor_sdk import Reactor, plot_stats


async def main(seconds: int = 60, file: Path = Path("stats.png")) -> None:
    async with Reactor("studio", local=True) as reactor:
        await reactor.connect()
        # --8<-- [start:plot]
        async for _ in reactor.frames():
            if len(reactor.stats_history()) >= seconds:  # one sample a second
                break
        plot_stats(reactor).savefig(file)
        # --8<-- [end:plot]


if __name__ == "__main__":
    asyncio.run(main())
