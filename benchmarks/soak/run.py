"""A soak from start to end: the runtime as a process, the viewers in this one, a look at the runtime once a second."""

import asyncio
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks import procfs
from benchmarks.child import Child, Command, free_port
from benchmarks.environment import LOGS_FOLDER, ROOT, clean_environment
from benchmarks.soak.guest import Crowd, Guest
from benchmarks.soak.verdict import Record, Sample

MODEL = ROOT / "benchmarks" / "soak" / "model"
LOAD_S = 60.0
SETTLE_S = 5.0
"""How long a rest is watched at most; the least of each quantity counts."""
WARM_UP_S = 4.0
SPARE_S = 120.0


@dataclass(frozen=True)
class Plan:
    """How long (s), how many viewers, which dice, and whether the model shares the server's process."""

    seconds: float
    viewers: int = 4
    seed: int = 1
    inline: bool = False
    logs: Path = LOGS_FOLDER / "soak"


async def soak(plan: Plan, tell: Callable[[str], None]) -> Record:
    """Runs it. Raises LegFailed when the runtime does not start, or ends early."""
    port = free_port()
    reactor = str(Path(sys.executable).with_name("reactor"))
    argv = [reactor, "run", str(MODEL), "--host", "127.0.0.1", "--port", str(port), *(["--inline"] if plan.inline else [])]
    command = Command("soak runtime", argv, ROOT, clean_environment(), plan.seconds + LOAD_S + SPARE_S)
    log = plan.logs / "runtime.log"
    os.environ["REACTOR_LOCAL_URL"] = f"http://127.0.0.1:{port}"
    with Child(command, log) as runtime:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as http:
            await _until_loaded(http, runtime)
            (await http.post("/start_session", json={})).raise_for_status()
            tell("the model is loaded; viewers warm up")
            record = await _Watch(plan, runtime.pid, tell).run()
            (await http.post("/stop_session", json={})).raise_for_status()
    lines = log.read_text(errors="replace").splitlines()
    return Record(record.before, record.after, record.samples, record.stays, lines)


async def _until_loaded(http: httpx.AsyncClient, runtime: Child) -> None:
    async with asyncio.timeout(LOAD_S):
        while True:
            try:
                if (await http.get("/health")).json()["state"] == "available":
                    return
            except httpx.TransportError:
                if not runtime.running:
                    raise
            await asyncio.sleep(0.05)


class _Watch:
    """The viewers of one soak, and the samples that are taken meanwhile."""

    def __init__(self, plan: Plan, pid: int, tell: Callable[[str], None]) -> None:
        self._plan = plan
        self._pid = pid
        self._tell = tell
        self._crowd = Crowd(0, [])
        self._samples: list[Sample] = []
        self._began = asyncio.get_running_loop().time()

    async def run(self) -> Record:
        guests = [Guest(number, self._plan.seed, self._crowd) for number in range(self._plan.viewers)]
        warm = await asyncio.gather(*(guest.stay(WARM_UP_S) for guest in guests))
        before = await self._at_rest()
        self._tell(f"at rest: {_told(before)}; {self._plan.viewers} viewers come and go for {self._plan.seconds:g} s")
        until = asyncio.get_running_loop().time() + self._plan.seconds
        sampling = asyncio.create_task(self._sample_each_second())
        await asyncio.gather(*(guest.live(until) for guest in guests))
        sampling.cancel()
        await asyncio.wait({sampling})
        after = await self._at_rest()
        self._tell(f"at rest: {_told(after)}")
        return Record(before, after, self._samples, [*warm, *self._crowd.stays], [])

    def _sample(self) -> Sample:
        pid, at = self._pid, asyncio.get_running_loop().time() - self._began
        resident, threads, descriptors = procfs.resident_mib(pid), procfs.threads(pid), procfs.descriptors(pid)
        return Sample(round(at, 2), self._crowd.connected, round(resident, 2), threads, descriptors)

    async def _sample_each_second(self) -> None:
        while True:
            self._samples.append(self._sample())
            if len(self._samples) % 60 == 0:
                self._tell(_told(self._samples[-1]))
            await asyncio.sleep(1.0)

    async def _at_rest(self) -> Sample:
        """The least of each quantity while nobody is connected: what has been let go of is let go of within seconds."""
        looks = [self._sample()]
        while looks[-1].at - looks[0].at < SETTLE_S:
            await asyncio.sleep(0.25)
            looks.append(self._sample())
        return Sample(
            looks[-1].at,
            self._crowd.connected,
            min(look.resident_mib for look in looks),
            min(look.threads for look in looks),
            min(look.descriptors for look in looks),
        )


def _told(sample: Sample) -> str:
    return f"{sample.viewers} viewers, {sample.resident_mib:.0f} MiB, {sample.threads} threads, {sample.descriptors} descriptors"
