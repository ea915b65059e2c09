"""The process that has entered the WebRTC engine: a fork of it has the engine's memory, and none of its threads."""

from __future__ import annotations

import os

from reactor_protocol.errors import InvalidStateError


class _Process:
    """Its id, once something has entered the engine."""

    def __init__(self) -> None:
        self.id: int | None = None


_process = _Process()


def check_process() -> None:
    """Raises :class:`InvalidStateError` in a fork of a process that has entered the engine: calls of it would wait for ever."""
    if _process.id not in (None, os.getpid()):
        raise InvalidStateError(
            "this process is a fork of one that has used the WebRTC engine, whose threads are not here: start it anew, with the "
            'start method spawn or forkserver (multiprocessing.get_context("spawn"), AsyncVectorEnv(..., context="spawn"))'
        )


def enter_process() -> None:
    """The engine is entered here. Raises as :func:`check_process`."""
    check_process()
    _process.id = os.getpid()
