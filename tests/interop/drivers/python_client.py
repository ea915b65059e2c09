"""Drives a Python client of the documented API through the scenario, and prints one JSON line per step with what it observed.

Runs in the virtual environment of the client under test, the published 0.8 or ours, and uses nothing but the documented API.
The colours that it waits for are told back as they were measured; the suite judges them.

    INTEROP_SCRIPT='{...}' python python_client.py http://127.0.0.1:PORT

With an API key in INTEROP_API_KEY the address is a coordinator's, else a runtime's.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from aiortc import VideoStreamTrack
from av import VideoFrame

import reactor_sdk
from reactor_sdk import Reactor, ReactorStatus

Color = Sequence[int]
Script = dict[str, Any]

# The published 0.8 takes no address in local mode: it is set after construction, on the attribute that holds it.
ADDRESS_ATTRIBUTE_OF_0_8 = "_api_url"


@dataclass(frozen=True)
class Look:
    """What a frame shows, reduced to what the suite judges."""

    size: tuple[int, int]
    upper: Color
    lower: Color


def mean_color(region: npt.NDArray[np.uint8]) -> Color:
    return [round(float(channel)) for channel in region.mean(axis=(0, 1))]


def look_at(frame: npt.NDArray[np.uint8]) -> Look:
    """Takes the colours from the middle of each half, away from the edges that the codec blurs."""
    height, width, channels = frame.shape
    assert (channels, str(frame.dtype)) == (3, "uint8")
    columns = slice(width // 4, 3 * width // 4)
    upper = mean_color(frame[height // 8 : 3 * height // 8, columns])
    lower = mean_color(frame[5 * height // 8 : 7 * height // 8, columns])
    return Look((width, height), upper, lower)


class Screen:
    """Takes the frames of the callback, which may come from any thread, and lets the loop wait for one."""

    def __init__(self, near: int, quiet_seconds: float) -> None:
        self.frames = 0
        self.first_at: float | None = None
        self.newest: Look | None = None
        self._near = near
        self._quiet_seconds = quiet_seconds
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

    async def until(self, half: str, wanted: Color) -> Look:
        """The next frame whose ``upper`` or ``lower`` half has about that colour."""
        while True:
            look = await self.next()
            if all(abs(a - b) <= self._near for a, b in zip(getattr(look, half), wanted, strict=True)):
                return look

    async def falls_silent(self) -> None:
        """Returns once no frame has come for a while: what was under way when the track paused may still arrive."""
        while True:
            try:
                async with asyncio.timeout(self._quiet_seconds):
                    await self.next()
            except TimeoutError:
                return


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

    def __init__(self, script: Script, address: str, api_key: str | None) -> None:
        self.script = script
        self.reactor = Reactor(script["model"], api_key=api_key, api_url=address, local=api_key is None)
        if api_key is None and reactor_sdk.__version__ == "0.8.0":
            setattr(self.reactor, ADDRESS_ATTRIBUTE_OF_0_8, address)
        self.began = time.perf_counter()
        self.screen = Screen(script["near"], script["quiet_seconds"])
        self.messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._statuses: list[str] = []
        self.errors: list[str] = []
        self._ready = asyncio.Event()
        self.reactor.set_frame_callback(self.screen.show)
        self.reactor.on("message", self.messages.put_nowait)
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

    async def _ask(self, command: str, data: dict[str, Any]) -> tuple[dict[str, Any], str]:
        """The model's answer to a command, and how it came. A reply that is returned is also told as an event."""
        returned: object = await self.reactor.send_command(command, data)
        message = await self.messages.get()
        return message, "returned" if returned == message else "an event"

    async def _set_color(self, color: Color) -> tuple[dict[str, Any], str]:
        return await self._ask("set_color", dict(zip(("red", "green", "blue"), color, strict=True)))

    async def _refused_with(self, command: str, data: dict[str, Any]) -> str | None:
        try:
            await self.reactor.send_command(command, data)
        except RuntimeError as error:
            return str(getattr(error, "code", repr(error)))
        return None

    # ------------------------------------------------------------------------------------------------------ steps

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

    async def picture(self) -> dict[str, Any]:
        look = await self.screen.until("upper", self.script["first"])
        for _ in range(10):
            await self.screen.next()
        (track,) = self.reactor.get_remote_tracks()
        assert self.screen.first_at is not None
        return {"size": look.size, "upper": look.upper, "track": track, "first_after": self.screen.first_at - self.began}

    async def command(self) -> dict[str, Any]:
        answer, answer_is = await self._set_color(self.script["command"])
        look = await self.screen.until("upper", self.script["command"])
        return {"answer": answer, "answer_is": answer_is, "upper": look.upper}

    async def refusals(self) -> dict[str, Any]:
        codes = {mistake: await self._refused_with(*words) for mistake, words in self.script["mistakes"].items()}
        answer, _ = await self._set_color(self.script["command"])
        return {"codes": codes, "next_answer": answer}

    async def upload(self) -> dict[str, Any]:
        file = self.script["file"]
        reference = await self.reactor.upload_file(file["line"].encode() * file["times"], name=file["name"])
        answer, _ = await self._ask("describe_file", {"file": reference})
        fields = {"name": reference.name, "mime_type": reference.mime_type, "size": reference.size}
        return {"reference": fields, "answer": answer}

    async def publish(self) -> dict[str, Any]:
        await self.reactor.publish_track("camera", SolidCamera(self.script["camera"]))
        look = await self.screen.until("lower", self.script["camera"])
        answer, _ = await self._ask("describe_camera", {})
        await self.reactor.unpublish_track("camera")
        return {"lower": look.lower, "answer": answer}

    async def pause(self) -> dict[str, Any]:
        await self.reactor.pause_track("main_video")
        await self.screen.falls_silent()
        before = self.screen.frames
        answer, _ = await self._set_color(self.script["paused"])
        # An answer takes a millisecond, a frame up to forty: only a silence shows that none was on its way.
        await self.screen.falls_silent()
        return {"answer": answer, "frames": self.screen.frames - before}

    async def resume(self) -> dict[str, Any]:
        await self.reactor.resume_track("main_video")
        look = await self.screen.until("upper", self.script["paused"])
        return {"upper": look.upper}

    async def clip(self) -> dict[str, Any]:
        clip = await self.reactor.request_clip(self.script["clip_seconds"])
        return {
            "asked_by": "a method",
            "kind": clip.kind,
            "of_this_session": clip.session_id == self.reactor.get_session_id(),
            "seconds": clip.end_marker - clip.start_marker,
        }

    async def come_back(self) -> dict[str, Any]:
        """Leaves in a way that keeps the session, and comes back to it."""
        session_id = self.reactor.get_session_id()
        await self._set_color(self.script["left"])
        self._statuses_since()
        await self.reactor.disconnect(recoverable=True)
        self._ready.clear()
        await self.reactor.reconnect()
        await self._ready.wait()
        statuses = self._statuses_since()
        kept = await self.screen.until("upper", self.script["left"])
        answer, _ = await self._set_color(self.script["returned"])
        look = await self.screen.until("upper", self.script["returned"])
        return {
            "statuses": [statuses[0], statuses[-1]],
            "same_session": self.reactor.get_session_id() == session_id,
            "kept": kept.upper,
            "answer": answer,
            "upper": look.upper,
        }

    async def disconnect(self) -> dict[str, Any]:
        await self.reactor.disconnect()
        status, session_id = self.reactor.get_status().value, self.reactor.get_session_id()
        return {"status": status, "session_id": session_id, "errors": self.errors}


def tell(step: str, observed: dict[str, Any]) -> None:
    print(json.dumps({"step": step, **observed}), flush=True)


async def take(step: str, visit: Visit) -> None:
    action: Callable[[], Awaitable[dict[str, Any]]] = getattr(visit, step)
    try:
        async with asyncio.timeout(visit.script["step_seconds"]):
            observed = await action()
    except Exception as error:
        tell(step, {"error": repr(error), "newest_frame": str(visit.screen.newest), "errors": visit.errors})
        raise
    tell(step, observed)


async def main(script: Script, address: str, api_key: str | None) -> None:
    visit = Visit(script, address, api_key)
    *steps, last = script["steps"]
    try:
        for step in steps:
            await take(step, visit)
    finally:
        await take(last, visit)


if __name__ == "__main__":
    asyncio.run(main(json.loads(os.environ["INTEROP_SCRIPT"]), sys.argv[1], os.environ.get("INTEROP_API_KEY")))
