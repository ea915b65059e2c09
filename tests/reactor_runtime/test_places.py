"""Places among the connections: who gets one, and who gives one up."""

import pytest

from reactor_protocol.errors import RateLimitedError, ServerError
from reactor_protocol.resources import Candidate
from reactor_runtime.places import Places

CANDIDATE = Candidate(candidate="candidate:1 1 udp 1 127.0.0.1 5 typ host", sdp_mid="0")


def nobody(_number: int) -> bool:
    return False


def test_ids_are_drawn_from_the_range_and_never_twice() -> None:
    places = Places(64, 0.0)
    ids = [places.register(nobody, 0.0) for _ in range(256)]
    assert len(set(ids)) == 256
    assert all(1002 <= number <= 9999 for number in ids)


def test_ids_that_nobody_uses_run_out_and_come_back_after_ten_seconds() -> None:
    places = Places(2, 0.0)
    ids = [places.register(nobody, 0.0) for _ in range(8)]
    for now in (0.0, 9.9):
        with pytest.raises(ServerError, match="too many connections are registered") as refused:
            places.register(nobody, now)
        assert (refused.value.status, refused.value.retry_after) == (503, 5)
    assert places.register(nobody, 10.0) in places
    assert not any(number in places for number in ids[1:])


def test_an_id_that_is_used_stays() -> None:
    places = Places(1, 0.0)
    ids = [places.register(nobody, 0.0) for _ in range(4)]
    places.register(lambda number: number == ids[0], 100.0)
    assert ids[0] in places


def test_without_room_the_oldest_offer_gives_way_that_nobody_followed_up() -> None:
    places = Places(3, 0.0)
    for number, now in ((2000, 0.0), (2001, 1.0), (2002, 2.0)):
        places.offered(number, now)
    assert places.make_room({2000: True, 2001: False}, 50.0) is None
    assert places.make_room({2000: True, 2001: False, 2002: False}, 11.0) == 2001
    for present in ({2000: True, 2001: False, 2002: False}, {2000: True, 2001: True, 2002: True}):
        with pytest.raises(ServerError, match="at most 3 connections") as refused:
            places.make_room(present, 10.9)
        assert (refused.value.status, refused.value.retry_after) == (503, 5)


def test_offers_have_a_pace() -> None:
    places = Places(2, 0.0)
    for _ in range(4):
        places.check_pace(0.0)
    with pytest.raises(RateLimitedError) as refused:
        places.check_pace(0.0)
    assert (refused.value.status, refused.value.retry_after) == (429, 1)
    places.check_pace(0.051)


def test_candidates_are_counted_from_offer_to_offer() -> None:
    places = Places(2, 0.0)
    places.count(2000, [CANDIDATE] * 200)
    places.keep(2000, [CANDIDATE] * 200)
    places.offered(2000, 0.0)
    assert len(places.kept(2000)) == 200
    assert places.kept(2000) == []
    places.count(2000, [CANDIDATE] * 56)
    with pytest.raises(RateLimitedError, match="at most 256 candidates"):
        places.count(2000, [CANDIDATE])
    places.offered(2000, 1.0)
    places.count(2000, [CANDIDATE] * 256)
