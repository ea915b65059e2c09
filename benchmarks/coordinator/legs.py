"""What is measured, leg by leg, and how a figure comes out of its samples."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.coordinator.figures import DATABASES
from benchmarks.coordinator.stage import coordinator, load, real_coordinator
from benchmarks.coordinator.stores import Store
from benchmarks.figures import Reading, distribution, percentile
from benchmarks.scheduling.decision import decision_costs

CONNECTIONS = 32
SERVED_ON = 64
KEPT = 6
"""Sessions that each connection keeps while they are served: more than workers, so that some always wait."""

Readings = dict[str, Reading]


@dataclass(frozen=True)
class Effort:
    """How much is measured: requests of each client in sequence, seconds at full load, and so on."""

    requests: int = 400
    rate_s: float = 10.0
    connects: int = 20
    line: int = 50
    turns: int = 100
    waiting: int = 5000
    waiting_s: float = 30.0
    moves_per_s: float = 8.0
    decisions: int = 30
    reporting: int = 1000
    reports_s: float = 20.0
    idle_s: float = 5.0


FULL = Effort()
QUICK = Effort(20, 0.7, 1, 5, 5, 100, 2.0, 5.0, 2, 20, 1.0, 0.5)


@dataclass(frozen=True)
class Leg:
    """One thing that is measured, on one kind of database."""

    name: str
    database: str
    measure: Callable[[Store, Effort], Readings]


def _create(store: Store, effort: Effort) -> Readings:
    kind, readings, rates = store.name, Readings(), {}
    with coordinator(store) as house:
        samples = load(house, "idle", seconds=effort.idle_s)
        readings[f"{kind}.idle_cpu"] = Reading(samples["cores"]["coordinator"], 1)
        for word, clients in (("one", 1), ("four", 4)):
            samples = load(house, "latency", clients=clients, requests=effort.requests)
            readings |= distribution(f"{kind}.{word}", samples["ms"], shares=(50, 95))
        rates["ended"] = load(house, "rate", connections=CONNECTIONS, seconds=effort.rate_s, kept=0)
        rates["queued"] = load(house, "rate", connections=CONNECTIONS, seconds=effort.rate_s, kept=None)
    with coordinator(store, SERVED_ON) as house:
        rates["served"] = load(house, "rate", connections=CONNECTIONS, seconds=effort.rate_s, kept=KEPT)
    for word, samples in rates.items():
        readings |= _rate(f"{kind}.{word}", samples)
    errors = sum(sum(samples["errors"].values()) for samples in rates.values())
    return readings | {f"{kind}.errors": Reading(errors, len(rates))}


def _rate(key: str, samples: dict[str, Any]) -> Readings:
    count, per_s, cores = len(samples["ms"]), samples["per_s"], samples["cores"]
    single = {"per_s": per_s, "cpu": cores["coordinator"], "cpu_ms": cores["coordinator"] / per_s * 1000}
    if "database" in cores:
        single["db_cpu"] = cores["database"]
    readings = {f"{key}_{name}": Reading(value, count) for name, value in single.items()}
    return readings | distribution(key, samples["ms"], shares=(50, 95))


def _freed(store: Store, effort: Effort) -> Readings:
    workers = min(10, effort.line)
    with coordinator(store, workers) as house:
        samples = load(house, "freed", workers=workers, waiting=effort.line, turns=effort.turns)
    return distribution(f"{store.name}.freed", samples["ms"], shares=(50, 95))


def _waiting(store: Store, effort: Effort) -> Readings:
    workers = min(40, effort.waiting // 10)
    options = {"waiting": effort.waiting, "workers": workers, "seconds": effort.waiting_s, "moves_per_s": effort.moves_per_s}
    with coordinator(store, workers) as house:
        samples = load(house, "waiting", **options)
    ages, asked, key = samples["ages_s"], samples["ages_asked_s"], f"{store.name}.waiting"
    single = {
        "cpu": samples["cores"]["coordinator"],
        "moves": samples["moves_per_s"],
        "events": samples["events_per_s"],
        "kib": samples["kib_each"],
        "lost": samples["lost"] + samples["errors"],
    }
    aged = {f"{key}_age_p{share}": Reading(percentile(ages, share / 100), len(ages)) for share in (50, 95)}
    readings = {f"{key}_{name}": Reading(value, samples["waiting"]) for name, value in single.items()}
    aged |= {f"{key}_asked_p{share}": Reading(percentile(asked, share / 100), len(asked)) for share in (50, 95)}
    return readings | aged | {f"{key}_age_max": Reading(max(ages), len(ages))}


def _connect(_store: Store, effort: Effort) -> Readings:
    with real_coordinator("connect") as house:
        samples = load(house, "connect", turns=effort.connects)
    readings = distribution("connect", samples["frame_ms"], shares=(50, 95))
    return readings | distribution("connect_ready", samples["ready_ms"], shares=(50,))


def _decision(_store: Store, effort: Effort) -> Readings:
    cost = decision_costs(repeats=effort.decisions)[0]
    return {"decision_p50": Reading(cost.p50_ms, effort.decisions), "decision_p99": Reading(cost.p99_ms, effort.decisions)}


def _reports(store: Store, effort: Effort) -> Readings:
    with coordinator(store, effort.reporting) as house:
        samples = load(house, "idle", seconds=effort.reports_s)
    return {
        "reports_cpu": Reading(samples["cores"]["coordinator"], effort.reporting),
        "reports_mib": Reading(samples["mib"], effort.reporting),
    }


LEGS: tuple[Leg, ...] = (
    *(Leg("create", kind, _create) for kind in DATABASES),
    *(Leg("freed", kind, _freed) for kind in DATABASES),
    *(Leg("waiting", kind, _waiting) for kind in DATABASES),
    Leg("connect", "sqlite", _connect),
    Leg("reports", "sqlite", _reports),
    Leg("decision", "sqlite", _decision),
)
