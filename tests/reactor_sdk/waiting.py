"""Waiting for what has no event of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import repeat


async def until(condition: Callable[[], object], limit_s: float = 10.0) -> None:
    """Returns as soon as the condition holds; raises ``TimeoutError`` where it does not within the limit."""
    async with asyncio.timeout(limit_s):
        for pause in repeat(0.005):
            if condition():
                return
            await asyncio.sleep(pause)
