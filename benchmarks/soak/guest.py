"""One viewer of the soak: it joins, does this and that, and leaves, again and again, as its dice say."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import numpy as np
from aiortc import VideoStreamTrack
from av import VideoFrame

from benchmarks.soak.verdict import Stay
from reactor_sdk import CommandRejected, Reactor, TrackTakenError

STAY_S = (2.0, 12.0)
AWAY_S = (0.2, 3.0)
PAUSE_S = (0.1, 1.0)
FIRST_FRAME_S = 15.0
"""How long a viewer waits for its first frame before it counts as blind."""


class Camera(VideoStreamTrack):
    """A small picture, 30 times a second."""

    def __init__(self, level: int) -> None:
        super().__init__()
        self._picture = np.full((180, 320, 3), level, np.uint8)

    async def recv(self) -> VideoFrame:
        pts, time_base = await self.next_timestamp()
        frame = VideoFrame.from_ndarray(self._picture, format="rgb24")
        frame.pts, frame.time_base = pts, time_base
        return frame


@dataclass
class Crowd:
    """What the viewers have in common: who is connected, and the visits that are over."""

    connected: int
    stays: list[Stay]


class Guest:
    """One viewer. Everything that it does comes from its dice, so that a soak can be made again."""

    def __init__(self, number: int, seed: int, crowd: Crowd) -> None:
        self._number = number
        self._dice = random.Random(f"{seed}/{number}")
        self._crowd = crowd
        self._acts: list[Callable[[Reactor], Awaitable[None]]] = [
            self._command,
            self._command,
            self._be_refused,
            self._pause,
            self._publish,
        ]

    async def live(self, until: float) -> None:
        """Comes and goes until that moment of the loop's clock."""
        now = asyncio.get_running_loop().time
        while now() < until:
            self._crowd.stays.append(await self.stay(min(self._dice.uniform(*STAY_S), max(1.0, until - now()))))
            await asyncio.sleep(self._dice.uniform(*AWAY_S))

    async def stay(self, seconds: float) -> Stay:
        """One visit, which ends by itself after about that time."""
        now = asyncio.get_running_loop().time
        began, frames, seen = now(), 0, asyncio.Event()

        def show(_frame: object) -> None:
            nonlocal frames
            frames += 1
            seen.set()

        problem = None
        self._crowd.connected += 1
        try:
            async with Reactor("soak", local=True) as client:
                client.set_frame_callback(show)
                await client.connect()
                async with asyncio.timeout(FIRST_FRAME_S):
                    await seen.wait()
                while now() - began < seconds:
                    await self._dice.choice(self._acts)(client)
                    await asyncio.sleep(self._dice.uniform(*PAUSE_S))
        except TimeoutError:
            problem = f"no frame within {FIRST_FRAME_S:g} s"
        except RuntimeError as error:
            problem = f"{type(error).__name__}: {error}"
        finally:
            self._crowd.connected -= 1
        return Stay(self._number, round(now() - began, 2), frames, problem)

    async def _command(self, client: Reactor) -> None:
        if self._dice.random() < 0.5:
            await client.send_command("set_level", {"level": self._dice.randrange(256)})
        else:
            reply = await client.send_command("see", {})
            assert reply is not None

    async def _be_refused(self, client: Reactor) -> None:
        for name in ("refuse", "no_such_command"):
            try:
                await client.send_command(name, {})
            except CommandRejected:
                continue
            raise RuntimeError(f"the command {name!r} was not refused")

    async def _pause(self, client: Reactor) -> None:
        await client.pause_track("main_video")
        await asyncio.sleep(self._dice.uniform(*PAUSE_S))
        await client.resume_track("main_video")

    async def _publish(self, client: Reactor) -> None:
        try:
            await client.publish_track("camera", Camera(self._dice.randrange(256)))
        except TrackTakenError:
            return
        await asyncio.sleep(self._dice.uniform(*PAUSE_S))
        await client.unpublish_track("camera")
