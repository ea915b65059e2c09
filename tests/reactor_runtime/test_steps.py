"""The step loop of an app: process_input, generate, process_output, and what lands between two of them."""

import asyncio
from typing import Any

import numpy as np
import pytest

from reactor_runtime import (
    ApplicationError,
    InputState,
    MediaInput,
    Output,
    ReactorApp,
    StepCompleted,
    StepOutcome,
    Video,
    event,
)
from reactor_testing.rehearsal import Rehearsal

PICTURE = np.zeros((4, 4, 3), np.uint8)


class Out(Output):
    main_video: Video


class In(MediaInput):
    camera: Video


class Level(InputState):
    level: int = 1


class Stepper(ReactorApp):
    fps = 10.0
    state: Level
    inputs: In

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def generate(self, input: Any, /) -> Any:
        self.seen.append(input.level)
        return Out(main_video=PICTURE)


def model_of(stage: Rehearsal) -> Any:
    return stage.host._model


def test_steps_are_taken_at_the_declared_rate_while_a_client_is_there() -> None:
    with Rehearsal(Stepper) as stage:
        stage.advance(1.0)
        assert stage.frames == []
        client = stage.join()
        stage.advance(2.0)
        assert 20 <= len(stage.frames) <= 22
        client.leave()
        shown = len(stage.frames)
        stage.advance(5.0)
        assert len(stage.frames) <= shown + 1
        assert abs(model_of(stage)._reactor.steps - len(stage.frames)) <= 1


def test_a_command_lands_between_two_steps() -> None:
    with Rehearsal(Stepper) as stage:
        client = stage.join()
        stage.advance(0.35)
        assert client.send("set_level", {"level": 7}) is None
        stage.advance(0.35)
        seen = model_of(stage).seen
        assert seen[0] == 1
        assert seen[-1] == 7


def test_a_handler_waits_for_the_whole_step() -> None:
    log: list[str] = []

    class Model(Stepper):
        async def process_input(self) -> Any:
            log.append("step begins")
            await asyncio.sleep(0.5)
            return self.state

        async def process_output(self, outcome: StepOutcome) -> Any:
            await asyncio.sleep(0.5)
            log.append("step ends")
            return outcome.to_output()

        @event(name="note")
        def note(self) -> None:
            log.append("handler")

    with Rehearsal(Model) as stage:
        client = stage.join()
        stage.advance(0.2)
        client.send("note", within=2.0)
    assert log[:3] == ["step begins", "step ends", "handler"]


def test_a_refused_step_generates_nothing_and_is_asked_for_again() -> None:
    class Model(Stepper):
        async def process_input(self) -> Any:
            if self.inputs.camera.try_read() is None:
                raise ApplicationError("no picture has come")
            return self.state

    with Rehearsal(Model) as stage:
        client = stage.join()
        stage.advance(1.0)
        assert stage.frames == []
        client.show("camera", PICTURE)
        stage.advance(1.0)
        assert len(stage.frames) == 1
        assert stage.failure is None


def test_what_a_step_raises_ends_the_model_unless_process_output_makes_something_of_it() -> None:
    class Broken(Stepper):
        def generate(self, input: Any, /) -> Any:
            raise ValueError("NaN in the latents")

    class Patient(Broken):
        async def process_output(self, outcome: StepOutcome) -> StepCompleted:
            assert outcome.result is None
            return StepCompleted(Out(main_video=PICTURE), error=str(outcome.error))

    with Rehearsal(Broken) as stage:
        stage.join()
        stage.advance(1.0)
        assert str(stage.failure) == "the model stopped: ValueError: NaN in the latents"
    with Rehearsal(Patient) as stage:
        stage.join()
        stage.advance(1.0)
        assert stage.failure is None
        assert len(stage.frames) >= 10


def test_only_process_input_refuses_a_step() -> None:
    class Late(Stepper):
        def generate(self, input: Any, /) -> Any:
            raise ApplicationError("too late to refuse")

    with Rehearsal(Late) as stage:
        stage.join()
        stage.advance(0.1)
        assert str(stage.failure) == "the model stopped: ApplicationError: too late to refuse"


def test_a_step_with_nothing_to_show_is_a_step() -> None:
    class Silent(Stepper):
        def generate(self, input: Any, /) -> None:
            return None

    with Rehearsal(Silent) as stage:
        stage.join()
        stage.advance(0.1)
        assert stage.frames == []
        assert model_of(stage)._reactor.steps >= 19


def test_what_process_output_may_not_give() -> None:
    class Odd(Stepper):
        async def process_output(self, outcome: StepOutcome) -> Any:
            return 3

    with Rehearsal(Odd) as stage:
        stage.join()
        stage.advance(0.1)
        assert str(stage.failure) == (
            "the model stopped: TypeError: Odd.process_output gives an Output, a StepCompleted or None, not int"
        )


def test_a_rate_that_is_not_declared_is_measured() -> None:
    class Free(ReactorApp):
        async def process_input(self) -> None:
            await asyncio.sleep(0.25)

        def generate(self, input: Any, /) -> Out:
            return Out(main_video=np.stack([PICTURE] * 5))

    with Rehearsal(Free) as stage:
        stage.join()
        stage.advance(2.0)
        gaps = np.diff([frame.at for frame in stage.frames][5:25])
        assert gaps.tolist() == pytest.approx([0.05] * 19, abs=0.002)


def test_the_camera_of_one_who_has_left_is_not_seen_by_the_next() -> None:
    with Rehearsal(Stepper) as stage:
        client = stage.join()
        client.show("camera", PICTURE)
        client.leave()
        stage.join()
        assert model_of(stage).inputs.camera.try_read() is None


def test_outcomes_become_outputs() -> None:
    output = Out(main_video=PICTURE)
    assert StepOutcome(output).to_output() is output
    assert StepOutcome().to_output() is None
    with pytest.raises(KeyError):
        StepOutcome(error=KeyError("x")).to_output()
    with pytest.raises(NotImplementedError, match=r"generate\(\) gave int, which is no Output: return one, or write process_out"):
        StepOutcome(3).to_output()


def test_files_of_a_step_have_safe_names_and_hold_bytes() -> None:
    assert StepCompleted(files={"depth.npy": b"1"}).files == {"depth.npy": b"1"}
    for name in ("a/b", "..", "", "a\\b", "result.json", "output.mp4"):
        with pytest.raises(ValueError, match="the step file name"):
            StepCompleted(files={name: b""})
    wrong: dict[str, Any] = {"a": "x"}
    with pytest.raises(TypeError, match="the step file 'a' is bytes, not str"):
        StepCompleted(files=wrong)
    with pytest.raises(ValueError, match="a step has at most 64 files, not 65"):
        StepCompleted(files={str(number): b"" for number in range(65)})
