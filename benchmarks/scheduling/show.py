"""The figures as tables."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.scheduling.decision import Cost
from benchmarks.scheduling.outcome import Outcome, Wait
from benchmarks.scheduling.world import Scale

NOTES = (
    "Approximated: time goes in ticks of {tick:g} s, so a wait is up to that much longer than it need be. At a tick the "
    "scheduler is shown the heads of each queue alone (as many as there are free workers); every ten minutes it is shown "
    "everything, and has to come to the same. Workers die only while they serve, are back after {load:g} s, and no model ever "
    "gets another's worker. Nobody goes away for a while: a client waits or leaves. Starting a session takes no time.",
)


def costs(console: Console, those: Iterable[Cost]) -> None:
    """One row a decision."""
    table = Table(title="single decisions, ms", title_justify="left")
    table.add_column("decision")
    for name in ("p50", "p99", "budget"):
        table.add_column(name, justify="right")
    for each in those:
        table.add_row(each.what, f"{each.p50_ms:.1f}", f"{each.p99_ms:.1f}", f"{each.budget_ms:g}" if each.budget_ms else "")
    console.print(table)


def day(console: Console, scale: Scale, fair: Outcome, unfair: Outcome | None, load_s: float = 120.0) -> None:
    """Waits by model, by priority and by kind of key, then everything else."""
    title = f"a day: {scale.sessions:,} sessions, {scale.workers:,} workers, {scale.keys:,} keys, {scale.models} models"
    groups = [*fair.by_model, *fair.by_priority, *fair.by_keys]
    _waits(console, f"{title}; wait in s", groups)
    if unfair is not None:
        _waits(console, "the same day, first come, first served whatever the key", [*unfair.by_priority, *unfair.by_keys])
    table = Table(title="the rest", title_justify="left")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, value in _rest(fair):
        table.add_row(name, value)
    console.print(table)
    for note in NOTES:
        console.print(note.format(tick=scale.tick_s, load=load_s), style="dim")


def _waits(console: Console, title: str, groups: Sequence[Wait]) -> None:
    table = Table(title=title, title_justify="left")
    table.add_column("group")
    for name in ("sessions", "unserved", "p50", "p95", "p99", "workers", "utilisation"):
        table.add_column(name, justify="right")
    for each in groups:
        table.add_row(
            each.group,
            f"{each.sessions:,}",
            f"{each.unserved:.1%}",
            *(f"{value:,.1f}" for value in (each.p50, each.p95, each.p99)),
            "" if each.workers is None else f"{each.workers:,}",
            "" if each.utilisation is None else f"{each.utilisation:.0%}",
        )
    console.print(table)


def _rest(each: Outcome) -> list[tuple[str, str]]:
    means, promise = each.key_mean_wait, each.promise
    return [
        ("busy workers over the day / at most", f"{each.utilisation:.0%} / {each.utilisation_peak:.0%}"),
        ("waiting at most", f"{each.most_waiting:,}"),
        ("left the queue", f"{each.left:,}"),
        ("workers that died in a session; its next worker, p99", f"{each.died:,}; {each.resumed_p99:.1f} s"),
        ("longest lead of a key just served over one that waits", f"{each.longest_lead} session"),
        ("mean wait of a key, priority 0: p50 / p99 / max over keys", " / ".join(f"{value:,.0f} s" for value in means)),
        ("promised wait over true wait: p10 / p50 / p90", " / ".join(f"{value:.2f}" for value in promise)),
        ("decision at a tick, p50 / p99 / max", f"{each.tick_ms_p50:.2f} / {each.tick_ms_p99:.2f} / {each.tick_ms_max:.1f} ms"),
        ("ticks with a decision", f"{each.ticks:,}"),
        ("decision over everything, p50 / max", f"{each.whole_ms_p50:.0f} / {each.whole_ms_max:.0f} ms"),
        ("  with so many waiting at most", f"{each.whole_waiting_max:,}"),
        ("simulated in", f"{each.seconds:.0f} s"),
        ("memory of the process at most", f"{each.memory_mib:,.0f} MiB"),
    ]
