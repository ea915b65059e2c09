"""The rows of the table: what each figure is called, its unit, and its target where there is one."""

from benchmarks.figures import Figure


def _creation(kind: str, title: str, target_ms: float) -> tuple[Figure, ...]:
    return (
        Figure(f"{kind}.one_p50", f"POST /sessions, {title}, one client, p50", "ms", target_ms, digits=2),
        Figure(f"{kind}.one_p95", "  p95", "ms", digits=2),
        Figure(f"{kind}.four_p50", "  four clients, p50", "ms", target_ms, digits=2),
        Figure(f"{kind}.four_p95", "  p95", "ms", digits=2),
        *_rate(f"{kind}.queued", "  32 connections, all go on waiting", 300.0),
        *_rate(f"{kind}.ended", "  32 connections, each ended by DELETE at once", 300.0),
        *_rate(f"{kind}.served", "  32 connections, each run on a fake worker, then ended", None),
        Figure(f"{kind}.errors", "  requests refused or failed", "", 0.0, 0),
        Figure(f"{kind}.idle_cpu", "  nobody is there: CPU", "core", digits=3),
    )


def _rate(key: str, title: str, target: float | None) -> tuple[Figure, ...]:
    return (
        Figure(f"{key}_per_s", f"{title}: answered", "1/s", target, 0, more_is_better=True),
        Figure(f"{key}_p50", "    p50", "ms"),
        Figure(f"{key}_p95", "    p95", "ms"),
        Figure(f"{key}_cpu", "    CPU of the coordinator", "core", digits=2),
        Figure(f"{key}_cpu_ms", "    CPU of the coordinator for each", "ms", digits=2),
        Figure(f"{key}_db_cpu", "    CPU of the database", "core", digits=2),
    )


def _line(kind: str, title: str) -> tuple[Figure, ...]:
    return (
        Figure(f"{kind}.freed_p50", f"worker freed to next in line ACTIVE, {title}, p50", "ms"),
        Figure(f"{kind}.freed_p95", "  p95", "ms", 500.0),
        Figure(f"{kind}.waiting_cpu", f"{{waiting}} clients wait with live positions, {title}: CPU", "core", 1.0, 2),
        Figure(f"{kind}.waiting_age_p50", "  age of their positions, p50", "s", digits=2),
        Figure(f"{kind}.waiting_age_p95", "  p95", "s", digits=2),
        Figure(f"{kind}.waiting_age_max", "  oldest", "s", 2.0, 2),
        Figure(f"{kind}.waiting_asked_p50", "  counted from the request that freed the worker, p50", "s", digits=2),
        Figure(f"{kind}.waiting_asked_p95", "    p95", "s", digits=2),
        Figure(f"{kind}.waiting_moves", "  sessions that ended and came meanwhile, each", "1/s", more_is_better=True),
        Figure(f"{kind}.waiting_events", "  events sent", "1/s", None, 0, more_is_better=True),
        Figure(f"{kind}.waiting_kib", "  memory of the coordinator for each", "KiB"),
        Figure(f"{kind}.waiting_lost", "  streams or requests that failed", "", 0.0, 0),
    )


DATABASES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}

FIGURES: tuple[Figure, ...] = (
    *_creation("sqlite", "SQLite", 5.0),
    *_creation("postgres", "PostgreSQL", 8.0),
    Figure("connect_p50", "free worker: connect() to first frame, p50", "ms", 600.0, 0),
    Figure("connect_p95", "  p95", "ms", digits=0),
    Figure("connect_ready_p50", "  connect() to READY, p50", "ms", digits=0),
    *_line("sqlite", "SQLite"),
    *_line("postgres", "PostgreSQL"),
    Figure("decision_p50", "decision of the scheduler, 10,000 waiting, 1,000 workers, p50", "ms", 50.0),
    Figure("decision_p99", "  p99", "ms"),
    Figure("reports_cpu", "{reporting} workers report, SQLite: CPU", "core", digits=2),
    Figure("reports_mib", "  memory of the coordinator", "MiB", digits=0),
)
