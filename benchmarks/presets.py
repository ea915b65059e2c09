"""``python -m benchmarks.presets``: what preset tracks, as typed clients have them, save ``connect()``.

A runtime of its own; its HTTP goes through a relay that adds the delay of a network, its media does not. With and without take
turns, so that what else the machine does falls on both alike. The first connect of a process starts the engine, and is measured
in processes of its own; the later ones in one process. Prints medians in milliseconds.
"""

import asyncio
import contextlib
import json
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

from benchmarks.child import Child, Command, free_port
from benchmarks.environment import LOGS_FOLDER, MODEL_FOLDER, ROOT, clean_environment
from reactor_protocol.errors import ReactorException
from reactor_sdk import Reactor, TrackCapability

CONNECTS = 20
PROCESSES = 8
DELAYS_S = (0.0, 0.01, 0.03)
_START_LIMIT_S = 30.0


async def connect_s(tracks: list[TrackCapability] | None) -> tuple[float, list[TrackCapability]]:
    """Seconds that one connect took, and the tracks that the model has."""
    reactor = Reactor("bench", local=True, model_tracks=tracks)
    began = time.perf_counter()
    await reactor.connect()
    took = time.perf_counter() - began
    capabilities = reactor.get_capabilities()
    await reactor.disconnect()
    assert capabilities is not None
    return took, capabilities["tracks"]


@contextlib.asynccontextmanager
async def relay(port: int, delay_s: float) -> AsyncIterator[str]:
    """The address of a relay to a port of this machine that holds back all bytes for ``delay_s``, each way."""
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        for source, target in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(_pump(source, target, delay_s))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter, delay_s: float) -> None:
    loop = asyncio.get_running_loop()
    while data := await source.read(65_536):
        loop.call_later(delay_s, target.write, data)
    loop.call_later(delay_s, target.close)


async def _serving() -> list[TrackCapability]:
    """The model's tracks, once it answers; this also starts the engine of this process."""
    deadline = time.monotonic() + _START_LIMIT_S
    while True:
        try:
            return (await connect_s(None))[1]
        except ReactorException:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.2)


async def _first_s(tracks: list[TrackCapability] | None) -> float:
    """Seconds that the first connect of a fresh process took."""
    argv = (sys.executable, "-m", "benchmarks.presets", "--once", json.dumps(tracks))
    process = await asyncio.create_subprocess_exec(*argv, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    told, _ = await process.communicate()
    return float(told)


async def _later_s(tracks: list[TrackCapability] | None) -> float:
    return (await connect_s(tracks))[0]


async def measure(port: int) -> None:
    """Prints a line for each delay."""
    os.environ["REACTOR_LOCAL_URL"] = f"http://127.0.0.1:{port}"
    tracks = await _serving()
    print(f"{'delay each way':>14}  {'connect':>8}  {'without':>8}  {'preset':>8}")
    for delay_s in DELAYS_S:
        async with relay(port, delay_s) as url:
            os.environ["REACTOR_LOCAL_URL"] = url
            for name, timed, times in (("first", _first_s, PROCESSES), ("later", _later_s, CONNECTS)):
                both = [(await timed(None), await timed(tracks)) for _ in range(times)]
                without, preset = (statistics.median(column) * 1e3 for column in zip(*both, strict=True))
                print(f"{delay_s * 1e3:11.0f} ms  {name:>8}  {without:8.1f}  {preset:8.1f}", flush=True)


def main() -> None:
    """Starts the runtime, measures, and ends it."""
    if sys.argv[1:2] == ["--once"]:
        print(asyncio.run(_later_s(json.loads(sys.argv[2]))))
        return
    port = free_port()
    reactor = str(Path(sys.executable).with_name("reactor"))
    argv = [reactor, "run", str(MODEL_FOLDER), "--host", "127.0.0.1", "--port", str(port)]
    command = Command("runtime", argv, ROOT, clean_environment(), deadline_s=300.0)
    with Child(command, LOGS_FOLDER / "presets.log"):
        asyncio.run(measure(port))


if __name__ == "__main__":
    main()
