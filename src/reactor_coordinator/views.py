"""Sessions as clients see them (reference: client and REST, sections 1.15 and 2)."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, Final

from reactor_coordinator.queue import Place
from reactor_coordinator.records import SessionRecord, WorkerRecord
from reactor_protocol.lifecycles import SessionState
from reactor_protocol.names import TRANSPORT, WEBRTC_VERSION

VERSION: Final = version("openreactor")

_SERVER: Final = {"server_version": VERSION}
_TRANSPORT: Final = {"protocol": TRANSPORT, "version": WEBRTC_VERSION}


def describe(
    session: SessionRecord, worker: WorkerRecord | None = None, place: Place | None = None, cluster: str = "local"
) -> dict[str, Any]:
    """A session. What its model offers is there once a worker runs it; its place while it is in the queue."""
    body: dict[str, Any] = {
        "session_id": session.id,
        "state": str(session.state),
        "cluster": cluster,
        "model": {"name": session.model},
        "server_info": _SERVER,
        "created_at": session.created_at,
        "selected_transport": _TRANSPORT,
    }
    if session.state is SessionState.ACTIVE and worker is not None and worker.capabilities is not None:
        body["capabilities"] = worker.capabilities
    if place is not None:
        body["queue"] = {"position": place.position, "waiting": place.waiting}
        if place.estimated_wait_s is not None:
            body["queue"]["estimated_wait_s"] = round(place.estimated_wait_s, 1)
    if session.expires_at is not None:
        body["expires_at"] = session.expires_at
    if session.reason is not None:
        body["reason"] = session.reason
    if session.placements > 1:
        body["placements"] = session.placements
    if session.restarts:
        body["restarts"] = session.restarts
    return body
