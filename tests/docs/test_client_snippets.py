"""The client's snippets of the site, run as they stand: against one runtime of the guides' model, and a fake coordinator."""

import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from aiortc.contrib.media import MediaPlayer
from examples.guides.client import (
    commands,
    documented,
    environment,
    events,
    figures,
    picture_loop,
    queued,
    reconnecting,
    spectator,
    tokens,
    typed,
    uploads,
    watch,
    webcam,
)
from tests.interop.servers import Server, our_runtime

from reactor_sdk import Reactor
from reactor_testing.fake_coordinator import API_KEY, FakeCoordinator

pytestmark = pytest.mark.network

ROOT = Path(__file__).resolve().parents[2]
STUDIO = ROOT / "examples/guides/studio"
CLIP = ROOT / "examples/data/bigbuckbunny.mp4"
DEADLINE_S = 40.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with our_runtime(tmp_path_factory.mktemp("runtime"), STUDIO) as serving:
        yield serving


@pytest.fixture
def studio(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Local clients find the runtime, whose session before has ended."""
    server.wait_until_free()
    monkeypatch.setenv("REACTOR_LOCAL_URL", server.url)


@pytest.fixture
async def fake() -> AsyncIterator[FakeCoordinator]:
    async with FakeCoordinator() as coordinator:
        yield coordinator


@pytest.fixture
def logo(tmp_path: Path) -> Path:
    """A PNG of 64x48 pixels."""
    data = io.BytesIO()
    with av.open(data, "w", format="image2pipe") as out:
        stream = out.add_stream("png", rate=1, width=64, height=48, pix_fmt="rgb24")
        out.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((48, 64, 3), 9, np.uint8), format="rgb24")))
        out.mux(stream.encode(None))
    file = tmp_path / "logo.png"
    file.write_bytes(data.getvalue())
    return file


async def test_the_readme(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The frame that is printed shows what the command has set, every time; the next session begins anew."""
    with our_runtime(tmp_path, ROOT / "examples/guides/plain") as server:
        monkeypatch.setenv("REACTOR_LOCAL_URL", server.url)
        for _ in range(2):
            async with asyncio.timeout(DEADLINE_S):
                await watch.main()
            shape, _, mean = capsys.readouterr().out.rpartition(" ")
            assert (shape, round(float(mean), -1)) == ("(720, 1280, 3)", 200)
            server.wait_until_free()
        async with asyncio.timeout(DEADLINE_S), Reactor("plain", local=True) as reactor:
            await reactor.connect()
            async for frame in reactor.frames():
                assert round(float(frame.mean()), -1) == 130  # 128, give or take what the codec does
                break


@pytest.mark.usefixtures("studio")
class TestLocal:
    async def test_commands(self, capsys: pytest.CaptureFixture[str]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            await commands.main()
        assert capsys.readouterr().out.splitlines() == [
            "['camera', 'main_video']",
            "{'type': 'color_changed', 'data': {'value': 200}}",
            "True 90.0",
            "invalid_command - value: 999 > le(255)",
        ]

    async def test_events(self, capsys: pytest.CaptureFixture[str]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            await events.main()
        assert sorted(capsys.readouterr().out.splitlines()) == ["connected", "welcome {'value': 128}"]

    async def test_frames(self, capsys: pytest.CaptureFixture[str]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            await picture_loop.main()
        assert capsys.readouterr().out.splitlines()[:4] == ["(360, 640, 3)"] * 3 + ["640 360 yuv420p"]

    async def test_webcam(self, capsys: pytest.CaptureFixture[str]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            await webcam.main(MediaPlayer(str(CLIP), loop=True))
            await webcam.publish_countdown()
        assert capsys.readouterr().out.startswith("(")

    async def test_uploads(self, capsys: pytest.CaptureFixture[str], logo: Path) -> None:
        async with asyncio.timeout(DEADLINE_S):
            await uploads.main(logo)
        told = capsys.readouterr().out.splitlines()
        assert told[-2:] == [
            "{'type': 'logo_placed', 'data': {'width': 64, 'height': 48}}",
            "bad_image - notes.txt is no picture",
        ]
        size = logo.stat().st_size
        assert f"{size} of {size} bytes" in told

    async def test_reconnecting(self, capsys: pytest.CaptureFixture[str]) -> None:
        reconnecting.steadfast()
        async with asyncio.timeout(DEADLINE_S):
            await reconnecting.main()
        assert capsys.readouterr().out == "still dark: the model went on\n"

    async def test_spectators(self, capsys: pytest.CaptureFixture[str]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            await spectator.main()
        assert capsys.readouterr().out.splitlines() == ["(360, 640, 3)", "view_only"]

    def test_environments(self, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
        environment.one()
        assert capsys.readouterr().out.count("(36, 64, 3) ") == 3
        for run in (environment.judged, environment.made, lambda: environment.several([server.url])):
            server.wait_until_free()
            run()
        told = capsys.readouterr().out
        assert "Discrete(2) False True\n" in told
        assert "openreactor/Reactor-v0" in told
        assert "(1, 360, 640, 3) (1,)\n" in told

    async def test_the_typed_client(self, capsys: pytest.CaptureFixture[str], logo: Path) -> None:
        async with asyncio.timeout(DEADLINE_S):
            await typed.main(logo)
        told = capsys.readouterr().out.splitlines()
        assert set(told[:-1]) == {"now 200", "ColorChanged(value=200)"}
        assert told[-1] == "(360, 640, 3)"

    async def test_the_figures(self, tmp_path: Path) -> None:
        async with asyncio.timeout(DEADLINE_S):
            await figures.main(2, tmp_path / "stats.png")
        assert (tmp_path / "stats.png").read_bytes()[:4] == b"\x89PNG"

    async def test_the_documented_api(self, capsys: pytest.CaptureFixture[str]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            await documented.main()
        told = capsys.readouterr().out.splitlines()
        assert told[-1] == "ready ['main_video']"
        assert {"status ready", "track video", "message welcome", "message color_changed"} <= set(told)


async def test_the_queue(fake: FakeCoordinator, capsys: pytest.CaptureFixture[str]) -> None:
    fake.place_in_queue(3, 12, 41.0)
    async with asyncio.timeout(DEADLINE_S):
        await queued.play_or_leave(API_KEY, fake.url)
        playing = asyncio.create_task(queued.play(API_KEY, fake.url))
        told = ""
        while "place 3" not in told:
            await asyncio.sleep(0)
            told += capsys.readouterr().out
        fake.give_worker()
        await playing
    assert told + capsys.readouterr().out == "come back in 41.0 s\nplace 3 of 12, about 41.0 s\nready\n"


async def test_tokens(fake: FakeCoordinator, capsys: pytest.CaptureFixture[str]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        await tokens.visit(API_KEY, fake.url)
        await tokens.end_all(API_KEY, fake.url)
    asked = fake.requested("POST /tokens")[0].json()
    assert asked["expires_after"] == 600
    assert asked["authorization_details"][0]["constraints"] == {"max_sessions": 1, "max_session_duration_seconds": 300}
    assert capsys.readouterr().out == "None\n"
