"""Models of reactor-runtime 2.x: read as such, and given what they know (the interop suite runs one on 2.10.1 beside ours)."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reactor_protocol.errors import InvalidArgumentError, ModelFailedError
from reactor_rtc.frames import VideoFrame
from reactor_runtime import Audio, Input, Output, ReactorModel, Video
from reactor_runtime.config import ConfigError, get_weights_path, read_manifest
from reactor_runtime.inputs import InputFrame
from reactor_runtime.intake import Intake
from reactor_runtime.loader import load_model
from reactor_runtime.schema import schema_of
from reactor_runtime.second_generation import ArrayBuffer, read_configuration
from reactor_runtime.tracks import payloads_of

SECOND = Path(__file__).resolve().parents[1] / "interop/models/second"


@pytest.fixture(autouse=True)
def _clean_imports() -> Iterator[None]:
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def test_a_flat_manifest_is_of_the_second_generation() -> None:
    manifest = read_manifest(SECOND)
    assert (manifest.generation, manifest.import_path, manifest.name) == (2, "second_model:Second", "second")
    assert manifest.config == SECOND / "settings.yaml"
    loaded = load_model(manifest)
    assert loaded.config == {"shade": 40, "names": {"first": "one"}}
    assert [(track.name, track.kind, track.flow) for track in loaded.contract.tracks] == [
        ("camera", "video", "in"),
        ("main_video", "video", "out"),
        ("main_audio", "audio", "out"),
    ]
    assert list(loaded.contract.commands) == [
        "tell",
        "be_busy",
        "encode",
        "look",
        "set_shade",
        "set_mood",
        "set_paused",
    ]
    assert [name for name, spec in loaded.contract.commands.items() if spec.dedupe] == ["encode"]


def test_a_manifest_with_sections_is_of_the_third(tmp_path: Path) -> None:
    (tmp_path / "reactor.yaml").write_text("model: {name: sky}\nruntime: {import: 'sky:Sky'}\n")
    manifest = read_manifest(tmp_path)
    assert (manifest.generation, manifest.name) == (3, "sky")


def test_a_flat_manifest_that_names_no_class(tmp_path: Path) -> None:
    (tmp_path / "reactor.yaml").write_text("model: sky\n")
    with pytest.raises(ConfigError, match=r"reactor.yaml: model must say where the model is, as \"module:Class\"; got 'sky'"):
        read_manifest(tmp_path)


CONFIGURED = """
from reactor_runtime import ReactorModel

class Sky(ReactorModel):
    def load(self, config{annotation}): ...
    async def run(self): ...
"""


@pytest.mark.parametrize(
    ("annotation", "wanted"),
    [(": dict", {"a": 1}), (": 'dict[str, object]'", {"a": 1}), ("", "a path"), (": object", "a path")],
)
def test_load_says_by_its_annotation_that_it_takes_the_configuration_itself(
    tmp_path: Path, annotation: str, wanted: object
) -> None:
    (tmp_path / "reactor.yaml").write_text("runtime: {import: 'sky_configured:Sky', config: c.yaml}\n")
    (tmp_path / "c.yaml").write_text("a: 1\n")
    (tmp_path / "sky_configured.py").write_text(CONFIGURED.format(annotation=annotation))
    given = load_model(read_manifest(tmp_path)).config
    assert given == (tmp_path / "c.yaml" if wanted == "a path" else wanted)


def test_a_configuration(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    assert read_configuration(None) == {}
    for text, wanted in (("", {}), ("a: {b: [1, 2]}\n", {"a": {"b": [1, 2]}})):
        file.write_text(text)
        assert read_configuration(file) == wanted
    for text, told in (("- 1\n", "must be a mapping, not a list"), ("a: [", "is not YAML"), ("a: ${b}\n", "install omegaconf")):
        file.write_text(text)
        with pytest.raises(InvalidArgumentError, match=told):
            read_configuration(file)
    with pytest.raises(InvalidArgumentError, match="cannot be read"):
        read_configuration(tmp_path / "no.yaml")


def test_weights_are_where_the_manifest_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "reactor.yaml").write_text("model: sky_weights:Sky\nweights_path: ./weights\n")
    (tmp_path / "sky_weights.py").write_text(CONFIGURED.format(annotation=""))
    manifest = read_manifest(tmp_path)
    monkeypatch.setenv("REACTOR_WEIGHTS_PATH", "/elsewhere")
    load_model(manifest)
    assert get_weights_path() == Path("/elsewhere")
    monkeypatch.setenv("REACTOR_WEIGHTS_PATH", "")
    load_model(manifest)
    assert get_weights_path() == tmp_path / "weights"


FIRST = "from reactor_runtime import VideoModel, get_ctx, model\n\n@model(name='old')\nclass Old(VideoModel): ...\n"
TOLD = (
    "is written for reactor-runtime 1.x or older (VideoModel, @model, get_ctx), which is not served; those of 2.x and 3.x are: "
    "write it as a ReactorModel or a ReactorPipeline"
)


def test_the_first_generation_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "old_model.py").write_text(FIRST)
    with pytest.raises(ConfigError) as without:
        read_manifest(tmp_path)
    assert str(without.value) == f"{tmp_path}/old_model.py {TOLD}"
    (tmp_path / "reactor.yaml").write_text("model: old_model:Old\n")
    with pytest.raises(ModelFailedError) as refused:
        load_model(read_manifest(tmp_path))
    assert str(refused.value).splitlines() == [f"the model failed to load: old_model:Old {TOLD}"]


def test_a_folder_with_other_programs_is_no_model_of_the_first(tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text("from reactor_runtime import ReactorModel\nmodel = 1\n")
    with pytest.raises(ConfigError, match=r"there is no reactor.yaml in"):
        read_manifest(tmp_path)


@dataclass
class Both(Output):
    picture: Video
    sound: Audio


@dataclass(frozen=True)
class Camera(Input):
    camera: Video


def test_a_dataclass_over_tracks_is_no_other_class() -> None:
    picture, sound = np.zeros((4, 4, 3), np.uint8), np.zeros((1, 8), np.int16)
    make: Any = Both
    for made in (make(picture=picture, sound=sound), make(picture, sound), make(picture, sound=sound)):
        shapes = {name: payload.data.shape for name, payload in payloads_of(made).items()}
        assert shapes == {"picture": (4, 4, 3), "sound": (1, 8)}
    with pytest.raises(TypeError, match=r"missing \['sound'\]"):
        make(picture)
    with pytest.raises(TypeError, match="picture is given twice"):
        make(picture, picture=picture)
    with pytest.raises(TypeError, match="3 were given"):
        make(picture, sound, sound)


def test_a_frame_is_its_array_and_has_one() -> None:
    class Model:
        media: Camera

    model = Model()
    intake = Intake({"media": Camera}, ArrayBuffer)
    intake.bind(model)
    assert model.media.camera.try_read() is None
    picture = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    intake.push("camera", VideoFrame.from_rgb(picture, timestamp_us=1_500_000))
    frames: Any = model.media.camera.try_read()
    frame: Any = frames[0]
    assert isinstance(frame, np.ndarray)
    assert np.array_equal(frame, picture)
    assert np.array_equal(frame[..., ::-1][0, 0], [2, 1, 0])
    plain: Any = frame.data
    assert type(plain) is np.ndarray
    assert np.array_equal(plain, picture)
    known: Any = frame
    assert (known.pts, known.metadata) == (1.5, None)
    assert np.asarray(frame).mean() == picture.mean()


async def test_awaited_frames_are_arrays_too() -> None:
    buffer = ArrayBuffer()
    buffer.push(InputFrame(np.full((2, 2, 3), 7, np.uint8)))
    (frame,) = await buffer.read(1)
    assert np.array_equal(np.asarray(frame), np.full((2, 2, 3), 7))


def test_output_buffer_is_the_output() -> None:
    class Plain(ReactorModel):
        async def run(self) -> None: ...

    model = Plain()
    model.output_buffer.set_fps(12)
    assert (model.output_buffer.fps, model.output.fps) == (12.0, 12.0)
    with pytest.raises(ValueError, match="fps must be above 0"):
        model.output_buffer.set_fps(0)


def test_a_message_is_described_under_a_dataclass_of_its_own() -> None:
    document = schema_of(load_model(read_manifest(SECOND)).contract)
    told = document["components"]["schemas"]["Told"]
    assert told["properties"]["shade"] == {
        "type": "integer",
        "description": "The brightness that the model has now.",
        "default": 0,
    }
    assert document["webhooks"]["told"]["post"]["summary"] == "What has happened, in its order."
    assert "summary" not in document["webhooks"]["camera_seen"]["post"]
