"""What a model has made is counted, and each picture knows its number."""

import asyncio

import numpy as np

from reactor_protocol.messages import ApplicationMessage
from reactor_rtc.frames import VideoFrame
from reactor_runtime.emission import Bundle
from reactor_runtime.model_stage import ModelStage
from reactor_runtime.pacer import Plan
from reactor_runtime.sending import Told
from reactor_runtime.step_gate import StepReport
from reactor_runtime.tracks import Audio, Output, Video
from reactor_testing.still_loop import StillLoop


class Out(Output):
    main: Video
    side: Video


class Speaking(Output):
    main: Video
    voice: Audio


class Crowded:
    """Takes what a stage hands over, as soon as there is room."""

    def __init__(self) -> None:
        self.space = asyncio.Event()
        self.numbers: list[dict[str, int | None]] = []

    async def room(self) -> None:
        await self.space.wait()

    def frames_ready(self, bundles: tuple[Bundle, ...], plan: Plan) -> None:
        for bundle in bundles:
            self.numbers.append({name: media.number for name, media in bundle.items() if isinstance(media, VideoFrame)})

    def frames_flushed(self) -> None: ...

    def message_sent(self, message: ApplicationMessage, client: int | None, told: Told | None = None) -> None: ...

    def sound_missed(self, track: str, samples: int) -> None: ...

    def step_completed(self, report: StepReport) -> None: ...


def shown(count: int) -> Out:
    return Out(main=np.zeros((count, 16, 16, 3), np.uint8), side=np.zeros((count, 8, 8, 3), np.uint8))


async def test_each_picture_has_its_number_and_a_black_one_that_of_the_last() -> None:
    hand = Crowded()
    hand.space.set()
    stage = ModelStage(hand)
    for count in (1, 2, 1):
        await stage.emit(shown(count), 1000.0, False)
    stage.flush(hold=False)
    assert hand.numbers == [{"main": number, "side": number} for number in (0, 1, 2, 3, 3)]
    assert stage.frame == 4


async def test_a_command_that_runs_while_a_frame_waits_for_room_comes_after_it() -> None:
    hand = Crowded()
    stage = ModelStage(hand)
    emitting = asyncio.ensure_future(stage.emit(shown(1), 1000.0, False))
    await asyncio.sleep(0)
    assert not hand.numbers, "the frame is made, and waits"
    assert stage.frame == 1
    hand.space.set()
    async with asyncio.timeout(20):
        await emitting
    assert hand.numbers == [{"main": 0, "side": 0}]


def test_a_model_that_makes_sound_faster_than_it_is_heard_is_held_back_and_a_flush_lets_it_go_on() -> None:
    loop = StillLoop()
    hand = Crowded()
    hand.space.set()
    stage = ModelStage(hand)
    four_seconds = Speaking(main=np.zeros((16, 16, 3), np.uint8), voice=np.zeros(4 * 48_000, np.int16))

    async def speak() -> None:
        while True:
            await stage.emit(four_seconds, 30.0, False)

    speaking = loop.create_task(speak())
    loop.advance(1.9)
    # 32 s have been handed over at once, of which 30 wait at most; from then on one piece of 4 s every 4 s.
    assert len(hand.numbers) == 8
    loop.advance(40.0)
    assert len(hand.numbers) == 18
    stage.flush(hold=True)
    loop.advance(0.3)
    assert len(hand.numbers) >= 25
    speaking.cancel()
    loop.advance(0.0)
    loop.close()
