"""The order of the queue, and where everybody stands in it."""

from collections import Counter
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from reactor_coordinator.queue import Earlier, Estimate, Place, Waiting, fair_order, places, waiting_of
from reactor_coordinator.records import SessionRecord
from reactor_protocol.lifecycles import SessionState


def waits(session: str, key: str = "k", at: float = 0.0, priority: int = 0) -> Waiting:
    return Waiting(session, key, priority, at)


def ids(order: list[Waiting]) -> str:
    return " ".join(each.session_id for each in order)


queues = st.lists(
    st.builds(
        Waiting,
        session_id=st.uuids().map(str),
        key_id=st.sampled_from("abcd"),
        priority=st.integers(0, 2),
        queued_at=st.integers(0, 20).map(float),
        resumed=st.booleans(),
        present=st.booleans(),
    ),
    max_size=25,
    unique_by=lambda each: each.session_id,
)
running_by_key = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 5))


def test_within_a_key_first_come_first_served() -> None:
    assert ids(fair_order([waits("c", at=3), waits("a", at=1), waits("b", at=2)], {})) == "a b c"


def test_keys_take_turns_however_many_sessions_one_has_brought() -> None:
    crowd = [waits(f"a{number}", "a", number) for number in range(4)]
    assert (
        ids(fair_order([*crowd, waits("b0", "b", 10), waits("c0", "c", 11), waits("b1", "b", 12)], {})) == "a0 b0 c0 a1 b1 a2 a3"
    )


def test_the_key_with_fewest_running_sessions_is_next() -> None:
    waiting = [waits("a0", "a", 0), waits("a1", "a", 1), waits("b0", "b", 2), waits("b1", "b", 3)]
    assert ids(fair_order(waiting, {"a": 2, "b": 1})) == "b0 a0 b1 a1"


def test_a_higher_priority_goes_first_and_counts_in_the_turns_of_its_key() -> None:
    waiting = [waits("a0", "a", 0), waits("b0", "b", 1), waits("a1", "a", 9, priority=5)]
    assert ids(fair_order(waiting, {})) == "a1 b0 a0"


def test_a_session_that_lost_its_worker_goes_before_everybody() -> None:
    waiting = [
        waits("high", "a", 0, priority=9),
        Waiting("second", "b", 0, 7, resumed=True),
        Waiting("first", "b", 0, 6, resumed=True),
    ]
    assert ids(fair_order(waiting, {"b": 100})) == "first second high"


def test_the_same_moment_is_settled_by_the_id() -> None:
    assert ids(fair_order([waits("y", "b"), waits("x", "c"), waits("z", "a")], {})) == "x y z"


def test_a_client_that_went_away_keeps_its_place_and_costs_its_key_no_turn() -> None:
    away = Waiting("a0", "a", 0, 0, present=False)
    order = fair_order([away, waits("a1", "a", 2), waits("b0", "b", 1), waits("b1", "b", 3)], {})
    assert ids(order) == "a0 b0 a1 b1"


def test_many_who_went_away_do_not_crowd_to_the_front() -> None:
    away = [Waiting(f"a{number}", "a", 0, number, present=False) for number in range(3)]
    assert ids(fair_order([*away, waits("b0", "b", 10), waits("b1", "b", 11)], {})) == "a0 b0 a1 b1 a2"


def test_an_empty_queue_has_an_empty_order() -> None:
    assert fair_order([], {"a": 3}) == []
    assert places([]) == {}


@settings(max_examples=60, deadline=None)
@given(queues, running_by_key, st.randoms(use_true_random=False))
def test_the_order_is_total_and_does_not_depend_on_the_snapshot(
    waiting: list[Waiting], running: dict[str, int], random: Random
) -> None:
    order = fair_order(waiting, running)
    assert sorted(each.session_id for each in order) == sorted(each.session_id for each in waiting)
    shuffled = list(waiting)
    random.shuffle(shuffled)
    assert fair_order(shuffled, running) == order


@settings(max_examples=60, deadline=None)
@given(queues, running_by_key)
def test_first_come_first_served_holds_within_a_key_and_priority(waiting: list[Waiting], running: dict[str, int]) -> None:
    lanes: dict[tuple[str, int, bool, bool], list[tuple[float, str]]] = {}
    for each in fair_order(waiting, running):
        lanes.setdefault((each.key_id, each.priority, each.resumed, each.present), []).append((each.queued_at, each.session_id))
    assert all(lane == sorted(lane) for lane in lanes.values())


@settings(max_examples=60, deadline=None)
@given(queues, running_by_key)
def test_whoever_is_served_has_no_more_running_than_any_key_that_waits(waiting: list[Waiting], running: dict[str, int]) -> None:
    served = Counter(running)
    line = [each for each in fair_order(waiting, running) if each.present]
    for number, each in enumerate(line):
        behind = [other for other in line[number:] if (other.resumed, other.priority) == (False, each.priority)]
        if not each.resumed:
            assert served[each.key_id] == min(served[other.key_id] for other in behind)
        served[each.key_id] += 1


@settings(max_examples=60, deadline=None)
@given(queues, running_by_key)
def test_nobody_of_a_higher_priority_is_behind(waiting: list[Waiting], running: dict[str, int]) -> None:
    ranks = [(not each.resumed, 0 if each.resumed else -each.priority) for each in fair_order(waiting, running)]
    assert ranks == sorted(ranks)


# ---------------------------------------------------------------------------------------------- positions and estimates


def test_positions_count_from_one_and_include_those_who_went_away() -> None:
    order = [waits("a"), Waiting("b", "k", 0, 0, present=False), waits("c")]
    assert places(order) == {"a": Place(1, 3), "b": Place(2, 3), "c": Place(3, 3)}


def test_the_wait_is_the_position_over_the_rate_at_which_workers_become_free() -> None:
    order = [waits("a"), waits("b"), waits("c")]
    hundred_workers = Estimate(workers=100, session_s=600.0)
    assert [each.estimated_wait_s for each in places(order, hundred_workers).values()] == [6.0, 12.0, 18.0]
    assert hundred_workers.wait_s(50) == 300.0


def test_nothing_known_gives_no_estimate() -> None:
    assert Estimate().wait_s(1) is None
    assert Estimate(workers=5).wait_s(1) is None
    assert Estimate(session_s=60.0).wait_s(1) is None
    assert Estimate(releases=0, window_s=300.0).wait_s(1) is None


def test_releases_that_were_seen_outweigh_what_the_fleet_promises() -> None:
    assert Estimate(releases=10, window_s=100.0).wait_s(1) == 10.0
    assert Estimate(workers=10, session_s=600.0, releases=0, window_s=60.0).wait_s(1) == 72.0
    assert Estimate(workers=10, session_s=600.0, releases=495, window_s=4700.0).wait_s(1) == 10.0


def test_who_is_overtaken_is_told_of_a_longer_wait() -> None:
    order = [waits("new"), waits("fast"), waits("slow"), waits("overtaken")]
    before = {"fast": Place(22, 30), "slow": Place(8, 30), "overtaken": Place(3, 30)}
    told = places(order, Estimate(releases=10, window_s=100.0), Earlier(before, 150.0))
    assert [each.estimated_wait_s for each in told.values()] == [10.0, 16.0, 60.0, 160.0]


def test_what_a_session_has_seen_is_enough_where_nothing_else_is_known() -> None:
    told = places([waits("a"), waits("b")], earlier=Earlier({"a": Place(6, 9), "b": Place(2, 9)}, 60.0))
    assert [each.estimated_wait_s for each in told.values()] == [12.0, None]


def test_a_place_as_a_client_gets_it() -> None:
    assert Place(2, 7, 12.4999).body().model_dump(exclude_unset=True) == {"position": 2, "waiting": 7, "estimated_wait_s": 12.5}
    assert Place(2, 7).body().model_dump(exclude_unset=True) == {"position": 2, "waiting": 7}


def record(state: SessionState, active_at: float | None = None) -> SessionRecord:
    return SessionRecord("s", "k", "t", "m", state, 3, created_at=1.0, queued_at=2.0, seen_at=4.0, active_at=active_at)


def test_a_record_of_each_state_of_the_queue() -> None:
    assert waiting_of(record(SessionState.WAITING)) == Waiting("s", "k", 3, 2.0, resumed=False, present=True)
    assert waiting_of(record(SessionState.SUSPENDED)) == Waiting("s", "k", 3, 2.0, resumed=False, present=False)
    assert waiting_of(record(SessionState.INACTIVE)) == Waiting("s", "k", 3, 2.0, resumed=True, present=True)
    assert waiting_of(record(SessionState.WAITING, active_at=3.0)) == Waiting("s", "k", 3, 2.0, resumed=True, present=True)
