"""Who gets which worker."""

from hypothesis import given, settings
from hypothesis import strategies as st

from reactor_coordinator.queue import Estimate, Place, Waiting, fair_order
from reactor_coordinator.records import SessionRecord, WorkerRecord
from reactor_coordinator.scheduler import Board, Placement, board_of, decide, place
from reactor_protocol.lifecycles import SessionState, WorkerState


def waits(session: str, key: str = "k", at: float = 0.0, present: bool = True) -> Waiting:
    return Waiting(session, key, 0, at, present=present)


def session(number: int, state: SessionState, key: str = "k", model: str = "m") -> SessionRecord:
    return SessionRecord(f"s{number}", key, "t", model, state, 0, created_at=0.0, queued_at=float(number), seen_at=0.0)


def worker(name: str, state: WorkerState, idle_since: float | None = None, draining: bool = False) -> WorkerRecord:
    return WorkerRecord(name, "local", "m", state, "127.0.0.1", 5.0, 100.0, idle_since=idle_since, draining=draining)


def test_the_first_in_line_gets_the_first_worker() -> None:
    assert place([waits("a"), waits("b"), waits("c")], ["w1", "w2"]) == [Placement("a", "w1"), Placement("b", "w2")]


def test_nobody_who_went_away_is_given_a_worker() -> None:
    assert place([waits("a", present=False), waits("b")], ["w1", "w2"]) == [Placement("b", "w1")]


def test_models_do_not_share_workers() -> None:
    board = Board({"m": [waits("a")], "n": [waits("b")]}, {}, {"n": ["w1", "w2"], "o": ["w3"]})
    decision = decide(board)
    assert decision.placements == [Placement("b", "w1")]
    assert decision.places == {"a": Place(1, 1)}


def test_who_is_placed_no_longer_counts_as_waiting() -> None:
    board = Board(
        {"m": [waits("a", at=1), waits("b", at=2, present=False), waits("c", at=3), waits("d", at=4)]}, {}, {"m": ["w1"]}
    )
    decision = decide(board, {"m": Estimate(workers=1, session_s=10.0)})
    assert decision.placements == [Placement("a", "w1")]
    assert decision.places == {"b": Place(1, 3, 10.0), "c": Place(2, 3, 20.0), "d": Place(3, 3, 30.0)}


def test_running_sessions_of_a_key_hold_it_back() -> None:
    board = Board({"m": [waits("a", "busy", 1), waits("b", "new", 2)]}, {"m": {"busy": 1}}, {"m": ["w1"]})
    assert decide(board).placements == [Placement("b", "w1")]


def test_a_board_of_records() -> None:
    states = list(SessionState)
    board = board_of([session(number, state) for number, state in enumerate(states)], [])
    assert [(each.session_id, each.present) for each in board.waiting["m"]] == [("s1", True), ("s2", False), ("s5", True)]
    assert board.running == {"m": {"k": 2}}


def test_the_worker_that_became_free_last_is_taken_first() -> None:
    idle = [worker("a", WorkerState.IDLE, 10.0), worker("b", WorkerState.IDLE, 30.0), worker("c", WorkerState.IDLE, 20.0)]
    others = [
        worker("d", WorkerState.BUSY),
        worker("e", WorkerState.STARTING),
        worker("f", WorkerState.IDLE, 40.0, draining=True),
    ]
    fresh = worker("g", WorkerState.IDLE)
    assert board_of([], [*idle, *others, fresh]).idle == {"m": ["b", "c", "a", "g"]}


boards = st.builds(
    Board,
    waiting=st.dictionaries(
        st.sampled_from("mn"),
        st.lists(
            st.builds(waits, st.uuids().map(str), st.sampled_from("abc"), st.floats(0, 9), st.booleans()),
            max_size=12,
            unique_by=lambda each: each.session_id,
        ),
    ),
    running=st.dictionaries(st.sampled_from("mn"), st.dictionaries(st.sampled_from("abc"), st.integers(0, 3))),
    idle=st.dictionaries(st.sampled_from("mn"), st.lists(st.uuids().map(str), max_size=8, unique=True)),
)


@settings(max_examples=80, deadline=None)
@given(boards)
def test_no_session_and_no_worker_is_used_twice_and_none_is_left_over(board: Board) -> None:
    decision = decide(board)
    for model, waiting in board.waiting.items():
        idle = set(board.idle.get(model, ()))
        present = {each.session_id for each in waiting if each.present}
        placed = [each for each in decision.placements if each.session_id in present]
        assert len({each.session_id for each in placed}) == len(placed) == min(len(present), len(idle))
        assert len({each.worker_id for each in placed}) == len(placed)
        assert {each.worker_id for each in placed} <= idle
        left = {each.session_id for each in waiting} - {each.session_id for each in placed}
        assert sorted(decision.places[each].position for each in left) == list(range(1, len(left) + 1))
    assert len(decision.placements) + len(decision.places) == sum(len(those) for those in board.waiting.values())


@settings(max_examples=40, deadline=None)
@given(boards)
def test_positions_are_those_of_the_order_without_the_placed(board: Board) -> None:
    decision = decide(board)
    placed = {each.session_id for each in decision.placements}
    for model, waiting in board.waiting.items():
        order = fair_order(waiting, board.running.get(model, {}))
        left = [each.session_id for each in order if each.session_id not in placed]
        assert [decision.places[each].position for each in left] == list(range(1, len(left) + 1))
