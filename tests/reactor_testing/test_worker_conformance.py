"""The fake worker and a worker process pass the same checks."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.reactor_runtime.child import running

from reactor_testing.fake_worker import FakeFleet
from reactor_testing.report_desk import ReportDesk
from reactor_testing.worker_conformance import CHECKS, Check, Rig

SECRET = "s3cret-of-this-worker"
MODEL = """
import asyncio
from reactor_runtime import Output, ReactorModel, Video


class Out(Output):
    main_video: Video


class Model(ReactorModel):
    async def run(self):
        await asyncio.Event().wait()
"""


@pytest.fixture
async def desk() -> AsyncIterator[ReportDesk]:
    async with ReportDesk() as desk:
        yield desk


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_the_fake(check: Check, desk: ReportDesk) -> None:
    async with FakeFleet([desk.url]) as fleet:
        worker = fleet.add("w-1", SECRET)
        # Others share its port, and are left alone.
        other = fleet.add("w-2", "another secret", coordinators=["http://127.0.0.1:9"])
        await check(Rig("w-1", SECRET, desk, lambda: worker.until(lambda: worker.exited)))
        assert other.started == []


@pytest.mark.network
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_a_process(check: Check, desk: ReportDesk, tmp_path: Path) -> None:
    (tmp_path / "reactor.yaml").write_text("runtime: {import: 'conforming_model:Model'}\n")
    (tmp_path / "conforming_model.py").write_text(MODEL)
    environ = {"REACTOR_WORKER_ID": "w-1", "REACTOR_WORKER_SECRET": SECRET, "REACTOR_WORKER_COORDINATORS": desk.url}
    async with running(tmp_path, **environ) as child:
        await check(Rig("w-1", SECRET, desk, child.end))
