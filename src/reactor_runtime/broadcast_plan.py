"""EncoderPlan: who encodes an output track for all, who gets a copy, and when a keyframe is asked for. Pure; times in seconds."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeAlias, TypeVar

from reactor_rtc.port import SharingRole

V = TypeVar("V")

KEYFRAME_GAP_S: Final = 0.25
"""Keyframes are asked for at most this often, however many viewers want one: each costs as much as ten other pictures."""
SHORT_S: Final = 2.0
"""A viewer whose path is too small for this long gets an encoder of its own."""
FIT_S: Final = 5.0
"""A viewer with an encoder of its own comes back once its path has had room for this long, times the falls it has had."""
FIT_FACTOR: Final = 1.25
"""There is room on a path that carries this many times the shared rate."""
WEAK_FACTOR: Final = 1.15
RICHER_FACTOR: Final = 1.5
"""Who leads is held back by its path where that carries less than ``WEAK_FACTOR`` of what it makes, and another one's
``RICHER_FACTOR`` of that."""
MAX_FALLS: Final = 12
STALL_S: Final = 1.0
"""An encoder that makes nothing of what it is given for so long does not lead any more. On a machine that has too much to do all
encoders are slow, and handing the lead around makes it worse: whose path is known to be broken is told by its peer."""
STALL_MEMORY_S: Final = 10.0
MAX_WISHES: Final = 6
WISHES_S: Final = 6.0
"""A viewer that needs ``MAX_WISHES`` keyframes within this time loses too much to share: the others would pay for them."""
RATE_WINDOW_S: Final = 2.0
_MAX_PICTURES: Final = 512


@dataclass(frozen=True, slots=True)
class GiveRole(Generic[V]):
    """This viewer's section has another role from now on."""

    viewer: V
    role: SharingRole


@dataclass(frozen=True, slots=True)
class AskKeyframe(Generic[V]):
    """The encoder of this viewer's section, which leads, is to make a keyframe."""

    viewer: V


Order: TypeAlias = GiveRole[V] | AskKeyframe[V]


@dataclass(slots=True)
class _Viewer:
    """What is known of a viewer. ``bandwidth`` is what its path has for this track, bit/s. ``short`` and ``fit``: since when its
    path is too small, or has room; None where it is not so. ``needed``: the shared rate when it was last left behind.
    """

    role: SharingRole = SharingRole.OWN
    alone: bool = False
    bandwidth: float | None = None
    short: float | None = None
    fit: float | None = None
    falls: int = 0
    needed: float = 0.0
    stalled: float = float("-inf")
    wishes: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_WISHES))


class EncoderPlan(Generic[V]):
    """The viewers of one track that take it in the same codec.

    One of them leads: its encoder works for all that follow. One that cannot take the shared rate, or asks for too many
    keyframes, is alone for a while: it has an encoder of its own. Where nobody follows, nobody leads, and nothing is shared.
    """

    def __init__(self) -> None:
        self._viewers: dict[V, _Viewer] = {}
        self._leader: V | None = None
        self._keys = _Keyframes()
        self._made: deque[tuple[float, int]] = deque(maxlen=_MAX_PICTURES)
        self._given_at: float | None = None

    def __len__(self) -> int:
        return len(self._viewers)

    @property
    def sharing(self) -> list[V]:
        """The viewers that lead or follow."""
        return [viewer for viewer, known in self._viewers.items() if known.role is not SharingRole.OWN]

    def rate(self, now: float) -> float:
        """What the shared pictures come to, in bit/s, over the last two seconds."""
        recent = [(at, octets) for at, octets in self._made if now - at <= RATE_WINDOW_S]
        if not recent:
            return 0.0
        return sum(octets for _, octets in recent) * 8 / max(RATE_WINDOW_S / 2, now - recent[0][0])

    @property
    def key_pending(self) -> bool:
        """Whether a keyframe was asked for and has not been made."""
        return self._keys.pending

    def role(self, viewer: V) -> SharingRole:
        """The role of a viewer; ``OWN`` where it is unknown."""
        known = self._viewers.get(viewer)
        return SharingRole.OWN if known is None else known.role

    # ---------------------------------------------------------------------------------------- who is there

    def joined(self, viewer: V, now: float) -> list[Order[V]]:
        """A viewer's section is about to flow; :meth:`ready` follows when it does."""
        self._viewers.setdefault(viewer, _Viewer())
        return self._settle(now)

    def ready(self, viewer: V, now: float) -> list[Order[V]]:
        """A viewer's section flows, and it has seen nothing yet."""
        return self._ask(now) if self.role(viewer) is SharingRole.FOLLOW else []

    def left(self, viewer: V, now: float) -> list[Order[V]]:
        """A viewer has paused, or has gone."""
        known = self._viewers.pop(viewer, None)
        if known is None:
            return []
        gone: list[Order[V]] = [] if known.role is SharingRole.OWN else [GiveRole(viewer, SharingRole.OWN)]
        return gone + self._settle(now)

    # ---------------------------------------------------------------------------------------- what is seen

    def key_wanted(self, viewer: V, now: float) -> list[Order[V]]:
        """A viewer's side needs a keyframe. One that leads gets it from its encoder, unasked."""
        known = self._viewers.get(viewer)
        if known is None or known.role is SharingRole.OWN:
            return []
        known.wishes.append(now)
        if len(known.wishes) == MAX_WISHES and now - known.wishes[0] < WISHES_S:
            return self._part(known, now)
        return self._ask(now) if known.role is SharingRole.FOLLOW else []

    def given(self, now: float) -> list[Order[V]]:
        """The encoders are given a picture. One that has made nothing of the last ones is replaced."""
        leader = self._viewers.get(self._leader) if self._leader is not None else None
        if leader is None or leader.role is not SharingRole.LEAD:
            return []
        if self._given_at is None:
            self._given_at = now
        return self.out_of_reach(self._leader, now) if now - self._given_at > STALL_S and self._leader is not None else []

    def out_of_reach(self, viewer: V, now: float) -> list[Order[V]]:
        """A viewer's path is broken, perhaps for a while. Its encoder may stop at any moment: it does not lead."""
        known = self._viewers.get(viewer)
        if known is None:
            return []
        known.stalled = now
        if viewer == self._leader and len(self._viewers) > 1:
            self._leader = None
        return self._settle(now)

    def made(self, viewer: V, octets: int, key: bool, now: float) -> bool:
        """An encoder has made a picture. Whether it is the one of all: that of another is nobody's but its own."""
        if viewer != self._leader:
            return False
        self._given_at = None
        self._made.append((now, octets))
        if key:
            self._keys.made(now)
        return True

    def measured(self, viewer: V, bandwidth: float | None, now: float) -> list[Order[V]]:
        """The estimate of what a viewer's path has for this track, bit/s; None where it is not to be had."""
        known = self._viewers.get(viewer)
        if known is None or len(self._viewers) < 2:
            return []
        known.bandwidth = bandwidth
        if bandwidth is None and known.role is SharingRole.LEAD:
            return self.out_of_reach(viewer, now)
        rate = self.rate(now)
        if known.alone:
            # Where nobody shares any more, nothing is known of the rate but what it was.
            return self._measured_alone(known, rate or known.needed, now)
        short = self._is_weak(known, rate) if known.role is SharingRole.LEAD else bandwidth is not None and bandwidth < rate
        if not short:
            known.short = None
        elif known.short is None:
            known.short = now
        elif now - known.short >= SHORT_S:
            return self._part(known, now)
        return []

    def _measured_alone(self, known: _Viewer, rate: float, now: float) -> list[Order[V]]:
        if known.bandwidth is None or known.bandwidth < rate * FIT_FACTOR:
            known.fit = None
        elif known.fit is None:
            known.fit = now
        elif now - known.fit >= FIT_S * known.falls:
            known.alone, known.short, known.fit = False, None, None
            known.wishes.clear()
            return [*self._settle(now), *self._ask(now)]
        return []

    def _is_weak(self, leader: _Viewer, rate: float) -> bool:
        """Whether all get less because of the path of the one that leads."""
        others = (other.bandwidth or 0.0 for other in self._viewers.values() if other.role is SharingRole.FOLLOW)
        own = leader.bandwidth or 0.0
        return own < rate * WEAK_FACTOR and max(others, default=0.0) > own * RICHER_FACTOR

    # ---------------------------------------------------------------------------------------- what follows from it

    def next_deadline(self) -> float | None:
        """When :meth:`handle_timeout` has something to do."""
        return self._keys.deadline

    def handle_timeout(self, now: float) -> list[Order[V]]:
        """Asks for the keyframe that was wanted too soon after another."""
        return self._ask(now) if self._keys.deadline is not None and now >= self._keys.deadline else []

    def _ask(self, now: float) -> list[Order[V]]:
        leader = self._leader
        if leader is None or self._viewers[leader].role is not SharingRole.LEAD:
            self._keys.deadline = None
            return []
        return [AskKeyframe(leader)] if self._keys.may_ask(now) else []

    def _part(self, known: _Viewer, now: float) -> list[Order[V]]:
        """Gives a viewer an encoder of its own."""
        known.alone, known.fit, known.falls = True, None, min(known.falls + 1, MAX_FALLS)
        known.needed = self.rate(now)
        known.wishes.clear()
        return self._settle(now)

    def _settle(self, now: float) -> list[Order[V]]:
        """Who leads, and whose role changes by that."""
        able = [viewer for viewer, known in self._viewers.items() if not known.alone]
        if not able and self._viewers:
            able = [self._best(self._viewers, now)]
            self._viewers[able[0]].alone = False
        if self._leader not in able:
            self._leader = self._best(able, now) if able else None
        orders: list[Order[V]] = []
        for viewer, known in self._viewers.items():
            role = SharingRole.OWN
            if not known.alone and len(able) > 1:
                role = SharingRole.LEAD if viewer == self._leader else SharingRole.FOLLOW
            if role is not known.role:
                known.role = role
                orders.append(GiveRole(viewer, role))
                if role is SharingRole.LEAD:
                    self._given_at = None
                    self._made.clear()
        return orders

    def _best(self, viewers: Iterable[V], now: float) -> V:
        """Who leads best: one whose encoder has not stalled of late, with the widest path; of equals the first."""

        def worth(viewer: V) -> tuple[float, float]:
            known = self._viewers[viewer]
            stalled = known.stalled if now - known.stalled <= STALL_MEMORY_S else float("-inf")
            return -stalled, known.bandwidth or 0.0

        return max(viewers, key=worth)


class _Keyframes:
    """When the last keyframe was asked for or made, and when the next one that is wanted may be asked for."""

    def __init__(self) -> None:
        self._last = float("-inf")
        self.pending = False
        self.deadline: float | None = None

    def may_ask(self, now: float) -> bool:
        if now - self._last < KEYFRAME_GAP_S:
            self.deadline = self._last + KEYFRAME_GAP_S
            return False
        self._last, self.deadline, self.pending = now, None, True
        return True

    def made(self, now: float) -> None:
        """A keyframe was made, which serves everybody who wanted one."""
        self._last, self.deadline, self.pending = now, None, False
