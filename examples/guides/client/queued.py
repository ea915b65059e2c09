"""A client of a coordinator: it waits in a queue, sees where it stands, or would rather not wait."""

import asyncio

from reactor_sdk import CapacityError, QueueStatus, Reactor


# --8<-- [start:wait]
async def play(api_key: str, api_url: str) -> None:
    reactor = Reactor("echo", api_key=api_key, api_url=api_url)

    @reactor.on_queue
    def moved(place: QueueStatus | None) -> None:
        if place is not None:
            print(f"place {place.position} of {place.waiting}, about {place.estimated_wait_s} s")

    async with reactor:
        await reactor.connect()  # for as long as the queue is
        print(reactor.get_status())


# --8<-- [end:wait]


# --8<-- [start:hurry]
async def play_or_leave(api_key: str, api_url: str) -> None:
    async with Reactor("echo", api_key=api_key, api_url=api_url) as reactor:
        try:
            await reactor.connect(fail_fast=True)
        except CapacityError as full:
            print("come back in", full.retry_after, "s")


# --8<-- [end:hurry]


if __name__ == "__main__":
    asyncio.run(play("rk_...", "http://127.0.0.1:8090"))
