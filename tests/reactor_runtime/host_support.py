"""A model on its real thread, without a network: what it says is recorded."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
from tests.reactor_runtime.waiting import Changes

from reactor_protocol.errors import ModelFailedError
from reactor_protocol.messages import ApplicationMessage, Refusal
from reactor_runtime import Output, ReactorModel, UploadedFile, Video
from reactor_runtime.contract import read_contract
from reactor_runtime.emission import Bundle
from reactor_runtime.fields import ClientInfo
from reactor_runtime.host import ModelHost
from reactor_runtime.hosting import Outcome
from reactor_runtime.pacer import Plan
from reactor_runtime.sending import Told
from reactor_runtime.step_gate import StepReport

PICTURE = np.zeros((4, 4, 3), np.uint8)


class Out(Output):
    main_video: Video


class IdleModel(ReactorModel):
    """Does nothing until it is cancelled; subclasses add what a test is about."""

    async def run(self) -> None:
        await asyncio.Event().wait()


class Recorder:
    """The owner of a host: keeps what the model says."""

    def __init__(self) -> None:
        self.frames: list[tuple[tuple[Bundle, ...], Plan]] = []
        self.messages: list[ApplicationMessage] = []
        self.failures: list[ModelFailedError] = []
        self.reports: list[StepReport] = []
        self.flushes = 0
        self.changes = Changes()

    def frames_ready(self, bundles: tuple[Bundle, ...], plan: Plan) -> None:
        self.frames.append((bundles, plan))
        self.changes.announce()

    def frames_flushed(self) -> None:
        self.flushes += 1
        self.changes.announce()

    def message_sent(self, message: ApplicationMessage, client: int | None, told: Told | None = None) -> None:
        self.messages.append(message)
        self.changes.announce()

    def sound_missed(self, track: str, samples: int) -> None: ...

    def step_completed(self, report: StepReport) -> None:
        self.reports.append(report)
        self.changes.announce()

    def model_stopped(self, error: ModelFailedError) -> None:
        self.failures.append(error)
        self.changes.announce()


class Rig:
    """A host with its recorder, and the model that it runs."""

    def __init__(self, model_class: type[ReactorModel]) -> None:
        self.events = Recorder()
        self.host = ModelHost(model_class, read_contract(model_class), self.events)
        self.client = ClientInfo(7, 1.0)

    async def send(self, name: str, files: dict[str, UploadedFile] | None = None, /, **data: Any) -> Outcome:
        async with asyncio.timeout(40):
            return await self.host.dispatch(name, data, files or {}, self.client)

    async def until_failed(self) -> ModelFailedError:
        await self.events.changes.until(lambda: self.events.failures)
        return self.events.failures[0]


@contextlib.asynccontextmanager
async def hosted(model_class: type[ReactorModel], config: Path | None = None) -> AsyncIterator[Rig]:
    """The model, loaded and running, until the end of the block."""
    rig = Rig(model_class)
    await rig.host.load(config)
    rig.host.start()
    try:
        yield rig
    finally:
        await rig.host.close()


def refused(code: str, message: str) -> Outcome:
    return Outcome(error=Refusal(code, message))
