"""RayLink: one run of the process that talks to Ray (``ray_driver``), seen from the coordinator."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Final, Self

from reactor_coordinator.pools.environment import kept
from reactor_coordinator.pools.port import PoolError, PoolFullError

_RAY_SETTINGS: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DISABLE_IMPORT_WARNING": "1",
    # A driver that has lost its cluster gives up after that many seconds; another one is then started, which joins it anew.
    "RAY_gcs_rpc_server_reconnect_timeout_s": "15",
}
_JOIN_LIMIT_S: Final = 60.0
_LEAVE_LIMIT_S: Final = 5.0
_LINE_LIMIT: Final = 4 * 1024 * 1024

Ended = Callable[[str, str, str], None]
"""Told of the end of a worker that nobody has stopped: its id, how it ended, its last lines."""


class RayLink:
    """Asks the driver, and hears what it tells. Every verb raises :class:`PoolError`."""

    def __init__(self, process: asyncio.subprocess.Process, address: str, ended: Ended) -> None:
        self._process = process
        self._address = address
        self._ended = ended
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {0: asyncio.get_running_loop().create_future()}

    @classmethod
    async def start(cls, address: str, namespace: str, environ: Mapping[str, str], log: BinaryIO, ended: Ended) -> Self:
        """Starts the process, which joins the cluster while :meth:`listen` runs. What Ray says goes to ``log``."""
        ray_settings = {name: value for name, value in environ.items() if name.startswith("RAY_")}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "reactor_coordinator.pools.ray_driver",
            address,
            namespace,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            start_new_session=True,
            limit=_LINE_LIMIT,
            env={**kept(environ), **_RAY_SETTINGS, **ray_settings},
        )
        return cls(process, address, ended)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def joined(self) -> None:
        """Waits until it has joined the cluster."""
        await self._answer(0, _JOIN_LIMIT_S)

    async def ask(self, verb: str, limit_s: float, **arguments: Any) -> Any:
        """What a verb of :class:`reactor_coordinator.pools.ray_cluster.RayCluster` gives."""
        assert self._process.stdin is not None
        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        # Where it does not read any more, :meth:`listen` ends too, and tells everybody who waits.
        with contextlib.suppress(ConnectionError):
            self._process.stdin.write((json.dumps({"id": number, "verb": verb, **arguments}) + "\n").encode())
        return await self._answer(number, limit_s)

    async def _answer(self, number: int, limit_s: float) -> Any:
        try:
            async with asyncio.timeout(limit_s):
                return await self._waiting[number]
        except TimeoutError as error:
            raise PoolError(f"the Ray cluster at {self._address} does not answer within {limit_s:g} s") from error
        finally:
            self._waiting.pop(number, None)

    async def listen(self) -> None:
        """Reads what it says until its end; then nobody waits any more."""
        assert self._process.stdout is not None
        try:
            while line := await self._process.stdout.readline():
                self._heard(json.loads(line))
        finally:
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(
                        PoolError(f"the Ray cluster at {self._address} was lost: it must be up, and its version ours")
                    )

    def _heard(self, message: dict[str, Any]) -> None:
        if "ended" in message:
            self._ended(message["ended"], message["how"], message["lines"])
            return
        waiting = self._waiting.get(message["id"])
        if waiting is None or waiting.done():
            return
        if "error" not in message:
            waiting.set_result(message["result"])
        else:
            waiting.set_exception((PoolFullError if message["error"] == "full" else PoolError)(message["message"]))

    async def leave(self) -> None:
        """Ends the process; the workers run on."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(_LEAVE_LIMIT_S):
                await self._process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
