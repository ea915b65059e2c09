"""The same with real processes: `reactor coordinator`, model workers that stream over WebRTC, and SIGKILL."""

import asyncio
import contextlib
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.reactor_coordinator.house import MODELS

from reactor_coordinator.config import read_config
from reactor_coordinator.office import Office, open_office
from reactor_coordinator.records import WorkerRecord
from reactor_sdk import Reactor

pytestmark = [pytest.mark.network, pytest.mark.timeout(240)]

DEADLINE_S = 40.0
CONFIG = f"""
models:
  echo: {{path: {MODELS / "echo"}, warm: 1}}
pool: {{workers: 3}}
"""


@dataclass
class Process:
    """A `reactor coordinator`. ``said`` are the lines of both of its outputs so far."""

    process: asyncio.subprocess.Process
    said: list[str] = field(default_factory=list)
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self, stream: asyncio.StreamReader) -> None:
        async for line in stream:
            self.said.append(line.decode(errors="replace").rstrip())
            self._more.set()

    async def says(self, pattern: str) -> str:
        """What is in the first group, as soon as a line fits."""
        try:
            async with asyncio.timeout(DEADLINE_S):
                while True:
                    for line in self.said:
                        if found := re.search(pattern, line):
                            return found[1]
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            raise AssertionError(f"no line fits {pattern!r}: {self.said}") from None

    async def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        async with asyncio.timeout(DEADLINE_S):
            return await self.process.wait()


@contextlib.asynccontextmanager
async def coordinator(folder: Path, port: int) -> AsyncIterator[Process]:
    started = await asyncio.create_subprocess_exec(
        *(Path(sys.executable).with_name("reactor"), "coordinator", "--port", str(port)),
        cwd=folder,
        env={**os.environ, "COLUMNS": "200"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert started.stdout is not None
    assert started.stderr is not None
    running = Process(started)
    readers = [asyncio.ensure_future(running.read(stream)) for stream in (started.stdout, started.stderr)]
    try:
        yield running
    except BaseException:
        print("the coordinator said last:", *running.said[-40:], sep="\n")
        raise
    finally:
        if started.returncode is None:
            await running.end(signal.SIGKILL)
        for reader in readers:
            reader.cancel()
        await asyncio.wait(readers)


class Viewer:
    """A client that counts the pictures that it sees, and the gaps between them."""

    def __init__(self, key: str, url: str) -> None:
        self.reactor = Reactor("echo", api_key=key, api_url=url)
        self.reactor.set_frame_callback(self._see)
        self.seen = 0
        self.gap_s = 0.0
        self._last = 0.0
        self._new = asyncio.Event()

    def _see(self, _picture: Any) -> None:
        now = time.monotonic()
        if self.seen:
            self.gap_s = max(self.gap_s, now - self._last)
        self.seen, self._last = self.seen + 1, now
        self._new.set()

    async def sees(self, more: int) -> None:
        """Returns when so many more pictures have come."""
        wanted = self.seen + more
        async with asyncio.timeout(DEADLINE_S):
            while self.seen < wanted:
                self._new.clear()
                await self._new.wait()

    async def says(self, text: str) -> int:
        """Has the model hear something. Returns how often it has heard anything."""
        reply = await self.reactor.send_command("say", {"text": text})
        assert reply is not None
        assert (reply["type"], reply["data"]["text"]) == ("heard", text)
        return int(reply["data"]["times"])


@pytest.mark.timing
async def test_streams_go_on_while_the_coordinator_is_killed_and_comes_back_and_killed_workers_are_replaced(
    tmp_path: Path,
) -> None:
    (tmp_path / "reactor-cloud.yaml").write_text(CONFIG)
    config = read_config(tmp_path / "reactor-cloud.yaml")
    workers: list[WorkerRecord] = []
    try:
        async with contextlib.AsyncExitStack() as stack:
            async with coordinator(tmp_path, 0) as first:
                url = await first.says(r"(http://127\.0\.0\.1:\d+)")
                key = await first.says(r"^(rk_\S+)$")
                viewers = [Viewer(key, url) for _ in range(2)]
                for viewer in viewers:
                    await viewer.reactor.connect()
                    stack.push_async_callback(viewer.reactor.disconnect)
                    await viewer.sees(3)
                    assert await viewer.says("first") == 1
                office = await stack.enter_async_context(open_office(config))
                workers = await _settled(office, 3)
                await first.end(signal.SIGKILL)
            for viewer in viewers:
                viewer.gap_s = 0.0
            await asyncio.gather(*(viewer.sees(45) for viewer in viewers))
            async with coordinator(tmp_path, int(url.rsplit(":", 1)[1])) as second:
                assert await second.says(r"(http://127\.0\.0\.1:\d+)") == url
                await second.says(r"(this coordinator leads)")
                await asyncio.gather(*(viewer.sees(30) for viewer in viewers))
                print(f"\nlongest gap between two pictures while the coordinator was away: {max(v.gap_s for v in viewers):.2f} s")
                assert [await viewer.says("second") for viewer in viewers] == [2, 2]
                assert [each.id for each in await _settled(office, 3)] == [each.id for each in workers]
                took = await _kill_a_worker(office)
                print(f"a worker was killed: its session is ACTIVE elsewhere after {took:.2f} s")
                assert took <= 3.0
                workers += await office.workers()
                assert await second.end(signal.SIGINT) == 0
                assert {str(each.state) for each in await office.sessions(10, closed=True)} == {"CLOSED"}
                assert [each.pid for each in workers if each.pid is not None and _lives(each.pid)] == []
    finally:
        async with open_office(config) as office:
            for pid in [each.pid for each in [*workers, *await office.workers()]]:
                if pid is not None and _lives(pid):
                    os.kill(pid, signal.SIGKILL)


async def _settled(office: Office, count: int) -> list[WorkerRecord]:
    """The workers, once so many are ready."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            workers = await office.workers()
            if len(workers) == count and all(each.state in ("IDLE", "BUSY") for each in workers):
                return workers
            await asyncio.sleep(0.05)


async def _kill_a_worker(office: Office) -> float:
    """Kills a worker that runs a session. Returns after how many seconds the session is ACTIVE at another one."""
    victim = next(each for each in await office.workers() if each.session_id is not None)
    assert victim.pid is not None
    began = time.monotonic()
    os.kill(victim.pid, signal.SIGKILL)
    async with asyncio.timeout(DEADLINE_S):
        while True:
            sessions = {each.id: each for each in await office.sessions(10, closed=False)}
            session = sessions[victim.session_id or ""]
            if session.state == "ACTIVE" and session.worker_id != victim.id:
                return time.monotonic() - began
            await asyncio.sleep(0.02)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
