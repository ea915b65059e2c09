"""Which fragments answer a request."""

from hypothesis import given
from hypothesis import strategies as st

from reactor_runtime.recording.timeline import Covered, Fragment, Gone, Pending, Piece, Timeline

CHUNK_S = 4


def timeline(*ends: float, final: bool = False) -> Timeline:
    """Fragments of 100 bytes that end at these times, in chunks of 4 s."""
    made, start, index, offset, chunk = Timeline(), 0.0, 0, 0, 0
    for end in ends:
        if int(start // CHUNK_S) != chunk:
            chunk, index, offset = int(start // CHUNK_S), 0, 0
        made.add(Fragment(chunk, index, offset, 100, start, end))
        start, index, offset = end, index + 1, offset + 100
    made.final = final
    return made


def names(coverage: object) -> list[tuple[int, int, int, bool]]:
    assert isinstance(coverage, Covered)
    return [(piece.chunk, piece.first, piece.last, piece.whole) for piece in coverage.pieces]


def test_a_clip_takes_the_fragments_that_it_needs() -> None:
    coverage = timeline(1, 2, 3, 4, 5, 6, 7).cover(2.5, 6.0)
    assert names(coverage) == [(0, 2, 3, False), (1, 0, 1, False)]
    assert isinstance(coverage, Covered)
    assert (coverage.start, coverage.end) == (2.0, 6.0)
    assert [(piece.offset, piece.size, piece.duration) for piece in coverage.pieces] == [(200, 200, 2.0), (0, 200, 2.0)]


def test_a_clip_that_begins_on_the_second_begins_there() -> None:
    coverage = timeline(1, 2, 3, 4).cover(2.0, 3.0)
    assert isinstance(coverage, Covered)
    assert (coverage.start, coverage.end) == (2.0, 3.0)


def test_chunks_that_are_complete_are_taken_as_a_whole() -> None:
    assert names(timeline(1, 2, 3, 4, 5).cover(0, 5)) == [(0, 0, 3, True), (1, 0, 0, False)]
    assert names(timeline(1, 2, 3, 4, 5, final=True).cover(0, 5)) == [(0, 0, 3, True), (1, 0, 0, True)]


def test_what_is_still_to_come_is_pending() -> None:
    assert timeline(1, 2).cover(1, 3) == Pending()
    assert timeline().cover(0, 1) == Pending()


def test_a_range_past_the_end_of_a_recording_that_is_complete_ends_there() -> None:
    coverage = timeline(1, 2, 2.4, final=True).cover(1, 30)
    assert isinstance(coverage, Covered)
    assert coverage.end == 2.4


def test_a_range_that_lies_outside_is_gone_and_not_pending_for_ever() -> None:
    assert timeline(1, 2.4, final=True).cover(3, 5) == Gone("the recording ends at 2.400 s")
    assert timeline(final=True).cover(0, 5) == Gone("nothing was recorded")


def test_the_oldest_chunks_are_dropped_above_the_limit() -> None:
    made = timeline(1, 2, 3, 4, 5, 6, 7, 8, 9)
    assert made.trim(650) == [0]
    assert (made.start, made.size) == (4.0, 500)
    assert made.cover(1, 3) == Gone("the recording is kept from 4.000 s on")
    assert names(made.cover(3, 5)) == [(1, 0, 0, False)]


def test_the_newest_chunk_is_kept_whatever_the_limit() -> None:
    assert timeline(1, 2).trim(0) == []


def test_a_chunk_is_announced_by_the_first_fragment_of_the_next() -> None:
    made = timeline(1, 2, 3, 4)
    assert made.add(Fragment(1, 0, 0, 100, 4, 5)) == 0
    assert made.add(Fragment(1, 1, 100, 100, 5, 6)) is None


def test_a_piece_is_found_by_its_name_alone_if_it_is_there() -> None:
    made = timeline(1, 2, 3, 4, 5)
    assert made.piece(0) == Piece(0, 0, 3, 0, 400, 4.0, True)
    assert made.piece(0, 1, 2) == Piece(0, 1, 2, 100, 200, 2.0, False)
    assert made.piece(1) is None
    assert made.piece(1, 0, 1) is None
    assert made.piece(7) is None


@given(
    lengths=st.lists(st.floats(0.04, 1.0), min_size=1, max_size=40),
    start=st.floats(0, 50),
    length=st.floats(0.01, 50),
    final=st.booleans(),
)
def test_what_covers_a_request_holds_all_of_it_that_there_is(
    lengths: list[float], start: float, length: float, final: bool
) -> None:
    ends = [sum(lengths[: index + 1]) for index in range(len(lengths))]
    made = timeline(*ends, final=final)
    coverage = made.cover(start, start + length)
    if isinstance(coverage, Covered):
        assert coverage.start <= start + 0.002
        assert coverage.end >= min(start + length, made.end) - 0.002
        assert sum(piece.size for piece in coverage.pieces) % 100 == 0
        assert sum(piece.duration for piece in coverage.pieces) <= length + 2.1
    else:
        assert start + length > made.end or start > made.end - 0.003
