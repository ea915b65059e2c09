"""A client in a process of its own: it joins, and sends commands. Arguments: URL of the runtime, commands a second, 0 for no end.

It prints a line when it has joined, and one for each thing that it is told.
"""

import asyncio
import sys
import time

import httpx
from tests.reactor_runtime.visitor import Visitor

from reactor_protocol.codec import JSON_CODEC
from reactor_protocol.errors import TransportError
from reactor_protocol.messages import Command, RuntimeMessage
from reactor_rtc.peer_proxy import make_peer

FRAME = JSON_CODEC.encode(Command("set_level", {"level": 1}))
TURN_S = 0.002


async def main(url: str, rate: float) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=20) as http:
        visitor = Visitor(http, make_peer)
        await visitor.connect()
        print(f"joined {visitor.id}", flush=True)
        began, sent, told = time.monotonic(), 0, 0
        while not visitor.closed:
            due = sent + 200 if rate == 0 else int((time.monotonic() - began) * rate)
            sent += flood(visitor, due - sent)
            await asyncio.sleep(0 if rate == 0 else TURN_S)
            notices = [m for m in visitor.received if isinstance(m, RuntimeMessage)]
            for notice in notices[told:]:
                print(f"{notice.type} {notice.data}", flush=True)
            told = len(notices)
    print("closed", flush=True)


def flood(visitor: Visitor, count: int) -> int:
    for number in range(count):
        try:
            visitor.peer.send(FRAME)
        except TransportError:
            return number
    return count


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))
