"""Drives the published Python client 1.13 through a visit to a runtime without a coordinator; one JSON line per step.

Runs in that client's virtual environment, and uses nothing but its documented API.

    python native_local.py http://127.0.0.1:PORT
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

# Looked up by name: this client's API is not that of the package which stands beside this file under the same name.
sdk: Any = import_module("reactor_sdk")

STEP_SECONDS = 20.0
QUIET_SECONDS = 0.5
CAMERA_SIZE = (320, 240)
CAMERA_BGRA = bytes((200, 60, 40, 255)) * (CAMERA_SIZE[0] * CAMERA_SIZE[1])
COLORS = ((30, 160, 60), (170, 170, 40))


class Visit:
    """One session, step by step; each step returns what it observed."""

    def __init__(self, address: str) -> None:
        self.reactor = sdk.Reactor("interop-echo", local=True, api_url=address)
        self.statuses: list[str] = []
        self.errors: list[str] = []
        self.messages: list[dict[str, Any]] = []
        self.frames = 0
        self._colors: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
        self._numbers: list[int] = []
        self._stamps: list[int] = []
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self.reactor.on("status_changed", lambda status: self.statuses.append(str(status)))
        self.reactor.on("error", lambda error: self.errors.append(str(error)))
        self.reactor.on("message", self.messages.append)

    def _on_frame(self, bgra: bytes, width: int, height: int, number: int, stamp: int, _tag: bytes | None) -> None:
        # Called on the thread that delivers media.
        def pixel(row: int) -> tuple[int, ...]:
            begin = (row * width + width // 2) * 4
            return tuple(reversed(bgra[begin : begin + 3]))

        colors = (pixel(height // 4), pixel(height * 3 // 4))
        self._loop.call_soon_threadsafe(self._seen, colors, number, stamp)

    def _seen(self, colors: tuple[tuple[int, ...], tuple[int, ...]], number: int, stamp: int) -> None:
        self.frames += 1
        self._colors = colors
        self._numbers.append(number)
        self._stamps.append(stamp)
        self._news.set()

    async def _until_seen(self, half: int, wanted: tuple[int, ...]) -> tuple[int, ...]:
        while not self._colors[half] or any(abs(a - b) > 30 for a, b in zip(self._colors[half], wanted, strict=True)):
            self._news.clear()
            await self._news.wait()
        return self._colors[half]

    async def _refused(self, command: str, data: dict[str, Any]) -> dict[str, Any]:
        try:
            await self.reactor.send_command(command, data)
        except sdk.ReactorError as error:
            return {"kind": type(error).__name__, "code": error.code, "text": str(error)}
        return {"code": None}

    # ------------------------------------------------------------------------------------------------------ steps

    async def connect(self) -> dict[str, Any]:
        await self.reactor.connect()
        return {"status": str(self.reactor.status), "statuses": self.statuses, "session_id": self.reactor.session_id}

    async def command(self) -> dict[str, Any]:
        reply = await self.reactor.send_command("set_color", dict(zip(("red", "green", "blue"), COLORS[0], strict=True)))
        began = time.perf_counter()
        for _ in range(20):
            await self.reactor.send_command("describe_camera", {})
        each = (time.perf_counter() - began) / 20
        return {"reply": reply, "messages": self.messages[:1], "seconds_each": each}

    async def refusals(self) -> dict[str, Any]:
        return {
            "unknown": await self._refused("bogus", {}),
            "type": await self._refused("set_color", {"red": "x", "green": 1}),
            "range": await self._refused("set_color", {"red": 256, "green": 1}),
            "fraction": await self._refused("set_color", {"red": 1.5, "green": 1}),
            "missing": await self._refused("set_color", {"red": 1}),
        }

    async def large(self) -> dict[str, Any]:
        """Commands of 400 KB, which one data-channel message does not hold, and of 2 MB."""
        return {
            "taken": await self._refused("set_color", {"red": "x" * 400_000, "green": 1}),
            "above": await self._refused("set_color", {"red": "x" * 2_000_000, "green": 1}),
        }

    async def picture(self) -> dict[str, Any]:
        self.reactor.track("main_video").on_raw_frame(self._on_frame)
        upper = await self._until_seen(0, COLORS[0])
        while self.frames < 10:
            self._news.clear()
            await self._news.wait()
        return {"upper": upper, "numbers": self._numbers[:10], "stamps": self._stamps[:10]}

    async def schema(self) -> dict[str, Any]:
        document = await self.reactor.request_schema()
        return {"openapi": document["openapi"], "title": document["info"]["title"]}

    async def upload(self) -> dict[str, Any]:
        reference = await self.reactor.upload_file(b"one file, two runtimes\n" * 500, name="note.txt")
        return {"size": reference.size, "reply": await self.reactor.send_command("describe_file", {"file": reference})}

    async def publish(self) -> dict[str, Any]:
        camera = await self.reactor.track("camera").publish()
        pushing = asyncio.create_task(self._push(camera))
        lower = await self._until_seen(1, (40, 60, 200))
        pushing.cancel()
        await asyncio.wait({pushing})
        reply = await self.reactor.send_command("describe_camera", {})
        self.reactor.track("camera").unpublish()
        return {"lower": lower, "reply": reply}

    async def _push(self, camera: Any) -> None:
        while True:
            camera.push_frame(CAMERA_BGRA, width=CAMERA_SIZE[0], height=CAMERA_SIZE[1], user_data=b"a tag")
            await asyncio.sleep(0.04)

    async def pause(self) -> dict[str, Any]:
        track = self.reactor.track("main_video")
        await track.pause()
        # What was on its way when the track was paused has arrived once a command has been answered and the track is quiet.
        await self.reactor.send_command("set_color", dict(zip(("red", "green", "blue"), COLORS[1], strict=True)))
        await self._until_quiet()
        before = self.frames
        await asyncio.sleep(QUIET_SECONDS)
        while_paused = self.frames - before
        await track.resume()
        return {"frames_while_paused": while_paused, "upper": await self._until_seen(0, COLORS[1])}

    async def _until_quiet(self) -> None:
        while True:
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), QUIET_SECONDS)
            except TimeoutError:
                return

    async def stats(self) -> dict[str, Any]:
        stats = await self.reactor.get_stats()
        return {"fps": stats.frames_per_second, "inbound": len(stats.inbound), "candidate": stats.candidate_type}

    async def clip(self) -> dict[str, Any]:
        clip = await self.reactor.request_clip(0.5)
        same = clip.session_id == self.reactor.session_id
        return {"kind": clip.kind, "of_this_session": same, "seconds": clip.end_marker - clip.start_marker}

    async def disconnect(self) -> dict[str, Any]:
        await self.reactor.disconnect()
        return {"status": str(self.reactor.status), "errors": self.errors}


STEPS = ("connect", "command", "refusals", "large", "picture", "schema", "upload", "publish", "pause", "stats", "clip")


async def take(step: str, visit: Visit) -> None:
    action: Callable[[], Awaitable[dict[str, Any]]] = getattr(visit, step)
    try:
        async with asyncio.timeout(STEP_SECONDS):
            observed = await action()
    except Exception as error:
        print(json.dumps({"step": step, "error": repr(error), "errors": visit.errors}), flush=True)
        raise
    print(json.dumps({"step": step, **observed}), flush=True)


async def main(address: str) -> None:
    visit = Visit(address)
    try:
        for step in STEPS:
            await take(step, visit)
    finally:
        await take("disconnect", visit)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
