"""A client that acts once for each frame has a step for each, as long as it is faster than the frames."""

import asyncio
import itertools
from collections.abc import Callable

import numpy as np
import pytest

from reactor_protocol.messages import ApplicationMessage
from reactor_runtime.action_wait import ActionWait
from reactor_runtime.emission import Bundle
from reactor_runtime.model_stage import ModelStage
from reactor_runtime.pacer import Plan
from reactor_runtime.sending import Told
from reactor_runtime.step_gate import StepReport
from reactor_runtime.tracks import Output, Video
from reactor_testing.still_loop import StillLoop

SECONDS = 20.0


class Out(Output):
    main: Video


class Stepping:
    """A client that gets each frame ``way`` seconds after it was made, thinks, and acts."""

    def __init__(self, think: Callable[[], float], way: float, told: bool) -> None:
        self.think, self.way, self.told = think, way, told
        self.stage = ModelStage(self)
        self.steps = 0
        self.awaited = 0

    async def room(self) -> None: ...

    def frames_ready(self, bundles: tuple[Bundle, ...], plan: Plan) -> None:
        if self.stage.frame - 1 >= self.awaited:
            self.awaited = 1 << 30
            asyncio.get_running_loop().call_later(self.way + self.think(), self.act)

    def act(self) -> None:
        # The loop is the model's: what it does between two frames is held up by neither.
        self.steps += 1
        self.awaited = self.stage.frame + self.begun
        if self.told:
            self.stage.acted(asyncio.get_running_loop().time(), self.awaited)

    begun = 0

    async def run(self, fps: float, work: float) -> None:
        picture = Out(main=np.zeros((16, 16, 3), np.uint8))
        while True:
            self.begun = 1
            await asyncio.sleep(work)
            self.begun = 0
            await self.stage.emit(picture, fps, False)

    def frames_flushed(self) -> None: ...

    def message_sent(self, message: ApplicationMessage, client: int | None, told: Told | None = None) -> None: ...

    def sound_missed(self, track: str, samples: int) -> None: ...

    def step_completed(self, report: StepReport) -> None: ...


def rates(fps: float, work: float, think: Callable[[], float], way: float, *, told: bool) -> tuple[float, float]:
    """Steps and frames in a second."""
    loop = StillLoop()
    try:

        async def play() -> Stepping:
            client = Stepping(think, way, told)
            running = asyncio.create_task(client.run(fps, work))
            await asyncio.sleep(SECONDS)
            running.cancel()
            return client

        client = loop.finish(play(), SECONDS + 1)
    finally:
        loop.close()
    return client.steps / SECONDS, client.stage.frame / SECONDS


@pytest.mark.parametrize(
    ("fps", "work", "think", "way", "before", "after"),
    [
        (25.0, 0.001, (0.020,), 0.005, 25.0, 24.9),
        (30.0, 0.001, (0.025, 0.031, 0.025, 0.028), 0.004, 26.0, 29.0),
        (25.0, 0.014, (0.020,), 0.007, 12.5, 24.0),
        # The model, the way and the client together take longer than a period: as fast as they can.
        (25.0, 0.018, (0.020,), 0.0085, 12.5, 21.0),
    ],
)
def test_a_step_for_every_frame(
    fps: float, work: float, think: tuple[float, ...], way: float, before: float, after: float
) -> None:
    times = itertools.cycle(think)
    assert rates(fps, work, lambda: next(times), way, told=False)[0] <= before + 0.5
    steps, frames = rates(fps, work, lambda: next(times), way, told=True)
    assert steps >= after
    assert frames == pytest.approx(steps, abs=0.5)


def test_only_who_answers_soon_is_waited_for() -> None:
    wait = ActionWait()
    wait.made(7, 1.0)
    assert wait.until(0.04) is None, "nobody acts in step"
    wait.acted(1.03, 8)
    assert wait.until(0.04) is None, "how long it thinks is not known yet"
    wait.made(8, 1.04)
    wait.acted(1.07, 9)
    assert wait.until(0.04) is None, "what it waits for is still to be made"
    wait.made(9, 1.08)
    assert wait.until(0.04) == pytest.approx(1.14)
    wait.made(10, 1.14)
    assert wait.until(0.04) is None, "it has not answered, and the world goes on"
    wait.acted(1.15, 11)
    wait.made(11, 1.18)
    assert wait.until(0.04) is None, "it took 70 ms: frames of 40 ms do not wait for that"
    assert wait.until(0.05) == pytest.approx(1.255)
    wait.clear()
    assert wait.until(0.05) is None
