"""Tries to connect a Python client to a coordinator, again and again, and prints one JSON line per attempt with its outcome.

Runs in the virtual environment of the client under test; uses what the clients of all generations have in common.
INTEROP_ATTEMPTS holds the attempts, as JSON: ``[{"step": name, "model": slug, "key": API key}]``.

    python attempts.py http://127.0.0.1:PORT
"""

import asyncio
import json
import os
import sys
from typing import Any

from reactor_sdk import Reactor

ATTEMPT_SECONDS = 60.0
TOLD = ("code", "status", "retry_after", "retry_after_ms", "recoverable")


def describe(error: BaseException) -> dict[str, Any]:
    bases = [kind.__name__ for kind in type(error).__mro__]
    return {"raised": bases[0], "bases": bases, "text": str(error), **{name: getattr(error, name, None) for name in TOLD}}


async def attempt(address: str, model: str, key: str) -> dict[str, Any]:
    reactor = Reactor(model, api_key=key, api_url=address)
    statuses: list[str] = []
    ready = asyncio.Event()

    def on_status(status: str) -> None:
        statuses.append(getattr(status, "value", status))
        if statuses[-1] == "ready":
            ready.set()

    async def connect() -> None:
        async with asyncio.timeout(ATTEMPT_SECONDS):
            await reactor.connect()
            await ready.wait()

    reactor.on("status_changed", on_status)
    connecting = asyncio.ensure_future(connect())
    # Not an except clause: the clients have no exception class in common.
    await asyncio.wait({connecting})
    error, session_id = connecting.exception(), reactor.get_session_id()
    await reactor.disconnect()
    if error is not None:
        return describe(error)
    return {"raised": None, "statuses": statuses, "session_id": session_id}


async def main(address: str) -> None:
    for wanted in json.loads(os.environ["INTEROP_ATTEMPTS"]):
        outcome = await attempt(address, wanted["model"], wanted["key"])
        print(json.dumps({"step": wanted["step"], **outcome}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
