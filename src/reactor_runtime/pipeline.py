"""ReactorPipeline: a model written as a generator that yields its outputs."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any, ClassVar, Final, TypeAlias

from reactor_runtime.model import IDLE_S, ReactorApp, show, turn_of
from reactor_runtime.tracks import Output


class IdleType:
    """The type of :data:`Idle`, of which there is one."""

    _only: ClassVar[IdleType | None] = None

    def __new__(cls) -> IdleType:
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __repr__(self) -> str:
        return "Idle"

    def __bool__(self) -> bool:
        return False


Idle: Final = IdleType()
"""Yield it when there is nothing to show: the pipeline rests for a moment. It is false, as None is."""

Turns: TypeAlias = Iterator[Any] | AsyncIterator[Any]
_OVER: Final = object()


class ReactorPipeline(ReactorApp):
    """A model whose ``inference`` yields an Output, :data:`Idle` or None at a time. Annotate ``state`` with an InputState.

    It runs while a client is connected, and commands land between two yields. A generator that ends is started again; one that
    raises ends the model. When the last client leaves the generator is closed, so that its ``finally`` runs.
    """

    FRAMEWORK: ClassVar[bool] = True

    def inference(self) -> Turns:
        """Yields what to show, for as long as it likes."""
        raise NotImplementedError(f"{type(self).__name__} has no inference()")

    async def run(self) -> None:
        """Runs ``inference``, a new generator each time that clients come."""
        while True:
            await self.connected.wait()
            turns = self.inference()
            try:
                await _play(self, turns)
            finally:
                await _close(self, turns)
            await asyncio.sleep(IDLE_S)


# Functions, because every name of the class is one that an author cannot use.


async def _play(model: ReactorPipeline, turns: Turns) -> None:
    """Plays a generator until it ends, or nobody is there."""
    loop = asyncio.get_running_loop()
    while model.connected.is_set():
        async with turn_of(model):
            if not model.connected.is_set():
                return
            began = loop.time()
            item = await _next(turns)
            elapsed = loop.time() - began
        if item is _OVER:
            return
        if item is None or item is Idle:
            await asyncio.sleep(IDLE_S)
        elif isinstance(item, Output):
            await show(model, item, elapsed)
        else:
            raise TypeError(f"{type(model).__name__}.inference yields an Output, Idle or None, not {type(item).__name__}")


async def _close(model: ReactorPipeline, turns: Turns) -> None:
    async with turn_of(model):
        if inspect.isasyncgen(turns):
            # It is told in its own time that it is over; a second end of the same loop is none.
            with suppress(StopAsyncIteration):
                await turns.aclose()
        elif inspect.isgenerator(turns):
            turns.close()


async def _next(turns: Turns) -> Any:
    if isinstance(turns, AsyncIterator):
        return await anext(turns, _OVER)
    if isinstance(turns, Iterator):
        return next(turns, _OVER)
    raise TypeError(f"inference gives a generator, sync or async, not {type(turns).__name__}: use yield in it")
