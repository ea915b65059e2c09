"""``python -m benchmarks.soak [MINUTES]``: viewers join and leave a runtime at random; its memory, threads and descriptors stay.

Exits with 1 when they do not, when the log has a warning or an error, or when a viewer saw nothing.
"""

import argparse
import asyncio
import json
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks import machine
from benchmarks.environment import LOGS_FOLDER
from benchmarks.soak.run import Plan, soak
from benchmarks.soak.verdict import Finding, Limits, Record, growth_per_minute, judge


def main(arguments: list[str] | None = None) -> int:
    """Runs a soak, shows the verdict, and returns the exit status."""
    asked = _parse(arguments)
    console = Console(width=None if sys.stdout.isatty() else 120)
    if not Path("/proc/self/stat").exists():
        console.print("Memory and threads are read from /proc: this runs on Linux.")
        return 1
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    started = time.monotonic()

    def tell(text: str) -> None:
        console.print(f"[dim]{time.monotonic() - started:6.1f} s[/] {escape(text)}", highlight=False, soft_wrap=True)

    plan = Plan(asked.minutes * 60, asked.viewers, asked.seed, asked.inline)
    with machine.one_at_a_time(LOGS_FOLDER, lambda: tell("another benchmark runs here: waiting until it is done")):
        record = asyncio.run(soak(plan, tell))
    findings = judge(record, Limits(mib_per_minute=asked.mib_per_minute), plan.viewers)
    _show(console, record, findings)
    if asked.json is not None:
        _write(asked.json, record, findings)
    return int(not all(finding.passed for finding in findings))


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("minutes", type=float, nargs="?", default=15.0, help="how long viewers come and go (15)")
    parser.add_argument("--viewers", type=int, default=4, help="how many there are (4)")
    parser.add_argument("--seed", type=int, default=1, help="of what they do (1)")
    parser.add_argument("--mib-per-minute", type=float, default=1.0, help="how fast memory may grow (1)")
    parser.add_argument("--inline", action="store_true", help="the model in the server's process")
    parser.add_argument("--json", type=Path, help="where the samples and the verdict go")
    return parser.parse_args(arguments)


def _show(console: Console, record: Record, findings: list[Finding]) -> None:
    table = Table(title="the runtime and its children", title_justify="left")
    for title in ("quantity", "at rest before", "at rest after", "most", "per minute"):
        table.add_column(title, justify="left" if title == "quantity" else "right")
    for quantity, title in (("resident_mib", "memory, MiB"), ("threads", "threads"), ("descriptors", "descriptors")):
        before, after = getattr(record.before, quantity), getattr(record.after, quantity)
        most = max((getattr(sample, quantity) for sample in record.samples), default=0)
        slope = growth_per_minute(record.samples, quantity)  # type: ignore[arg-type]
        table.add_row(title, f"{before:.0f}", f"{after:.0f}", f"{most:.0f}", f"{slope:+.2f}")
    console.print(table)
    frames = sum(stay.frames for stay in record.stays)
    console.print(f"{len(record.stays)} visits, {frames} frames seen", highlight=False)
    for finding in findings:
        mark = "[green]passed[/]" if finding.passed else "[red]FAILED[/]"
        console.print(f"{mark} {escape(f'{finding.what}: {finding.found} (allowed: {finding.allowed})')}", highlight=False)


def _write(path: Path, record: Record, findings: list[Finding]) -> None:
    document = {
        "passed": all(finding.passed for finding in findings),
        "findings": [asdict(finding) for finding in findings],
        "before": asdict(record.before),
        "after": asdict(record.after),
        "samples": [asdict(sample) for sample in record.samples],
        "stays": [asdict(stay) for stay in record.stays],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
