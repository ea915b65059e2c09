"""What models of others are written with, each idiom by itself: a model as a plain object, and its records and hooks."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from tests.reactor_runtime.host_support import hosted

from reactor_runtime import (
    ClientInfo,
    CommandError,
    Idle,
    InputBuffer,
    InputField,
    InputFrame,
    InputState,
    MediaInput,
    MessageField,
    ModelMessage,
    Output,
    ReactorApp,
    ReactorPipeline,
    StepOutcome,
    TrackPayload,
    Video,
    connected,
    event,
)
from reactor_runtime.contract import read_contract
from reactor_runtime.interface.pipeline.idle import _IdleType
from reactor_runtime.schema import schema_of
from reactor_runtime.tracks import batch_of

PICTURE = np.zeros((4, 4, 3), np.uint8)


class Out(Output):
    main_video: Video


class Told(ModelMessage):
    text: str


class Engine:
    """A class of the author's own, that no wire knows."""


SPEED = InputField(default=1.0, ge=0.0, description="Units a second.")
TEXT = MessageField(description="What was said.")


class State(InputState):
    speed: float = SPEED
    prompt: str = ""
    _seed: np.ndarray | None = None
    _engine: Engine = Engine()
    _fits: int = "not at all"  # type: ignore[assignment]
    _missing: Nowhere | None = None  # type: ignore[name-defined]  # noqa: F821
    _keys: frozenset[str] = frozenset()
    _history: list[str] = dataclasses.field(default_factory=list)


class Said(ModelMessage):
    text: str = TEXT
    loudly: bool = False


class Heard(ModelMessage):
    words: str = TEXT


class World(ReactorPipeline):
    state: State
    fps = 15

    def __init__(self) -> None:
        super().__init__()
        self.resets = 0
        self.place = 0

    # What the base class does not need: an author may call methods as he likes.
    def _step(self) -> None:
        self.place += 1

    def _show(self) -> Out:
        return Out(main_video=np.full((4, 4, 3), self.place, np.uint8))

    def _close(self) -> None:
        raise AssertionError("the author's own method is not the runtime's")

    @connected
    async def greet(self, client: ClientInfo) -> None:
        await client.send(Told(f"welcome {client.id}"))

    @event(name="move", description="Moves.")
    async def move(self, speed: float = SPEED) -> Told:
        self.state.speed = speed
        await self.send(Told("moving"))
        self.output.flush()
        return Told(f"{speed}")

    @event(name="halt", description="Halts.")
    async def halt(self, speed: float = SPEED) -> None: ...

    def inference(self) -> Iterator[Out | _IdleType]:
        while True:
            if self.state.prompt == "":
                yield Idle
                continue
            self._step()
            yield self._show()


def test_private_fields_are_nobody_elses_business() -> None:
    assert list(State.public()) == ["speed", "prompt"]
    assert list(read_contract(World).commands) == ["move", "halt", "set_speed", "set_prompt"]
    assert not any("_" in name.removeprefix("/events/set_") for name in schema_of(read_contract(World))["paths"])
    state: Any = State()
    assert (state._seed, state._fits, state._missing, state._history) == (None, "not at all", None, [])
    state._history.append("x")
    assert State()._history == []


def test_a_state_is_a_dataclass() -> None:
    state: Any = State()
    assert dataclasses.replace(state, prompt="dawn").prompt == "dawn"
    assert [spec.name for spec in dataclasses.fields(state)][:2] == ["speed", "prompt"]
    assert State(3.0).speed == 3.0


def test_a_constant_may_stand_in_several_places() -> None:
    commands = read_contract(World).commands
    assert [commands[name].fields["speed"].description for name in ("move", "halt", "set_speed")] == ["Units a second."] * 3
    assert [spec.name for spec in dataclasses.fields(Said)] == ["text", "loudly"]
    assert [spec.name for spec in dataclasses.fields(Heard)] == ["words"]
    assert Heard("a").encode().data == {"words": "a"}
    assert Said("b").to_wire_format() == {"type": "said", "data": {"text": "b", "loudly": False}}


async def test_a_model_is_a_plain_object_that_nothing_runs() -> None:
    model = World()
    said: list[ModelMessage] = []
    to_client: list[ModelMessage] = []
    model.state = State()

    async def record(message: ModelMessage) -> None:
        said.append(message)

    model.send = record  # type: ignore[method-assign]
    await model.greet(ClientInfo(3, 0.0, _send=to_client.append))
    assert await model.move(2.5) == Told("2.5")
    assert (said, to_client) == ([Told("moving")], [Told("welcome 3")])
    assert ClientInfo(3, 0.0) == ClientInfo(3, 0.0, _send=to_client.append)


def test_a_generator_is_closed_and_begun_again_while_the_world_lives_on() -> None:
    model = World()
    model.state = State()
    turns = model.inference()
    assert next(turns) is Idle
    assert not Idle
    assert isinstance(Idle, _IdleType)
    model.state.prompt = "dawn"
    first: Any = next(turns)
    turns.close()  # type: ignore[attr-defined]
    second: Any = next(model.inference())
    assert (first.main_video.max(), second.main_video.max()) == (1, 2)


def test_outputs_inputs_and_errors_show_what_they_were_made_of() -> None:
    plain: Any = Out(main_video=PICTURE)
    tagged: Any = Out(main_video=TrackPayload(PICTURE, metadata={"n": 1}))
    assert plain.main_video is PICTURE
    assert tagged.main_video is PICTURE
    assert InputFrame(data=PICTURE).data is PICTURE
    assert str(CommandError("a", "b")) == "a: b"
    with pytest.raises(ValueError, match="a result or an error, not both"):
        StepOutcome(result=1, error=ValueError())


async def test_a_test_fills_the_inputs_itself() -> None:
    class Camera(MediaInput):
        camera: Video

    given = Camera(camera=InputBuffer())
    given.camera.push(InputFrame(data=PICTURE))
    assert (await given.camera.read())[0].data is PICTURE


def test_a_track_may_be_called_what_a_method_is() -> None:
    class Odd(Output):
        batch: Video
        payloads: Video

    odd: Any = Odd(batch=PICTURE, payloads=PICTURE)
    assert odd.payloads is PICTURE
    assert batch_of(odd) is None


def test_the_rate_of_an_instance_is_its_rate() -> None:
    class Configured(ReactorApp):
        def load(self, config_path: Any) -> None:
            self.fps = 12

    model = Configured()
    model.load(None)
    assert model.output.fps == 12.0
    model.output.fps = 24
    assert model.fps == 24.0


@pytest.mark.parametrize("suspends", [False, True])
async def test_run_goes_on_when_the_hook_of_who_connected_is_done(suspends: bool) -> None:
    order: list[str] = []

    class Model(ReactorApp):
        @connected
        async def greet(self) -> None:
            assert self.connected.is_set()
            assert await self.connected.wait()
            if suspends:
                for _ in range(20):
                    await asyncio.sleep(0)
            order.append("hook")

        async def run(self) -> None:
            while True:
                await self.connected.wait()
                order.append("run")
                await asyncio.sleep(0)
                await asyncio.Event().wait()

    async with hosted(Model) as rig:
        for _ in range(3):
            await rig.host.client_joined(rig.client)
            await rig.send("none")
        assert order[:2] == ["hook", "run"]
        assert order.count("hook") == 3
