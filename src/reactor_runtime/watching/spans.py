"""OpenTelemetry spans of a runtime: a session, in it its connections and steps, and in a connection its commands.

Where no tracer is configured a span is nothing, and steps are not even looked at.
"""

from __future__ import annotations

from typing import Final

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

SESSION: Final = "reactor.session"
CONNECTION: Final = "reactor.connection"
COMMAND: Final = "reactor.command"
STEP: Final = "reactor.step"

_SESSION_ID: Final = "reactor.session_id"
_CONNECTION_ID: Final = "reactor.connection_id"


class Spans:
    """The spans that are open. Times are Unix time in nanoseconds."""

    def __init__(self, tracer: Tracer | None = None) -> None:
        self._tracer = tracer or trace.get_tracer("reactor_runtime")
        self._session: Span = trace.INVALID_SPAN
        self._session_id = ""
        self._connections: dict[int, Span] = {}

    def begin_session(self, session_id: str, at: int) -> None:
        """A session begins; it is nobody's child."""
        self._session_id = session_id
        self._session = self._tracer.start_span(
            SESSION, context=trace.set_span_in_context(trace.INVALID_SPAN), attributes={_SESSION_ID: session_id}, start_time=at
        )

    def end_session(self, reason: str, failed: bool, at: int) -> None:
        """The session is over, and with it all that is open in it."""
        for connection_id in list(self._connections):
            self.end_connection(connection_id, "the session is over", at)
        self._session.set_attribute("reactor.end_reason", reason)
        if failed:
            self._session.set_status(Status(StatusCode.ERROR, reason))
        self._session.end(at)
        self._session = trace.INVALID_SPAN

    def begin_connection(self, connection_id: int, at: int) -> None:
        """An offer was answered. One under the same id is over."""
        self.end_connection(connection_id, "replaced", at)
        self._connections[connection_id] = self._child(self._session, CONNECTION, at, SpanKind.INTERNAL)
        self._connections[connection_id].set_attribute(_CONNECTION_ID, connection_id)

    def open_connection(self, connection_id: int, at: int) -> None:
        """The client is connected."""
        span = self._connections.get(connection_id)
        if span is not None:
            span.add_event("connected", timestamp=at)

    def end_connection(self, connection_id: int, reason: str, at: int) -> None:
        """The client has gone."""
        span = self._connections.pop(connection_id, None)
        if span is not None:
            span.set_attribute("reactor.end_reason", reason)
            span.end(at)

    def command(self, connection_id: int, name: str, began: int, ended: int, error: str | None) -> None:
        """A command is done; ``error`` is the code of its refusal."""
        parent = self._connections.get(connection_id, self._session)
        if not parent.is_recording():
            return
        span = self._child(parent, COMMAND, began, SpanKind.SERVER)
        span.set_attribute("reactor.command", name)
        span.set_attribute(_CONNECTION_ID, connection_id)
        if error is not None:
            span.set_attribute("reactor.error_code", error)
            span.set_status(Status(StatusCode.ERROR, error))
        span.end(ended)

    @property
    def records_steps(self) -> bool:
        """Whether anybody wants to know of steps."""
        return self._session.is_recording()

    def step(self, frames: int, began: int, ended: int) -> None:
        """The model has made so many frames."""
        span = self._child(self._session, STEP, began, SpanKind.INTERNAL)
        span.set_attribute("reactor.frames", frames)
        span.end(ended)

    def _child(self, parent: Span, name: str, at: int, kind: SpanKind) -> Span:
        return self._tracer.start_span(
            name,
            context=trace.set_span_in_context(parent),
            kind=kind,
            attributes={_SESSION_ID: self._session_id},
            start_time=at,
        )
