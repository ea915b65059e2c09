"""The simulated day of the scheduler: its own structures, and that it comes to figures."""

import json
from pathlib import Path

import pytest
from benchmarks.scheduling.__main__ import main, simulate
from benchmarks.scheduling.line import FairLine
from benchmarks.scheduling.world import QUICK, Habits, make_world
from hypothesis import given, settings
from hypothesis import strategies as st

from reactor_coordinator.queue import Waiting, fair_order

steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.sampled_from("abc"), st.integers(0, 2)),
        st.tuples(st.just("resume"), st.sampled_from("abc"), st.just(0)),
        st.tuples(st.just("leave"), st.just(""), st.integers(0, 30)),
        st.tuples(st.just("release"), st.sampled_from("abc"), st.just(0)),
        st.tuples(st.just("take"), st.just(""), st.integers(0, 4)),
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(steps)
def test_the_line_is_the_fair_order_kept_up_to_date(actions: list[tuple[str, str, int]]) -> None:
    line, there = FairLine(), dict[str, Waiting]()
    for at, (action, key, number) in enumerate(actions):
        if action in ("add", "resume"):
            one = Waiting(f"{at:02d}", key, number, float(at), resumed=action == "resume")
            there[one.session_id] = one
            line.add(one)
        elif action == "leave":
            there.pop(f"{number:02d}", None)
            line.discard(f"{number:02d}")
        elif action == "release" and line.running[key] > 0:
            line.released(key)
        elif action == "take":
            expected = fair_order(there.values(), line.running)[:number]
            assert line.take(number) == expected
            for each in expected:
                del there[each.session_id]
        assert sorted(each.session_id for each in line) == sorted(there)


def test_a_small_day_in_figures() -> None:
    outcome = simulate(QUICK, Habits(), fair=True)
    assert sum(each.sessions for each in outcome.by_model) == 4000
    assert sum(each.sessions for each in outcome.by_priority) == 4000
    assert outcome.longest_lead == 1
    assert outcome.utilisation_peak == 1.0
    assert 0.6 < outcome.utilisation < 0.7
    light, _, heavy, burst = outcome.by_keys
    assert light.p95 < heavy.p95 < burst.p95


def test_fairness_is_what_keeps_the_waits_of_light_keys_short() -> None:
    fair, unfair = (simulate(QUICK, Habits(), fair=fair).by_keys[0].p95 for fair in (True, False))
    assert fair * 2 < unfair


def test_a_seed_is_a_day() -> None:
    one, other = make_world(QUICK, Habits()), make_world(QUICK, Habits())
    assert (one.arrives, one.lasts, one.key) == (other.arrives, other.lasts, other.key)
    assert sum(one.workers) == 200
    assert sum(one.lasts) == pytest.approx(0.7 * 200 * 86_400, rel=0.01)


def test_the_command_writes_its_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "figures.json"
    assert main(["--quick", "--json", str(file)]) == 0
    document = json.loads(file.read_text())
    assert document["scale"]["sessions"] == 4000
    assert document["decisions"][0]["budget_ms"] == 50.0
    assert document["day"]["longest_lead"] == 1
    shown = capsys.readouterr().out
    assert "the key that brings all at once" in shown
    assert "decision: order, placements, positions (10,000 waiting, 1,000 workers)" in shown
