"""Which frame of a stand-in's encoder carries which picture of another's."""

from __future__ import annotations

from reactor_rtc.port import EncodedPicture
from reactor_rtc.splice import Splice


def key(time: int) -> EncodedPicture:
    return EncodedPicture(b"key", True, time)


def delta(time: int) -> EncodedPicture:
    return EncodedPicture(b"delta", False, time)


class Follower:
    """A splice, and what it has sent: for each frame the time of the picture that it carries. Times are in milliseconds."""

    def __init__(self) -> None:
        self.splice: Splice[int] = Splice()
        self.inside: list[int] = []
        self.sent: list[tuple[int, int]] = []

    def given(self, *times: int) -> None:
        """Pictures are about to be encoded; those that need a stand-in have one put in."""
        for time in times:
            if self.splice.due():
                self.inside.append(self.splice.enter(time * 1_000))

    def out(self, count: int = 1) -> None:
        """So many stand-ins come out of their encoder."""
        for _ in range(count):
            time = self.inside.pop(0)
            assert self.splice.leave(time)
            self._note(self.splice.frame(time // 1_000))

    def made(self, *pictures: EncodedPicture) -> None:
        for picture in pictures:
            self._note(self.splice.picture(picture))

    def _note(self, pairs: list[tuple[int, EncodedPicture]]) -> None:
        self.sent += [(frame, picture.timestamp_us) for frame, picture in pairs]


def test_each_frame_carries_the_picture_that_it_was_made_for_whichever_is_first() -> None:
    follower = Follower()
    follower.given(10)
    follower.out()
    follower.made(key(10))
    follower.given(20)
    follower.made(delta(20))
    follower.out()
    assert follower.sent == [(10, 10), (20, 20)]
    assert not follower.splice.missing


def test_nothing_is_sent_before_a_keyframe_and_the_frame_waits_for_it() -> None:
    follower = Follower()
    follower.given(10, 20)
    follower.out()
    follower.made(delta(10), delta(20))
    assert follower.sent == []
    assert not follower.splice.started
    follower.given(30)
    follower.made(key(30))
    assert follower.sent == [(10, 30)]
    assert follower.splice.started


def test_a_frame_whose_picture_was_left_out_carries_the_next_one() -> None:
    follower = Follower()
    follower.given(10)
    follower.out()
    follower.made(key(10))
    follower.given(20)
    follower.out()
    follower.given(30)
    assert follower.inside == []
    follower.made(delta(30))
    assert follower.sent == [(10, 10), (20, 30)]
    follower.given(40)
    assert follower.inside == [40_000]


def test_a_picture_that_finds_no_frame_has_one_made() -> None:
    follower = Follower()
    follower.given(10, 20)  # the encoder is slow: the second is given before the first is made
    follower.out()
    follower.made(key(10))
    assert not follower.splice.missing
    follower.made(delta(20))
    assert follower.splice.missing
    follower.inside.append(follower.splice.enter(0))
    assert follower.inside == [11_000]
    assert not follower.splice.missing
    follower.out()
    assert follower.sent == [(10, 10), (11, 20)]


def test_a_stand_in_that_was_lost_is_noticed_when_a_later_one_comes() -> None:
    follower = Follower()
    follower.given(10)
    follower.made(key(10))
    lost = follower.inside.pop()
    follower.given(20)
    follower.made(delta(20))
    follower.out()
    assert follower.sent == [(20, 10)]
    assert follower.splice.missing
    assert not follower.splice.leave(lost)


def test_what_is_no_stand_in_is_not_taken_for_one() -> None:
    follower = Follower()
    follower.given(10)
    assert not follower.splice.leave(11_000)
    assert follower.splice.leave(10_000)
    assert not follower.splice.leave(10_000)


def test_a_keyframe_makes_what_waits_before_it_needless() -> None:
    follower = Follower()
    follower.given(10)
    follower.made(key(10), delta(20), key(30))
    follower.out()
    assert follower.sent == [(10, 30)]


def test_a_viewer_that_is_too_far_behind_goes_on_at_the_next_keyframe() -> None:
    follower = Follower()
    follower.given(10)
    follower.made(key(10), *map(delta, range(20, 70, 10)))
    assert follower.splice.started
    follower.made(delta(70))
    assert not follower.splice.started
    follower.made(delta(80))
    follower.out()
    assert follower.sent == []
    follower.made(key(90))
    assert follower.sent == [(10, 90)]
