"""What every pool must do: checks to put one through.

Each of :data:`CHECKS` is an async function of an :class:`Arena`; it raises ``AssertionError`` or ``TimeoutError`` where the pool
misbehaves. The workers are stand-ins, which report at once who they are and what they see; they run on the machine of the test.
Nothing here waits for a fixed time.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self, TypeAlias

from aiohttp import web

from reactor_coordinator.pools.port import Adopted, Launch, Pool, PoolError, PoolFullError, Started
from reactor_protocol.errors import InvalidArgumentError
from reactor_protocol.names import ENV_WORKER_COORDINATORS, ENV_WORKER_ID, ENV_WORKER_SECRET

LIMIT_S: Final = 40.0
SEEN_S: Final = 1.0
GRACE_S: Final = 5.0
LOOK_S: Final = 0.02
UNTOLD: Final = "COORDINATOR_DATABASE_PASSWORD"
"""A variable that must stand in the environment of whatever starts the workers; they must not get it."""


class Desk:
    """The coordinator that stand-in workers report to; it keeps the latest report of each."""

    def __init__(self) -> None:
        self.url = ""
        self.secrets: dict[str, str] = {}
        self.reports: dict[str, dict[str, Any]] = {}
        self.refused: list[str] = []
        self._counts: dict[str, int] = {}
        self._more = asyncio.Event()
        app = web.Application()
        app.router.add_post("/workers/{worker_id}/report", self._report)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _report(self, request: web.Request) -> web.Response:
        worker_id = request.match_info["worker_id"]
        if request.headers.get("Authorization") != f"Bearer {self.secrets.get(worker_id)}":
            self.refused.append(worker_id)
            return web.Response(status=401)
        self.reports[worker_id] = await request.json()
        self._counts[worker_id] = self._counts.get(worker_id, 0) + 1
        self._more.set()
        return web.json_response({"interval_s": 1.0})

    async def reported(self, worker_id: str, times: int = 1) -> dict[str, Any]:
        """Waits until a worker has reported ``times`` more times."""
        wanted = self._counts.get(worker_id, 0) + times
        async with asyncio.timeout(LIMIT_S):
            while self._counts.get(worker_id, 0) < wanted:
                self._more.clear()
                await self._more.wait()
        return self.reports[worker_id]


@dataclass
class Arena:
    """A pool to put through the checks. ``make`` gives new pool objects over the same workers.

    Exactly ``capacity`` workers of ``gpus`` and ``cpus`` fit. ``arguments`` start the stand-in.
    """

    make: Callable[[], Pool]
    desk: Desk
    folder: Path
    arguments: tuple[str, ...]
    capacity: int = 2
    gpus: float = 0.0
    cpus: float = 1.0
    started: list[str] = field(default_factory=list)
    closed: list[Pool] = field(default_factory=list)

    def launch(self, conduct: str = "obey", folder: Path | None = None) -> Launch:
        """A stand-in that behaves in this way."""
        worker_id = uuid.uuid4().hex
        secret = self.desk.secrets[worker_id] = uuid.uuid4().hex
        env = {
            ENV_WORKER_ID: worker_id,
            ENV_WORKER_SECRET: secret,
            ENV_WORKER_COORDINATORS: self.desk.url,
            "STAND_IN": conduct,
        }
        self.started.append(worker_id)
        return Launch(worker_id, "stand-in", folder or self.folder, env, self.gpus, self.cpus, self.arguments)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Pool]:
        """A pool; in the end no worker of the arena is left, unless it was closed before and they were another's by then."""
        pool = self.make()
        await pool.open()
        try:
            yield pool
        finally:
            if pool not in self.closed:
                await self.close(pool, stop=True)

    async def close(self, pool: Pool, *, stop: bool = False) -> None:
        """Closes a pool; its workers run on unless they are to ``stop``."""
        self.closed.append(pool)
        try:
            for worker_id in self.started if stop else ():
                await pool.stop(worker_id, 0.0)
        finally:
            await pool.close()

    async def running(self, pool: Pool, conduct: str = "obey") -> tuple[Started, dict[str, Any]]:
        """A worker that has reported."""
        launch = self.launch(conduct)
        started = await pool.start(launch)
        return started, await self.desk.reported(launch.worker_id)


Check: TypeAlias = Callable[[Arena], Awaitable[None]]


# ---------------------------------------------------------------------------------------------------- waiting


def lives(pid: int) -> bool:
    """Whether a process is there; one that has ended and is not collected yet is not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


async def until(look: Callable[[], Awaitable[bool]], limit_s: float = LIMIT_S) -> None:
    """Looks again and again until it is so."""
    async with asyncio.timeout(limit_s):
        while True:
            if await look():
                return
            await asyncio.sleep(LOOK_S)


async def gone(*pids: int, limit_s: float = SEEN_S) -> None:
    """Waits until none of the processes is there."""

    async def look() -> bool:
        return not any(map(lives, pids))

    await until(look, limit_s)


async def seen_dead(pool: Pool, worker_id: str, limit_s: float = SEEN_S) -> str:
    """Waits until the pool knows that a worker has died, and gives what it says of that."""

    async def look() -> bool:
        return worker_id in await pool.dead()

    await until(look, limit_s)
    return (await pool.dead())[worker_id]


async def room_is(arena: Arena, pool: Pool, wanted: int, limit_s: float = LIMIT_S) -> None:
    """Waits until that many workers fit."""

    async def look() -> bool:
        return await pool.room(arena.gpus, arena.cpus) == wanted

    await until(look, limit_s)


async def refused(work: Awaitable[object], kind: type[Exception]) -> str:
    """Asserts that ``work`` raises ``kind``, and gives its text."""
    try:
        await work
    except kind as error:
        return str(error)
    raise AssertionError(f"{kind.__name__} was not raised")


# -------------------------------------------------------------------------------------------- start and report


async def a_worker_reports(arena: Arena) -> None:
    """It runs in the model's folder, knows its coordinator, its secret and where to listen, and is the process that was told."""
    async with arena.open() as pool:
        started, report = await arena.running(pool)
        assert report["pid"] == started.pid
        assert report["folder"] == str(arena.folder)
        assert report["env"]["HOST"] == started.host
        assert report["env"]["PORT"] == "0"
        assert started.node
        assert await pool.dead() == {}
        assert arena.desk.refused == []


async def secrets_stay_unseen(arena: Arena) -> None:
    """The command line and the representation of a launch hold no secret; the environment is that of an allow-list."""
    async with arena.open() as pool:
        launch = arena.launch()
        started = await pool.start(launch)
        report = await arena.desk.reported(launch.worker_id)
        secret = launch.env[ENV_WORKER_SECRET]
        assert secret not in repr(launch)
        assert secret.encode() not in Path(f"/proc/{started.pid}/cmdline").read_bytes()
        assert {"PATH", "HOME", ENV_WORKER_SECRET} <= set(report["names"])
        assert UNTOLD not in report["names"]


async def what_cannot_start_is_refused(arena: Arena) -> None:
    """A folder that is not there is named, what could be a path is no id, and one id is given once; the room is as before."""
    async with arena.open() as pool:
        missing = arena.folder / "nowhere"
        assert str(missing) in await refused(pool.start(arena.launch(folder=missing)), PoolError)
        await room_is(arena, pool, arena.capacity)
        assert await pool.dead() == {}
        launch = arena.launch()
        for rubbish in ("", "../x", "a/b", "a b", "x" * 65, "-x", "ä"):
            wrong = Launch(rubbish, "stand-in", arena.folder, {}, arguments=arena.arguments)
            await refused(pool.start(wrong), InvalidArgumentError)
        await pool.start(launch)
        assert launch.worker_id in await refused(pool.start(launch), PoolError)
        await arena.desk.reported(launch.worker_id)


# ---------------------------------------------------------------------------------------------------- the end


async def stopping_ends_a_worker(arena: Arena) -> None:
    """It ends by SIGTERM within its grace, and what it has started with it; stopping it twice, or an unknown one, is no error."""
    async with arena.open() as pool:
        started, report = await arena.running(pool)
        stopping = asyncio.ensure_future(pool.stop(started.worker_id, GRACE_S))
        async with asyncio.timeout(GRACE_S):
            while not stopping.done():
                assert await pool.dead() == {}
                await asyncio.sleep(0)
        await stopping
        assert not lives(started.pid)
        await gone(report["helper"])
        assert await pool.dead() == {}
        await pool.stop(started.worker_id, GRACE_S)
        await pool.stop(uuid.uuid4().hex, GRACE_S)
        await room_is(arena, pool, arena.capacity)


async def a_stubborn_worker_is_killed(arena: Arena) -> None:
    """One that ignores SIGTERM ends by SIGKILL after its grace and not before, and what it has started with it."""
    async with arena.open() as pool:
        started, report = await arena.running(pool, "stubborn")
        began = asyncio.get_running_loop().time()
        await pool.stop(started.worker_id, 0.3)
        took = asyncio.get_running_loop().time() - began
        assert 0.3 <= took < 3.0
        assert not lives(started.pid)
        await gone(report["helper"])


async def a_killed_worker_is_dead(arena: Arena) -> None:
    """Within a second it is named, with the signal, what it has started is gone too, and there is room again."""
    async with arena.open() as pool:
        started, report = await arena.running(pool)
        other, _ = await arena.running(pool)
        os.kill(started.pid, signal.SIGKILL)
        assert await seen_dead(pool, started.worker_id) == "was killed by SIGKILL"
        await gone(report["helper"])
        await arena.desk.reported(other.worker_id)
        assert list(await pool.dead()) == [started.worker_id]
        await room_is(arena, pool, arena.capacity - 1)
        await pool.stop(started.worker_id, GRACE_S)
        assert await pool.dead() == {}


async def a_failed_worker_tells_why(arena: Arena) -> None:
    """How it ended, and its last words, which outlive it."""
    async with arena.open() as pool:
        launch = arena.launch("crash")
        await pool.start(launch)
        assert await seen_dead(pool, launch.worker_id, LIMIT_S) == "exited with status 1"
        assert (await pool.logs(launch.worker_id)).endswith("RuntimeError: the weights are not there")
        assert await pool.logs(launch.worker_id, 1) == "RuntimeError: the weights are not there"
        assert await pool.logs(uuid.uuid4().hex) == ""


# ----------------------------------------------------------------------------------------------------- room


async def room_falls_and_rises(arena: Arena) -> None:
    """A full pool refuses and starts nothing; a place that was freed is given again."""
    async with arena.open() as pool:
        await room_is(arena, pool, arena.capacity)
        workers = []
        for left in reversed(range(arena.capacity)):
            workers.append((await arena.running(pool))[0])
            assert await pool.room(arena.gpus, arena.cpus) == left
        late = arena.launch()
        await refused(pool.start(late), PoolFullError)
        await pool.stop(workers[0].worker_id, GRACE_S)
        await room_is(arena, pool, 1)
        await arena.running(pool)
        assert await pool.room(arena.gpus, arena.cpus) == 0
        assert late.worker_id not in arena.desk.reports


async def places_are_given_once(arena: Arena) -> None:
    """Of more starts at the same time than there is room for, just as many succeed."""
    async with arena.open() as pool:
        await room_is(arena, pool, arena.capacity)
        launches = [arena.launch() for _ in range(arena.capacity + 1)]
        answers = await asyncio.gather(*map(pool.start, launches), return_exceptions=True)
        assert sorted(type(answer).__name__ for answer in answers) == ["PoolFullError", *["Started"] * arena.capacity]


# ---------------------------------------------------------------------------------------------------- adoption


async def workers_outlive_their_pool(arena: Arena) -> None:
    """They go on while no pool is there; another one adopts them, knows their room, and can stop them."""
    async with arena.open() as first:
        started = [(await arena.running(first))[0] for _ in range(arena.capacity)]
        await arena.close(first)
        await arena.desk.reported(started[0].worker_id, times=2)
        async with arena.open() as second:
            await second.adopt(_adopted(arena, started))
            await second.adopt(_adopted(arena, started))
            assert await second.dead() == {}
            await room_is(arena, second, 0)
            assert "the stand-in worker runs" in await second.logs(started[0].worker_id)
            await second.stop(started[0].worker_id, GRACE_S)
            assert not lives(started[0].pid)
            await arena.desk.reported(started[1].worker_id)
            os.kill(started[1].pid, signal.SIGKILL)
            await seen_dead(second, started[1].worker_id)


async def a_worker_lost_meanwhile_is_dead(arena: Arena) -> None:
    """One that died while no pool was there, or that nobody has ever heard of, is dead at once; the others are not."""
    async with arena.open() as first:
        lost, living = [(await arena.running(first))[0] for _ in range(2)]
        await arena.close(first)
        os.kill(lost.pid, signal.SIGKILL)
        await gone(lost.pid)
        unknown = Started(uuid.uuid4().hex, lost.host, lost.node, lost.pid)
        async with arena.open() as second:
            await second.adopt(_adopted(arena, (lost, living, unknown)))
            for worker in (lost, unknown):
                assert await seen_dead(second, worker.worker_id)
            await arena.desk.reported(living.worker_id)
            assert set(await second.dead()) == {lost.worker_id, unknown.worker_id}


def _adopted(arena: Arena, workers: Sequence[Started]) -> list[Adopted]:
    return [Adopted(worker.worker_id, worker.node, arena.gpus, arena.cpus) for worker in workers]


CHECKS: Final[tuple[Check, ...]] = (
    a_worker_reports,
    secrets_stay_unseen,
    what_cannot_start_is_refused,
    stopping_ends_a_worker,
    a_stubborn_worker_is_killed,
    a_killed_worker_is_dead,
    a_failed_worker_tells_why,
    room_falls_and_rises,
    places_are_given_once,
    workers_outlive_their_pool,
    a_worker_lost_meanwhile_is_dead,
)
