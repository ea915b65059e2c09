"""``/metrics`` and ``/events`` (reference: runtime, 3 and 3.4)."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Header, Query, Response
from prometheus_client import CONTENT_TYPE_LATEST

from reactor_protocol.errors import ServerError
from reactor_runtime.watching.event_stream import EventStream
from reactor_runtime.watching.journal import JournalName
from reactor_runtime.watching.watch import Watch

MAX_STREAMS: Final = 32
_LAST_ID: Final = 2**53
_RETRY_S: Final = 5


def watching_routes(watch: Watch) -> APIRouter:
    """What an operator looks at."""
    router = APIRouter()

    @router.get("/metrics")
    async def metrics() -> Response:
        """All figures, in the text format of Prometheus."""
        return Response(watch.metrics.text(), media_type=CONTENT_TYPE_LATEST)

    # It has no end, and whoever tries the routes of the schema out would wait for one.
    @router.get("/events", include_in_schema=False)
    async def events(
        since: Annotated[int | None, Query(ge=0, le=_LAST_ID)] = None,
        journal: JournalName | None = None,
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> Response:
        """What happens, as server-sent events: what came after ``since``, or after ``Last-Event-ID``, and what comes."""
        if watch.journal.readers >= MAX_STREAMS:
            raise ServerError(f"at most {MAX_STREAMS} read the events at a time", status=503, retry_after=_RETRY_S)
        return EventStream(watch.journal, since if since is not None else _seen(last_event_id), journal)

    return router


def _seen(last_event_id: str | None) -> int | None:
    """What a browser that comes back has seen last; None for what is no id of ours."""
    text = last_event_id or ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(_LAST_ID)) else None
