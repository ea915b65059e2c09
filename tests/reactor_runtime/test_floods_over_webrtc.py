"""Floods and absences over the real engine, of clients in processes of their own."""

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.reactor_runtime.runtime_support import House
from tests.reactor_runtime.served import served
from tests.reactor_runtime.visitor import Visitor
from tests.reactor_runtime.waiting import poll

from reactor_rtc.peer_proxy import make_peer

pytestmark = pytest.mark.network

ROOT = Path(__file__).parents[2]
PATIENCE_S = 40.0


class Stranger:
    """A process that is a client."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.id = 0

    async def says(self, beginning: str) -> str:
        """The next line that it prints of that beginning."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            while line := (await self.process.stdout.readline()).decode():
                if line.startswith(beginning):
                    return line
        raise AssertionError(f"it ended without saying {beginning!r}")


@contextlib.asynccontextmanager
async def stranger(house: House, rate: int) -> AsyncIterator[Stranger]:
    """A client that has joined, and sends so many commands a second."""
    url = str(house.http.base_url)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.reactor_runtime.stranger", url, str(rate), stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    try:
        found = Stranger(process)
        found.id = int((await found.says("joined")).split()[1])
        yield found
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def latencies(visitor: Visitor, count: int) -> list[float]:
    """How long commands took, in milliseconds, the shortest first."""
    found = []
    for _ in range(count):
        began = time.perf_counter()
        assert (await visitor.command("set_level", level=3)).error is None
        found.append((time.perf_counter() - began) * 1000)
    return sorted(found)


@pytest.mark.timing
async def test_a_client_that_floods_is_told_and_harms_nobody() -> None:
    async with served(factory=make_peer) as house:
        visitor = await house.welcome()
        async with stranger(house, 4000) as flooder:
            notice = await flooder.says("rateLimited")
            assert "this client sends more than is taken" in notice
            found = await latencies(visitor, 100)
            # 1 to 2 ms where nothing else runs on the machine.
            assert found[50] < 100
            assert flooder.id in [connection.id for connection in house.runtime.signalling]
        await visitor.leave()


@pytest.mark.timing
async def test_a_client_that_cannot_be_slowed_is_given_up() -> None:
    async with served(factory=make_peer) as house:
        visitor = await house.welcome()
        async with stranger(house, 0) as flooder:

            async def gone() -> bool:
                return flooder.id not in [connection.id for connection in house.runtime.signalling]

            await poll(gone, seconds=PATIENCE_S)
            assert (await latencies(visitor, 50))[25] < 100
        await visitor.leave()


async def test_a_client_that_freezes_for_some_seconds_keeps_its_place(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    def logged(text: str) -> bool:
        return any(record.getMessage() == text for record in caplog.records)

    async with served(factory=make_peer) as house:
        visitor = await house.welcome()
        async with stranger(house, 10) as frozen:
            frozen.process.send_signal(signal.SIGSTOP)
            away, back = f"connection {frozen.id} is out of reach, and has 10 s to come back", f"connection {frozen.id} is back"
            for text, number in ((away, signal.SIGCONT), (back, None)):

                async def happened(text: str = text) -> bool:
                    return logged(text)

                await poll(happened, seconds=PATIENCE_S)
                if number is not None:
                    frozen.process.send_signal(number)
            entries = (await visitor.ask("journal"))["entries"]
            assert entries == [f"connected {visitor.id}", f"connected {frozen.id}"]
        await visitor.leave()
