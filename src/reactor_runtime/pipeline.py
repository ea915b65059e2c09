"""ReactorPipeline: a model written as a generator that yields its outputs."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Generator
from contextlib import suppress
from typing import Any, ClassVar, Final, TypeAlias

from reactor_runtime.model import IDLE_S, ReactorApp, turn_of
from reactor_runtime.tracks import Output


class Idle:
    """Yield it, the class or an instance, when there is nothing to show: the pipeline rests for a moment."""


Turns: TypeAlias = Generator[Any, None, None] | AsyncGenerator[Any, None]
_OVER: Final = object()


class ReactorPipeline(ReactorApp):
    """A model whose ``inference`` yields an Output, :class:`Idle` or None at a time. Annotate ``state`` with an InputState.

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
                await self._play(turns)
            finally:
                await self._close(turns)
            await asyncio.sleep(IDLE_S)

    async def _play(self, turns: Turns) -> None:
        """Plays a generator until it ends, or nobody is there."""
        loop = asyncio.get_running_loop()
        while self.connected.is_set():
            async with turn_of(self):
                if not self.connected.is_set():
                    return
                began = loop.time()
                item = await _next(turns)
                elapsed = loop.time() - began
            if item is _OVER:
                return
            if item is None or item is Idle or isinstance(item, Idle):
                await asyncio.sleep(IDLE_S)
            elif isinstance(item, Output):
                await self._show(item, elapsed)
            else:
                raise TypeError(f"{type(self).__name__}.inference yields an Output, Idle or None, not {type(item).__name__}")

    async def _close(self, turns: Turns) -> None:
        async with turn_of(self):
            if inspect.isasyncgen(turns):
                # It is told in its own time that it is over; a second end of the same loop is none.
                with suppress(StopAsyncIteration):
                    await turns.aclose()
            elif inspect.isgenerator(turns):
                turns.close()


async def _next(turns: Turns) -> Any:
    if inspect.isasyncgen(turns):
        return await anext(turns, _OVER)
    if inspect.isgenerator(turns):
        return next(turns, _OVER)
    raise TypeError(f"inference gives a generator, sync or async, not {type(turns).__name__}: use yield in it")
