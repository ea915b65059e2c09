"""The thread of a model: its own event loop, on which ``run()`` and what others ask for take turns."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from reactor_protocol.errors import ModelFailedError
from reactor_runtime.background import in_background

logger = logging.getLogger(__name__)

PULSE_S: Final = 0.1

_LAST_WORK_S = 0.1


@dataclass(slots=True)
class Work:
    """Something for the model's loop to do between two steps."""

    call: Callable[[], Any]
    done: Future[Any]


OnStopped: TypeAlias = Callable[[BaseException | None], None]
"""Told that a model has ended by itself, with what it raised."""


class ModelThread:
    """A thread with an event loop: ``run()`` beside a dispatcher that takes work strictly one at a time.

    ``pulse`` is called ten times a second, unless something blocks the loop.
    """

    def __init__(self, on_stopped: OnStopped, pulse: Callable[[], None] | None = None) -> None:
        self._on_stopped = on_stopped
        self._pulse = pulse
        self._loop: asyncio.AbstractEventLoop | None = None
        self._work: asyncio.Queue[Work] = asyncio.Queue()
        self._thread: threading.Thread | None = None
        self._main: asyncio.Task[None] | None = None
        self._stopping = False
        self._ended = False
        self._gate = threading.Lock()

    def start(self, run: Callable[[], Any], name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, args=(self._loop, run), name=f"model-{name}", daemon=True)
        self._thread.start()

    def post(self, work: Work) -> None:
        """Queues work from any thread."""
        with self._gate:
            if self._loop is not None and not self._ended:
                self._loop.call_soon_threadsafe(self._work.put_nowait, work)
                return
        refuse(work)

    def announce_stop(self) -> None:
        """From now on the end of ``run()`` is expected, however it comes about."""
        self._stopping = True

    async def aside(self, work: Callable[[], Any], name: str) -> None:
        """Does work in another thread, which nobody waits for at the end. Raises what it raises."""
        await in_background(work, name)

    async def stop(self) -> None:
        """Cancels ``run()`` and waits up to half a second."""
        self.announce_stop()
        await asyncio.to_thread(self._join)

    def _join(self) -> None:
        if self._thread is None or self._loop is None:
            return
        if self._main is not None and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._main.cancel)
        self._thread.join(0.5)

    def _serve(self, loop: asyncio.AbstractEventLoop, run: Callable[[], Any]) -> None:
        asyncio.set_event_loop(loop)
        error: BaseException | None = None
        self._main = loop.create_task(beside(run, self._work))
        self._beat(loop)
        try:
            loop.run_until_complete(self._main)
        except asyncio.CancelledError:
            logger.debug("the model was asked to stop")
        except BaseException as failure:  # noqa: BLE001 - whatever a model raises is reported, SystemExit included
            error = failure
        with self._gate:
            self._ended = True
        loop.run_until_complete(self._wind_down())
        loop.close()
        if not self._stopping:
            self._on_stopped(error)

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._pulse is not None:
            self._pulse()
            loop.call_later(PULSE_S, self._beat, loop)

    async def _wind_down(self) -> None:
        """Ends what the model has left running, and refuses what waits: nobody is to wait for an answer that will not come."""
        await asyncio.sleep(0)  # what was posted in the last moment is queued
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=_LAST_WORK_S)
        while not self._work.empty():
            refuse(self._work.get_nowait())


async def beside(run: Callable[[], Any], queue: asyncio.Queue[Work]) -> None:
    """Runs a model, and beside it what is queued, strictly one at a time.

    Raises :class:`ModelFailedError` when nothing can be run beside it any more: a model that takes no commands is dead.
    """
    dispatcher, running = asyncio.get_running_loop().create_task(_dispatch(queue)), asyncio.current_task()
    dispatcher.add_done_callback(lambda task: None if task.cancelled() or running is None else running.cancel())
    try:
        await run()
    except asyncio.CancelledError:
        if dispatcher.done() and not dispatcher.cancelled():
            raise ModelFailedError("its command loop has died") from dispatcher.exception()
        raise
    finally:
        dispatcher.cancel()


async def _dispatch(queue: asyncio.Queue[Work]) -> None:
    while True:
        work = await queue.get()
        if not work.done.set_running_or_notify_cancel():
            continue  # whoever asked for it has gone
        try:
            work.done.set_result(await work.call())
        except asyncio.CancelledError:
            work.done.set_exception(ModelFailedError("the model has stopped"))
            if _ends(asyncio.current_task()):
                raise
        except SystemExit as error:
            # Passed on as it is, it would end whoever waits for the work.
            work.done.set_exception(RuntimeError(f"sys.exit({error}) was called"))
        except Exception as error:  # noqa: BLE001 - handed to whoever waits for the work
            work.done.set_exception(error)
        except BaseException:
            # Not meant to be caught: it ends the model, and nobody is to wait for what it was about to do.
            work.done.set_exception(ModelFailedError("the model has stopped"))
            raise


def _ends(task: asyncio.Task[Any] | None) -> bool:
    """Whether a task is cancelled itself, and not what it has been waiting for: a handler may give that up, and nobody dies."""
    return task is None or task.cancelling() > 0


def refuse(work: Work) -> None:
    """Answers work that will not be done any more."""
    if work.done.set_running_or_notify_cancel():
        work.done.set_exception(ModelFailedError("the model has stopped"))
