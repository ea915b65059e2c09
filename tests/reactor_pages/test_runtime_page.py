"""Which runtimes serve the playground, and the clips that their manifest names."""

from dataclasses import replace
from pathlib import Path

from tests.reactor_runtime.runtime_support import STUDIO, WORKER, opened

from reactor_runtime.config import read_manifest
from reactor_runtime.playground import Playground

RESTYLE = Path(__file__).parents[2] / "examples" / "restyle"


async def test_a_runtime_serves_the_page_and_the_clips_of_its_manifest(tmp_path: Path) -> None:
    clip = tmp_path / "clip.webm"
    clip.write_bytes(b"webm")
    manifest = replace(STUDIO, playground=Playground(samples=(clip,)))
    async with opened(manifest) as house:
        assert (await house.http.get("/")).headers["content-type"] == "text/html; charset=utf-8"
        assert (await house.http.get("/playground/main.js")).status_code == 200
        assert (await house.http.get("/playground/samples/clip.webm")).content == b"webm"
        missing = await house.http.get("/playground/samples/reactor.yaml")
        assert (missing.status_code, missing.json()["code"]) == (404, "NOT_FOUND")
        assert "/" not in (await house.http.get("/openapi.json")).json()["paths"]


async def test_a_worker_has_no_page() -> None:
    async with opened(settings=WORKER) as house:
        assert (await house.http.get("/")).status_code == 404
        assert (await house.http.get("/playground/main.js")).status_code == 404


def test_the_restyle_example_can_be_played_without_a_camera() -> None:
    assert [clip.name for clip in read_manifest(RESTYLE).playground.samples] == ["bigbuckbunny.mp4"]
