"""The process of one rank: set up as ``torchrun`` sets one up, then one request after the other."""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import logging
import os
import pickle
import signal
import sys
import threading
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Final

from reactor_protocol.errors import InvalidArgumentError, MissingExtraError
from reactor_runtime.distributed.requests import Answer, Generate, Meet, Reset, Shutdown
from reactor_runtime.distributed.shared import SharedFile
from reactor_runtime.logs import configure_logging, get_logger

if sys.platform == "linux":
    import fcntl

logger = get_logger(__name__)

HOST: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Seat:
    """What a rank is started with. ``port`` is None where the runner forms the process group."""

    worker_cls: type
    rank: int
    world_size: int
    load_kwargs: dict[str, Any]
    line: Connection
    lifeline: Connection
    inputs: SharedFile
    results: SharedFile
    port: int | None
    log_level: int
    log_style: str


def rank_main(seat: Seat) -> None:
    """Serves until it is told to end. When the process of the runner ends, however that does, this one ends too."""
    _end_with_the_runner(seat.lifeline)
    faulthandler.enable()
    level = seat.log_level if seat.rank == 0 else max(seat.log_level, logging.WARNING)
    configure_logging(logging.getLevelName(level), seat.log_style)
    os.environ.update(RANK=str(seat.rank), LOCAL_RANK=str(seat.rank), WORLD_SIZE=str(seat.world_size), MASTER_ADDR=HOST)
    if seat.port is not None:
        os.environ["MASTER_PORT"] = str(seat.port)
    group = None
    try:
        worker, group = _ready(seat)
    except Exception as error:  # noqa: BLE001 - it is raised where the runner is started
        seat.line.send(Answer(error=_portable(error, seat.rank)))
        return
    seat.line.send(Answer())
    _serve(seat, worker)
    if group is not None:
        # All of them are alive: they leave together, and none waits for another in a collective.
        group.barrier()
        group.destroy_process_group()


def _ready(seat: Seat) -> tuple[Any, Any]:
    """A loaded worker, and its process group if the runner forms one."""
    device = _device(seat)
    group = _form_group(seat, device) if seat.port is None else None
    worker = seat.worker_cls()
    worker.rank, worker.world_size, worker.device = seat.rank, seat.world_size, device
    worker.load(**seat.load_kwargs)
    return worker, group


def _serve(seat: Seat, worker: Any) -> None:
    while True:
        match seat.line.recv():
            case Shutdown():
                return
            case request:
                seat.line.send(_answer(seat, worker, request))


def _answer(seat: Seat, worker: Any, request: Generate | Reset) -> Answer:
    try:
        if isinstance(request, Reset):
            worker.reset()
            return Answer()
        result = worker.generate(seat.inputs.read(request.place))
        return Answer(seat.results.write(result)) if seat.rank == 0 else Answer()
    except Exception as error:  # noqa: BLE001 - it is raised where the runner was called
        return Answer(error=_portable(error, seat.rank))


def _portable(error: Exception, rank: int) -> Exception:
    """The exception with where it was raised as a note; one that cannot cross becomes a RuntimeError that names it."""
    note = f"on rank {rank}:\n" + "".join(traceback.format_exception(error)).rstrip()
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001 - whatever a class of the author's makes of being pickled
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.add_note(note)
    return error


def _end_with_the_runner(lifeline: Connection) -> None:
    """Nothing is ever said on the lifeline: it can only end.

    The system then ends this process and all that it has started, even where it hangs in native code.
    """
    os.setpgid(0, 0)
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # a sandbox may know no such signals; the thread below is there all the same
            fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpid())
            fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
            fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)

    def watch() -> None:
        # Polled, not read: the system sends no signal for what somebody waits to read.
        wait([lifeline])
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def _torch() -> Any:
    try:
        return importlib.import_module("torch")
    except ImportError:
        return None


def _device(seat: Seat) -> str:
    """Makes ``cuda`` mean the rank's own GPU."""
    torch = _torch()
    if torch is None or not torch.cuda.is_available():
        return "cpu"
    there = torch.cuda.device_count()
    if seat.world_size > there:
        raise InvalidArgumentError(
            f"world_size is {seat.world_size}, and torch sees {there} GPU(s): each rank has one of its own; "
            "lower world_size, or let the process see more (CUDA_VISIBLE_DEVICES)"
        )
    torch.cuda.set_device(seat.rank)
    return f"cuda:{seat.rank}"


def _form_group(seat: Seat, device: str) -> Any:
    """The process group of all ranks. Rank 0 listens first, at a port that the system chooses, and then says which it is."""
    if _torch() is None:
        raise MissingExtraError(
            "a process group needs torch: install it beside the model, or start the runner with init_process_group=False"
        )
    # All ranks are on this machine; without a name for it gloo would look for one in the network.
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo" if sys.platform == "linux" else "lo0")
    group = importlib.import_module("torch.distributed")
    if seat.rank == 0:
        store = group.TCPStore(HOST, 0, seat.world_size, is_master=True, wait_for_workers=False)
        port = int(store.port)
        seat.line.send(Meet(port))
    else:
        port = seat.line.recv().port
        store = group.TCPStore(HOST, port, seat.world_size, is_master=False)
    os.environ["MASTER_PORT"] = str(port)
    backend = "nccl" if device.startswith("cuda") else "gloo"
    group.init_process_group(backend, store=store, rank=seat.rank, world_size=seat.world_size)
    return group
