"""Space: what is free is found again, whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor_runtime.isolation.space import Space


def test_the_first_part_that_fits_is_taken() -> None:
    space = Space(100, begin=10)
    assert [space.take(30), space.take(30), space.take(30), space.take(1)] == [10, 40, 70, None]
    space.give_back(40)
    assert (space.in_use, space.top) == (60, 100)
    assert [space.take(20), space.take(20), space.take(10)] == [40, None, 60]


def test_what_comes_back_joins_its_neighbours() -> None:
    space = Space(90)
    for _ in range(3):
        space.take(30)
    for offset in (0, 60, 30):
        space.give_back(offset)
    assert (space.in_use, space.top, space.take(90)) == (0, 0, 0)


def test_what_was_not_taken_cannot_come_back() -> None:
    space = Space(10)
    with pytest.raises(KeyError):
        space.give_back(0)


@given(st.lists(st.integers(1, 40), max_size=60))
def test_parts_never_overlap_and_all_comes_back(lengths: list[int]) -> None:
    space = Space(200)
    held: dict[int, int] = {}
    for length in lengths:
        offset = space.take(length)
        if offset is None:
            assert held, "an empty space takes all"
            gone = sorted(held)[len(held) // 2]
            space.give_back(gone)
            del held[gone]
            continue
        assert offset >= 0
        assert offset + length <= 200
        assert all(offset + length <= start or start + size <= offset for start, size in held.items())
        held[offset] = length
        assert space.in_use == sum(held.values())
    for offset in held:
        space.give_back(offset)
    assert (space.in_use, space.take(200)) == (0, 0)
