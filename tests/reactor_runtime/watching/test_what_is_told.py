"""What the parts of a runtime tell whoever looks on: the table its moves, the stage how frames came, the playout what left."""

import asyncio

import numpy as np
import pytest
from tests.reactor_runtime.waiting import Changes

from reactor_protocol.messages import ApplicationMessage
from reactor_rtc.frames import AudioBlock, VideoFrame
from reactor_runtime import Output, Video
from reactor_runtime.emission import Bundle
from reactor_runtime.model_stage import ModelStage
from reactor_runtime.pacer import Pacer, Plan
from reactor_runtime.playout import Playout
from reactor_runtime.sending import Told
from reactor_runtime.session import EndReason, Move, SessionTable
from reactor_runtime.step_gate import StepReport
from reactor_runtime.tracks import TrackSpec
from reactor_runtime.watching.metrics import Metrics
from reactor_runtime.watching.traffic import Traffic
from reactor_runtime.watching.watch import Watch


def picture() -> VideoFrame:
    return VideoFrame.from_rgb(np.zeros((4, 4, 3), np.uint8))


def test_the_table_tells_its_moves() -> None:
    moves: list[Move] = []
    table = SessionTable(60.0, moves.append)
    table.loaded()
    table.start(0.0)
    table.opened(1002, 1.0)
    table.opened(1003, 1.0)
    table.closed(1002, 2.0)
    table.closed(1003, 2.0)
    table.closed(1003, 2.0)  # it has gone already
    table.stop(EndReason.STOPPED, "because", 3.0)
    table.cleaned_up()
    table.model_failed("it crashed", 4.0)
    assert [(move.event, move.before, move.after, move.connection_id, move.reason, move.notice) for move in moves] == [
        ("initialization_success", "created", "ready", None, None, None),
        ("start_session", "ready", "waiting", None, None, None),
        ("connection_opened", "waiting", "streaming", 1002, None, None),
        ("connection_opened", "streaming", "streaming", 1003, None, None),
        ("connection_closed", "streaming", "streaming", 1002, None, None),
        ("last_connection_closed", "streaming", "orphaned", 1003, None, None),
        ("stop_session", "orphaned", "closing", None, "stopped", "because"),
        ("cleanup_complete", "closing", "ready", None, "stopped", None),
        ("eviction", "ready", "terminated", None, "error", "it crashed"),
    ]


def test_a_pacer_knows_for_how_long_the_model_works() -> None:
    pacer = Pacer()
    assert pacer.worked(5.0) == 0.0
    pacer.resumed(5.0)
    assert pacer.worked(5.25) == 0.25


class Out(Output):
    main: Video


class Stagehand:
    """Keeps the plans that a stage makes."""

    def __init__(self) -> None:
        self.plans: list[Plan] = []

    async def room(self) -> None: ...

    def frames_ready(self, bundles: tuple[Bundle, ...], plan: Plan) -> None:
        self.plans.append(plan)

    def frames_flushed(self) -> None: ...

    def message_sent(self, message: ApplicationMessage, client: int | None, told: Told | None = None) -> None: ...

    def sound_missed(self, track: str, samples: int) -> None: ...

    def step_completed(self, report: StepReport) -> None: ...


async def test_a_stage_says_how_a_frame_was_made() -> None:
    hand = Stagehand()
    stage = ModelStage(hand)
    output = Out(main=np.zeros((48, 64, 3), np.uint8))
    await stage.emit(output, 1000.0, False)
    between = asyncio.get_running_loop().time()
    await stage.emit(output, 1000.0, False)
    first, second = (plan.made for plan in hand.plans)
    assert first is not None
    assert second is not None
    assert first.generate == 0.0
    assert 0 < second.generate < second.at - between + 1
    assert second.convert > 0
    assert second.at >= between
    stage.flush(hold=False)
    assert hand.plans[-1].made is None, "no model made it"


async def test_the_playout_says_what_left_and_what_never_will() -> None:
    sent: list[tuple[Bundle, float]] = []
    changes = Changes()

    def left(bundle: Bundle, waited: float) -> None:
        sent.append((bundle, waited))
        changes.announce()

    playout = Playout(lambda _bundle: None, left)
    now = asyncio.get_running_loop().time()
    bundles: tuple[Bundle, ...] = tuple({"main": picture()} for _ in range(4))
    playout.play(bundles[:2], Plan(now, 0.02, now))
    assert [waited for _, waited in sent] == [0.0]
    await changes.until(lambda: len(sent) == 2, 20)
    assert sent[1][0] is bundles[1]
    assert 0.015 < sent[1][1] < 5
    playout.play(bundles[2:], Plan(now + 60, 60.0, now))
    assert playout.flush() == bundles[2:]
    assert playout.flush() == ()


def test_what_is_dropped_is_counted() -> None:
    metrics = Metrics()
    sound = AudioBlock.from_array(np.zeros(480, np.int16), 48_000)
    Traffic(metrics).dropped(({"main": picture(), "voice": sound}, {"main": picture()}))
    media = metrics.media
    assert (media.dropped_bundles.only.value, media.dropped_frames.only.value, media.dropped_samples.only.value) == (2, 2, 480)


def test_sound_that_was_not_read_is_counted_and_said_once_a_session(caplog: pytest.LogCaptureFixture) -> None:
    watch = Watch()
    microphone = TrackSpec("microphone", "audio", "in", 16_000)
    for _ in range(3):
        watch.sound_missed(microphone, 8_000)
    watch.session_began("the next one")
    watch.sound_missed(microphone, 4_000)
    assert watch.metrics.media.missed_samples.only.value == 28_000
    assert [record.getMessage() for record in caplog.records if "too slowly" in record.getMessage()] == [
        f"the model reads 'microphone' too slowly: {lost} s of sound were dropped; "
        "set buffer_seconds on its Audio class to keep more"
        for lost in ("0.50", "0.25")
    ]
