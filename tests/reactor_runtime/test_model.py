"""The model class as its author sees it before it runs."""

import numpy as np
import pytest

from reactor_protocol.messages import ApplicationMessage
from reactor_runtime import ModelMessage, Output, ReactorModel, Video
from reactor_runtime.model import Stage, bind
from reactor_runtime.step_gate import StepReport


class Out(Output):
    main: Video


class Done(ModelMessage):
    n: int


class Forgetful(ReactorModel):
    fps = 12

    def __init__(self) -> None:
        self.ready = True  # without super().__init__()


class RecordingStage(Stage):
    def __init__(self) -> None:
        self.emitted: list[tuple[float | None, bool]] = []
        self.sent: list[ApplicationMessage] = []
        self.flushes: list[bool] = []

    async def emit(self, output: Output, fps: float | None, drop: bool) -> None:
        self.emitted.append((fps, drop))

    async def send(self, message: ModelMessage) -> None:
        self.sent.append(message.encode())

    def flush(self, hold: bool) -> None:
        self.flushes.append(hold)

    def step_completed(self, report: StepReport) -> None:
        raise AssertionError("nobody counts the steps")


PICTURE = np.zeros((4, 4, 3), np.uint8)


def bound() -> tuple[ReactorModel, RecordingStage]:
    model, stage = Forgetful(), RecordingStage()
    bind(model, stage)
    return model, stage


def test_a_subclass_that_forgets_its_base_works() -> None:
    model = Forgetful()
    assert not model.connected.is_set()
    assert model.output.fps == 12.0


async def test_an_output_goes_at_the_declared_rate_or_that_of_its_compute_time() -> None:
    model, stage = bound()
    batch = np.stack([PICTURE] * 4)
    await model.emit(Out(main=PICTURE))
    await model.output.emit(Out(main=batch), compute_time=0.5)
    await model.emit(Out(main=PICTURE), compute_time=0.0, drop=True)
    assert stage.emitted == [(12.0, False), (8.0, False), (12.0, True)]


async def test_the_rate_can_be_changed() -> None:
    model, stage = bound()
    model.output.fps = 50
    await model.emit(Out(main=PICTURE))
    assert stage.emitted == [(50.0, False)]
    for rate in (0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="fps must be above 0"):
            model.output.fps = rate
    assert model.output.fps == 50.0


def test_a_class_with_an_impossible_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="Still: fps must be above 0, not 0"):

        class Still(ReactorModel):
            fps = 0


async def test_messages_and_flushes_reach_the_stage() -> None:
    model, stage = bound()
    await model.send(Done(3))
    model.output.flush()
    model.output.flush(hold=True)
    assert stage.sent == [ApplicationMessage("done", {"n": 3})]
    assert stage.flushes == [False, True]


async def test_a_model_that_nothing_runs_says_and_shows_nothing() -> None:
    model = Forgetful()
    await model.emit(Out(main=PICTURE))
    await model.send(Done(1))
    model.output.flush()
    with pytest.raises(ValueError, match="a batch has at least one frame"):
        await model.emit(Out(main=np.zeros((0, 4, 4, 3), np.uint8)))


async def test_run_has_to_be_written() -> None:
    with pytest.raises(NotImplementedError, match=r"Forgetful has no run\(\)"):
        await Forgetful().run()
