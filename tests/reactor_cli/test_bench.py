"""`reactor bench`: its figures, and one short run of the test model from beginning to end."""

import os
from pathlib import Path

import numpy as np
import pytest

from reactor_cli.bench import command, procfs
from reactor_cli.bench.figures import Run, document, figures_of, percentile, shown
from reactor_cli.bench.pixel_clock import age_ms, draw
from reactor_cli.bench.runtime import loaded, started
from reactor_protocol.errors import ModelFailedError, NetworkError

RUNS = [
    Run(50.0, 120.0, 150, 5.0, 1280, 720, [10.0, 20.0, 30.0], [1.0, 2.0], 4e6, 0.5, 0.4, 120.0),
    Run(40.0, 110.0, 140, 5.0, 1280, 720, [12.0], [], None, None, None, None),
    Run(60.0, 130.0, 145, 5.0, 1280, 720, [], [3.0], 5e6, 0.7, 0.5, 124.0),
]


def test_figures_are_medians_of_the_runs() -> None:
    figures = {each.key: each for each in figures_of(RUNS)}
    assert (figures["ready_ms"].median, figures["ready_ms"].runs) == (50.0, (50.0, 40.0, 60.0))
    assert (figures["fps"].median, figures["fps"].runs) == (29.0, (30.0, 28.0, 29.0))
    assert (figures["glass_p50_ms"].median, figures["glass_p50_ms"].runs) == (16.0, (20.0, 12.0, None))
    assert (figures["glass_p99_ms"].runs, figures["command_p95_ms"].runs) == ((30.0, 12.0, None), (2.0, None, 3.0))
    assert (figures["mbit_s"].median, figures["memory_mib"].median) == (4.5, 122.0)
    assert [shown(figures["command_p50_ms"], value) for value in figures["command_p50_ms"].runs] == ["1.00", "-", "3.00"]
    assert figures_of([])[0].median is None


def test_the_document() -> None:
    body = document("test model", RUNS[:1])
    assert (body["source"], body["runs"], body["picture"]) == ("test model", 1, {"width": 1280, "height": 720})
    assert body["figures"]["cpu_cores"] == {"unit": "cores", "median": 0.4, "runs": [0.4]}
    assert list(body["figures"]) == [
        *("ready_ms", "first_frame_ms", "fps", "glass_p50_ms", "glass_p95_ms", "glass_p99_ms"),
        *("command_p50_ms", "command_p95_ms", "mbit_s", "rtt_ms", "cpu_cores", "memory_mib"),
    ]


@pytest.mark.parametrize(("percent", "value"), [(50, 2.0), (95, 4.0), (0, 1.0), (25, 1.0)])
def test_percentiles(percent: float, value: float) -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], percent) == value
    assert percentile([], percent) is None


def test_the_time_in_a_picture() -> None:
    picture = np.full((720, 1280, 3), 100, np.uint8)
    assert age_ms(picture, 0) is None
    draw(picture)
    smaller = picture[::2, ::2]
    now = 10_000_000_000_000
    age = age_ms(picture, now)
    assert age is not None
    assert age_ms(smaller, now) == age
    assert age_ms(picture, now + 25_000_000) == pytest.approx(age + 25.0)


async def test_a_folder_without_a_model_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(ModelFailedError, match=r"the runtime does not start: there is no reactor\.yaml in "):
        async with started(tmp_path):
            pass


async def test_nobody_there() -> None:
    with pytest.raises(NetworkError, match=r"nobody answers at http://127\.0\.0\.1:9: start the model"):
        await loaded("http://127.0.0.1:9")


@pytest.mark.network
@pytest.mark.timeout(120)
async def test_the_test_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REACTOR_LOCAL_URL", "")  # put back at the end
    before = procfs.children(os.getpid())
    body = document("test model", await command._measure(None, 1.0, 1, quiet=True))
    assert body["picture"] == {"width": 1280, "height": 720}
    values = {name: figure["median"] for name, figure in body["figures"].items()}
    assert [name for name, value in values.items() if value is None] == []
    assert 1 < values["fps"] < 40
    assert 0 < values["glass_p50_ms"] < 5000
    assert values["command_p50_ms"] > 0
    assert set(procfs.children(os.getpid())) <= set(before)
