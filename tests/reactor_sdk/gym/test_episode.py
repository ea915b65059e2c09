"""One session as an environment sees it, over a client that answers by itself."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest

from reactor_protocol.errors import DisconnectedError, RequestTimeoutError, SessionEndedError
from reactor_protocol.lifecycles import ReactorStatus
from reactor_protocol.messages import ApplicationMessage, CommandResult
from reactor_rtc.frames import VideoFrame
from reactor_sdk.frames import FrameFeed, Outlet
from reactor_sdk.gym.client import EnvClient
from reactor_sdk.gym.episode import Episode
from reactor_sdk.gym.options import EnvOptions, settings_of
from reactor_sdk.gym.pictures import KEPT
from reactor_sdk.gym.roles import Order, Roles
from reactor_sdk.gym.spaces import codec_of_list
from reactor_sdk.gym.tally import Verdict

TRACK = "main_video"


def grey(number: int) -> VideoFrame:
    """A picture of 8x4 whose brightness tells its number."""
    return VideoFrame(np.array([16 + number] * 32 + [128] * 16, np.uint8), 8, 4, number=number)


class Answering:
    """Acknowledges each command with the number of the next picture, and shows it and two more, if it ``shows``."""

    def __init__(self) -> None:
        self.feed = FrameFeed()
        self.status, self.session_id = ReactorStatus.READY, "a session"
        self.shows = True
        self.made = 0
        self.sent: list[Order] = []
        self.asked = asyncio.Event()
        self.handlers: dict[str, Callable[[Any], None]] = {}

    def on(self, event: str, handler: Callable[[Any], None]) -> None:
        self.handlers[event] = handler

    def show(self) -> None:
        self.feed.deliver(TRACK, grey(self.made), is_main=False)
        self.made += 1

    async def ask(self, order: Order) -> CommandResult:
        self.sent.append(order)
        self.asked.set()
        frame, reply = self.made, ApplicationMessage("done", {"reward": 2.0})
        for _ in range(3 if self.shows else 0):
            self.show()
        self.handlers["message"]({"type": reply.type, "data": reply.data})
        return CommandResult("cmd-1", reply, None, frame)

    def lose(self, session_id: str | None) -> None:
        self.status, self.session_id = ReactorStatus.DISCONNECTED, session_id or ""
        self.handlers["status_changed"](self.status)

    def video(self, track: str | None) -> str:
        return track or TRACK

    def watch(self, track: str) -> Outlet[VideoFrame]:
        return self.feed.subscribe(track, KEPT)

    def newest(self, track: str) -> VideoFrame | None:
        return self.feed.newest(track)

    def age(self, frame: VideoFrame, now: float) -> float | None:
        return None

    def get_status(self) -> ReactorStatus:
        return self.status

    def get_session_id(self) -> str | None:
        return self.session_id or None

    def get_last_error(self) -> None:
        return None


async def begun(client: Answering, *, reset: str | None = "reset", limit_s: float = 20.0) -> Episode:
    options: EnvOptions = {"step_timeout": limit_s}
    roles = Roles("press", codec_of_list([{"key": "left"}, {"key": "right"}]), reset)
    episode = Episode(cast(EnvClient, client), roles, settings_of("model", options))
    client.show()
    await episode.begin()
    return episode


async def test_a_step_gives_the_picture_the_reply_and_the_reward_of_its_action() -> None:
    client = Answering()
    episode = await begun(client)
    assert episode.size == (4, 8)
    first = await episode.reset(None, None)
    assert (first.info["frame"], first.verdict) == (1, Verdict(2.0))
    moment = await episode.act(1)
    assert client.sent == [Order("reset", {}), Order("press", {"key": "right"})]
    assert (moment.info["frame"], moment.info["skipped"]) == (4, 0)
    assert moment.info["reply"] == {"type": "done", "data": {"reward": 2.0}}
    assert moment.verdict == Verdict(2.0), "what the reset said is forgotten"
    assert moment.observation.shape == (4, 8, 3)
    assert moment.observation.mean() == pytest.approx(4 * 255 / 219, abs=1.0)


async def test_without_a_reset_command_an_episode_begins_with_what_is_seen() -> None:
    client = Answering()
    episode = await begun(client, reset=None)
    for _ in range(3):
        client.show()
    assert (await episode.reset(7, None)).info["frame"] == 3
    assert (await episode.reset(7, None)).info["frame"] == 3
    assert client.sent == []


async def test_a_model_that_shows_nothing_after_an_action_is_told() -> None:
    client = Answering()
    episode = await begun(client, limit_s=0.05)
    client.shows = False
    with pytest.raises(RequestTimeoutError, match=r"the picture that press led to \(number 1\) did not come within 0.05 s"):
        await episode.act(0)


@pytest.mark.parametrize(("session_id", "kind"), [("a session", DisconnectedError), (None, SessionEndedError)])
async def test_a_connection_that_is_lost_ends_the_wait(session_id: str | None, kind: type[Exception]) -> None:
    client = Answering()
    episode = await begun(client)
    client.shows = False
    waiting = asyncio.ensure_future(episode.act(0))
    async with asyncio.timeout(20):
        await client.asked.wait()
    client.lose(session_id)
    async with asyncio.timeout(20):
        with pytest.raises(kind, match="make another environment"):
            await waiting
        with pytest.raises(kind, match="make another environment"):
            await episode.act(0)
    assert len(client.sent) == 1
