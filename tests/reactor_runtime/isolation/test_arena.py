"""Memory that two sides share."""

import gc
import os

import numpy as np
import pytest

from reactor_runtime.isolation.arena import Arena, Borrower, Lender, shared_file

MIB = 1 << 20


def arenas(size: int = 8 * MIB) -> tuple[Arena, Arena]:
    """The same memory, as both sides see it."""
    descriptor = shared_file(size)
    try:
        return Arena(descriptor), Arena(descriptor)
    finally:
        os.close(descriptor)


def test_what_one_side_lends_the_other_sees_until_it_looks_away() -> None:
    ours, theirs = arenas()
    lender = Lender(ours)
    returned: list[int] = []
    borrower = Borrower(theirs, returned.append)
    data = np.arange(10_000, dtype=np.uint8)
    offset = lender.lend(data)
    assert offset == 4096
    seen = borrower.look(offset, data.size)
    part = seen.reshape(100, 100)[10:20]
    assert np.array_equal(seen, data)
    assert lender.in_use == 12_288
    del seen
    gc.collect()
    assert returned == []
    del part
    gc.collect()
    assert returned == [4096]
    lender.take_back(returned)
    assert lender.in_use == 0


def test_a_memory_that_is_full_says_so() -> None:
    ours, _ = arenas(4096 + 8192)
    lender = Lender(ours)
    assert lender.lend(np.zeros(8192, np.uint8)) == 4096
    assert lender.lend(np.zeros(1, np.uint8)) is None
    lender.take_back([4096])
    assert lender.lend(np.zeros(1, np.uint8)) == 4096


def test_nobody_looks_beyond_the_memory() -> None:
    _, theirs = arenas(MIB)
    borrower = Borrower(theirs, print)
    for offset, length in ((0, 10), (4096, MIB), (MIB, 1), (-1, 1), (4096, -1)):
        with pytest.raises(ValueError, match="not in the shared memory"):
            borrower.look(offset, length)


def test_the_pulse_is_seen_on_the_other_side() -> None:
    ours, theirs = arenas(MIB)
    assert theirs.pulse == 0.0
    ours.pulse = 12.5
    assert theirs.pulse == 12.5


def test_the_memory_of_a_long_batch_is_given_back_to_the_system() -> None:
    descriptor = shared_file(512 * MIB)
    try:
        lender = Lender(Arena(descriptor))
        picture = np.ones(10 * MIB, np.uint8)
        offsets = [lender.lend(picture) for _ in range(20)]
        held = os.fstat(descriptor).st_blocks * 512
        lender.take_back([offset for offset in offsets if offset is not None])
        assert held >= 200 * MIB
        assert os.fstat(descriptor).st_blocks * 512 < MIB
    finally:
        os.close(descriptor)
