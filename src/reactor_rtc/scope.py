"""TaskScope: the tasks that an object has started, which end with it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

logger = logging.getLogger(__name__)


class TaskScope:
    """Owner of background tasks. A task that fails is logged and harms no other; :meth:`close` ends them all."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def start(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Runs ``work`` until it ends or the scope is closed. After :meth:`close` it is not begun at all."""
        task = asyncio.get_running_loop().create_task(work, name=f"{self._name}.{name}")
        if self._closed:
            task.cancel()
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("task %s failed", task.get_name(), exc_info=error)

    async def settle(self, limit_s: float) -> None:
        """Lets what runs come to its end for ``limit_s`` seconds, then ends it; the scope can be used further."""
        tasks = self._tasks - {asyncio.current_task()}
        if tasks:
            await asyncio.wait(tasks, timeout=limit_s)
        await self._cancel()

    async def close(self) -> None:
        """Cancels what still runs and waits until it has ended. The calling task, if it is one of them, is spared."""
        self._closed = True
        await self._cancel()

    async def _cancel(self) -> None:
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
