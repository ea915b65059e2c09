"""Takes steps with the published Python client 1.13 in a stepped session; one JSON line for each attempt.

python native_steps.py http://127.0.0.1:PORT
"""

import asyncio
import json
import sys
from importlib import import_module
from typing import Any

# Looked up by name: this client's API is not that of the package which stands beside this file under the same name.
sdk: Any = import_module("reactor_sdk")

WIDTH, HEIGHT = 64, 48


def tell(**found: Any) -> None:
    print(json.dumps(found), flush=True)


async def attempt(reactor: Any, name: str, **request: Any) -> None:
    try:
        result = await reactor.step(**request)
    except sdk.ReactorError as error:
        tell(step=name, kind=type(error).__name__, text=str(error))
        return
    frames = [frame for track in result.tracks for frame in track.frames]
    tell(
        step=name,
        number=result.step,
        tracks=[track.name for track in result.tracks],
        shapes=[list(frame.shape) for frame in frames],
        levels=[sum(frame.data) // len(frame.data) for frame in frames],
        tags=[(frame.metadata or b"").decode() for frame in frames],
        error=result.error,
    )


async def main(url: str) -> None:
    reactor = sdk.Reactor("stepper", local=True, api_url=url, generation="stepped")
    await reactor.connect()
    await attempt(reactor, "first", state={"level": 50})
    await attempt(reactor, "second", state={"level": 80}, commands=[sdk.StepCommand("note", {"text": "hello"})])
    await attempt(reactor, "failed", state={"level": 99})
    await attempt(reactor, "out of range", state={"level": 300})
    await attempt(reactor, "not ready", state={"level": 13})
    await attempt(reactor, "by the model", commands=[sdk.StepCommand("refuse")])
    await attempt(reactor, "too large", state={"level": 200})
    camera = await reactor.track("webcam").publish()
    camera.push_frame(bytes([100, 100, 100, 255]) * (WIDTH * HEIGHT), width=WIDTH, height=HEIGHT)
    await attempt(reactor, "with a picture", state={"level": 60})
    await reactor.disconnect()


asyncio.run(main(sys.argv[1]))
