"""Commands that collapse (``@event(dedupe=True)``): of those that wait, the handler runs once, with what came last."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeAlias

Key: TypeAlias = tuple[str, int]
"""The command, and the client that sent it: what two clients say are two things."""


class Collapsing:
    """The commands that wait for their turn. Commands come on one thread, and have their turn on another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[Key, tuple[dict[str, Any], Future[Any]]] = {}

    def joins(self, key: Key, arguments: dict[str, Any], answered: Callable[[Future[Any]], object]) -> bool:
        """Whether one like it waits already: it takes these arguments then, and both are answered together."""
        with self._lock:
            waiting = self._waiting.get(key)
            if waiting is None or waiting[1].done():
                return False
            done = waiting[1]
            self._waiting[key] = arguments, done
        done.add_done_callback(answered)
        return True

    def wait(self, key: Key, arguments: dict[str, Any], done: Future[Any]) -> None:
        """One that waits from now on."""
        with self._lock:
            self._waiting[key] = arguments, done

    def take(self, key: Key) -> dict[str, Any]:
        """What the handler is called with, now that it has its turn."""
        with self._lock:
            return self._waiting.pop(key)[0]
