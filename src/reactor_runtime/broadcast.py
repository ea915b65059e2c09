"""Broadcast: the pictures of an output track, encoded once and sent to many. It does what :class:`EncoderPlan` decides."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from reactor_protocol.errors import NegotiationError, TransportError
from reactor_rtc.frames import VideoFrame
from reactor_rtc.port import EncodedPicture, KeyframeWanted, Peer, PictureEncoded, SharingRole
from reactor_rtc.scope import TaskScope
from reactor_runtime.broadcast_plan import AskKeyframe, EncoderPlan, GiveRole, Order

logger = logging.getLogger(__name__)

MEASURE_S: Final = 1.0
"""How often the paths of viewers that share are measured."""
STILL_S: Final = 0.1
"""A track that was given no picture for so long stands still: its newest one is sent again to whoever waits for one."""


@dataclass(frozen=True, slots=True, eq=False)
class Seat:
    """One viewer of one output track: the section of its peer that carries it."""

    track: str
    peer: Peer
    mid: str


_Key: TypeAlias = tuple[str, str]


class Broadcast:
    """The viewers of all output tracks. ``newest`` gives the newest picture of a track.

    Sections that cannot share, such as those of sound, are left as they are.
    """

    def __init__(self, newest: Callable[[str], VideoFrame | None]) -> None:
        self._newest = newest
        self._plans: dict[_Key, EncoderPlan[Seat]] = {}
        self._seats: dict[Seat, _Key] = {}
        self._given: dict[str, float] = {}
        self._stamps: dict[str, int] = {}
        self._timers: dict[_Key, asyncio.TimerHandle] = {}
        self._repeats: dict[_Key, asyncio.TimerHandle] = {}
        self._scope = TaskScope("broadcast")
        self._measuring: asyncio.Task[None] | None = None

    # ------------------------------------------------------------------------------------------------- who watches

    def join(self, seat: Seat) -> None:
        """A viewer's section is about to flow. :meth:`show` follows when it does."""
        try:
            codec = seat.peer.shared_codec(seat.mid)
        except TransportError:
            return
        if codec is None or seat in self._seats:
            return
        key = self._seats[seat] = (seat.track, codec)
        self._do(key, self._plans.setdefault(key, EncoderPlan()).joined(seat, _now()))
        if len(self._plans[key]) > 1 and (self._measuring is None or self._measuring.done()):
            self._measuring = self._scope.start(self._measure(), "measure")

    def show(self, seat: Seat) -> None:
        """A viewer's section flows: it gets a picture to begin with, also from a model that stands still."""
        key = self._seats.get(seat)
        if key is not None and self._plans[key].role(seat) is SharingRole.FOLLOW:
            self._do(key, self._plans[key].ready(seat, _now()))
        elif (picture := self._newest(seat.track)) is not None:
            # Its section may have had it already, and an encoder takes nothing that is not younger than the last.
            captured = picture.capture_time_us or picture.timestamp_us
            _send(seat, replace(picture, timestamp_us=picture.timestamp_us + 1_000, capture_time_us=captured))

    def leave(self, seat: Seat) -> None:
        """A viewer has paused the track, or has gone."""
        key = self._seats.pop(seat, None)
        if key is None:
            return
        plan = self._plans[key]
        orders = plan.left(seat, _now())
        if len(plan) == 0:
            del self._plans[key]
        self._do(key, orders)

    def audience(self, track: str) -> dict[Seat, SharingRole]:
        """The viewers of a track who can share, in the order of their coming, and whose encoder works for whom."""
        return {seat: self._plans[key].role(seat) for seat, key in self._seats.items() if key[0] == track}

    async def close(self) -> None:
        """Ends what runs."""
        for timers in (self._timers, self._repeats):
            for timer in timers.values():
                timer.cancel()
            timers.clear()
        await self._scope.close()

    # ------------------------------------------------------------------------------------------------- what happens

    def sent(self, track: str) -> None:
        """A new picture of a track has been given to its viewers' sections."""
        now = self._given[track] = _now()
        for key, plan in list(self._plans.items()):
            if key[0] == track and (orders := plan.given(now)):
                self._do(key, orders)

    def heard(self, seat: Seat, event: PictureEncoded | KeyframeWanted) -> None:
        """A viewer's peer has encoded a picture, or its other side wants a keyframe."""
        key = self._seats.get(seat)
        if key is None:
            return
        plan = self._plans[key]
        if isinstance(event, KeyframeWanted):
            self._do(key, plan.key_wanted(seat, _now()))
        elif plan.made(seat, len(event.picture.data), event.picture.key, _now()):
            self._pass_on(plan, event.picture)

    def out_of_reach(self, seat: Seat) -> None:
        """A viewer's path is broken, perhaps for a while: nobody may depend on its encoder."""
        key = self._seats.get(seat)
        if key is not None:
            self._do(key, self._plans[key].out_of_reach(seat, _now()))

    def _pass_on(self, plan: EncoderPlan[Seat], picture: EncodedPicture) -> None:
        for seat in plan.sharing:
            if plan.role(seat) is SharingRole.FOLLOW:
                try:
                    seat.peer.send_encoded(seat.mid, picture)
                except TransportError as error:
                    logger.debug("a viewer of %r missed a picture: %s", seat.track, error)

    async def _measure(self) -> None:
        """Tells the plans what the paths carry, while anybody shares."""
        while shared := [seat for seat, key in self._seats.items() if len(self._plans[key]) > 1]:
            for seat in shared:
                await self._measure_one(seat)
            await asyncio.sleep(MEASURE_S)

    async def _measure_one(self, seat: Seat) -> None:
        try:
            bandwidth = await seat.peer.bandwidth()
        except (TransportError, NegotiationError):
            bandwidth = None
        key, now = self._seats.get(seat), _now()
        if key is None:
            return
        if bandwidth is not None:
            # A path has to carry all tracks of its viewer.
            bandwidth -= sum(self._plans[k].rate(now) for s, k in self._seats.items() if s.peer is seat.peer and s is not seat)
        self._do(key, self._plans[key].measured(seat, bandwidth, now))

    # ------------------------------------------------------------------------------------------------- what is done

    def _do(self, key: _Key, orders: list[Order[Seat]]) -> None:
        for order in orders:
            seat = order.viewer
            try:
                match order:
                    case GiveRole(_, role):
                        seat.peer.share(seat.mid, role)
                    case AskKeyframe():
                        seat.peer.ask_keyframe(seat.mid)
                        self._await_picture(key)
            except TransportError as error:
                logger.debug("a viewer of %r is going: %s", seat.track, error)
        self._arm(key)

    def _await_picture(self, key: _Key) -> None:
        """Sees to it that there is a picture that a keyframe can be made of: a model that stands still makes none."""
        now, given = _now(), self._given.get(key[0], 0.0)
        self._look_again(key, given, max(now, given + STILL_S))

    def _look_again(self, key: _Key, given: float, at: float) -> None:
        if (timer := self._repeats.pop(key, None)) is not None:
            timer.cancel()
        self._repeats[key] = asyncio.get_running_loop().call_at(at, self._repeat, key, given)

    def _repeat(self, key: _Key, given: float) -> None:
        """Shows the newest picture once more, if no other has been given since that time and a keyframe is still wanted."""
        del self._repeats[key]
        track, now, plan = key[0], _now(), self._plans.get(key)
        picture = self._newest(track)
        if picture is None or plan is None or not plan.key_pending or self._given.get(track, 0.0) != given:
            return
        self._do(key, plan.given(now))
        if not plan.sharing:
            return
        # An encoder takes no picture that is not younger than the last.
        stamp = max(round(now * 1_000_000), picture.timestamp_us + 1_000, self._stamps.get(track, 0) + 1_000)
        self._stamps[track] = stamp
        for seat in plan.sharing:
            _send(seat, replace(picture, timestamp_us=stamp))
        # The picture may have overtaken the wish for a keyframe on their ways to the encoder.
        self._look_again(key, given, now + STILL_S)

    def _arm(self, key: _Key) -> None:
        if (timer := self._timers.pop(key, None)) is not None:
            timer.cancel()
        plan = self._plans.get(key)
        deadline = plan.next_deadline() if plan is not None else None
        if deadline is not None:
            self._timers[key] = asyncio.get_running_loop().call_at(deadline, self._timeout, key)

    def _timeout(self, key: _Key) -> None:
        self._timers.pop(key, None)
        plan = self._plans.get(key)
        if plan is not None:
            self._do(key, plan.handle_timeout(_now()))


def _now() -> float:
    return asyncio.get_running_loop().time()


def _send(seat: Seat, picture: VideoFrame) -> None:
    try:
        seat.peer.send_media(seat.mid, picture)
    except TransportError as error:
        logger.debug("a viewer of %r missed a picture: %s", seat.track, error)
