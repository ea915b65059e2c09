"""`reactor run` with its model in a process of its own, over real WebRTC."""

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.reactor_runtime.child import running, served
from tests.reactor_runtime.visitor import Visitor
from tests.reactor_runtime.waiting import poll

from reactor_protocol.messages import RuntimeMessage
from reactor_rtc.peer_proxy import make_peer

pytestmark = pytest.mark.network

FRAGILE = Path(__file__).parent / "models/fragile"
LOOPBACK = ("--host", "127.0.0.1", "--port", "0")
TRACKS = [("main_video", "video", "recvonly"), ("webcam", "video", "sendonly")]


def gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody has waited for yet has."""
    with contextlib.suppress(OSError):
        return (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]) == "Z"
    return True


async def welcome(http: Any) -> Visitor:
    await http.post("/start_session", json={})
    visitor = Visitor(http, make_peer)
    visitor.tracks = TRACKS
    await visitor.connect()
    visitor.resume("main_video")
    return visitor


async def test_a_change_of_the_sources_is_seen_by_clients_who_stay(tmp_path: Path) -> None:
    for name in ("reactor.yaml", "fragile_model.py"):
        (tmp_path / name).write_text((FRAGILE / name).read_text())
    source = tmp_path / "fragile_model.py"
    async with running(tmp_path, *LOOPBACK, "--reload") as child, served(child) as http:
        visitor = await welcome(http)
        await visitor.command("set_level", level=50)
        await visitor.picture(50, "main_video")
        source.write_text(source.read_text().replace("input.level, np.uint8", "input.level + 100, np.uint8"))
        await visitor.picture(150, "main_video")

        def told() -> list[str]:
            return [message.type for message in visitor.received if isinstance(message, RuntimeMessage)]

        await visitor.changes.until(lambda: "modelRestarted" in told(), 20)
        assert "error" not in told()
        assert visitor.closed == set()
        await visitor.leave()


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
async def test_a_server_that_is_killed_takes_its_model_with_it_even_one_that_hangs() -> None:
    async with running(FRAGILE, *LOOPBACK) as child, served(child) as http:
        visitor = await welcome(http)
        pid = (await visitor.ask("facts"))["pid"]
        assert not gone(pid)
        hanging = asyncio.ensure_future(visitor.command("fail", how="block"))
        child.signal(signal.SIGKILL)

        async def ended() -> bool:
            return gone(pid)

        await poll(ended, 20)
        hanging.cancel()


async def test_inline_it_is_the_server_s_process() -> None:
    async with running(FRAGILE, *LOOPBACK, "--inline") as child, served(child) as http:
        visitor = await welcome(http)
        assert (await visitor.ask("facts"))["pid"] == child._process.pid != os.getpid()
        await visitor.leave()


async def test_inline_and_reload_do_not_go_together() -> None:
    async with running(FRAGILE, *LOOPBACK, "--inline", "--reload") as child:
        code, _ = await child.end()
        assert code == 1
        assert "reactor: --reload needs the model in a process of its own: leave out --inline" in "".join(child.lines)
