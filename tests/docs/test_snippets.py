"""What the pages show is a file that runs: models in a rehearsal, configurations read by who reads them in earnest."""

import re
from pathlib import Path

import pytest
import test_studio
import yaml
from examples.guides.shapes.chunks import Chunks
from examples.guides.shapes.pipeline import Stripes
from examples.guides.shapes.ranks import World
from my_model import Plain
from tests.docs.pages import PAGES, README, ROOT, blocks

from reactor_cli.schema import read_schema
from reactor_cli.typed.module import module_of
from reactor_coordinator.config import parse_config, read_config
from reactor_runtime.config import read_manifest
from reactor_runtime.contract import read_contract
from reactor_runtime.playground import check_playground
from reactor_testing.rehearsal import Rehearsal
from rover import Rover

GUIDES = ROOT / "examples/guides"
SNIPPET = re.compile(r' *--8<-- "([^":]+)(:[a-z-]+)?"')


def test_all_code_on_the_pages_comes_from_files() -> None:
    found = [block for block in blocks("python", "yaml", "protobuf") if block.page != "README.md"]
    assert len(found) >= 30
    for block in found:
        for line in block.body.splitlines():
            assert not line or SNIPPET.fullmatch(line), f"{block.page}: {line}"


def test_every_example_of_the_guides_is_shown() -> None:
    shown = {found[1] for page in PAGES for found in SNIPPET.finditer(page.read_text(encoding="utf-8"))}
    readme = README.read_text(encoding="utf-8")
    files = [each for kind in ("py", "yaml") for each in GUIDES.rglob(f"*.{kind}") if "__pycache__" not in each.parts]
    assert len(files) >= 18
    for file in files:
        path = str(file.relative_to(ROOT))
        assert path in shown or file.read_text(encoding="utf-8") in readme, path


def test_the_code_of_the_readme_is_that_of_the_files() -> None:
    files = {each.read_text(encoding="utf-8") for kind in ("py", "yaml") for each in GUIDES.rglob(f"*.{kind}")}
    found = [block for block in blocks("python", "yaml") if block.page == "README.md"]
    assert len(found) == 4
    for block in found:
        assert re.sub(r"\A# (my_model\.py|reactor\.yaml)\n", "", block.body) in files, block.body


def test_the_plain_model() -> None:
    with Rehearsal(Plain) as stage:
        client = stage.join()
        client.send("set_brightness", {"brightness": 200})
        stage.advance(1.0)
        assert 29 <= len(stage.frames) <= 31
        assert stage.frames[-1].picture().mean() == 200


def test_the_generator() -> None:
    with Rehearsal(Stripes) as stage:
        client = stage.join()
        stage.advance(0.5)
        assert 14 <= len(stage.frames) <= 16
        client.send("set_paused", {"paused": True})
        stage.advance(0.1)
        shown = len(stage.frames)
        stage.advance(0.5)
        assert len(stage.frames) == shown


def test_the_rover_drives_and_its_keys_fit() -> None:
    check_playground(read_manifest(GUIDES / "rover").playground, read_contract(Rover))
    with Rehearsal(Rover) as stage:
        client = stage.join()
        client.send("set_controls", {"gas": 1.0})
        stage.advance(0.5)
        yellow = (stage.frames[-1].picture() == (255, 176, 59)).all(axis=2)
        assert yellow[180, 345:400].any()
        client.send("reset")
        client.send("set_controls")
        stage.advance(0.1)
        assert (stage.frames[-1].picture()[180, 320] == (255, 176, 59)).all()


def test_the_typed_client_is_what_codegen_writes() -> None:
    written = (GUIDES / "typed/studio_model.py").read_text(encoding="utf-8")
    assert module_of(read_schema(str(GUIDES / "studio"))) == written


def test_chunks_are_played_out_evenly() -> None:
    with Rehearsal(Chunks) as stage:
        stage.join()
        stage.advance(2.0)
        times = [frame.at for frame in stage.frames]
        assert 36 <= len(times) <= 60
        assert all(abs(later - earlier - 1 / 24) < 0.002 for earlier, later in zip(times, times[1:], strict=False))
        assert stage.frames[13].picture()[0, 0, 0] == 1


@pytest.mark.parametrize("test", ["test_it_shows_a_colour_and_obeys", "test_a_camera_takes_the_place_of_the_colour"])
def test_the_test_of_the_guide(test: str) -> None:
    getattr(test_studio, test)()


@pytest.mark.parametrize("name", ["house", "cluster", "secured"])
def test_a_configuration_of_the_guides(name: str) -> None:
    config = read_config(GUIDES / f"cloud/{name}.yaml")
    assert config.models["studio"].path == GUIDES / "studio"


def test_the_configuration_of_the_readme() -> None:
    config = parse_config(yaml.safe_load((GUIDES / "cloud/readme.yaml").read_text()), GUIDES / "plain")
    assert config.pool.kind == "ray"
    assert config.models["plain"].max == 8


@pytest.mark.parametrize("name", ["plain", "rover", "studio"])
def test_a_manifest_of_the_guides(name: str) -> None:
    assert read_manifest(GUIDES / name).name == name


@pytest.mark.network
def test_a_model_on_two_ranks() -> None:
    loaded: list[World] = []

    class Watched(World):
        def load(self, config_path: Path | None) -> None:
            super().load(config_path)
            loaded.append(self)

    with Rehearsal(Watched) as stage:
        stage.join()
        stage.advance(0.2)
        assert stage.frames[-1].picture().mean() == 90
        loaded[0].ranks.shutdown()
