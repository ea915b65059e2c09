"""Who encodes for whom, decided in no time."""

from __future__ import annotations

from reactor_rtc.port import SharingRole
from reactor_runtime.broadcast_plan import AskKeyframe, EncoderPlan, GiveRole

OWN, LEAD, FOLLOW = SharingRole.OWN, SharingRole.LEAD, SharingRole.FOLLOW


def audience(*viewers: str, now: float = 0.0) -> EncoderPlan[str]:
    """A plan with these viewers, all of whom have joined at once; the first one leads."""
    plan: EncoderPlan[str] = EncoderPlan()
    for viewer in viewers:
        plan.joined(viewer, now)
    return plan


def stream(plan: EncoderPlan[str], leader: str, bitrate: float, begin: float, end: float) -> None:
    """The leader makes 30 pictures a second of that bitrate; none of them is a keyframe."""
    for frame in range(round(begin * 30) + 1, round(end * 30) + 1):
        assert plan.made(leader, round(bitrate / 240), False, frame / 30)


def roles(plan: EncoderPlan[str], *viewers: str) -> list[SharingRole]:
    return [plan.role(viewer) for viewer in viewers]


def test_a_single_viewer_is_left_alone() -> None:
    plan: EncoderPlan[str] = EncoderPlan()
    assert plan.joined("a", 0.0) == []
    assert plan.ready("a", 0.0) == []
    assert plan.given(5.0) == []
    assert plan.measured("a", 1.0, 9.0) == []
    assert plan.key_wanted("a", 9.0) == []
    assert plan.next_deadline() is None
    assert plan.left("a", 10.0) == []
    assert len(plan) == 0


def test_with_the_second_viewer_the_first_leads_and_a_keyframe_is_asked_for_when_it_is_ready() -> None:
    plan = audience("a")
    assert plan.joined("b", 10.0) == [GiveRole("a", LEAD), GiveRole("b", FOLLOW)]
    assert plan.ready("b", 10.1) == [AskKeyframe("a")]
    assert plan.joined("c", 20.0) == [GiveRole("c", FOLLOW)]
    assert plan.ready("c", 20.1) == [AskKeyframe("a")]
    assert plan.sharing == ["a", "b", "c"]


def test_the_last_one_that_is_left_has_an_encoder_of_its_own() -> None:
    plan = audience("a", "b")
    assert plan.left("b", 1.0) == [GiveRole("b", OWN), GiveRole("a", OWN)]
    plan = audience("a", "b")
    assert plan.left("a", 1.0) == [GiveRole("a", OWN), GiveRole("b", OWN)]
    assert plan.left("a", 1.0) == []


def test_another_takes_over_at_once_when_the_leader_leaves() -> None:
    plan = audience("a", "b", "c")
    assert plan.left("a", 1.0) == [GiveRole("a", OWN), GiveRole("b", LEAD)]
    assert not plan.made("a", 100, True, 1.0)
    assert plan.made("b", 100, True, 1.1)


def test_the_one_with_the_widest_path_takes_over() -> None:
    plan = audience("a", "b", "c")
    plan.measured("b", 3e6, 1.0)
    plan.measured("c", 8e6, 1.0)
    assert plan.left("a", 2.0)[1:] == [GiveRole("c", LEAD)]


def test_keyframes_are_asked_for_every_quarter_of_a_second_at_most() -> None:
    plan = audience("a", *"bcdefgh")
    assert plan.ready("b", 10.0) == [AskKeyframe("a")]
    for number, viewer in enumerate("cdefgh"):
        assert plan.ready(viewer, 10.01 + number / 100) == []
    assert plan.next_deadline() == 10.25
    assert plan.handle_timeout(10.2) == []
    assert plan.handle_timeout(10.25) == [AskKeyframe("a")]
    assert plan.next_deadline() is None


def test_a_keyframe_serves_all_who_wanted_one() -> None:
    plan = audience("a", "b", "c")
    assert plan.key_wanted("b", 10.0) == [AskKeyframe("a")]
    assert plan.key_wanted("c", 10.02) == []
    assert plan.made("a", 9000, True, 10.04)
    assert plan.next_deadline() is None
    assert plan.key_wanted("c", 10.1) == []
    assert plan.next_deadline() == 10.04 + 0.25


def test_who_leads_gets_its_keyframe_unasked() -> None:
    plan = audience("a", "b")
    assert plan.key_wanted("a", 1.0) == []
    assert plan.next_deadline() is None


def test_a_viewer_whose_path_stays_too_small_gets_its_own_encoder_and_comes_back_when_it_has_room() -> None:
    plan = audience("a", "b", "c")
    orders = []
    for second, bandwidth in enumerate([2e6, 2e6, 2e6, 3.5e6, 4e6, 4e6, 4e6, 4e6, 4e6, 4e6], start=3):
        stream(plan, "a", 3e6, second - 1, second)
        orders.append(plan.measured("b", bandwidth, second))
    back = [GiveRole("b", FOLLOW), AskKeyframe("a")]
    # 3.5 Mbit/s would do, but leave no room.
    assert orders == [[], [], [GiveRole("b", OWN)], [], [], [], [], [], [], back]


def test_a_path_that_is_too_small_for_a_moment_changes_nothing() -> None:
    plan = audience("a", "b")
    for second, bandwidth in ((3.0, 2e6), (4.0, 4e6), (5.0, 2e6), (6.0, 2e6)):
        stream(plan, "a", 3e6, second - 1, second)
        assert plan.measured("b", bandwidth, second) == []


def test_one_that_left_the_only_other_alone_comes_back_once_it_has_room_for_what_was_shared() -> None:
    plan = audience("a", "b")
    for second in (3.0, 4.0, 5.0):
        stream(plan, "a", 3e6, second - 1, second)
        plan.measured("b", 2e6, second)
    assert roles(plan, "a", "b") == [OWN, OWN]
    for second in range(10, 20):
        assert plan.measured("b", 3.5e6, second) == []
    for second in range(20, 25):
        assert plan.measured("b", 4e6, second) == []
    assert plan.measured("b", 4e6, 25.0) == [GiveRole("a", LEAD), GiveRole("b", FOLLOW), AskKeyframe("a")]


def test_each_fall_makes_the_way_back_longer() -> None:
    plan = audience("a", "b", "c")
    second = 0.0

    def until(wanted: SharingRole, bandwidth: float) -> float:
        nonlocal second
        began = second
        while plan.role("b") is not wanted:
            second += 1
            stream(plan, "a", 3e6, second - 1, second)
            plan.measured("b", bandwidth, second)
        return second - began

    assert [(until(OWN, 1e6), until(FOLLOW, 9e6)) for _ in range(3)] == [(3, 6), (3, 11), (3, 16)]


def test_a_leader_whose_path_holds_all_back_gives_the_lead_to_one_with_more() -> None:
    plan = audience("a", "b", "c")
    for second in (3.0, 4.0):
        stream(plan, "a", 1e6, second - 1, second)
        plan.measured("b", 5e6, second)
        plan.measured("c", 8e6, second)
        assert plan.measured("a", 1.05e6, second) == []
    stream(plan, "a", 1e6, 4, 5)
    assert plan.measured("a", 1.05e6, 5.0) == [GiveRole("a", OWN), GiveRole("c", LEAD)]


def test_a_leader_that_is_no_worse_than_the_others_goes_on() -> None:
    plan = audience("a", "b")
    for second in range(3, 9):
        stream(plan, "a", 1e6, second - 1, second)
        plan.measured("b", 1.2e6, second)
        assert plan.measured("a", 1.05e6, second) == []


def test_a_viewer_that_wants_keyframes_all_the_time_gets_its_own_encoder() -> None:
    plan = audience("a", "b", "c")
    orders = [plan.key_wanted("b", 10.0 + number) for number in range(6)]
    assert orders == [[AskKeyframe("a")]] * 5 + [[GiveRole("b", OWN)]]
    assert plan.key_wanted("b", 17.0) == []


def test_a_leader_that_wants_keyframes_all_the_time_leads_no_more() -> None:
    plan = audience("a", "b", "c")
    orders = [plan.key_wanted("a", 10.0 + number) for number in range(6)]
    assert orders == [[]] * 5 + [[GiveRole("a", OWN), GiveRole("b", LEAD)]]


def test_an_encoder_that_makes_nothing_of_what_it_is_given_is_replaced_and_does_not_lead_again_soon() -> None:
    plan = audience("a", "b", "c")
    stream(plan, "a", 1e6, 2, 3)
    assert plan.given(3.0) == []
    assert plan.given(3.9) == []
    assert plan.given(4.1) == [GiveRole("a", FOLLOW), GiveRole("b", LEAD)]
    plan.measured("a", 9e6, 4.2)
    assert plan.left("b", 4.3)[1:] == [GiveRole("c", LEAD)]


def test_a_leader_whose_path_is_broken_is_replaced_at_once() -> None:
    plan = audience("a", "b")
    assert plan.out_of_reach("b", 1.0) == []
    plan.joined("c", 2.0)
    assert plan.out_of_reach("a", 3.0) == [GiveRole("a", FOLLOW), GiveRole("c", LEAD)]
    assert plan.out_of_reach("nobody", 3.0) == []
    assert plan.measured("c", None, 4.0) == [GiveRole("b", LEAD), GiveRole("c", FOLLOW)]
    alone = audience("a")
    assert alone.out_of_reach("a", 1.0) == []
    assert alone.joined("b", 2.0) == [GiveRole("a", LEAD), GiveRole("b", FOLLOW)]


def test_a_model_that_stands_still_replaces_nobody() -> None:
    plan = audience("a", "b")
    plan.given(1.0)
    plan.made("a", 100, True, 1.05)
    assert plan.given(60.0) == []


def test_what_is_known_of_the_rate_is_of_the_last_two_seconds() -> None:
    plan = audience("a", "b")
    stream(plan, "a", 2.4e6, 0, 10)
    assert 2.3e6 < plan.rate(10.0) < 2.5e6
    assert plan.rate(13.0) == 0.0
    for second in (13.0, 14.0, 15.0, 16.0):
        assert plan.measured("b", 1.0, second) == []


def test_where_all_are_alone_the_best_of_them_leads_the_rest_back() -> None:
    plan = audience("a", "b")
    for second in (3.0, 4.0, 5.0):
        stream(plan, "a", 3e6, second - 1, second)
        plan.measured("b", 1e6, second)
    assert roles(plan, "a", "b") == [OWN, OWN]
    plan.left("a", 6.0)
    assert plan.joined("c", 7.0) == [GiveRole("b", LEAD), GiveRole("c", FOLLOW)]
