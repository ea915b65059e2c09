"""Drives a Python client through a whole session, and prints one JSON line per step with what it observed.

Runs in the virtual environment of the client under test, published or ours, and uses nothing but the documented API.
The colours that it waits for are told back as they were measured; the suite judges them.

    python python_client.py http://127.0.0.1:PORT

With an API key in INTEROP_API_KEY the address is a coordinator's, else a runtime's.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from aiortc import VideoStreamTrack
from av import VideoFrame

import reactor_sdk
from reactor_sdk import Reactor, ReactorStatus

Color = tuple[int, int, int]

STEP_SECONDS = 20.0
QUIET_SECONDS = 1.0
NEAR = 30

FIRST_COLOR: Color = (200, 40, 40)
COMMAND_COLOR: Color = (30, 160, 60)
PAUSED_COLOR: Color = (170, 170, 40)
RETURN_COLOR: Color = (150, 40, 150)
CAMERA_COLOR: Color = (40, 60, 200)

# The published 0.8 takes no address in local mode: it is set after construction, on the attribute that holds it.
ADDRESS_ATTRIBUTE_OF_0_8 = "_api_url"


@dataclass(frozen=True)
class Look:
    """What a frame shows, reduced to what the suite judges."""

    shape: tuple[int, ...]
    dtype: str
    upper: Color
    lower: Color


def mean_color(region: npt.NDArray[np.uint8]) -> Color:
    red, green, blue = (round(float(channel)) for channel in region.mean(axis=(0, 1)))
    return red, green, blue


def look_at(frame: npt.NDArray[np.uint8]) -> Look:
    """Takes the colours from the middle of each half, away from the edges that the codec blurs."""
    height, width = frame.shape[:2]
    columns = slice(width // 4, 3 * width // 4)
    upper = mean_color(frame[height // 8 : 3 * height // 8, columns])
    lower = mean_color(frame[5 * height // 8 : 7 * height // 8, columns])
    return Look(tuple(frame.shape), str(frame.dtype), upper, lower)


def is_near(seen: Color, wanted: Color) -> bool:
    return all(abs(a - b) <= NEAR for a, b in zip(seen, wanted, strict=True))


class Screen:
    """Takes the frames of the callback, which may come from any thread, and lets the loop wait for one."""

    def __init__(self) -> None:
        self.frames = 0
        self.first_at: float | None = None
        self.newest: Look | None = None
        self._arrived = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def show(self, frame: npt.NDArray[np.uint8]) -> None:
        self._loop.call_soon_threadsafe(self._take, look_at(frame))

    def _take(self, look: Look) -> None:
        self.frames += 1
        self.first_at = self.first_at or time.perf_counter()
        self.newest = look
        self._arrived.set()

    async def next(self) -> Look:
        self._arrived.clear()
        await self._arrived.wait()
        assert self.newest is not None
        return self.newest

    async def until(self, wanted: Callable[[Look], bool]) -> Look:
        look = await self.next()
        while not wanted(look):
            look = await self.next()
        return look

    async def falls_silent(self) -> None:
        """Returns once no frame has come for a while: what was under way when the track paused may still arrive."""
        while True:
            try:
                async with asyncio.timeout(QUIET_SECONDS):
                    await self.next()
            except TimeoutError:
                return


class Inbox:
    """Application messages, in the order in which they came."""

    def __init__(self) -> None:
        self._messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def put(self, message: dict[str, Any]) -> None:
        self._messages.put_nowait(message)

    async def next(self) -> dict[str, Any]:
        return await self._messages.get()


class SolidCamera(VideoStreamTrack):
    """A camera in front of a wall of one colour."""

    def __init__(self, color: Color) -> None:
        super().__init__()
        self._picture = np.full((240, 320, 3), color, dtype=np.uint8)

    async def recv(self) -> VideoFrame:
        pts, time_base = await self.next_timestamp()
        frame = VideoFrame.from_ndarray(self._picture, format="rgb24")
        frame.pts, frame.time_base = pts, time_base
        return frame


class Visit:
    """One session, step by step; each step returns what it observed."""

    def __init__(self, address: str, api_key: str | None) -> None:
        self.reactor = Reactor("interop-echo", api_key=api_key, api_url=address, local=api_key is None)
        if api_key is None and reactor_sdk.__version__ == "0.8.0":
            setattr(self.reactor, ADDRESS_ATTRIBUTE_OF_0_8, address)
        self.began = time.perf_counter()
        self.screen = Screen()
        self.inbox = Inbox()
        self._statuses: list[str] = []
        self.errors: list[str] = []
        self._ready = asyncio.Event()
        self.reactor.set_frame_callback(self.screen.show)
        self.reactor.on("message", self.inbox.put)
        self.reactor.on("status_changed", self._on_status)
        self.reactor.on("error", lambda error: self.errors.append(str(error)))

    def _on_status(self, status: ReactorStatus) -> None:
        self._statuses.append(status.value)
        if status is ReactorStatus.READY:
            self._ready.set()

    def _statuses_since(self) -> list[str]:
        """The statuses that were passed since the last time of asking."""
        passed, self._statuses = self._statuses, []
        return passed

    async def connect(self) -> dict[str, Any]:
        self.began = time.perf_counter()
        await self.reactor.connect()
        at_return = self.reactor.get_status().value
        await self._ready.wait()
        capabilities = self.reactor.get_capabilities()
        assert capabilities is not None
        return {
            "status_at_return": at_return,
            "statuses": self._statuses_since(),
            "session_id": self.reactor.get_session_id(),
            "tracks": capabilities["tracks"],
        }

    async def frames(self) -> dict[str, Any]:
        look = await self.screen.until(lambda look: is_near(look.upper, FIRST_COLOR))
        for _ in range(10):
            await self.screen.next()
        remote = sorted(self.reactor.get_remote_tracks())
        assert self.screen.first_at is not None
        return {
            "shape": look.shape,
            "dtype": look.dtype,
            "upper": look.upper,
            "remote_tracks": remote,
            "first_after": self.screen.first_at - self.began,
        }

    async def command(self) -> dict[str, Any]:
        """Sends an unknown command first: it must not harm the next one."""
        refused_with = None
        try:
            unknown = await self.reactor.send_command("no_such_command", {})
        except RuntimeError as error:
            unknown, refused_with = None, getattr(error, "code", repr(error))
        returned, message = await self._set_color(COMMAND_COLOR)
        look = await self.screen.until(lambda look: is_near(look.upper, COMMAND_COLOR))
        seen = {"returned": returned, "message": message, "upper": look.upper}
        return {"unknown_returned": unknown, "unknown_refused_with": refused_with, **seen}

    async def _set_color(self, color: Color) -> tuple[object, dict[str, Any]]:
        red, green, blue = color
        returned = await self.reactor.send_command("set_color", {"red": red, "green": green, "blue": blue})
        return returned, await self.inbox.next()

    async def upload(self) -> dict[str, Any]:
        reference = await self.reactor.upload_file(b"one file, two runtimes\n" * 500, name="note.txt")
        await self.reactor.send_command("describe_file", {"file": reference})
        fields = {"name": reference.name, "mime_type": reference.mime_type, "size": reference.size}
        return {"reference": fields, "message": await self.inbox.next()}

    async def camera(self) -> dict[str, Any]:
        await self.reactor.publish_track("camera", SolidCamera(CAMERA_COLOR))
        look = await self.screen.until(lambda look: is_near(look.lower, CAMERA_COLOR))
        await self.reactor.send_command("describe_camera", {})
        message = await self.inbox.next()
        await self.reactor.unpublish_track("camera")
        return {"lower": look.lower, "message": message}

    async def pause(self) -> dict[str, Any]:
        await self.reactor.pause_track("main_video")
        await self.screen.falls_silent()
        before = self.screen.frames
        _, message = await self._set_color(PAUSED_COLOR)
        while_paused = self.screen.frames - before
        await self.reactor.resume_track("main_video")
        look = await self.screen.until(lambda look: is_near(look.upper, PAUSED_COLOR))
        return {"message": message, "frames_while_paused": while_paused, "upper": look.upper}

    async def reconnect(self) -> dict[str, Any]:
        """Leaves in a way that keeps the session, and comes back to it."""
        await self.reactor.disconnect(recoverable=True)
        away = self._statuses_since()
        self._ready.clear()
        await self.reactor.reconnect()
        await self._ready.wait()
        kept = await self.screen.until(lambda look: is_near(look.upper, PAUSED_COLOR))
        _, message = await self._set_color(RETURN_COLOR)
        look = await self.screen.until(lambda look: is_near(look.upper, RETURN_COLOR))
        return {
            "away": away,
            "kept": kept.upper,
            "back": self._statuses_since(),
            "session_id": self.reactor.get_session_id(),
            "message": message,
            "upper": look.upper,
        }

    async def disconnect(self) -> dict[str, Any]:
        await self.reactor.disconnect()
        return {
            "status": self.reactor.get_status().value,
            "session_id": self.reactor.get_session_id(),
            "statuses": self._statuses_since(),
            "errors": self.errors,
        }


def tell(step: str, observed: dict[str, Any]) -> None:
    print(json.dumps({"step": step, **observed}), flush=True)


async def take(step: str, visit: Visit) -> None:
    action: Callable[[], Awaitable[dict[str, Any]]] = getattr(visit, step)
    try:
        async with asyncio.timeout(STEP_SECONDS):
            observed = await action()
    except Exception as error:
        tell(step, {"error": repr(error), "newest_frame": str(visit.screen.newest), "errors": visit.errors})
        raise
    tell(step, observed)


async def main(address: str, api_key: str | None) -> None:
    visit = Visit(address, api_key)
    try:
        for step in ("connect", "frames", "command", "upload", "camera", "pause", "reconnect"):
            await take(step, visit)
    finally:
        await take("disconnect", visit)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], os.environ.get("INTEROP_API_KEY")))
