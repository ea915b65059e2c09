"""Metrics: what Prometheus is told of queue, sessions, workers and routes."""

from __future__ import annotations

import time
from collections import Counter as Tally
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reactor_coordinator.board import Board
from reactor_protocol.lifecycles import SESSION_OPEN, SESSION_QUEUED, WORKER_ALIVE, SessionState

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_ROUTE_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
_WAIT_BUCKETS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)


class Metrics:
    """The figures of one coordinator, in a registry of their own."""

    def __init__(self, board: Board) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_House(board))
        self.route_seconds = Histogram(
            "coordinator_request_seconds",
            "Time from a request to the end of its answer.",
            ["method", "route", "status"],
            buckets=_ROUTE_BUCKETS,
            registry=self._registry,
        )
        self.queue_wait_seconds = Histogram(
            "coordinator_queue_wait_seconds",
            "Time that a session waited until a worker ran it.",
            ["model"],
            buckets=_WAIT_BUCKETS,
            registry=self._registry,
        )
        self.placements = Counter(
            "coordinator_placements_total", "Sessions that were started on a worker.", ["model"], registry=self._registry
        )

    def text(self) -> bytes:
        """All of it, in the text format of Prometheus."""
        return generate_latest(self._registry)


class _House(Collector):
    """What the last snapshot says."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def collect(self) -> Iterable[Metric]:
        snapshot = self._board.snapshot
        queue = GaugeMetricFamily("coordinator_queue_length", "Sessions that wait for a worker.", labels=["model"])
        wait = GaugeMetricFamily("coordinator_queue_longest_wait_seconds", "How long the first has waited.", labels=["model"])
        length: Tally[str] = Tally()
        first: dict[str, float] = {}
        states: Tally[SessionState] = Tally()
        for session in snapshot.sessions.values():
            states[session.state] += 1
            if session.state in SESSION_QUEUED:
                length[session.model] += 1
                first[session.model] = min(first.get(session.model, session.queued_at), session.queued_at)
        for model, count in length.items():
            queue.add_metric([model], count)
            wait.add_metric([model], max(0.0, snapshot.now - first[model]))
        sessions = GaugeMetricFamily("coordinator_sessions", "Open sessions.", labels=["state"])
        for state in sorted(SESSION_OPEN):
            sessions.add_metric([str(state)], states[state])
        workers = GaugeMetricFamily("coordinator_workers", "Workers that are alive.", labels=["model", "state"])
        crew = Tally((worker.model, worker.state) for worker in snapshot.workers.values())
        for model in sorted({model for model, _ in crew}):
            for worker_state in sorted(WORKER_ALIVE):
                workers.add_metric([model, str(worker_state)], crew[model, worker_state])
        return queue, wait, sessions, workers


class Timed:
    """Measures every request, by the pattern of its route: what a stranger makes up, address or method, costs no new series."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.route_seconds.labels(method, route, status).observe(time.perf_counter() - began)
