"""The soak: its verdict, and a short one in which viewers join, pause, publish, send commands and leave."""

import dataclasses
from pathlib import Path

import pytest
from benchmarks.soak.run import Plan, soak
from benchmarks.soak.verdict import Limits, Record, Sample, Stay, bad_lines, growth_per_minute, judge

REST = Sample(at=5.0, viewers=0, resident_mib=150.0, threads=20, descriptors=60)
FLAT = [Sample(float(at), at % 5, 160.0 + 4 * (at % 5), 20 + at % 5, 60 + 3 * (at % 5)) for at in range(120)]
STAYS = [Stay(number, 5.0, 100) for number in range(4)]
PASSED = Record(REST, dataclasses.replace(REST, at=130.0), FLAT, STAYS, ["2026-01-01T00:00:00Z [info     ] connection 1 is open"])


def failed(record: Record) -> list[str]:
    return [finding.what for finding in judge(record, Limits(), viewers=4) if not finding.passed]


def test_a_runtime_that_stays_as_it_is_passes() -> None:
    assert failed(PASSED) == []


def test_what_a_viewer_costs_is_no_growth() -> None:
    busier = [dataclasses.replace(sample, resident_mib=150.0 + 5 * sample.viewers) for sample in FLAT]
    assert growth_per_minute(busier, "resident_mib") == pytest.approx(0.0, abs=1e-6)
    leaking = [dataclasses.replace(sample, resident_mib=sample.resident_mib + sample.at / 30) for sample in FLAT]
    assert growth_per_minute(leaking, "resident_mib") == pytest.approx(2.0)
    assert growth_per_minute(FLAT[:3], "threads") == 0.0


def test_the_first_third_is_warming_up() -> None:
    settling = [dataclasses.replace(sample, resident_mib=160.0 + min(sample.at, 40.0)) for sample in FLAT]
    assert growth_per_minute(settling, "resident_mib") == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"samples": [dataclasses.replace(s, resident_mib=s.resident_mib + s.at / 30) for s in FLAT]}, "memory"),
        ({"after": dataclasses.replace(REST, resident_mib=401.0)}, "memory at rest"),
        ({"after": dataclasses.replace(REST, threads=23)}, "threads at rest"),
        ({"after": dataclasses.replace(REST, descriptors=65)}, "descriptors at rest"),
        ({"log": ["2026-01-01T00:00:00Z [warning  ] the clock went backwards"]}, "warnings and errors in the log"),
        ({"stays": STAYS[:3]}, "viewers that saw frames"),
        ({"stays": [*STAYS, Stay(1, 5.0, 0)]}, "visits without a frame"),
        ({"stays": [*STAYS, Stay(1, 5.0, 9, "NetworkError: nobody answers")]}, "visits that went wrong"),
    ],
)
def test_each_thing_that_goes_wrong_is_found(change: dict[str, object], what: str) -> None:
    assert failed(dataclasses.replace(PASSED, **change)) == [what]  # type: ignore[arg-type]


def test_bad_lines_are_told_from_good_ones() -> None:
    lines = ["[info     ] an [error] in a message", "x [error    ] lost", "Traceback (most recent call last):", "  [debug    ] y"]
    assert bad_lines(lines) == ["[info     ] an [error] in a message", "x [error    ] lost", "Traceback (most recent call last):"]


@pytest.mark.network
@pytest.mark.timeout(180)
async def test_viewers_come_and_go_for_half_a_minute_and_leave_nothing_behind(tmp_path: Path) -> None:
    told: list[str] = []
    record = await soak(Plan(seconds=12.0, seed=3, logs=tmp_path), told.append)
    # What is not let go of in half a minute of warming up is not yet a leak: the long soak tells.
    generous = Limits(mib_per_minute=200.0, rest_mib=200.0, rest_threads=3, rest_descriptors=8)
    assert [finding for finding in judge(record, generous, viewers=4) if not finding.passed] == []
    assert len(record.samples) >= 5
    assert len(record.stays) >= 8, "the warming up, and each viewer once more"
