"""Keys that look like known ones are named; those of the published system are nobody's business."""

import logging
from pathlib import Path

import pytest

from reactor_runtime.config import read_manifest

SLIPS = """
model: {nmae: sky, version: 1}
runtime:
  import: sky:Sky
  confg: c.yaml
  media: {codecs: [vp8], max_kpbs: 900}
  recording: {enabled: false, chunk_second: 3, video: {code: h264}}
recordng: {enabled: true}
playgroud: {}
"""
PUBLISHED = """
apiVersion: reactor/v1
kind: Model
model: {name: sky, version: 1.0.0, description: A sky., display-name: Sky}
build: {base: python, packages: [ffmpeg]}
resources: {gpu: H100}
runtime: {import: "sky:Sky", step_results: {enabled: true}, livekit: {topics: []}, recording: {skip_leading_black: true}}
anything: else
"""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            SLIPS,
            [
                "nothing reads model.nmae: did you mean model.name?",
                "nothing reads runtime.confg: did you mean runtime.config?",
                "nothing reads runtime.media.max_kpbs: did you mean runtime.media.max_kbps?",
                "nothing reads runtime.recording.chunk_second: did you mean runtime.recording.chunk_seconds?",
                "nothing reads runtime.recording.video.code: did you mean runtime.recording.video.codec?",
                "nothing reads recordng: did you mean recording?",
                "nothing reads playgroud: did you mean playground?",
            ],
        ),
        (PUBLISHED, []),
        ("model: sky:Sky\nname: sky\nconfig: c.yaml\n", []),
        ("model: sky:Sky\nconfg: c.yaml\n", ["nothing reads confg: did you mean config?"]),
    ],
)
def test_slips_are_told(text: str, told: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "reactor.yaml"
    file.write_text(text)
    with caplog.at_level(logging.WARNING):
        read_manifest(tmp_path)
    assert sorted(caplog.messages) == sorted(f"{file}: {each}" for each in told)
