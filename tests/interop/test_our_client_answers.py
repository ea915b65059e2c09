"""Our client and the published runtime, which neither acknowledges commands nor numbers frames for it."""

import asyncio
from pathlib import Path

import pytest
from tests.interop.servers import published_runtime

from reactor_sdk import FrameInfo, InvalidStateError, Reactor

pytestmark = [
    pytest.mark.network,
    pytest.mark.against("runtime", "reactor-runtime", "3.10.0", "our client: no answers, frames without a number"),
]

GREEN = {"red": 30, "green": 160, "blue": 60}


async def test_what_is_not_told_is_none_and_cannot_be_waited_for(
    published_runtime_python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with published_runtime(published_runtime_python, tmp_path) as server:
        monkeypatch.setenv("REACTOR_LOCAL_URL", server.url)
        async with asyncio.timeout(60), Reactor("echo", local=True) as reactor:
            await reactor.connect()
            assert await reactor.send_command("set_color", GREEN) is None
            answered = await reactor.send_command("set_color", GREEN, wait="answered")
            assert (answered, answered.frame) == ({}, None)
            with pytest.raises(InvalidStateError, match="a published or an older runtime, does not"):
                await reactor.send_command("set_color", GREEN, wait="visible")
            async for frame, info in reactor.frames(with_info=True):
                assert (frame.shape, info) == ((240, 320, 3), FrameInfo(None, None))
                break
