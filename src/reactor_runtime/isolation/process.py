"""ModelProcess: one process that runs a model, as the server sees it, from its start to its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any, Final

from reactor_protocol.errors import ModelFailedError
from reactor_protocol.messages import Refusal
from reactor_protocol.names import ENV_WORKER_SECRET
from reactor_rtc.frames import AudioBlock, Media
from reactor_rtc.scope import TaskScope
from reactor_runtime.isolation import calls
from reactor_runtime.isolation.arena import Arena, Borrower, Lender, shared_file
from reactor_runtime.isolation.crossing import Cargo, NoRoomError, load, unload
from reactor_runtime.isolation.line import Ear, packed
from reactor_runtime.isolation.watchdog import Watchdog

logger = logging.getLogger(__name__)

_CLOSE_LIMIT_S: Final = 1.5
_MOST_UNSENT: Final = 16 << 20
"""Media of clients is dropped while the process is so far behind with reading."""


class ModelProcess:
    """Asks, and hears. Use :meth:`spawn` first.

    ``on_event`` is told what the model makes and says, ``on_end`` why the process has ended, unless by :meth:`close`. Everything
    happens on the event loop of the server.
    """

    def __init__(self, on_event: Callable[[Any], None], on_end: Callable[[str], None]) -> None:
        self._on_event = on_event
        self._on_end = on_end
        self._scope = TaskScope("model process")
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._asked = 0
        self._why: str | None = None
        self._link: _Link | None = None
        self._closing = False

    @property
    def pid(self) -> int | None:
        """The number of the process, once it is there."""
        return self._link.process.pid if self._link is not None else None

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._link is not None and self._why is None

    async def spawn(self, step_deadline: float) -> None:
        """Starts the process. Raises :class:`ModelFailedError` where the system does not let it."""
        try:
            self._link = await _Link.open(self._heard, self._line_ended, self._give_back)
        except OSError as error:
            raise ModelFailedError(f"the model failed to load: its process cannot be started: {error}") from error
        if step_deadline > 0:
            self._scope.start(self._watch(Watchdog(step_deadline), step_deadline), "watchdog")

    # ---------------------------------------------------------------------------------------------------- asking

    async def ask(self, call: calls.Call) -> Any:
        """What the process answers. Raises :class:`ModelFailedError` where the model, or the process, has ended."""
        if not self.alive:
            raise ModelFailedError(self._why or "the model has stopped")
        self._asked += 1
        number = self._asked
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            self._say(calls.Ask(number, call))
            return await future
        finally:
            self._waiting.pop(number, None)

    def push(self, track: str, media: Media) -> None:
        """Media of a client on its way to the model; dropped while there is no room for it."""
        link = self._link
        if link is None or not self.alive or link.down.get_write_buffer_size() > _MOST_UNSENT:
            return
        if isinstance(media, AudioBlock):
            self._say(calls.Push(track, media))
            return
        with contextlib.suppress(NoRoomError):
            self._say(calls.Push(track, load(({"picture": media},), link.lender)))

    def settle(self, number: int, refusal: Refusal | None) -> None:
        """Tells the process that there is room after what it said under that number."""
        if self.alive:
            self._say(calls.Settled(number, refusal))

    def _say(self, message: object) -> None:
        if self._link is not None:
            self._link.down.write(packed(message))

    # ---------------------------------------------------------------------------------------------------- hearing

    def _heard(self, message: Any) -> None:
        match message:
            case calls.Answer(number, result, failure):
                future = self._waiting.get(number)
                if future is not None and not future.done():
                    if failure is None:
                        future.set_result(result)
                    else:
                        future.set_exception(ModelFailedError(failure))
            case calls.Returned(offsets):
                if self._link is not None:
                    self._link.lender.take_back(offsets)
            case calls.Failed(reason):
                self._why = reason
            case _:
                self._on_event(message)

    def unload(self, cargo: Cargo) -> Any:
        """The bundles of a message, whose pictures stay where they are."""
        assert self._link is not None
        return unload(cargo, self._link.borrower.look)

    def _give_back(self, offset: int) -> None:
        self._say(calls.Returned((offset,)))

    # -------------------------------------------------------------------------------------------------------- end

    def _line_ended(self) -> None:
        self._scope.start(self._bury(), "end")

    async def _bury(self) -> None:
        """The process is gone, or has closed its line and is of no use any more."""
        assert self._link is not None
        code = await self._link.finish(0.2)
        why = self._why or f"the model stopped: {_how(code)}"
        self._why = why
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ModelFailedError(why))
        if not self._closing:
            self._on_end(why)

    async def _watch(self, watchdog: Watchdog, deadline: float) -> None:
        while self._link is not None:
            await asyncio.sleep(watchdog.every)
            if watchdog.overdue(self._link.outbox.pulse, asyncio.get_running_loop().time()):
                self.kill(f"the model stopped: a step or a handler took more than {deadline:g} s")
                return

    def kill(self, why: str) -> None:
        """Ends it at once, for a reason."""
        if self._link is not None and self._why is None:
            self._why = why
            self._link.kill()

    async def close(self) -> None:
        """Ends the model and the process; one that does not end by itself is killed."""
        self._closing = True
        if self._link is None:
            return
        with contextlib.suppress(ModelFailedError, TimeoutError):
            async with asyncio.timeout(_CLOSE_LIMIT_S):
                await self.ask(calls.Close())
        await self._link.finish(0.5)
        await self._scope.close()


class _Link:
    """The process itself, the way to it, and what is shared with it."""

    def __init__(self, process: asyncio.subprocess.Process, outbox: Arena, inbox: Arena) -> None:
        self.process = process
        self.outbox = outbox
        self.lender = Lender(inbox)
        self.borrower: Borrower
        self.down: asyncio.WriteTransport
        self._up: asyncio.BaseTransport

    @classmethod
    async def open(cls, heard: Callable[[Any], None], ended: Callable[[], None], give_back: Callable[[int], None]) -> _Link:
        loop = asyncio.get_running_loop()
        down, childs_down = socket.socketpair()
        up, childs_up = socket.socketpair()
        memory = shared_file(), shared_file()
        theirs = (childs_down.fileno(), childs_up.fileno(), *memory)
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-P", "-m", "reactor_runtime.isolation.child", *map(str, theirs)),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=theirs,
                # What proves the worker to its coordinator is none of the model's business.
                env={name: value for name, value in os.environ.items() if name != ENV_WORKER_SECRET},
            )
            link = cls(process, *(Arena(each) for each in memory))
        except OSError:
            down.close()
            up.close()
            raise
        finally:
            childs_down.close()
            childs_up.close()
            for descriptor in memory:
                os.close(descriptor)

        def return_later(offset: int) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody needs the memory any more
                loop.call_soon_threadsafe(give_back, offset)

        link.borrower = Borrower(link.outbox, return_later)
        link._up, _ = await loop.create_connection(lambda: Ear(heard, ended), sock=up)
        link.down, _ = await loop.create_connection(asyncio.Protocol, sock=down)
        return link

    def kill(self) -> None:
        """Ends the process at once."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()

    async def finish(self, patience_s: float) -> int:
        """Waits for the end of the process, kills it when that takes too long, and lets go of the line. Returns its exit code."""
        try:
            async with asyncio.timeout(patience_s):
                code = await self.process.wait()
        except TimeoutError:
            self.kill()
            code = await self.process.wait()
        self.down.abort()
        self._up.close()
        return code


def _how(code: int) -> str:
    """How a process has ended, for whoever reads of it."""
    if code >= 0:
        return f"its process ended by itself with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = {"SIGKILL": " (out of memory?)", "SIGSEGV": " (a fault in native code: its traceback is in the log)"}.get(name, "")
    return f"its process was ended by {name}{hint}"
