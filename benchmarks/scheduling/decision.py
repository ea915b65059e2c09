"""What each pure decision of the coordinator costs, alone: a snapshot as large as the budget names, many times over."""

import gc
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.figures import percentile
from reactor_coordinator.admission import Asked, House, admit
from reactor_coordinator.config import Limits
from reactor_coordinator.deadlines import due
from reactor_coordinator.fleet import ModelNeeds, Room, demand_of, plan
from reactor_coordinator.limits import RateLimiter
from reactor_coordinator.queue import Estimate, fair_order, places
from reactor_coordinator.records import Key, SessionRecord, WorkerRecord
from reactor_coordinator.scheduler import board_of, decide
from reactor_protocol.lifecycles import SessionState, WorkerState

NOW = 1_000_000.0


@dataclass(frozen=True)
class Cost:
    """One decision, in milliseconds."""

    what: str
    p50_ms: float
    p99_ms: float
    budget_ms: float | None = None


def decision_costs(waiting: int = 10_000, workers: int = 1_000, repeats: int = 50) -> list[Cost]:
    """The costs with so many sessions waiting and so many workers, all of them free, on one model."""
    sessions, crew = _snapshot(waiting, workers)
    board = board_of(sessions, crew)
    estimates = {"m": Estimate(workers, 600.0, 30, 300.0)}
    order = fair_order(board.waiting["m"], board.running.get("m", {}))
    size = f"{waiting:,} waiting, {workers:,} workers"
    needs, demand, room = {"m": ModelNeeds(warm=50)}, demand_of(board.waiting), Room({"m": 0})
    requests = [Asked(str(number), f"k{number % 100}", f"t{number}", "m") for number in range(300)]
    keys = {f"k{number}": Key(f"k{number}", "k", "rk", "d", max_sessions=100, sessions_per_minute=100) for number in range(100)}
    house = House(Limits(), NOW, keys)
    limiter = RateLimiter(50.0, 200)

    def thousand_checks() -> None:
        for number in range(1000):
            limiter.check(f"k{number}", NOW)

    plain = _cost(f"decision: order, placements, positions ({size})", lambda: decide(board, estimates), repeats, 50.0)
    # What lives as long as the process need not be searched for garbage again and again: it is frozen as a coordinator can be.
    gc.freeze()
    those = [
        plain,
        _cost("the same, and all below, after gc.freeze()", lambda: decide(board, estimates), repeats, 50.0),
        _cost("  of it the order", lambda: fair_order(board.waiting["m"], {}), repeats),
        _cost("  of it the positions", lambda: places(order, estimates["m"]), repeats),
        _cost("snapshot to board", lambda: board_of(sessions, crew), repeats),
        _cost("deadlines of all sessions", lambda: due(sessions, Limits(), NOW), repeats),
        _cost("plan of the fleet", lambda: plan(needs, crew, demand, room, NOW), repeats),
        _cost("admission of 300 requests", lambda: admit(requests, house), repeats),
        _cost("1,000 checks of the rate limiter", thousand_checks, repeats),
    ]
    gc.unfreeze()
    return those


def _snapshot(waiting: int, workers: int) -> tuple[list[SessionRecord], list[WorkerRecord]]:
    chance = random.Random(1)
    sessions = [
        SessionRecord(
            id=f"{chance.getrandbits(128):032x}",
            key_id=f"k{min(2000, int(chance.paretovariate(0.7)))}",
            token_id="t",
            model="m",
            state=SessionState.SUSPENDED if chance.random() < 0.05 else SessionState.WAITING,
            priority=chance.choice((0, 0, 0, 5)),
            created_at=NOW,
            queued_at=NOW - chance.random() * 3600,
            seen_at=NOW,
        )
        for _ in range(waiting)
    ]
    crew = [
        WorkerRecord(f"w{number}", "local", "m", WorkerState.IDLE, "127.0.0.1", NOW, NOW + 30, idle_since=NOW)
        for number in range(workers)
    ]
    return sessions, crew


def _cost(what: str, decision: Callable[[], object], repeats: int, budget_ms: float | None = None) -> Cost:
    spent: list[float] = []
    gc.collect()
    for _ in range(repeats):
        started = time.perf_counter()
        decision()
        spent.append((time.perf_counter() - started) * 1000)
    return Cost(what, percentile(spent, 0.5), percentile(spent, 0.99), budget_ms)
