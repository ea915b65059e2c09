"""DistributedRunner: starts a worker in each of several processes, and has them work in step."""

from __future__ import annotations

import atexit
import contextlib
import logging
import multiprocessing
import os
import pickle
import signal
import socket
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Final

from reactor_protocol.errors import InvalidStateError
from reactor_runtime.distributed.errors import RankDesync, WorkerCrashed, WorkerTimeout
from reactor_runtime.distributed.losses import tell_loss
from reactor_runtime.distributed.rank import HOST, Seat, rank_main
from reactor_runtime.distributed.requests import Answer, Generate, Meet, Reset, Shutdown
from reactor_runtime.distributed.shared import SharedFile
from reactor_runtime.distributed.worker import check_worker, check_world_size
from reactor_runtime.logs import get_logger, log_style

logger = get_logger(__name__)

_SHUTDOWN_GRACE_S: Final = 30.0
_KILLED_S: Final = 5.0


@dataclass(slots=True)
class _Rank:
    number: int
    process: Any
    line: Connection
    lifeline: Connection
    """Open for as long as the rank is to live."""
    end: Connection
    """Readable once the process has ended, whoever else holds its files. Only waited for."""

    @property
    def name(self) -> str:
        return f"rank {self.number}"


class DistributedRunner:
    """Ranks 0 to ``world_size - 1`` of one worker class, as one object.

    ``load_kwargs`` are the arguments of every worker's ``load``. A call that takes more than ``call_timeout`` seconds is a hang,
    and so is a load of more than ``start_timeout``. With ``init_process_group`` and more than one rank, ``torch.distributed``
    is set up in every rank, over nccl or, without GPUs, over gloo.

    Raises TypeError for a class that is no worker, or that the processes cannot import, and for arguments that do not pickle.
    """

    def __init__(
        self,
        worker_cls: type,
        *,
        world_size: int = 1,
        load_kwargs: dict[str, Any] | None = None,
        call_timeout: float = 30.0,
        start_timeout: float = 3600.0,
        init_process_group: bool = True,
    ) -> None:
        check_worker(worker_cls)
        check_world_size(world_size)
        self._worker_cls = worker_cls
        self._world_size = world_size
        self._load_kwargs = dict(load_kwargs or {})
        _check_pickles(worker_cls, self._load_kwargs)
        self._call_timeout = call_timeout
        self._start_timeout = start_timeout
        self._forms_group = init_process_group and world_size > 1
        self._ranks: list[_Rank] = []
        self._inputs: SharedFile | None = None
        self._results: SharedFile | None = None
        self._turn = threading.Lock()
        self._started = False
        self._over = False

    @property
    def world_size(self) -> int:
        """How many ranks there are."""
        return self._world_size

    @property
    def healthy(self) -> bool:
        """Whether it can be called: it is started, and no rank has crashed, hung, or left the others."""
        return self._started and not self._over and not any(_ended(rank) for rank in self._ranks)

    # ------------------------------------------------------------------------------------------------------- life

    def start(self) -> None:
        """Starts the ranks, and returns when all of them have loaded.

        Raises what a worker's ``load`` raised, :class:`WorkerCrashed`, :class:`WorkerTimeout`, and
        :class:`InvalidStateError` the second time.
        """
        with self._turn:
            if self._started or self._over:
                raise InvalidStateError("a DistributedRunner is started once: make a new one")
            self._started = True
            atexit.register(self.shutdown)
            try:
                self._spawn()
                deadline = time.monotonic() + self._start_timeout
                if self._forms_group:
                    self._introduce(deadline)
                for answer in self._collect("start", self._ranks, deadline, self._start_timeout).values():
                    if answer.error is not None:
                        raise answer.error
            except BaseException:
                self._end()
                raise
        threading.Thread(target=self._watch, name="ranks", daemon=True).start()
        logger.info("the ranks have loaded", world_size=self._world_size)

    def _spawn(self) -> None:
        context = multiprocessing.get_context("spawn")
        inputs, results = self._inputs, self._results = SharedFile(), SharedFile()
        port = None if self._forms_group else _free_port()
        level = logging.getLogger().getEffectiveLevel()
        for number in range(self._world_size):
            line, theirs = context.Pipe()
            lifeline, watched = context.Pipe()
            seat = Seat(
                self._worker_cls,
                number,
                self._world_size,
                self._load_kwargs,
                line=theirs,
                lifeline=watched,
                inputs=inputs,
                results=results,
                port=port,
                log_level=level,
                log_style=log_style(),
            )
            # Not a daemon: those may start no processes, and a worker may want to.
            process = context.Process(target=rank_main, args=(seat,), name=f"rank {number}", daemon=False)
            process.start()
            theirs.close()
            watched.close()
            assert process.pid is not None
            end = os.pidfd_open(process.pid) if hasattr(os, "pidfd_open") else os.dup(process.sentinel)
            self._ranks.append(_Rank(number, process, line, lifeline, Connection(end, writable=False)))

    def _introduce(self, deadline: float) -> None:
        """Tells the others where rank 0 waits for them."""
        first, *others = self._ranks
        said: Any = self._collect("start", [first], deadline, self._start_timeout)[0]
        if isinstance(said, Answer) and said.error is not None:
            raise said.error
        assert isinstance(said, Meet)
        for rank in others:
            self._say(rank, said, "start")

    def shutdown(self) -> None:
        """Ends the ranks, and all that they have started; those that do not go in time are killed. May be called again."""
        with self._turn:
            if self._over:
                return
            for rank in self._ranks:
                with contextlib.suppress(OSError):
                    rank.line.send(Shutdown())
            deadline = time.monotonic() + _SHUTDOWN_GRACE_S
            left = list(self._ranks)
            while left and wait([rank.end for rank in left], max(0.0, deadline - time.monotonic())):
                left = [rank for rank in left if not _ended(rank)]
            self._end()

    def _end(self) -> None:
        """Kills whatever is left of the ranks, and lets go of what they shared."""
        self._over = True
        atexit.unregister(self.shutdown)
        for rank in self._ranks:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(rank.process.pid, signal.SIGKILL)
            rank.process.kill()
        for rank in self._ranks:
            rank.process.join(_KILLED_S)
            rank.line.close()
            rank.lifeline.close()
        for shared in (self._inputs, self._results):
            if shared is not None:
                shared.close()

    def _watch(self) -> None:
        """Says it when a rank ends between two calls: whoever comes next must not be the first to learn of it."""
        wait([rank.end for rank in self._ranks])
        with self._turn:
            if self._over:
                return
            dead = next(rank for rank in self._ranks if _ended(rank))
            crash = self._crash(dead, "between two calls")
            self._end()
        logger.error(str(crash))
        tell_loss(crash)

    # ------------------------------------------------------------------------------------------------------ calls

    def generate(self, input: Any, /) -> Any:
        """One step on every rank; blocks, and returns what rank 0 gave.

        What all ranks raise is raised here as rank 0 raised it, and the runner can go on. Raises :class:`RankDesync` where only
        some raised, :class:`WorkerCrashed`, :class:`WorkerTimeout` and :class:`SharedSlotAllocationFailed`, after which, but for
        the last, it cannot; and :class:`InvalidStateError` then, before :meth:`start` and after :meth:`shutdown`.
        """
        with self._turn:
            inputs, results = self._usable()
            answer = self._call("generate", Generate(inputs.write(input)))
            return results.read(answer.place) if answer.place is not None else None

    def reset(self) -> None:
        """Has every rank forget the session. Raises as :meth:`generate` does."""
        with self._turn:
            self._usable()
            self._call("reset", Reset())

    def _usable(self) -> tuple[SharedFile, SharedFile]:
        if not self._started or self._inputs is None or self._results is None:
            raise InvalidStateError("the ranks are not there yet: call start() first")
        if self._over:
            raise InvalidStateError("the ranks have ended: make a new DistributedRunner, and start it")
        return self._inputs, self._results

    def _call(self, what: str, request: Generate | Reset) -> Answer:
        """Rank 0's answer to a request that all have answered."""
        try:
            for rank in self._ranks:
                self._say(rank, request, what)
            deadline = time.monotonic() + self._call_timeout
            answers: dict[int, Answer] = self._collect(what, self._ranks, deadline, self._call_timeout)
            errors = {number: answer.error for number, answer in sorted(answers.items()) if answer.error is not None}
            if errors and not _agree(errors.values(), self._world_size):
                raise _desync(what, errors, self._world_size)
        except BaseException:
            # Whatever it is, a KeyboardInterrupt too: answers are on their way that the next call would take for its own.
            self._end()
            raise
        if errors:
            raise errors[0]
        return answers[0]

    def _say(self, rank: _Rank, request: object, what: str) -> None:
        try:
            rank.line.send(request)
        except OSError:
            raise self._crash(rank, what) from None

    def _collect(self, what: str, ranks: Iterable[_Rank], deadline: float, limit: float) -> dict[int, Any]:
        """One message of each rank. Raises :class:`WorkerCrashed` as soon as any rank has ended, and :class:`WorkerTimeout`."""
        awaited = {rank.number: rank for rank in ranks}
        heard: dict[int, Any] = {}
        while awaited:
            lines, ends = [rank.line for rank in awaited.values()], [rank.end for rank in self._ranks]
            ready = wait([*lines, *ends], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise _overdue(what, awaited, heard, limit)
            for rank in [rank for rank in awaited.values() if rank.line.poll()]:
                try:
                    heard[rank.number] = rank.line.recv()
                except (EOFError, OSError):
                    raise self._crash(rank, what) from None
                del awaited[rank.number]
            for rank in self._ranks:
                # What it said last counts: one that could not load says why, and ends.
                error = getattr(heard.get(rank.number), "error", None)
                if _ended(rank) and (rank.number not in awaited or not rank.line.poll()):
                    raise error or self._crash(rank, what)
        return heard

    def _crash(self, rank: _Rank, what: str) -> WorkerCrashed:
        rank.process.join(_KILLED_S)
        code = rank.process.exitcode
        how = f"was ended by {signal.Signals(-code).name}" if code is not None and code < 0 else f"exited with code {code}"
        return WorkerCrashed(f"{what}: the process of {rank.name} {how}; its own words are in the log above")


def _ended(rank: _Rank) -> bool:
    return bool(wait([rank.end], 0))


def _agree(errors: Iterable[Exception], world_size: int) -> bool:
    """Whether all ranks raised the same type: the model's own answer to that input, and nobody is out of step."""
    kinds = [type(error) for error in errors]
    return len(kinds) == world_size and len(set(kinds)) == 1


def _desync(what: str, errors: dict[int, Exception], world_size: int) -> RankDesync:
    raised = ", ".join(f"rank {number} raised {type(error).__name__}" for number, error in errors.items())
    fine = [f"rank {number}" for number in range(world_size) if number not in errors]
    rest = f", and {', '.join(fine)} did not" if fine else ""
    desync = RankDesync(f"{what}: {raised}{rest}: the ranks are out of step, and have been ended")
    desync.__cause__ = next(iter(errors.values()))
    return desync


def _overdue(what: str, awaited: dict[int, _Rank], heard: dict[int, Any], limit: float) -> WorkerTimeout:
    silent = ", ".join(rank.name for rank in awaited.values())
    raised = {number: error for number, said in heard.items() if (error := getattr(said, "error", None)) is not None}
    why = "".join(f"; rank {number} raised {type(error).__name__}: {error}" for number, error in raised.items())
    timeout = WorkerTimeout(f"{what}: {silent} did not answer within {limit:g} s{why}")
    timeout.__cause__ = next(iter(raised.values()), None)
    return timeout


def _check_pickles(worker_cls: type, load_kwargs: dict[str, Any]) -> None:
    try:
        pickle.dumps(worker_cls)
    except Exception as error:
        raise TypeError(
            f"{worker_cls.__qualname__} cannot be imported in the ranks' processes: define it at the top of a module ({error})"
        ) from error
    for name, value in load_kwargs.items():
        try:
            pickle.dumps(value)
        except Exception as error:
            raise TypeError(f"load_kwargs[{name!r}] cannot cross to the ranks: give a path or a number ({error})") from error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
