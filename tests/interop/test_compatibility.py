"""The table of what was run against what: its words, its order, and the page that it is written to."""

from pathlib import Path

import pytest
from tests.interop.compatibility import BEGIN, END, MARK, Against, Results, table, write_page

SDK = ["client", "reactor-sdk", "0.8.0", "a session"]
STACK = ["stack", "werift", "0.22.9", "frames | messages"]
BROWSER = ["browser", "Firefox", "140", "the playground"]


def report(outcome: str, against: list[str], when: str = "call", reason: str = "") -> pytest.TestReport:
    longrepr = ("file.py", 1, f"Skipped: {reason}") if reason else None
    return pytest.TestReport(
        "file.py::test",
        ("file.py", 1, "test"),
        {},
        outcome,  # type: ignore[arg-type]
        longrepr,
        when,  # type: ignore[arg-type]
        user_properties=[(MARK, against)],
    )


@pytest.fixture
def results() -> Results:
    results = Results()
    for each in (
        report("passed", STACK, "setup"),
        report("passed", STACK),
        report("passed", STACK),
        report("failed", SDK),
        report("passed", SDK),
        report("skipped", BROWSER, "setup", "it is not on this machine"),
    ):
        results.take(each)
    return results


def test_every_row_says_what_was_tried_and_what_came_of_it(results: Results) -> None:
    assert table(results).splitlines() == [
        "| | what | version | tried | result |",
        "|---|---|---|---|---|",
        "| client | reactor-sdk | 0.8.0 | a session | fails: 1 of 2 tests |",
        "| browser | Firefox | 140 | the playground | not run: it is not on this machine |",
        "| stack | werift | 0.22.9 | frames \\| messages | works: 2 tests |",
    ]


def test_the_table_stands_between_its_marks(results: Results, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_page(page, results)
    text = page.read_text()
    assert text.startswith(f"before\n{BEGIN}\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "| client | reactor-sdk | 0.8.0 |" in text
    assert "old" not in text
    page.write_text("no place")
    with pytest.raises(ValueError, match="has no place for the table"):
        write_page(page, results)


def test_a_kind_that_the_table_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="the kind is one of client, runtime, model, browser, stack, library"):
        Against("server", "x", "1", "y")
