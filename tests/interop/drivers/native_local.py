"""Drives the published Python client 1.13 through the scenario at a runtime; one JSON line per step.

Runs in that client's virtual environment, and uses nothing but its documented API. Besides the steps of the scenario it knows
some that only this client can take.

    INTEROP_SCRIPT='{...}' python native_local.py http://127.0.0.1:PORT
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

# Looked up by name: this client's API is not that of the package which stands beside this file under the same name.
sdk: Any = import_module("reactor_sdk")

Color = Sequence[int]
Script = dict[str, Any]

CAMERA_SIZE = (320, 240)
COMMANDS_TIMED = 20
TAGGED_FRAMES = 12


@dataclass(frozen=True)
class Look:
    """What a frame shows, and what was told of it."""

    size: tuple[int, int]
    upper: Color
    lower: Color
    number: int
    stamp_us: int
    tag: bytes | None


def look_at(bgra: bytes, width: int, height: int, number: int, stamp_us: int, tag: bytes | None) -> Look:
    """Takes the colour of one pixel from the middle of each half."""

    def pixel(row: int) -> Color:
        begin = (row * width + width // 2) * 4
        return list(reversed(bgra[begin : begin + 3]))

    return Look((width, height), pixel(height // 4), pixel(height * 3 // 4), number, stamp_us, tag)


class Screen:
    """Takes the frames, which come from a thread of the client's, and lets the loop wait for one."""

    def __init__(self, near: int, quiet_seconds: float) -> None:
        self.looks: list[Look] = []
        self.first_at: float | None = None
        self._near = near
        self._quiet_seconds = quiet_seconds
        self._arrived = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def show(self, *frame: Any) -> None:
        self._loop.call_soon_threadsafe(self._take, look_at(*frame))

    def _take(self, look: Look) -> None:
        self.looks.append(look)
        self.first_at = self.first_at or time.perf_counter()
        self._arrived.set()

    async def next(self) -> Look:
        self._arrived.clear()
        await self._arrived.wait()
        return self.looks[-1]

    def is_near(self, seen: Color, wanted: Color) -> bool:
        return all(abs(a - b) <= self._near for a, b in zip(seen, wanted, strict=True))

    async def until(self, half: str, wanted: Color) -> Look:
        while not self.is_near(getattr(look := await self.next(), half), wanted):
            pass
        return look

    async def falls_silent(self) -> None:
        while True:
            try:
                await asyncio.wait_for(self.next(), self._quiet_seconds)
            except TimeoutError:
                return


class Visit:
    """One session, step by step; each step returns what it observed."""

    def __init__(self, script: Script, address: str) -> None:
        self.script = script
        self.reactor = sdk.Reactor(script["model"], local=True, api_url=address)
        self.began = time.perf_counter()
        self.screen = Screen(script["near"], script["quiet_seconds"])
        self._statuses: list[str] = []
        self.errors: list[str] = []
        self._tracks: list[str] = []
        self._ready = asyncio.Event()
        self.reactor.on("status_changed", self._on_status)
        self.reactor.on("error", lambda error: self.errors.append(str(error)))
        self.reactor.on("track_received", lambda track: self._tracks.append(track.name))

    def _on_status(self, status: str) -> None:
        self._statuses.append(str(status))
        if status == "ready":
            self._ready.set()

    def _statuses_since(self) -> list[str]:
        passed, self._statuses = self._statuses, []
        return passed

    async def _set_color(self, color: Color) -> Any:
        return await self.reactor.send_command("set_color", dict(zip(("red", "green", "blue"), color, strict=True)))

    async def _refused(self, command: str, data: dict[str, Any]) -> dict[str, Any]:
        try:
            await self.reactor.send_command(command, data)
        except sdk.ReactorError as error:
            return {"kind": type(error).__name__, "code": error.code, "text": str(error)}
        return {"code": None}

    # ------------------------------------------------------------------------------------------ steps of the scenario

    async def connect(self) -> dict[str, Any]:
        self.began = time.perf_counter()
        await self.reactor.connect()
        at_return = self.reactor.get_status()
        # Its events come from a thread of its own: the last may be told when connect() has returned.
        await self._ready.wait()
        tracks = [{"name": track.name, "kind": track.kind, "direction": track.direction} for track in self.reactor.tracks]
        return {
            "status_at_return": at_return,
            "statuses": self._statuses_since(),
            "session_id": self.reactor.get_session_id(),
            "tracks": tracks,
        }

    async def picture(self) -> dict[str, Any]:
        self.reactor.track("main_video").on_raw_frame(self.screen.show)
        look = await self.screen.until("upper", self.script["first"])
        while len(self.screen.looks) < 10:
            await self.screen.next()
        (track,) = self._tracks
        assert self.screen.first_at is not None
        return {"size": look.size, "upper": look.upper, "track": track, "first_after": self.screen.first_at - self.began}

    async def command(self) -> dict[str, Any]:
        answer = await self._set_color(self.script["command"])
        look = await self.screen.until("upper", self.script["command"])
        return {"answer": answer, "answer_is": "returned", "upper": look.upper}

    async def refusals(self) -> dict[str, Any]:
        codes = {name: (await self._refused(*words))["code"] for name, words in self.script["mistakes"].items()}
        return {"codes": codes, "next_answer": await self._set_color(self.script["command"])}

    async def upload(self) -> dict[str, Any]:
        file = self.script["file"]
        reference = await self.reactor.upload_file(file["line"].encode() * file["times"], name=file["name"])
        answer = await self.reactor.send_command("describe_file", {"file": reference})
        fields = {"name": reference.name, "mime_type": reference.mime_type, "size": reference.size}
        return {"reference": fields, "answer": answer}

    async def publish(self) -> dict[str, Any]:
        camera = await self.reactor.track("camera").publish()
        pushing = asyncio.create_task(self._push(camera))
        look = await self.screen.until("lower", self.script["camera"])
        answer = await self.reactor.send_command("describe_camera", {})
        pushing.cancel()
        await asyncio.wait({pushing})
        self.reactor.track("camera").unpublish()
        return {"lower": look.lower, "answer": answer}

    async def _push(self, camera: Any) -> None:
        red, green, blue = self.script["camera"]
        width, height = CAMERA_SIZE
        bgra = bytes((blue, green, red, 255)) * (width * height)
        while True:
            camera.push_frame(bgra, width=width, height=height, user_data=self.script["tag"].encode())
            await asyncio.sleep(0.04)

    async def pause(self) -> dict[str, Any]:
        await self.reactor.track("main_video").pause()
        await self.screen.falls_silent()
        before = len(self.screen.looks)
        answer = await self._set_color(self.script["paused"])
        await self.screen.falls_silent()
        return {"answer": answer, "frames": len(self.screen.looks) - before}

    async def resume(self) -> dict[str, Any]:
        await self.reactor.track("main_video").resume()
        return {"upper": (await self.screen.until("upper", self.script["paused"])).upper}

    async def clip(self) -> dict[str, Any]:
        clip = await self.reactor.request_clip(self.script["clip_seconds"])
        return {
            "asked_by": "a method",
            "kind": clip.kind,
            "of_this_session": clip.session_id == self.reactor.session_id,
            "seconds": clip.end_marker - clip.start_marker,
        }

    async def come_back(self) -> dict[str, Any]:
        """This client's reconnect() leaves by itself."""
        session_id = self.reactor.get_session_id()
        await self._set_color(self.script["left"])
        self._statuses_since()
        self._ready.clear()
        await self.reactor.reconnect()
        await self._ready.wait()
        statuses = self._statuses_since()
        kept = await self.screen.until("upper", self.script["left"])
        answer = await self._set_color(self.script["returned"])
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
        return {"status": self.reactor.get_status(), "session_id": self.reactor.get_session_id(), "errors": self.errors}

    # -------------------------------------------------------------------------------------- what only this client can

    async def reasons(self) -> dict[str, Any]:
        """The texts of the refusals, and how long a command and its answer take."""
        told = {name: await self._refused(*words) for name, words in self.script["mistakes"].items()}
        began = time.perf_counter()
        for _ in range(COMMANDS_TIMED):
            await self.reactor.send_command("describe_camera", {})
        return {"told": told, "seconds_each": (time.perf_counter() - began) / COMMANDS_TIMED}

    async def large(self) -> dict[str, Any]:
        """Commands of 400 KB, which one data-channel message does not hold, and of 2 MB."""
        return {
            "taken": await self._refused("set_color", {"red": "x" * 400_000, "green": 1}),
            "above": await self._refused("set_color", {"red": "x" * 2_000_000, "green": 1}),
        }

    async def tags(self) -> dict[str, Any]:
        """What is told of each picture, across a change of its colour."""
        begin = len(self.screen.looks)
        await self.screen.next()
        await self.screen.next()
        await self._set_color(self.script["first"])
        await self.screen.until("upper", self.script["first"])
        while len(self.screen.looks) < begin + TAGGED_FRAMES:
            await self.screen.next()
        looks = self.screen.looks[begin:]
        return {
            "tags": [[look.upper, look.tag.decode() if look.tag else None] for look in looks],
            "numbers": [look.number for look in looks],
            "stamps": [look.stamp_us for look in looks],
        }

    async def schema(self) -> dict[str, Any]:
        document = await self.reactor.request_schema()
        return {"openapi": document["openapi"], "title": document["info"]["title"]}

    async def stats(self) -> dict[str, Any]:
        stats = await self.reactor.get_stats()
        return {"fps": stats.frames_per_second, "inbound": len(stats.inbound), "candidate": stats.candidate_type}


async def take(step: str, visit: Visit) -> None:
    action: Callable[[], Awaitable[dict[str, Any]]] = getattr(visit, step)
    try:
        async with asyncio.timeout(visit.script["step_seconds"]):
            observed = await action()
    except Exception as error:
        print(json.dumps({"step": step, "error": repr(error), "errors": visit.errors}), flush=True)
        raise
    print(json.dumps({"step": step, **observed}), flush=True)


async def main(script: Script, address: str) -> None:
    visit = Visit(script, address)
    *steps, last = script["steps"]
    try:
        for step in steps:
            await take(step, visit)
    finally:
        await take(last, visit)


if __name__ == "__main__":
    asyncio.run(main(json.loads(os.environ["INTEROP_SCRIPT"]), sys.argv[1]))
