"""Has a Python client record a session, and prints one JSON line per step with what it observed; clips go into the folder.

Runs in the virtual environment of the client under test, published or ours, and uses nothing but the documented API.

    python recording_client.py http://127.0.0.1:PORT FOLDER
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from reactor_sdk import Reactor, RecordingError, fetch_jwt_token

STEP_SECONDS = 60.0
FRAMES = 80

# The published 0.8 takes no address in local mode: it is set after construction, on the attribute that holds it.
ADDRESS_ATTRIBUTE_OF_0_8 = "_api_url"


def say(step: str, **observed: Any) -> None:
    print(json.dumps({"step": step, **observed}), flush=True)


class Screen:
    """Counts the frames that are green enough."""

    def __init__(self) -> None:
        self.green = 0
        self.enough = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def show(self, frame: npt.NDArray[np.uint8]) -> None:
        red, green, _ = (float(channel) for channel in frame[: frame.shape[0] // 2].mean(axis=(0, 1)))
        self._loop.call_soon_threadsafe(self._count, green - red > 60)

    def _count(self, is_green: bool) -> None:
        self.green += is_green
        if self.green >= FRAMES:
            self.enough.set()


async def download(reactor: Reactor, name: str, clip: Any, folder: Path, jwt: str | None) -> None:
    told: list[tuple[int, int, int]] = []

    def on_progress(fetched: int, total: int, size: int) -> None:
        told.append((fetched, total, size))

    body = await reactor.download_clip_as_file(clip, folder / f"{name}.mp4", jwt=jwt, on_progress=on_progress)
    say(
        name,
        kind=clip.kind,
        start=clip.start_marker,
        end=clip.end_marker,
        now=clip.now_marker,
        session_id=clip.session_id,
        size=len(body),
        progress=told,
    )


async def visit(url: str, folder: Path) -> None:
    key = os.environ.get("INTEROP_API_KEY")
    reactor = Reactor("interop-echo", api_key=key, api_url=url) if key else Reactor("interop-echo", local=True)
    if not key and hasattr(reactor, ADDRESS_ATTRIBUTE_OF_0_8):
        setattr(reactor, ADDRESS_ATTRIBUTE_OF_0_8, url)
    jwt = await fetch_jwt_token(key, url) if key else None
    screen = Screen()
    reactor.set_frame_callback(screen.show)
    ready = asyncio.Event()
    reactor.on("status_changed", lambda status: ready.set() if str(getattr(status, "value", status)) == "ready" else None)
    await reactor.connect()
    await ready.wait()
    await reactor.send_command("set_color", {"red": 30, "green": 160, "blue": 60})
    await screen.enough.wait()
    try:
        await reactor.request_clip(0)
    except RecordingError as error:
        say("refused", code=error.code)
    clip = await reactor.request_clip(2.0)
    await download(reactor, "clip", clip, folder, jwt)
    await download(reactor, "recording", await reactor.request_recording(), folder, jwt)
    await reactor.disconnect()
    await download(reactor, "afterwards", clip, folder, jwt)


async def main() -> None:
    async with asyncio.timeout(STEP_SECONDS):
        await visit(sys.argv[1], Path(sys.argv[2]))


if __name__ == "__main__":
    asyncio.run(main())
