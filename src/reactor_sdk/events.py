"""Subscriptions to the events, and the decorators that make them."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar, get_args, overload

from reactor_protocol.errors import InvalidArgumentError
from reactor_protocol.lifecycles import ReactorStatus
from reactor_rtc.scope import TaskScope
from reactor_sdk.later_api import LATER_EVENTS, told_as_later
from reactor_sdk.types import ReactorEvent

logger = logging.getLogger(__name__)

EVENTS: Final[tuple[str, ...]] = get_args(ReactorEvent)

Callback: TypeAlias = Callable[..., Any]
CallbackT = TypeVar("CallbackT", bound=Callback)
Selection: TypeAlias = Callable[[tuple[Any, ...]], tuple[Any, ...] | None]
"""From an event's payload to the arguments of a callback, or None where the callback does not want it."""


@dataclass(frozen=True, slots=True)
class _Subscription:
    callback: Callback
    select: Selection | None = None
    key: Hashable = None

    def same_as(self, other: _Subscription) -> bool:
        return self.callback == other.callback and self.key == other.key


class Events:
    """Who wants to hear what. Callbacks are called in the order in which they came; one that raises harms no other.

    A coroutine function runs as a task of its own. :meth:`settle` waits for such tasks.
    """

    def __init__(self) -> None:
        self._subscriptions: dict[str, list[_Subscription]] = {event: [] for event in EVENTS}
        self._scope = TaskScope("reactor.events")

    def on(self, event: str, callback: Callback, select: Selection | None = None, key: Hashable = None) -> None:
        """Subscribes; a second time changes nothing. ``key`` tells selections of one callback apart."""
        known = self._of(event)
        if not callable(callback):
            raise InvalidArgumentError(f"the handler of {event!r} must be callable, got {type(callback).__name__}")
        wanted = _Subscription(callback, select, key)
        if not any(wanted.same_as(subscription) for subscription in known):
            known.append(wanted)

    def off(self, event: str, callback: Callback) -> None:
        """Ends every subscription of that callback; does nothing where there is none."""
        known = self._of(event)
        known[:] = [subscription for subscription in known if subscription.callback != callback]

    def _of(self, event: str) -> list[_Subscription]:
        known = self._subscriptions.get(event)
        if known is None and event in LATER_EVENTS:
            raise InvalidArgumentError(told_as_later(f"the event {event!r}", LATER_EVENTS[event]))
        if known is None:
            raise InvalidArgumentError(f"there is no event {event!r}; the events are {', '.join(EVENTS)}")
        return known

    def emit(self, event: ReactorEvent, *payload: Any) -> None:
        """Tells everybody who listens."""
        for subscription in tuple(self._subscriptions[event]):
            arguments = payload if subscription.select is None else subscription.select(payload)
            if arguments is None:
                continue
            try:
                result = subscription.callback(*arguments)
            except Exception:
                logger.exception("a handler of the event %r raised", event)
                continue
            if inspect.isawaitable(result):
                self._scope.start(_finish(event, result), event)

    def forsake(self) -> None:
        """The event loop is closed, and the coroutines that handlers have started on it have ended with it."""
        self._scope = TaskScope("reactor.events")

    async def settle(self, limit_s: float) -> None:
        """Lets the coroutines that handlers have started come to their end, for ``limit_s`` seconds; then ends them."""
        await self._scope.settle(limit_s)


async def _finish(event: str, work: Awaitable[Any]) -> None:
    try:
        await work
    except Exception:
        logger.exception("a handler of the event %r raised", event)


class Subscribable:
    """The subscribing half of the client: ``on``, ``off`` and the decorators. Decorators return the function unchanged."""

    def __init__(self) -> None:
        self._events = Events()

    def on(self, event: ReactorEvent, handler: Callback) -> None:
        """Calls ``handler`` with the payload of every such event.

        A handler may be a plain function or a coroutine function; the latter runs as a task. Handlers are called in the order
        in which they were registered, once each. What one raises is logged and goes no further.
        Raises :class:`InvalidArgumentError` for an unknown event.
        """
        self._events.on(event, handler)

    def off(self, event: ReactorEvent, handler: Callback) -> None:
        """Ends the subscription of ``handler``, made by :meth:`on` or by a decorator; does nothing where there is none.

        Raises :class:`InvalidArgumentError` for an unknown event.
        """
        self._events.off(event, handler)

    def on_message(self, handler: CallbackT) -> CallbackT:
        """Decorator: messages of the model, as ``{"type": str, "data": dict}``."""
        self._events.on("message", handler)
        return handler

    def on_internal_message(self, handler: CallbackT) -> CallbackT:
        """Decorator: messages of the platform (the event ``runtime_message``)."""
        self._events.on("runtime_message", handler)
        return handler

    def on_error(self, handler: CallbackT) -> CallbackT:
        """Decorator: errors, as :class:`reactor_sdk.ReactorError`."""
        self._events.on("error", handler)
        return handler

    def on_queue(self, handler: CallbackT) -> CallbackT:
        """Decorator: changes of the place in the queue, as :class:`reactor_sdk.QueueStatus`; None when no longer queued."""
        self._events.on("queue_changed", handler)
        return handler

    @overload
    def on_status(self, status: ReactorStatus | list[ReactorStatus] | None = None) -> Callable[[CallbackT], CallbackT]: ...

    @overload
    def on_status(self, status: CallbackT) -> CallbackT: ...

    def on_status(self, status: Any = None) -> Any:
        """Decorator: changes of the status. Bare or with None every change, else only changes to that status or those.

        ``@reactor.on_status``, ``@reactor.on_status(ReactorStatus.READY)``, ``@reactor.on_status([READY, DISCONNECTED])``.
        """
        if status is None:
            return self._status_decorator(None)
        if isinstance(status, list | tuple | set | frozenset):
            return self._status_decorator(frozenset(ReactorStatus(each) for each in status))
        if callable(status):
            return self._status_decorator(None)(status)
        return self._status_decorator(frozenset({ReactorStatus(status)}))

    def _status_decorator(self, wanted: frozenset[ReactorStatus] | None) -> Callable[[CallbackT], CallbackT]:
        def select(payload: tuple[Any, ...]) -> tuple[Any, ...] | None:
            return payload if wanted is None or payload[0] in wanted else None

        def decorate(handler: CallbackT) -> CallbackT:
            self._events.on("status_changed", handler, select, wanted)
            return handler

        return decorate

    def on_track(self, name: str) -> Callable[[CallbackT], CallbackT]:
        """Decorator: ``handler(track)`` when the track of that name is received."""

        def select(payload: tuple[Any, ...]) -> tuple[Any, ...] | None:
            return payload[1:] if payload[0] == name else None

        def decorate(handler: CallbackT) -> CallbackT:
            self._events.on("track_received", handler, select, name)
            return handler

        return decorate
