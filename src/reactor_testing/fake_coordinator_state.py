"""What the fake coordinator knows, and how it answers: behaviour, sessions, tokens, failures, noted requests."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiohttp import web

from reactor_protocol.names import EXTENSION_ACKS
from reactor_protocol.resources import QueuePlace
from reactor_testing.fake_coordinator_model import DEFAULT_TRACKS, FakeModel

API_KEY = "rk_test"
FIRST_TOKEN = "jwt-of-the-test"

_CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHORIZED",
    404: "NOT_FOUND",
    409: "CONFLICT",
    426: "CLIENT_VERSION_TOO_OLD",
    429: "NO_CAPACITY",
}


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request that was made. ``route`` is its path with ids replaced, as in ``GET /sessions/{id}``."""

    method: str
    path: str
    route: str
    headers: dict[str, str]
    body: bytes = b""

    def json(self) -> Any:
        """The body, parsed; None where there was none."""
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer to give instead of the right one."""

    status: int
    body: Any = None
    retry_after: float | None = None

    def response(self) -> web.Response:
        headers = {} if self.retry_after is None else {"Retry-After": f"{self.retry_after:g}"}
        if isinstance(self.body, str):
            return web.Response(status=self.status, text=self.body, headers=headers)
        body = {"message": "told to fail"} if self.body is None else self.body
        return web.json_response(body, status=self.status, headers=headers)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the server is.

    ``polls`` is how often a session is asked about, or told of by a stream (every 10 ms), before it is active. Without
    ``streams`` the server answers a request for a stream as any other, as servers from before there were streams do.
    ``token_life`` is in seconds; None gives everybody one token that does not expire by itself. ``keep_alive`` is the time in
    seconds after which a stream without news sends a comment.
    """

    acks: bool = True
    polls: int = 2
    tracks: tuple[dict[str, str], ...] = DEFAULT_TRACKS
    models: tuple[str, ...] = ("echo",)
    answer_delay: int = 0
    extra: dict[str, Any] = field(default_factory=dict)
    streams: bool = True
    token_life: float | None = None
    keep_alive: float = 10.0


@dataclass(slots=True)
class FakeSession:
    """A session, and how often it has been asked about. ``queue`` is its place, which it keeps until a test says otherwise."""

    session_id: str
    model_name: str
    model: FakeModel
    state: str = "CREATED"
    polls: int = 0
    extra: dict[str, Any] = field(default_factory=dict)
    hosted: bool = False
    queue: QueuePlace | None = None
    max_duration_s: float | None = None

    def advance(self, polls: int) -> None:
        """The session has been asked about; after ``polls`` times one that is not held in the queue gets its worker."""
        self.polls += 1
        if self.state not in ("CREATED", "WAITING"):
            return
        self.state = "WAITING"
        if self.queue is None and self.polls >= polls:
            self.activate()

    def activate(self) -> None:
        """The session gets a worker."""
        self.queue = None
        self.state = "ACTIVE"
        if self.max_duration_s is not None:
            self.extra.setdefault("expires_at", time.time() + self.max_duration_s)

    def body(self, behaviour: Behaviour) -> dict[str, Any]:
        """The session as a server describes it."""
        body: dict[str, Any] = {
            "session_id": self.session_id,
            "state": self.state,
            "cluster": "test",
            "model": {"name": self.model_name},
            "server_info": {"server_version": "0.0.test"},
            **self.extra,
        }
        if self.queue is not None:
            body["queue"] = self.queue.model_dump(exclude_none=True)
        if self.state in ("ACTIVE", "waiting", "streaming", "orphaned"):
            extensions = {"extensions": {EXTENSION_ACKS: 1}} if behaviour.acks else {}
            body["selected_transport"] = {"protocol": "webrtc", "version": "1.0"}
            body["capabilities"] = {
                "protocol_version": "v0",
                "tracks": list(behaviour.tracks),
                "commands": [{"name": "echo", "description": "says it back"}],
                "emission_fps": 30.0,
                **extensions,
            }
        return body


class FakeTokens:
    """The tokens that are valid, each with its end (epoch seconds)."""

    def __init__(self) -> None:
        self._issued = 1
        self._ends = {FIRST_TOKEN: 4_000_000_000.0}

    def issue(self, life: float | None) -> tuple[str, float]:
        """A token and its end. With a life each is a new one, else everybody gets the one that does not expire."""
        lasting = [(token, end) for token, end in self._ends.items() if end == 4_000_000_000.0]
        if life is None and lasting:
            return lasting[-1]
        self._issued += 1
        token, end = f"{FIRST_TOKEN}-{self._issued}", 4_000_000_000.0 if life is None else time.time() + life
        self._ends[token] = end
        return token, end

    def expire(self) -> None:
        """No token that was issued until now is valid any more."""
        self._ends.clear()

    def accepts(self, header: str | None) -> bool:
        """Whether an ``Authorization`` header carries a valid token."""
        return self._ends.get((header or "").removeprefix("Bearer "), 0.0) > time.time()


class House(Protocol):
    """What the routes of the fake server share."""

    behaviour: Behaviour
    requests: list[Recorded]
    sessions: dict[str, FakeSession]
    uploads: dict[str, bytes]
    url: str

    def find(self, request: web.Request) -> FakeSession:
        """The session that a request is about. Raises the 404 where there is none."""
        ...

    def open(self, model_name: str) -> FakeSession:
        """A new session."""
        ...


def refused(status: int, message: str, *, retry_after: float | None = None) -> web.Response:
    """A failure in the shape that the coordinator gives to all of them."""
    body = {"code": _CODES[status], "message": message}
    return Failure(status, body if retry_after is None else {**body, "retry_after_seconds": retry_after}, retry_after).response()


def not_found(message: str) -> web.HTTPException:
    """The same as an exception, for a handler's depths."""
    return web.HTTPNotFound(text=json.dumps({"code": "NOT_FOUND", "message": message}), content_type="application/json")
