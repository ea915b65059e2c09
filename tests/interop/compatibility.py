"""What was run against what: each test names the other side with ``@pytest.mark.against``, and the run ends with a table.

``@pytest.mark.against(KIND, NAME, VERSION, "what was tried")`` stands on a test, a module (``pytestmark``), or a parameter. A
version that only the run knows is given to the fixture ``ran_against`` instead. Reports carry it as a user property, so that it
crosses from the processes of pytest-xdist; ``INTEROP_PAGE=FILE`` writes the table between the two marks of a page.
"""

from __future__ import annotations

import platform
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

MARK: Final = "against"
KINDS: Final = ("client", "runtime", "model", "browser", "stack", "library")
"""The order of the table: published SDKs, published runtimes, models by generation, browsers, WebRTC stacks, neighbours."""

BEGIN: Final = "<!-- the table: written by `make interop-page` -->"
END: Final = "<!-- the end of the table -->"


@dataclass(frozen=True, slots=True)
class Against:
    """One thing that others wrote, its version, and what of ours it was tried with."""

    kind: str
    name: str
    version: str
    tried: str

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"against({self.kind!r}, ...): the kind is one of {', '.join(KINDS)}")
        if not all((self.name, self.version, self.tried)):
            raise ValueError(f"against({self.kind!r}, {self.name!r}, {self.version!r}, {self.tried!r}): nothing may be empty")


@dataclass
class Results:
    """What became of the tests of each, over the whole run."""

    counts: dict[Against, Counter[str]] = field(default_factory=dict)
    reasons: dict[Against, str] = field(default_factory=dict)

    def take(self, report: pytest.TestReport) -> None:
        """Counts a report once: its call, or what ended it before."""
        if report.when != "call" and report.passed:
            return
        outcome = "failed" if report.when == "teardown" else report.outcome
        for name, value in report.user_properties:
            if name == MARK and isinstance(value, list | tuple):
                against = Against(*value)
                self.counts.setdefault(against, Counter())[outcome] += 1
                if outcome == "skipped" and isinstance(report.longrepr, tuple):
                    self.reasons.setdefault(against, str(report.longrepr[2]).removeprefix("Skipped: "))

    def rows(self) -> list[tuple[str, str, str, str, str]]:
        """Kind, name, version, what was tried, result; in the order of the table."""
        ordered = sorted(self.counts, key=lambda each: (KINDS.index(each.kind), each.name.lower(), each.version, each.tried))
        return [(each.kind, each.name, each.version, each.tried, self._result(each)) for each in ordered]

    def _result(self, against: Against) -> str:
        counts = self.counts[against]
        if counts["failed"]:
            return f"fails: {counts['failed']} of {counts.total()} tests"
        if not counts["passed"]:
            return f"not run: {self.reasons.get(against, 'no reason given')}"
        tests = "1 test" if counts["passed"] == 1 else f"{counts['passed']} tests"
        return f"works: {tests}" + (f", {counts['skipped']} not run" if counts["skipped"] else "")


def table(results: Results) -> str:
    """The table in Markdown."""
    head = ["| | what | version | tried | result |", "|---|---|---|---|---|"]
    return "\n".join([*head, *(f"| {' | '.join(_cell(word) for word in row)} |" for row in results.rows())])


def _cell(word: str) -> str:
    return " ".join(word.replace("|", "\\|").split())


def write_page(page: Path, results: Results) -> None:
    """Puts the table between the marks of a page. Raises ValueError for a page that has no marks."""
    before, begun, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (begun and ended):
        raise ValueError(f"{page} has no place for the table: {BEGIN} ... {END}")
    where = f"Run on {datetime.now(UTC):%Y-%m-%d}, {platform.system()} {platform.machine()}, Python {platform.python_version()}."
    page.write_text(f"{before}{BEGIN}\n\n{where}\n\n{table(results)}\n\n{END}{after}", encoding="utf-8")
