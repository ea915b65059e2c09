"""The host: loading, and its end."""

import asyncio
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tests.reactor_runtime.host_support import IdleModel, Rig, hosted, refused

from reactor_protocol.errors import ModelFailedError
from reactor_runtime import (
    Input,
    ReactorApp,
    Video,
    event,
)

# ------------------------------------------------------------------------------------------------------ loading


async def test_load_runs_once_in_a_thread_of_its_own_with_the_config(tmp_path: Path) -> None:
    calls: list[tuple[Path | None, bool]] = []

    class Model(IdleModel):
        def load(self, config_path: Path | None) -> None:
            calls.append((config_path, threading.current_thread() is threading.main_thread()))

    async with hosted(Model, tmp_path / "c.yaml"):
        assert calls == [(tmp_path / "c.yaml", False)]


def exits() -> None:
    sys.exit("no GPU")


def raises() -> None:
    raise ValueError("no weights at /models/sky.pt")


@pytest.mark.parametrize(
    ("load", "message"), [(raises, "ValueError: no weights at /models/sky.pt"), (exits, "SystemExit: no GPU")]
)
async def test_a_load_that_fails_carries_its_own_message(load: Any, message: str) -> None:
    class Model(IdleModel):
        def load(self, config_path: Path | None) -> None:
            load()

    with pytest.raises(ModelFailedError) as caught:
        await Rig(Model).host.load(None)
    assert str(caught.value) == f"the model failed to load: {message}"


async def test_a_constructor_that_fails_is_a_failed_load() -> None:
    class Model(IdleModel):
        def __init__(self) -> None:
            raise OSError("disk full")

    with pytest.raises(ModelFailedError, match="the model failed to load: OSError: disk full"):
        await Rig(Model).host.load(None)


async def test_a_load_that_is_a_coroutine_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Model\.load must be a plain function: it runs in a thread of its own"):

        class Model(IdleModel):
            async def load(self, config_path: Path | None) -> None:  # type: ignore[override]
                raise AssertionError("nobody would ever await it")


async def test_a_model_that_does_nothing_is_refused_before_it_is_loaded() -> None:
    class Model(ReactorApp):
        def load(self, config_path: Path | None) -> None:
            raise AssertionError("loading takes minutes")

    with pytest.raises(ModelFailedError) as caught:
        await Rig(Model).host.load(None)
    assert str(caught.value) == "the model failed to load: TypeError: Model has neither generate() nor run(): write one of them"


# ------------------------------------------------------------------------------------------------------ the end


async def test_a_run_that_raises_stops_the_model_with_its_message() -> None:
    class Model(IdleModel):
        async def run(self) -> None:
            await asyncio.sleep(0)
            raise RuntimeError("CUDA error: out of memory")

    async with hosted(Model) as rig:
        assert str(await rig.until_failed()) == "the model stopped: RuntimeError: CUDA error: out of memory"
        with pytest.raises(ModelFailedError, match="the model has stopped"):
            await rig.host.end_session()


async def test_a_run_that_returns_stops_the_model() -> None:
    class Model(IdleModel):
        async def run(self) -> None:
            return None

    async with hosted(Model) as rig:
        assert str(await rig.until_failed()) == "the model stopped: run() returned"


async def test_a_command_that_runs_when_the_model_stops_is_answered() -> None:
    class Model(IdleModel):
        def __init__(self) -> None:
            super().__init__()
            self.over = asyncio.Event()

        async def run(self) -> None:
            await self.over.wait()

        @event(name="last")
        async def last(self) -> None:
            self.over.set()
            await asyncio.Event().wait()

        @event(name="never")
        async def never(self) -> None: ...

    async with hosted(Model) as rig:
        outcomes = list(await asyncio.gather(rig.send("last"), rig.send("never")))
        assert outcomes == [refused("model_failed", "the model has ended before it answered: the model has stopped")] * 2


async def test_the_end_is_no_failure_and_background_tasks_of_the_model_end_with_it() -> None:
    ended: list[str] = []

    class Model(IdleModel):
        async def run(self) -> None:
            self.helper = asyncio.create_task(self.help())
            await asyncio.Event().wait()

        async def help(self) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append("helper")

    async with hosted(Model) as rig:
        await rig.host.end_session()
    assert ended == ["helper"]
    assert rig.events.failures == []


async def test_a_model_that_computes_without_pause_is_left_behind() -> None:
    begun, release = threading.Event(), threading.Event()

    class Model(IdleModel):
        async def run(self) -> None:
            begun.set()
            release.wait(30)

    rig = Rig(Model)
    await rig.host.load(None)
    rig.host.start()
    assert await asyncio.to_thread(begun.wait, 5)
    began = time.monotonic()
    await rig.host.close()
    assert time.monotonic() - began < 1.5
    release.set()


async def test_a_pending_read_ends_with_the_model() -> None:
    class Cameras(Input):
        camera: Video

    outcomes: list[str] = []

    class Model(IdleModel):
        inputs: Cameras

        async def run(self) -> None:
            try:
                await self.inputs.camera.read()
            finally:
                outcomes.append("ended")

    Model.__annotations__["inputs"] = Cameras
    async with hosted(Model) as rig:
        await rig.host.end_session()
    assert outcomes == ["ended"]
