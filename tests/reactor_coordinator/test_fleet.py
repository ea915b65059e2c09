"""How many workers each model should have."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from reactor_coordinator.fleet import Crashes, Demand, FleetPlan, ModelNeeds, Room, demand_of, plan
from reactor_coordinator.queue import Waiting
from reactor_coordinator.records import WorkerRecord
from reactor_protocol.lifecycles import WorkerState

NOW = 1000.0
ONE_WARM = ModelNeeds(warm=1)
NONE_WARM = ModelNeeds(warm=0)


def worker(
    name: str, state: WorkerState, model: str = "a", *, idle_since: float | None = None, draining: bool = False
) -> WorkerRecord:
    return WorkerRecord(name, "local", model, state, "127.0.0.1", 0.0, 0.0, idle_since=idle_since, draining=draining)


def idle(name: str, model: str = "a", since: float = NOW) -> WorkerRecord:
    return worker(name, WorkerState.IDLE, model, idle_since=since)


def busy(name: str, model: str = "a") -> WorkerRecord:
    return worker(name, WorkerState.BUSY, model)


def starting(name: str, model: str = "a") -> WorkerRecord:
    return worker(name, WorkerState.STARTING, model)


def waits(count: int, since: float = 0.0) -> Demand:
    return Demand(count, since)


def test_warm_workers_are_kept_beyond_the_busy_ones() -> None:
    room = Room({"a": 10})
    assert plan({"a": ModelNeeds(warm=2)}, [], {}, room, NOW).launch == ["a", "a"]
    assert plan({"a": ModelNeeds(warm=2)}, [busy("1"), idle("2")], {}, room, NOW).launch == ["a"]
    assert plan({"a": ModelNeeds(warm=2)}, [busy("1"), idle("2"), idle("3")], {}, room, NOW) == FleetPlan()


def test_workers_on_their_way_are_not_launched_twice() -> None:
    assert plan({"a": ONE_WARM}, [starting("1"), starting("2")], {"a": waits(1)}, Room({"a": 10}), NOW) == FleetPlan()
    assert plan({"a": ONE_WARM}, [starting("1")], {"a": waits(2)}, Room({"a": 10}), NOW).launch == ["a", "a"]


def test_the_queue_launches_up_to_max_and_up_to_the_room() -> None:
    assert plan({"a": ModelNeeds(0, max=3)}, [busy("1")], {"a": waits(9)}, Room({"a": 10}), NOW).launch == ["a", "a"]
    assert plan({"a": NONE_WARM}, [busy("1")], {"a": waits(9)}, Room({"a": 4}), NOW).launch == ["a"] * 4
    assert plan({"a": NONE_WARM}, [busy("1")], {"a": waits(9)}, Room({"a": 0}), NOW).launch == []


def test_models_share_one_room() -> None:
    demand = {"a": waits(9), "b": waits(9)}
    assert plan({"a": NONE_WARM, "b": NONE_WARM}, [], demand, Room({"a": 4, "b": 4}), NOW).launch == ["a", "b", "a", "b"]


def test_a_model_that_needs_twice_as_much_takes_twice_as_much_of_the_room() -> None:
    demand = {"big": waits(1), "small": waits(9)}
    launched = plan({"big": NONE_WARM, "small": NONE_WARM}, [], demand, Room({"big": 2, "small": 4}), NOW).launch
    assert Counter(launched) == {"big": 1, "small": 2}


def test_the_queue_comes_before_readiness() -> None:
    models = {"a": ModelNeeds(warm=3), "b": NONE_WARM}
    assert plan(models, [], {"b": waits(1)}, Room({"a": 2, "b": 2}), NOW).launch == ["b", "a"]
    assert plan(models, [], {"b": waits(2)}, Room({"a": 1, "b": 1}), NOW).launch == ["b"]


def test_idle_surplus_is_retired_after_a_while_the_longest_idle_first() -> None:
    workers = [idle("1", since=930.0), idle("2", since=920.0), idle("3", since=990.0), idle("4", since=935.0)]
    assert plan({"a": ONE_WARM}, workers, {}, Room({"a": 0}), NOW).retire == ["2", "1", "4"]
    assert plan({"a": ModelNeeds(warm=3)}, workers, {}, Room({"a": 0}), NOW).retire == ["2"]
    assert plan({"a": NONE_WARM}, workers, {}, Room({"a": 0}), NOW).retire == ["2", "1", "4"]
    assert plan({"a": ONE_WARM}, workers, {"a": waits(1)}, Room({"a": 0}), NOW).retire == []


def test_a_worker_of_unknown_idleness_is_not_old() -> None:
    assert plan({"a": NONE_WARM}, [worker("1", WorkerState.IDLE)], {}, Room({"a": 0}), NOW) == FleetPlan()


def test_more_than_max_are_retired_at_once_but_never_busy_ones() -> None:
    workers = [busy("1"), idle("2"), idle("3", since=999.0)]
    assert plan({"a": ModelNeeds(warm=1, max=2)}, workers, {}, Room({"a": 0}), NOW) == FleetPlan(retire=["3"])
    assert plan({"a": ModelNeeds(warm=1, max=1)}, [busy("1"), busy("2")], {}, Room({"a": 0}), NOW) == FleetPlan()


def test_workers_of_a_model_that_is_no_longer_served_are_retired() -> None:
    assert plan({}, [idle("1"), busy("2"), starting("3")], {}, Room({}), NOW) == FleetPlan(retire=["1"])


def test_draining_workers_are_retired_when_idle_and_count_for_nothing() -> None:
    workers = [worker("1", WorkerState.IDLE, idle_since=NOW, draining=True), worker("2", WorkerState.BUSY, draining=True)]
    assert plan({"a": ONE_WARM}, workers, {}, Room({"a": 1}), NOW) == FleetPlan(launch=["a"], retire=["1"])


# ---------------------------------------------------------------------------------------------- one slot, several models

BOTH = {"a": ONE_WARM, "b": ONE_WARM}
FULL = Room({"a": 0, "b": 0})


def test_a_warm_worker_gives_way_to_a_model_that_somebody_waits_for() -> None:
    assert plan(BOTH, [idle("1")], {"b": waits(1)}, FULL, NOW) == FleetPlan(retire=["1"])


def test_nobody_else_goes_while_a_place_is_coming() -> None:
    workers = [idle("1"), idle("2", "c")]
    assert plan(BOTH, workers[:1], {"b": waits(1)}, Room({"a": 0, "b": 0}, coming=1), NOW) == FleetPlan()
    models = {**BOTH, "c": ONE_WARM}
    assert plan(models, workers, {"b": waits(1)}, Room({"a": 0, "b": 0, "c": 0}), NOW) == FleetPlan(retire=["1"])


def test_the_freed_place_goes_to_the_queue_and_not_back() -> None:
    assert plan(BOTH, [], {"b": waits(1)}, Room({"a": 1, "b": 1}), NOW) == FleetPlan(launch=["b"])


def test_readiness_alone_makes_nobody_give_way() -> None:
    assert plan(BOTH, [idle("1", since=0.0)], {}, FULL, NOW) == FleetPlan()


def test_surplus_gives_way_before_what_is_warm() -> None:
    models = {"a": ONE_WARM, "b": NONE_WARM, "c": ONE_WARM}
    workers = [idle("1", "a"), idle("2", "c"), idle("3", "c")]
    assert plan(models, workers, {"b": waits(1)}, Room({"a": 0, "b": 0, "c": 0}), NOW).retire == ["2"]
    assert plan(models, workers, {"b": waits(2)}, Room({"a": 0, "b": 0, "c": 0}), NOW).retire == ["2", "1"]


def test_a_worker_that_somebody_waits_for_gives_no_way() -> None:
    assert plan(BOTH, [idle("1")], {"a": waits(1, 5.0), "b": waits(1, 9.0)}, FULL, NOW) == FleetPlan()


def test_a_model_without_a_worker_has_its_turn_when_all_are_busy() -> None:
    models = {"a": NONE_WARM, "b": NONE_WARM}
    demand = {"a": waits(9, 1.0), "b": waits(1, 50.0)}
    assert plan(models, [busy("1"), busy("2")], demand, FULL, NOW) == FleetPlan(drain=["2"])
    draining = worker("2", WorkerState.BUSY, draining=True)
    assert plan(models, [busy("1"), draining], demand, FULL, NOW) == FleetPlan()
    assert plan(models, [busy("1")], demand, Room({"a": 1, "b": 1}), NOW) == FleetPlan(launch=["b"])


def test_the_last_worker_of_a_model_goes_only_for_who_has_waited_longer() -> None:
    models = {"a": NONE_WARM, "b": NONE_WARM}
    assert plan(models, [busy("1")], {"a": waits(1, 5.0), "b": waits(1, 9.0)}, FULL, NOW) == FleetPlan()
    assert plan(models, [busy("1")], {"a": waits(1, 9.0), "b": waits(1, 5.0)}, FULL, NOW) == FleetPlan(drain=["1"])
    assert plan(models, [], {"a": waits(1, 9.0), "b": waits(1, 5.0)}, Room({"a": 1, "b": 1}), NOW) == FleetPlan(launch=["b"])


def test_a_model_that_can_never_be_started_costs_nobody_anything() -> None:
    models = {"a": ONE_WARM, "huge": ONE_WARM}
    assert plan(models, [idle("1")], {"huge": waits(5)}, Room({"a": 0}), NOW) == FleetPlan()


def test_one_slot_serves_two_models_in_the_order_in_which_their_clients_came() -> None:
    queues = {"a": [1.0, 2.0, 5.0], "b": [3.0, 4.0, 6.0]}
    here: WorkerRecord | None = None
    served: list[tuple[str, float]] = []
    for step in range(60):
        demand = {model: Demand(len(those), those[0]) for model, those in queues.items() if those}
        if here is not None and here.state is WorkerState.IDLE and not here.draining and here.model in demand:
            served.append((here.model, queues[here.model].pop(0)))
            here = busy(str(step), here.model)
            demand = {model: Demand(len(those), those[0]) for model, those in queues.items() if those}
        free = 0 if here else 1
        made = plan(BOTH, [here] if here else [], demand, Room({"a": free, "b": free}), NOW + step)
        if made.retire:
            here = None
        elif made.launch:
            here = starting(str(step), made.launch[0])
        elif here is not None:
            draining = here.draining or bool(made.drain)
            here = worker(here.id, WorkerState.IDLE, here.model, idle_since=NOW + step, draining=draining)
    assert served == [("a", 1.0), ("a", 2.0), ("b", 3.0), ("b", 4.0), ("a", 5.0), ("b", 6.0)]


# -------------------------------------------------------------------------------------------------- models that fail


def test_the_pauses_between_failures_double_up_to_a_minute() -> None:
    crashes, pauses = Crashes(), []
    for number in range(9):
        crashes = crashes.after(float(number))
        pauses.append(crashes.retry_at - number)
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    assert Crashes(100_000, 5.0).retry_at == 65.0


def test_a_model_that_fails_is_tried_one_worker_at_a_time_after_a_pause() -> None:
    broken = {"a": ModelNeeds(warm=4, crashes=Crashes(3, NOW))}
    room = Room({"a": 9})
    assert plan(broken, [], {"a": waits(5)}, room, NOW + 3.9) == FleetPlan()
    assert plan(broken, [], {"a": waits(5)}, room, NOW + 4.0) == FleetPlan(launch=["a"])
    assert plan(broken, [starting("1")], {"a": waits(5)}, room, NOW + 4.0) == FleetPlan()


def test_nobody_gives_way_to_a_model_that_rests_after_a_failure() -> None:
    models = {"a": ONE_WARM, "b": ModelNeeds(crashes=Crashes(1, NOW))}
    assert plan(models, [idle("1")], {"b": waits(1)}, FULL, NOW) == FleetPlan()
    assert plan(models, [idle("1")], {"b": waits(1)}, FULL, NOW + 1.0) == FleetPlan(retire=["1"])


def test_demand_counts_those_who_are_present() -> None:
    queue = [Waiting("1", "k", 0, 7.0), Waiting("2", "k", 0, 5.0), Waiting("3", "k", 0, 1.0, present=False)]
    assert demand_of({"a": queue, "b": queue[2:], "c": []}) == {"a": Demand(2, 5.0)}


# ---------------------------------------------------------------------------------------------------------- properties

STATES = [WorkerState.STARTING, WorkerState.IDLE, WorkerState.BUSY, WorkerState.LOST]
fleets = st.lists(st.tuples(st.sampled_from(STATES), st.sampled_from("abc"), st.booleans(), st.floats(0, NOW)), max_size=12)
needs = st.builds(ModelNeeds, warm=st.integers(0, 3), max=st.none() | st.integers(1, 5))
demands = st.dictionaries(st.sampled_from("abc"), st.builds(Demand, st.integers(1, 6), st.floats(0, NOW)))


@settings(max_examples=150, deadline=None)
@given(fleets, st.fixed_dictionaries({"a": needs, "b": needs}), demands, st.integers(0, 6))
def test_a_plan_keeps_its_bounds(
    crew: list[tuple[WorkerState, str, bool, float]], models: dict[str, ModelNeeds], demand: dict[str, Demand], slots: int
) -> None:
    workers = [
        worker(str(number), state, model, draining=draining, idle_since=since)
        for number, (state, model, draining, since) in enumerate(crew)
    ]
    made = plan(models, workers, demand, Room({"a": slots, "b": slots}), NOW)
    by_id = {each.id: each for each in workers}
    assert len(made.launch) <= slots
    assert len(set(made.retire)) == len(made.retire)
    assert all(by_id[each].state is WorkerState.IDLE for each in made.retire)
    assert all(by_id[each].state is WorkerState.BUSY and not by_id[each].draining for each in made.drain)
    for model, each in models.items():
        alive = [one for one in workers if one.model == model and one.state is not WorkerState.LOST and one.id not in made.retire]
        if each.max is not None and model in made.launch:
            assert len(alive) + made.launch.count(model) <= each.max
