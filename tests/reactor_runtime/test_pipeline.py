"""Pipelines: a generator that yields what to show."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from typing import Any

import numpy as np
import pytest

from reactor_runtime import Idle, InputState, Output, ReactorPipeline, Video
from reactor_testing.rehearsal import Rehearsal


class Out(Output):
    main_video: Video


class Shade(InputState):
    shade: int = 0
    busy: bool = True


def picture(shade: int) -> Out:
    return Out(main_video=np.full((4, 4, 3), shade, np.uint8))


class Painter(ReactorPipeline):
    fps = 20.0
    state: Shade

    async def inference(self) -> AsyncGenerator[Any, None]:
        while True:
            yield picture(self.state.shade) if self.state.busy else Idle


class Plain(ReactorPipeline):
    """The same, as a plain generator that ends after two pictures."""

    fps = 20.0
    state: Shade

    def __init__(self) -> None:
        super().__init__()
        self.log: list[str] = []

    def inference(self) -> Generator[Any, None, None]:
        self.log.append("begin")
        try:
            yield picture(self.state.shade)
            yield None
            yield Idle
            yield picture(self.state.shade)
        finally:
            self.log.append("end")


def test_commands_land_between_two_yields() -> None:
    with Rehearsal(Painter) as stage:
        client = stage.join()
        stage.advance(1.0)
        assert 20 <= len(stage.frames) <= 22
        client.send("set_shade", {"shade": 200})
        stage.advance(0.2)
        assert stage.frames[0].picture().max() == 0
        assert stage.frames[-1].picture().min() == 200


def test_an_idle_pipeline_shows_nothing_and_still_takes_commands() -> None:
    with Rehearsal(Painter) as stage:
        client = stage.join()
        client.send("set_busy", {"busy": False})
        shown = len(stage.frames)
        stage.advance(1.0)
        assert len(stage.frames) <= shown + 1
        client.send("set_busy", {"busy": True})
        stage.advance(1.0)
        assert len(stage.frames) >= shown + 19


def test_a_generator_that_ends_is_started_again_and_closed_when_nobody_is_there() -> None:
    with Rehearsal(Plain) as stage:
        model: Any = stage.host._model
        client = stage.join()
        stage.advance(0.5)
        assert model.log[:4] == ["begin", "end", "begin", "end"]
        client.leave()
        stage.advance(0.5)
        assert model.log.count("begin") == model.log.count("end")
        begun = model.log.count("begin")
        stage.join()
        stage.advance(0.1)
        assert model.log.count("begin") > begun
        assert stage.failure is None


def test_what_a_pipeline_may_not_yield_and_what_it_raises() -> None:
    class Odd(Painter):
        async def inference(self) -> AsyncGenerator[Any, None]:
            yield 3

    class Weak(Painter):
        async def inference(self) -> AsyncGenerator[Any, None]:
            await asyncio.sleep(0)
            raise ValueError("boom")
            yield

    for model, message in (
        (Odd, "TypeError: Odd.inference yields an Output, Idle or None, not int"),
        (Weak, "ValueError: boom"),
    ):
        with Rehearsal(model) as stage:
            stage.join()
            stage.advance(0.1)
            assert str(stage.failure) == f"the model stopped: {message}"


def test_a_pipeline_needs_a_state_and_a_generator() -> None:
    with pytest.raises(TypeError, match="Bare: a pipeline needs a state: annotate `state: YourState`, a subclass of InputState"):

        class Bare(ReactorPipeline):
            def inference(self) -> Generator[Any, None, None]:
                yield None

    with pytest.raises(TypeError, match=r"Wrong\.inference must be a generator: yield each Output"):

        class Wrong(ReactorPipeline):
            state: Shade

            async def inference(self) -> Any:  # type: ignore[override]
                return None
