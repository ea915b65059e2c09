"""The client process: connects to one runtime, does one thing, writes what it saw as JSON, and goes.

It runs in the environment of whichever client is measured and touches that client through one of three small adapters.
Started as ``python -m benchmarks.viewer STEP --api API --url URL --result FILE``.
"""

import argparse
import asyncio
import importlib
import json
import os
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from benchmarks import pixel_clock, procfs
from benchmarks.pixel_clock import Picture
from benchmarks.samples import Busied, Commanded, Connected, Streamed

MODEL = "bench"
TRACK = "main_video"
WARM_UP_S = 2.0
"""Streaming before anything is counted: the encoder and the bandwidth estimate settle."""
COMMAND_GAP_S = (0.005, 0.038)
"""Pause between commands, drawn at random from this range, so that they meet the model at every point of its step."""
ANSWER_S = 5.0
"""How long one command may take to be answered."""
BUSY_GAP_S = 0.1
"""Pause between commands beside a busy loop."""
BUSY_ANSWER_S = 30.0
"""How long one of them may take."""
LEAVE_S = 5.0
"""How long saying goodbye may take; what was measured is safe by then."""

FrameCallback = Callable[[Picture], None]


class Client(Protocol):
    """What the steps need of a client, whatever its version."""

    async def connect(self) -> None:
        """Return at READY."""

    async def mark(self, n: int) -> None:
        """Send the command and return when its answer is there."""

    async def leave(self) -> None:
        """End the session."""


class DocumentedClient:
    """A client with the documented API and replies that are awaited."""

    def __init__(self, url: str, on_frame: FrameCallback) -> None:
        os.environ["REACTOR_LOCAL_URL"] = url
        self._reactor: Any = importlib.import_module("reactor_sdk").Reactor(MODEL, local=True)
        self._reactor.set_frame_callback(on_frame)

    async def connect(self) -> None:
        await self._reactor.connect()

    async def mark(self, n: int) -> None:
        reply = await self._reactor.send_command("mark", {"n": n})
        check_answer(reply, n)

    async def leave(self) -> None:
        await self._reactor.disconnect()


class TrackClient(DocumentedClient):
    """reactor-sdk 1.x: frames come from a named track, the address is an argument."""

    def __init__(self, url: str, on_frame: FrameCallback) -> None:
        self._reactor = importlib.import_module("reactor_sdk").Reactor(MODEL, api_url=url, local=True)
        self._reactor.track(TRACK).on_frame(on_frame)


class EventClient:
    """reactor-sdk 0.8: connect() returns early, commands are fire and forget, the local address is a constant."""

    def __init__(self, url: str, on_frame: FrameCallback) -> None:
        importlib.import_module("reactor_sdk.reactor").LOCAL_API_URL = url  # type: ignore[attr-defined]
        sdk = importlib.import_module("reactor_sdk")
        self._ready = asyncio.Event()
        self._answers: asyncio.Queue[Any] = asyncio.Queue()
        self._ready_status = sdk.ReactorStatus.READY
        self._reactor: Any = sdk.Reactor(MODEL, local=True)
        self._reactor.set_frame_callback(on_frame)
        self._reactor.on("status_changed", self._note_status)
        self._reactor.on("message", self._answers.put_nowait)

    async def connect(self) -> None:
        await self._reactor.connect()
        await self._ready.wait()

    async def mark(self, n: int) -> None:
        await self._reactor.send_command("mark", {"n": n})
        check_answer(await self._answers.get(), n)

    async def leave(self) -> None:
        await self._reactor.disconnect()

    def _note_status(self, status: Any) -> None:
        if status == self._ready_status:
            self._ready.set()


CLIENTS: dict[str, Callable[[str, FrameCallback], Client]] = {
    "documented": DocumentedClient,
    "tracks": TrackClient,
    "events": EventClient,
}


def check_answer(answer: Any, n: int) -> None:
    """The reply of the model to ``mark``: ``{"type": "marked", "data": {"n": n}}``."""
    if not isinstance(answer, dict) or answer.get("type") != "marked" or answer.get("data", {}).get("n") != n:
        raise SystemExit(f"an unexpected answer to mark(n={n}): {answer!r}")


@dataclass(eq=False)
class FrameLog:
    """The frame callback: reads the clock of each frame as it is handed over, then blocks for `block_s` seconds."""

    loop: asyncio.AbstractEventLoop
    block_s: float = 0.0
    seen: asyncio.Event = field(default_factory=asyncio.Event)
    first_ns: int = 0
    ages_ms: list[float] = field(default_factory=list)
    unreadable: int = 0
    reading_s: float = 0.0

    def note(self, picture: Picture) -> None:
        """The callback itself."""
        now_ns = time.monotonic_ns()
        cpu_before = time.thread_time()
        age = pixel_clock.age_ms(picture, now_ns)
        if age is None:
            self.unreadable += 1
        else:
            self.ages_ms.append(age)
            if not self.first_ns:
                self.first_ns = now_ns
                # Some clients call back from a thread of their own.
                self.loop.call_soon_threadsafe(self.seen.set)
        self.reading_s += time.thread_time() - cpu_before
        if self.block_s:
            time.sleep(self.block_s)

    def restart(self) -> None:
        """Forget what was counted so far."""
        self.ages_ms = []
        self.unreadable = 0
        self.reading_s = 0.0


@dataclass(frozen=True)
class Task:
    """What the orchestrator asks of this process."""

    step: str
    api: str
    url: str
    result: Path
    seconds: float
    count: int
    runtime_pid: int
    deadline_s: float
    busy_ms: float


async def connect_once(task: Task, client: Client, log: FrameLog) -> Connected:
    """Time from the call of ``connect()`` to READY and to the first frame with a clock in it."""
    started_ns = time.monotonic_ns()
    await client.connect()
    ready_ns = time.monotonic_ns()
    await log.seen.wait()
    return Connected(ready_ms=(ready_ns - started_ns) / 1e6, first_frame_ms=(log.first_ns - started_ns) / 1e6)


async def watch(task: Task, client: Client, log: FrameLog) -> Streamed:
    """Look at the stream for a while, after a warm-up."""
    await client.connect()
    await log.seen.wait()
    await asyncio.sleep(WARM_UP_S)
    log.restart()
    started, client_cpu, runtime_cpu = time.monotonic(), time.process_time(), procfs.cpu_seconds(task.runtime_pid)
    await asyncio.sleep(task.seconds)
    return Streamed(
        ages_ms=list(log.ages_ms),
        unreadable=log.unreadable,
        runtime_cpu_s=procfs.cpu_seconds(task.runtime_pid) - runtime_cpu,
        client_cpu_s=time.process_time() - client_cpu - log.reading_s,
        window_s=time.monotonic() - started,
    )


async def command(task: Task, client: Client, log: FrameLog) -> Commanded:
    """Send one command after the other while the model streams."""
    await client.connect()
    await log.seen.wait()
    await asyncio.sleep(WARM_UP_S)
    round_trips: list[float] = []
    gaps = random.Random(task.count)
    for n in range(task.count):
        await asyncio.sleep(gaps.uniform(*COMMAND_GAP_S))
        started_ns = time.monotonic_ns()
        await asyncio.wait_for(client.mark(n), ANSWER_S)
        round_trips.append((time.monotonic_ns() - started_ns) / 1e6)
    return Commanded(round_trips)


async def work(busy_s: float) -> None:
    """A task of the application that computes in every turn of the loop, and never waits for anything."""
    while True:
        until = time.perf_counter() + busy_s
        while time.perf_counter() < until:
            pass
        await asyncio.sleep(0)


async def beside_work(task: Task, client: Client, log: FrameLog) -> Busied:
    """Look at the stream and send commands beside a task that keeps the loop busy."""
    await client.connect()
    await log.seen.wait()
    busy = asyncio.ensure_future(work(task.busy_ms / 1000))
    await asyncio.sleep(WARM_UP_S)
    log.restart()
    started, answers = time.monotonic(), list[float]()
    while time.monotonic() - started < task.seconds:
        await asyncio.sleep(BUSY_GAP_S)
        asked = time.monotonic()
        async with asyncio.timeout(BUSY_ANSWER_S):  # wait_for would take more turns of the loop, on some Pythons
            await client.mark(len(answers))
        answers.append((time.monotonic() - asked) * 1000)
    window, frames = time.monotonic() - started, len(log.ages_ms) + log.unreadable
    busy.cancel()
    return Busied(frames, window, answers)


Step = Callable[[Task, Client, FrameLog], Awaitable[Connected | Streamed | Commanded | Busied]]
STEPS: dict[str, Step] = {"connect": connect_once, "watch": watch, "command": command, "busy": beside_work}


async def perform(task: Task, block_ms: float) -> None:
    """Do the step, write its samples, say goodbye."""
    log = FrameLog(asyncio.get_running_loop(), block_s=block_ms / 1000)
    client = CLIENTS[task.api](task.url, log.note)
    async with asyncio.timeout(task.deadline_s):
        samples = await STEPS[task.step](task, client, log)
    part = task.result.with_suffix(".part")
    part.write_text(json.dumps(asdict(samples)))
    # Whole or not there: whoever waits for this file may end this process at any moment.
    part.replace(task.result)
    log.block_s = 0.0
    async with asyncio.timeout(LEAVE_S):
        await client.leave()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=sorted(STEPS))
    parser.add_argument("--api", choices=sorted(CLIENTS), required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--result", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--block-ms", type=float, default=0.0)
    parser.add_argument("--busy-ms", type=float, default=0.0)
    parser.add_argument("--runtime-pid", type=int, default=0)
    parser.add_argument("--deadline-s", type=float, default=60.0)
    arguments = vars(parser.parse_args())
    block_ms = arguments.pop("block_ms")
    asyncio.run(perform(Task(**arguments), block_ms))


if __name__ == "__main__":
    main()
