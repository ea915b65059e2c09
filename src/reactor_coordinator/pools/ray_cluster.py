"""RayCluster: the pool's verbs on a Ray cluster. It runs in the driver's process (``ray_driver``) and nowhere else."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import ray
from ray._raylet import GcsClient  # type: ignore[attr-defined]  # compiled, and without types
from ray.exceptions import ActorUnavailableError, RayActorError, RayError, RayTaskError

from reactor_coordinator.pools.port import PoolError, PoolFullError
from reactor_coordinator.pools.ray_actor import Place, WorkerActor
from reactor_rtc.scope import TaskScope

logger = logging.getLogger(__name__)

Ended = Callable[[str, str, str], None]
"""Told of the end of a worker: its id, how it ended, its last lines."""

_CONNECT_LIMIT_S: Final = 5.0
_START_LIMIT_S: Final = 45.0
_AGAIN_S: Final = 0.25
_LOST_S: Final = 2.0
_STOP_MARGIN_S: Final = 15.0
_LAST_LINES: Final = 200
_ALMOST: Final = 1e-6
_MANY: Final = 1_000_000


@dataclass(slots=True)
class _Held:
    """A worker of ours. ``node_id`` is None until Ray has placed it."""

    actor: Any
    gpus: float
    cpus: float
    node_id: str | None = None


class RayCluster:
    """Workers as detached actors of one namespace, named by their ids, so that any later driver finds them."""

    def __init__(self, address: str, namespace: str, ended: Ended) -> None:
        self._address = address
        self._namespace = namespace
        self._ended = ended
        self._held: dict[str, _Held] = {}
        self._claiming = asyncio.Lock()
        self._scope = TaskScope("ray cluster")

    def connect(self) -> None:
        """Joins the cluster; blocks while it does. Raises :class:`PoolError`."""
        host, _, port = self._address.rpartition(":")
        try:
            if host and port.isdecimal():
                # Ray waits for long where nobody listens, and then ends this process.
                socket.create_connection((host.strip("[]"), int(port)), _CONNECT_LIMIT_S).close()
                # Nor does it say soon that a token is missing; its own client of the head node does.
                GcsClient(address=self._address)
            ray.init(address=self._address, namespace=self._namespace, log_to_driver=False, logging_level=logging.ERROR)
        except (OSError, RuntimeError, ValueError, RayError) as error:
            raise PoolError(f"the Ray cluster at {self._address} cannot be used: {_refusal(error)}") from error

    async def close(self) -> None:
        """Leaves the cluster; the workers run on."""
        await self._scope.close()
        ray.shutdown()

    # ------------------------------------------------------------------------------------------------- room

    async def room(self, gpus: float, cpus: float) -> int:
        """How many more actors of that size fit.

        What Ray calls available is a moment old, so what our own workers take of the nodes is counted beside it.
        """
        nodes = await asyncio.to_thread(ray.nodes)
        # The public call gives the sum over all nodes, and what two nodes have left together is of no use to one worker.
        available = await asyncio.to_thread(ray._private.state.available_resources_per_node)
        size = {"GPU": gpus, "CPU": cpus}
        fitting = unclaimed = 0
        for node in nodes:
            now = available.get(node["NodeID"])
            if node["Alive"] and now is not None:
                left = self._unclaimed(node)
                unclaimed += _count(left, size)
                fitting += _count({kind: min(left[kind], now.get(kind, 0.0)) for kind in left}, size)
        # Whether Ray has placed those that start, and counts them already, is not known.
        starting = sum(held.node_id is None for held in self._held.values())
        return max(0, min(fitting, unclaimed - starting))

    def _unclaimed(self, node: dict[str, Any]) -> dict[str, float]:
        """What a node has beside what our own workers hold of it."""
        ours = [held for held in self._held.values() if held.node_id == node["NodeID"]]
        taken = {"GPU": sum(held.gpus for held in ours), "CPU": sum(held.cpus for held in ours)}
        return {kind: node["Resources"].get(kind, 0.0) - held for kind, held in taken.items()}

    # ------------------------------------------------------------------------------------------ start and stop

    async def start(self, worker_id: str, launch: dict[str, Any]) -> Place:
        """Raises :class:`PoolFullError` where no node has room, :class:`PoolError` where the process does not start."""
        gpus, cpus = float(launch["gpus"]), float(launch["cpus"])
        options = {"name": worker_id, "lifetime": "detached", "max_restarts": 0, "max_concurrency": 16}
        kind = ray.remote(WorkerActor).options(num_gpus=gpus, num_cpus=cpus, **options)
        async with self._claiming:
            if await self.room(gpus, cpus) < 1:
                raise PoolFullError(self._no_room(gpus, cpus))
            held = self._held[worker_id] = _Held(kind.remote(worker_id), gpus, cpus)
        started = False
        try:
            place = await self._begin(held, launch)
            started = True
        finally:
            if not started:
                self._drop(worker_id)
        held.node_id = place["node_id"]
        self._scope.start(self._watch(worker_id, held.actor), worker_id)
        return place

    async def _begin(self, held: _Held, launch: dict[str, Any]) -> Place:
        # The secrets are in a call, not among the arguments of the actor: those are kept by the cluster for as long as it lives.
        begun = held.actor.begin.remote(launch["path"], launch["env"], tuple(launch["arguments"]))
        try:
            async with asyncio.timeout(_START_LIMIT_S):
                place: Place = await begun
        except TimeoutError as error:
            raise PoolFullError(f"{self._no_room(held.gpus, held.cpus)}; waited {_START_LIMIT_S:g} s") from error
        except RayTaskError as error:
            raise PoolError(f"a worker could not be started on the Ray cluster: {error.cause}") from error
        except RayError as error:
            raise PoolError(f"a worker could not be started on the Ray cluster: {_brief(error)}") from error
        return place

    def _no_room(self, gpus: float, cpus: float) -> str:
        return f"no node of the Ray cluster has room for {gpus:g} GPUs and {cpus:g} CPUs: stop a worker, or add a node"

    async def stop(self, worker_id: str, grace_s: float) -> None:
        actor = await self._actor(worker_id)
        # Its end is no news to whoever has asked for it.
        self._held.pop(worker_id, None)
        if actor is None:
            return
        try:
            async with asyncio.timeout(grace_s + _STOP_MARGIN_S):
                await actor.stop.remote(grace_s)
        except (TimeoutError, RayError) as error:
            # The process is tied to its actor: it goes with it.
            logger.warning("worker %s was not stopped but killed: %s", worker_id, _brief(error))
        ray.kill(actor)

    async def _actor(self, worker_id: str) -> Any | None:
        """The actor of a worker, whoever has started it; None where there is none any more."""
        if worker_id in self._held:
            return self._held[worker_id].actor
        try:
            return await asyncio.to_thread(ray.get_actor, worker_id, self._namespace)
        except ValueError:
            return None

    def _drop(self, worker_id: str) -> None:
        held = self._held.pop(worker_id, None)
        if held is not None:
            ray.kill(held.actor)

    # ---------------------------------------------------------------------------------------- watch and adopt

    async def _watch(self, worker_id: str, actor: Any) -> None:
        """Tells of the end of a worker that nobody has stopped, and gives its resources back."""
        how, lines = await self._end_of(actor)
        if worker_id in self._held:
            self._drop(worker_id)
            self._ended(worker_id, how, lines)

    async def _end_of(self, actor: Any) -> tuple[str, str]:
        """Waits for the end of a worker, or of its actor or node."""
        while True:
            try:
                how, lines = await actor.ended.remote(_LAST_LINES)
            except ActorUnavailableError as error:
                if not await self._answers_again(actor):
                    return f"was lost with its node: {_brief(error)}", ""
            except RayActorError as error:
                return f"was lost with its actor: {_brief(error)}", ""
            else:
                return str(how), str(lines)

    async def _answers_again(self, actor: Any) -> bool:
        """Whether it was a hiccup. Ray itself takes some 20 seconds to say that a node is gone."""
        try:
            async with asyncio.timeout(_LOST_S):
                while True:
                    try:
                        await actor.where.remote()
                    except ActorUnavailableError:
                        await asyncio.sleep(_AGAIN_S)
                    else:
                        return True
        except (TimeoutError, RayActorError):
            return False

    async def adopt(self, worker_id: str, gpus: float, cpus: float) -> None:
        if worker_id in self._held:
            return
        actor = await self._actor(worker_id)
        if actor is None:
            self._ended(worker_id, "was gone when the coordinator came back", "")
            return
        held = self._held[worker_id] = _Held(actor, gpus, cpus)
        self._scope.start(self._watch(worker_id, actor), worker_id)
        try:
            place: Place = await actor.where.remote()
        except RayError as error:
            logger.info("worker %s does not say where it is: %s", worker_id, _brief(error))
        else:
            held.node_id = place["node_id"]

    async def logs(self, worker_id: str, lines: int) -> str:
        held = self._held.get(worker_id)
        if held is None:
            return ""
        try:
            return str(await held.actor.logs.remote(lines))
        except RayError as error:
            raise PoolError(f"the log of worker {worker_id} cannot be had: {_brief(error)}") from error


def _count(left: dict[str, float], size: dict[str, float]) -> int:
    """How many of a size fit into what is left of a node. Without end where nothing is asked for: the pool has its own bound."""
    counts = [max(0, int(left[kind] / each + _ALMOST)) for kind, each in size.items() if each > 0]
    return min(counts, default=_MANY)


def _refusal(error: Exception) -> str:
    """Why a cluster cannot be joined, and what to do."""
    if type(error).__name__ == "AuthenticationError":
        return (
            "it asks for a token, and this process has none or another one. A cluster does so where ~/.ray/auth_token is there, "
            "which a ray.init() leaves behind. Set RAY_AUTH_MODE=token here and for `ray start`, and have the same "
            "~/.ray/auth_token on every machine; or, where nobody else reaches the network, start it with RAY_AUTH_MODE=disabled"
        )
    if str(error).startswith("Version mismatch"):
        return f"{' '.join(str(error).split())}: have the same versions on every machine"
    return f"{_brief(error)}; start one with `ray start --head`, or correct pool.address"


def _brief(error: BaseException) -> str:
    """The first line of what Ray says, and the last one: the cause, where there is a traceback between them."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return " ... ".join(dict.fromkeys((lines[0], lines[-1])))
