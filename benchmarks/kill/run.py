"""Kills the process of a model again and again, and measures how long its two viewers are without it."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks import procfs
from benchmarks.child import Child, Command, LegFailed, free_port
from benchmarks.environment import LOGS_FOLDER, ROOT, clean_environment
from benchmarks.kill.watcher import Watcher, counted_client

MODEL = ROOT / "benchmarks" / "kill" / "model"
VIEWERS = 2
START_S = 60.0
WITHIN_S = 2.0
"""How long after the load of the model its viewers may be without a new picture."""
BACK_OFF_S = (0.0, 0.5, 1.0, 2.0)
"""How long the runtime waits before it loads the model again: the first time, the second in a row, ..."""
MOMENT_S = (0.05, 2.0)
"""A kill comes at a random moment so long after all was well."""
PATIENCE_S = 30.0


@dataclass(frozen=True)
class Plan:
    """How often, from which dice, how often in a row at the same runtime (4 at most), and what loading takes (s)."""

    kills: int
    seed: int = 1
    in_a_row: int = 2
    load_s: float = 0.5
    logs: Path = LOGS_FOLDER / "kill"


@dataclass(frozen=True)
class Blow:
    """One kill; seconds. ``gaps`` are from it to each viewer's first new picture that shows the state that clients had set.

    ``load_s`` is what the runtime says that it took to have the model again, ``back_off_s`` how long it waited before.
    """

    gaps: tuple[float, ...]
    load_s: float
    back_off_s: float
    stayed: bool
    errors_told: bool

    @property
    def allowed(self) -> float:
        """How long a viewer may be without a new picture."""
        return self.back_off_s + self.load_s + WITHIN_S

    @property
    def passed(self) -> bool:
        """Whether all viewers had the model back in time, and never lost their connection."""
        return max(self.gaps) <= self.allowed and self.stayed and self.errors_told


async def kill_again_and_again(plan: Plan, tell: Callable[[str], None]) -> list[Blow]:
    """Every kill of the plan. Raises LegFailed where the model has no process of its own, TimeoutError where it stays away."""
    dice, blows = random.Random(plan.seed), list[Blow]()
    while len(blows) < plan.kills:
        with _runtime(plan, len(blows)) as runtime:
            row = await _at_one_runtime(runtime, plan, dice, min(plan.in_a_row, plan.kills - len(blows)))
        blows += row
        for number, blow in enumerate(row):
            gaps = ", ".join(f"{gap:.2f} s" for gap in blow.gaps)
            tell(f"kill {number + 1} in a row: back after {gaps}, of which loading {blow.load_s:.2f} s")
    return blows


@contextmanager
def _runtime(plan: Plan, number: int) -> Iterator[Child]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    reactor = str(Path(sys.executable).with_name("reactor"))
    argv = [reactor, "run", str(MODEL), "--host", "127.0.0.1", "--port", str(port)]
    env = {**clean_environment(), "KILL_LOAD_S": f"{plan.load_s:g}"}
    os.environ["REACTOR_LOCAL_URL"] = url
    deadline_s = START_S + plan.in_a_row * (2 * PATIENCE_S)
    with Child(Command("kill runtime", argv, ROOT, env, deadline_s), plan.logs / f"runtime-{number}.log") as runtime:
        yield runtime


async def _at_one_runtime(runtime: Child, plan: Plan, dice: random.Random, kills: int) -> list[Blow]:
    async with AsyncExitStack() as stack:
        async with httpx.AsyncClient(base_url=os.environ["REACTOR_LOCAL_URL"], timeout=20) as http:
            await _until_loaded(http, runtime)
            (await http.post("/start_session", json={})).raise_for_status()
        watchers = []
        for _ in range(VIEWERS):
            client, connections = counted_client("kill")
            watchers.append(Watcher(await stack.enter_async_context(client), connections))
            await client.connect()
        scene = _Scene(runtime, watchers, dice)
        return [await scene.strike(BACK_OFF_S[number]) for number in range(kills)]


async def _until_loaded(http: httpx.AsyncClient, runtime: Child) -> None:
    async with asyncio.timeout(START_S):
        while True:
            try:
                if (await http.get("/health")).json()["state"] == "available":
                    return
            except httpx.TransportError:
                if not runtime.running:
                    raise LegFailed(f"the runtime has ended: {runtime.last_words()}") from None
            await asyncio.sleep(0.05)


class _Scene:
    """Two clients before one runtime."""

    def __init__(self, runtime: Child, watchers: list[Watcher], dice: random.Random) -> None:
        self._runtime = runtime
        self._watchers = watchers
        self._dice = dice

    async def strike(self, back_off_s: float) -> Blow:
        """Sets the state, kills the model's process at a random moment, and waits until all is as it was."""
        left, right = self._dice.randrange(30, 226), self._dice.randrange(30, 226)
        first, second = self._watchers
        await first.client.send_command("set_left", {"left": left})
        await second.client.send_command("set_right", {"right": right})
        pid = self._worker()
        mark = pid & 0xFFFF
        for watcher in self._watchers:
            await watcher.until(lambda look: look.painter == mark and look.shows(left, right))
        told = [len(watcher.errors) for watcher in self._watchers]
        await asyncio.sleep(self._dice.uniform(*MOMENT_S))
        now = asyncio.get_running_loop().time
        struck = now()
        os.kill(pid, signal.SIGKILL)

        async def back(watcher: Watcher) -> float:
            look = await watcher.until(lambda look: look.painter != mark and look.shows(left, right), PATIENCE_S)
            return look.at - struck

        gaps = await asyncio.gather(*(back(watcher) for watcher in self._watchers))
        async with asyncio.timeout(PATIENCE_S):
            load_s, *_ = [await watcher.loads.get() for watcher in self._watchers]
        return Blow(
            gaps=tuple(gaps),
            load_s=load_s,
            back_off_s=back_off_s,
            stayed=all(watcher.stayed for watcher in self._watchers),
            errors_told=all(len(watcher.errors) > before for watcher, before in zip(self._watchers, told, strict=True)),
        )

    def _worker(self) -> int:
        """The process of the model: the one child of the runtime."""
        workers = procfs.children(self._runtime.pid)
        if len(workers) != 1:
            raise LegFailed(f"the runtime has {len(workers)} children, and its model's process is not told from them")
        return workers[0]
