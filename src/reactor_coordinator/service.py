"""Service: everything that the routes need, in one place."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import Request

from reactor_coordinator.bell import Bell
from reactor_coordinator.board import Board
from reactor_coordinator.callers import Doorkeeper, not_found
from reactor_coordinator.clips import Clips
from reactor_coordinator.config import CloudConfig
from reactor_coordinator.intake import Intake
from reactor_coordinator.metrics import Metrics
from reactor_coordinator.records import SessionRecord, WorkerRecord
from reactor_coordinator.reports import Reports
from reactor_coordinator.scopes import bare
from reactor_coordinator.store.database import Database
from reactor_coordinator.tokens import Caller, Signer
from reactor_coordinator.uploads import Uploads
from reactor_coordinator.worker_client import WorkerClient
from reactor_protocol.errors import NotFoundError, ServerError

DRAINING_RETRY_S = 5.0
_ID = re.compile(r"[0-9A-Za-z-]{1,36}")


@dataclass(slots=True)
class Service:
    """The coordinator as its routes see it. ``draining`` refuses new sessions, for the reason that it gives."""

    config: CloudConfig
    database: Database
    bell: Bell
    board: Board
    signer: Signer
    doorkeeper: Doorkeeper
    intake: Intake
    reports: Reports
    uploads: Uploads
    client: WorkerClient
    metrics: Metrics
    clock: Callable[[], float]
    draining: bool = field(default=False)
    clips: Clips = field(init=False)

    def __post_init__(self) -> None:
        self.clips = Clips(self.signer, self.clock)

    def model(self, name: str) -> str:
        """The name under which a model is served, with or without the namespace. Raises :class:`NotFoundError`."""
        models = self.config.models
        if name in models:
            return name
        found = [each for each in models if bare(each) == bare(name)]
        if len(found) != 1:
            raise NotFoundError(f"there is no model {name[:128]!r} here: GET /models lists those that are")
        return found[0]

    async def session(self, caller: Caller, session_id: str) -> tuple[SessionRecord, WorkerRecord | None]:
        """A session of the caller's, and its worker. Raises :class:`NotFoundError`, also for somebody else's session."""
        found = await self.intake.find(session_id) if _ID.fullmatch(session_id) else None
        if found is None or not caller.may_see(found[0].id, found[0].key_id, found[0].token_id):
            raise not_found(session_id)
        return found

    def check_open(self) -> None:
        """Raises :class:`ServerError` (503) while this coordinator takes no new sessions."""
        if self.draining:
            raise UnavailableError("this coordinator is shutting down and takes no new sessions: try again", DRAINING_RETRY_S)

    def base_url(self, request: Request) -> str:
        """Where clients reach this server."""
        return (self.config.public_url or str(request.base_url)).rstrip("/")


class UnavailableError(ServerError):
    """Not now."""

    code = "UNAVAILABLE"

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message, status=503, retry_after=retry_after)
