"""Episode: one session as an environment sees it, on the event loop. Commands out, the pictures that they led to back."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reactor_protocol.errors import DisconnectedError, RequestTimeoutError, SessionEndedError
from reactor_protocol.lifecycles import ReactorStatus
from reactor_protocol.messages import CommandResult
from reactor_sdk.gym.client import EnvClient
from reactor_sdk.gym.options import Data, Observation, Settings
from reactor_sdk.gym.pictures import Found, observed, picture_from
from reactor_sdk.gym.roles import Order, Roles, roles_of
from reactor_sdk.gym.tally import Tally, Verdict
from reactor_sdk.model_schema import ask_schema


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """What a command led to: the observation, what is told of it, and what the model said of the step."""

    observation: Observation
    info: dict[str, Any]
    verdict: Verdict


class Episode:
    """A session that is open. Made by :func:`open_episode`; has to be closed."""

    def __init__(self, client: EnvClient, roles: Roles, settings: Settings) -> None:
        self.roles = roles
        self.size = settings.seeing.observation_shape or (0, 0)
        self._client = client
        self._track = client.video(settings.seeing.track)
        self._outlet = client.watch(self._track)
        self._limit_s = settings.seeing.step_timeout
        self._tally = Tally()
        client.on("message", self._tally.hear)
        client.on("status_changed", self._status_changed)

    async def begin(self) -> None:
        """Waits for the first picture, whose size observations have unless another is asked for."""
        frame = (await self._picture(0, "the model's first picture")).frame
        if self.size == (0, 0):
            self.size = (frame.height, frame.width)

    @property
    def fps(self) -> float | None:
        """Frames per second that the model declares."""
        offered = self._client.get_capabilities()
        return offered.get("emission_fps") if offered is not None else None

    async def reset(self, seed: int | None, options: Data | None) -> Moment:
        """Begins an episode, and gives the first picture of it."""
        moment = await self._led_to(self.roles.resetting(seed, options))
        self._tally.take()
        return moment

    async def act(self, action: Any) -> Moment:
        """Sends an action, and gives the picture that it led to."""
        return await self._led_to([self.roles.acting(action)])

    async def close(self) -> None:
        """Ends the session."""
        self._outlet.end()
        await self._client.disconnect()

    async def _led_to(self, orders: Sequence[Order]) -> Moment:
        loop = asyncio.get_running_loop()
        began, result = loop.time(), None
        for order in orders:
            result = await self._asked(order)
        if result is None:
            # Nothing begins an episode: its first picture is the one that is there, for the model may stand still.
            frame = self._client.newest(self._track)
            found = Found(frame, frame.number or 0) if frame is not None else await self._picture(0, "a picture of the model")
        else:
            found = await self._picture(result.frame or 0, f"the picture that {orders[-1].command} led to")
        now = loop.time()
        age, reply = self._client.age(found.frame, now), result.reply if result is not None else None
        info: dict[str, Any] = {
            "frame": found.number,
            "skipped": found.skipped,
            "elapsed": now - began,
            "age": age if age is not None else math.nan,
            "reply": {"type": reply.type, "data": reply.data} if reply is not None else None,
        }
        return Moment(observed(found.frame.to_rgb(), self.size), info, self._tally.take())

    async def _asked(self, order: Order) -> CommandResult:
        if self._client.get_status() is not ReactorStatus.READY:
            raise self._lost()
        try:
            async with asyncio.timeout(self._limit_s):
                return await self._client.ask(order)
        except TimeoutError as error:
            raise RequestTimeoutError(f"{order.command} was not answered within {self._limit_s:g} s (step_timeout=)") from error

    async def _picture(self, wanted: int, what: str) -> Found:
        try:
            async with asyncio.timeout(self._limit_s):
                found = await picture_from(self._outlet, wanted)
        except TimeoutError as error:
            cure = "does the model show a picture after every command? else raise step_timeout="
            raise RequestTimeoutError(f"{what} (number {wanted}) did not come within {self._limit_s:g} s: {cure}") from error
        if found is None:
            raise self._lost()
        return found

    def _lost(self) -> DisconnectedError | SessionEndedError:
        last = self._client.get_last_error()
        reason = last.message if last is not None else "the connection was closed"
        kind = SessionEndedError if self._client.get_session_id() is None else DisconnectedError
        return kind(f"{reason}; make another environment")

    def _status_changed(self, status: ReactorStatus) -> None:
        if status is ReactorStatus.DISCONNECTED:
            self._outlet.end()


async def open_episode(settings: Settings) -> Episode:
    """Opens a session. Raises as ``Reactor.connect``, :class:`RequestTimeoutError`, and what the model cannot be an action of."""
    client = EnvClient(settings.place)
    limit_s = settings.place.connect_timeout
    try:
        async with asyncio.timeout(limit_s):
            await client.connect()
        client.check_exact()
        roles = roles_of(await ask_schema(client), settings.acting)
        episode = Episode(client, roles, settings)
        await episode.begin()
    except BaseException as error:
        await client.disconnect()
        if isinstance(error, TimeoutError):
            raise RequestTimeoutError(f"no session within {limit_s:g} s (connect_timeout=)") from error
        raise
    return episode
