"""Watch: it is told what happens, in few verbs, and passes it on to metrics, journal, spans and logs."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Final

from reactor_protocol.codec import clip_body
from reactor_protocol.lifecycles import RuntimeEvent, RuntimeState
from reactor_protocol.messages import ClientStats, ClipReady, Command, JsonObject
from reactor_runtime.commands import INTERNAL_ERROR, UNRESOLVED_UPLOAD
from reactor_runtime.description import ModelDescription
from reactor_runtime.emission import Bundle
from reactor_runtime.hosting import Outcome
from reactor_runtime.logs import set_session
from reactor_runtime.pacer import Plan
from reactor_runtime.session import STOPPED, EndReason, Move
from reactor_runtime.tracks import TrackSpec
from reactor_runtime.watching.journal import Journal
from reactor_runtime.watching.metrics import UNKNOWN, Metrics
from reactor_runtime.watching.outline import outline, sdp_outline, short, stats_outline
from reactor_runtime.watching.spans import Spans
from reactor_runtime.watching.traffic import Traffic

logger = logging.getLogger(__name__)

TRANSPORT: Final = "webrtc"
_EXPLAINED: Final = frozenset({EndReason.STOPPED, EndReason.EVICTED})


@dataclass(frozen=True, slots=True)
class Clock:
    """``steady`` gives seconds of a clock that does not jump, ``unix_ns`` the time of day."""

    steady: Callable[[], float] = time.monotonic
    unix_ns: Callable[[], int] = time.time_ns


@dataclass(slots=True)
class _Times:
    """When what is under way began, in seconds of the steady clock."""

    load: float = 0.0
    session: float | None = None
    waits_for_client: bool = False
    offers: dict[int, float] = field(default_factory=dict)
    commands: dict[int, float] = field(default_factory=dict)
    clients: set[int] = field(default_factory=set)


class Watch:
    """The one observer of a runtime. Its verbs are called on the runtime's loop, take no time, and raise nothing.

    ``reloading`` is set while the model is loaded again, to the reason; ``/health`` says it.
    """

    def __init__(self, clock: Clock | None = None, spans: Spans | None = None) -> None:
        self.journal = Journal()
        self.metrics = Metrics()
        self.traffic = Traffic(self.metrics)
        self.reloading: str | None = None
        self.clock = clock or Clock()
        self.spans = spans or Spans()
        self._state = RuntimeState.CREATED
        self._session_id = ""
        self._asked: JsonObject = {}
        self._times = _Times()

    # -------------------------------------------------------------------------------------------------------- model

    def loading(self) -> None:
        """The model is about to be loaded for the first time."""
        self._times.load = self.clock.steady()
        self._note("initializing", {})

    def loaded(self, model: ModelDescription) -> None:
        """The model is there."""
        self.metrics.know(model, version("openreactor"))
        self._load_over("success", self.clock.steady() - self._times.load)

    def model_lost(self, reason: str) -> None:
        """The model is away, and is being loaded again."""
        self.reloading = short(reason)
        self.failed(reason)

    def model_restored(self, model: ModelDescription, load_s: float) -> None:
        """The model is back."""
        self.reloading = None
        self.metrics.know(model, version("openreactor"))
        self._load_over("success", load_s)

    def failed(self, message: str, detail: Mapping[str, object] | None = None) -> None:
        """The model has failed, and the session goes on: it crashed, or a handler raised. No arguments in ``message``."""
        self.metrics.sessions.errors.only.add()
        self._note("error", {"message": short(message), **(detail or {})})

    def _load_over(self, outcome: str, seconds: float) -> None:
        self.metrics.model.load.open(outcome).add(seconds)

    # ------------------------------------------------------------------------------------------------------ session

    def moved(self, move: Move) -> None:
        """The session table has made a move."""
        self._state = move.after
        self.metrics.sessions.be(move.after)
        event = "connection_closed" if move.event is RuntimeEvent.LAST_CONNECTION_CLOSED else str(move.event)
        if move.event is RuntimeEvent.START_SESSION:
            return  # noted when its id is known: session_began
        if move.event is RuntimeEvent.INITIALIZATION_FAIL:
            self._load_over("failure", self.clock.steady() - self._times.load)
        elif move.event is RuntimeEvent.EVICTION and move.reason is EndReason.ERROR:
            self.metrics.sessions.errors.only.add()
        elif move.connection_id is not None:
            self._client_moved(move, move.connection_id)
        self._note(event, _detail(move), move.before)

    def session_asked(self, parameters: Mapping[str, object]) -> None:
        """Somebody asks for a session, with these parameters; of them only names and sizes are kept."""
        self._asked = outline(parameters)

    def session_began(self, session_id: str) -> None:
        """A session begins."""
        self._session_id = session_id
        self._times.session, self._times.waits_for_client = self.clock.steady(), True
        set_session(session_id)
        logger.info("the session begins")
        self.spans.begin_session(session_id, self.clock.unix_ns())
        self.traffic.begin(self.clock.steady())
        self._note("start_session", {"params": self._asked, "session_id": session_id}, RuntimeState.READY)

    @contextlib.contextmanager
    def session_end(self, reason: EndReason) -> Iterator[None]:
        """The session is ended within: how long that takes is measured, and afterwards it is over."""
        began = self.clock.steady()
        try:
            yield
        finally:
            ended, since = self.clock.steady(), self._times.session
            self.spans.end_session(reason, reason is EndReason.ERROR, self.clock.unix_ns())
            sessions = self.metrics.sessions
            sessions.ended.open(reason).add()
            sessions.seconds.open(reason).add(began - since if since is not None else 0.0)
            sessions.teardown.only.add(ended - began)
            self.metrics.connections.active.only.set(0)
            self._times = _Times(load=self._times.load)
            self._session_id = ""
            self.traffic.end()
            set_session(None)

    # -------------------------------------------------------------------------------------------------- connections

    @contextlib.contextmanager
    def negotiating(self, connection_id: int) -> Iterator[None]:
        """An offer is taken within; one that cannot be used raises."""
        began = self.clock.steady()
        try:
            yield
        except BaseException:
            self.metrics.connections.negotiation.open("error").add(self.clock.steady() - began)
            raise
        self.metrics.connections.negotiation.open("ok").add(self.clock.steady() - began)
        if self._session_id:
            self._times.offers[connection_id] = began
            self.spans.begin_connection(connection_id, self._unix(began))

    def answered(self, connection_id: int, sdp: str | None) -> None:
        """The answer to an offer is there. What would let a stranger into the connection is not noted."""
        self._note("connection_answered", {"conn_id": connection_id, "answer": {"type": "answer", "sdp": sdp_outline(sdp or "")}})

    def left(self, connection_id: int, reason: str) -> None:
        """A connection has gone, whether its client was ever connected or not."""
        self._times.offers.pop(connection_id, None)
        self.traffic.forget(connection_id)
        self.spans.end_connection(connection_id, short(reason), self.clock.unix_ns())

    def _client_moved(self, move: Move, connection_id: int) -> None:
        connections = self.metrics.connections
        if move.event is not RuntimeEvent.CONNECTION_OPENED:
            connections.closed.only.add()
            self._times.clients.discard(connection_id)
            connections.active.only.set(len(self._times.clients))
            return
        now = self.clock.steady()
        self.spans.open_connection(connection_id, self.clock.unix_ns())
        if (offered := self._times.offers.pop(connection_id, None)) is not None:
            connections.connect.only.add(now - offered)
        if self._times.waits_for_client and self._times.session is not None:
            self._times.waits_for_client = False
            self.metrics.sessions.to_first_client.only.add(now - self._times.session)
        connections.opened.only.add()
        # One that connects anew under its old id has never left.
        self._times.clients.add(connection_id)
        connections.active.only.set(len(self._times.clients))

    # ----------------------------------------------------------------------------------------------------- commands

    @contextlib.contextmanager
    def command(self, connection_id: int, command: Command) -> Iterator[Doing]:
        """A command is done within; tell what became of it by ``doing.outcome``."""
        doing = Doing()
        began = self._times.commands[connection_id] = self.clock.steady()
        try:
            yield doing
        finally:
            self._times.commands.pop(connection_id, None)
            if doing.outcome is not None:
                self._done(connection_id, command, doing.outcome, began)

    def _done(self, connection_id: int, command: Command, outcome: Outcome, began: float) -> None:
        error = outcome.error.code if outcome.error is not None else None
        told = (
            "accepted" if error in (None, INTERNAL_ERROR) else "unresolved_upload" if error == UNRESOLVED_UPLOAD else "rejected"
        )
        self.metrics.command(command.type, told, self.clock.steady() - began)
        known = command.type if self.metrics.model.ingress.find(command.type) is not None else UNKNOWN
        self.spans.command(connection_id, known, self._unix(began), self.clock.unix_ns(), short(error, 64) if error else None)
        if error == INTERNAL_ERROR:
            failure: JsonObject = {"conn_id": connection_id}
            if command.request_id is not None:
                failure["request_id"] = short(command.request_id, 64)
            self.failed(outcome.error.message if outcome.error else "", failure)
        elif error is None:
            self._note("command", {"name": command.type, "args": outline(command.data), "conn_id": connection_id})

    @property
    def silent_s(self) -> float:
        """For how long the oldest command has been under way."""
        began = min(self._times.commands.values(), default=None)
        return 0.0 if began is None else max(0.0, self.clock.steady() - began)

    # -------------------------------------------------------------------------------------------------------- media

    def frames_made(self, plan: Plan, count: int) -> None:
        """The model has handed so many frames over."""
        made = plan.made
        if made is None:
            return
        now = self.clock.steady()
        self.traffic.made(made, count, now)
        if self.spans.records_steps:
            ended = self._unix(made.at)
            self.spans.step(count, ended - int((made.generate + made.convert) * 1e9), ended)

    def frame_taken(self, track: str) -> None:
        """Media of a client goes to the model."""
        self.traffic.taken(track)

    def frame_sent(self, bundle: Bundle, waited: float) -> None:
        """A bundle has gone to every client, after so many seconds until its time came."""
        self.traffic.sent(bundle, waited, self.clock.steady())

    def sound_missed(self, track: TrackSpec, samples: int) -> None:
        """The model has not read so many samples of an input track in time. The log says so once a session and track."""
        self.metrics.media.missed_samples.only.add(samples)
        if self.traffic.first_missed(track.name):
            logger.warning(
                "the model reads %r too slowly: %.2f s of sound were dropped; set buffer_seconds on its Audio class to keep more",
                track.name,
                samples / track.rate,
            )

    def frames_dropped(self, bundles: tuple[Bundle, ...]) -> None:
        """These will never be sent."""
        self.traffic.dropped(bundles)

    def client_stats(self, connection_id: int, stats: ClientStats) -> None:
        """A client says what it has measured. One report a second and connection is taken, and of bounded size."""
        figures = stats_outline(stats)
        if figures is None or not self.traffic.reported(connection_id, figures, self.clock.steady()):
            return
        self._note("metric", {"name": "client_stats", "session_id": self._session_id, "conn_id": connection_id, **figures})

    def measured(self, connections: list[JsonObject]) -> None:
        """It is time to write down what was measured of the session and its connections."""
        if self._session_id:
            figures = self.traffic.summary(self.clock.steady(), self.clock.unix_ns() // 1_000_000)
            self._note(
                "metric",
                {"name": "runtime_stats", "session_id": self._session_id, **figures, "connection_stats": connections},
            )

    # --------------------------------------------------------------------------------------------------- recordings

    def chunk_ready(self, recording_id: str, chunk: int) -> None:
        """A chunk of a recording is complete; -1 is its initialisation segment."""
        self._note("chunk_ready", {"recording_id": recording_id, "idx": chunk})

    def clip_ready(self, clip: ClipReady) -> None:
        """What a client asked for can be fetched."""
        self._note("clip_ready", clip_body(clip))

    # -------------------------------------------------------------------------------------------------------- steps

    def step_completed(self, step: int, *, error: str | None, seconds: float) -> None:
        """A step that a client asked for is done (stepped sessions), and took so long."""
        self._note("step_completed", {"step": step, "saved": False, "error": short(error) if error is not None else None})
        if self.spans.records_steps:
            ended = self.clock.unix_ns()
            self.spans.step(0, ended - int(seconds * 1e9), ended)

    def close(self) -> None:
        """Nothing more will be told."""
        self.journal.close()

    def _note(self, event: str, detail: JsonObject, before: RuntimeState | None = None) -> None:
        self.journal.note(event, before or self._state, self._state, detail, self.clock.unix_ns() // 1_000_000)

    def _unix(self, steady: float) -> int:
        """A time of the steady clock as Unix time in nanoseconds."""
        return self.clock.unix_ns() - int((self.clock.steady() - steady) * 1e9)


@dataclass(slots=True)
class Doing:
    """A command under way."""

    outcome: Outcome | None = None


def _detail(move: Move) -> JsonObject:
    """The detail of a move, key by key as in the reference (runtime, 9.1)."""
    detail: JsonObject = {}
    if move.connection_id is not None:
        detail |= {"conn_id": move.connection_id, "transport": TRANSPORT}
    if move.reason is not None:
        detail["reason"] = str(move.reason)
    # Of other ends the notice may repeat what a client has sent.
    if move.event is RuntimeEvent.STOP_SESSION and move.reason in _EXPLAINED and move.notice not in (None, STOPPED):
        detail["close_reason"] = short(move.notice or "")
    if move.event is RuntimeEvent.EVICTION and move.notice is not None:
        detail["error"] = short(move.notice)
    return detail
