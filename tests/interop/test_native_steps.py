"""A stepped session with the published Python client 1.13 (reference: runtime, 5.4)."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.interop.children import Child
from tests.interop.servers import HERE, our_runtime

pytestmark = [
    pytest.mark.network,
    pytest.mark.timeout(300),
    pytest.mark.against("client", "reactor-sdk", "1.13.0", "on our runtime: stepped sessions"),
]

STEPPER = HERE.parent / "reactor_runtime" / "models" / "stepper.yaml"
LIFE_SECONDS = 150.0


@pytest.fixture(scope="module")
def steps(native_client_python: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("steps")
    with our_runtime(folder, STEPPER) as server:
        argv = [native_client_python, HERE / "drivers" / "native_steps.py", server.url]
        with Child(argv, cwd=folder, env={}, log=folder / "client", seconds=LIFE_SECONDS) as child:
            assert child.wait() == 0, child.log()
            told = [json.loads(line) for line in child.output().splitlines() if line.startswith("{")]
    return {each.pop("step"): each for each in told}


@pytest.mark.parametrize(("name", "number", "level"), [("first", 1, 50), ("second", 2, 80)])
def test_a_step_is_taken_after_what_it_brings(steps: dict[str, dict[str, Any]], name: str, number: int, level: int) -> None:
    assert steps[name] == {
        "number": number,
        "tracks": ["main"],
        "shapes": [[4, 8, 3]],
        "levels": [level],
        "tags": ['{"seen":0,"heard":0}'],
        "error": None,
    }


def test_a_step_that_fails_says_so_in_its_result(steps: dict[str, dict[str, Any]]) -> None:
    assert (steps["failed"]["number"], steps["failed"]["error"]) == (3, "99 is too much")


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("out of range", "StepRefusedError", "level: 300 > le(255)"),
        ("not ready", "StepRefusedError", "13 is not a level"),
        ("by the model", "StepCommandFailedError", "Ask me later."),
        ("too large", "StepResultTooLargeError", "a result carries 12582912 at most"),
    ],
)
def test_a_step_that_is_not_taken_raises(steps: dict[str, dict[str, Any]], name: str, kind: str, reason: str) -> None:
    assert steps[name]["kind"] == kind
    assert reason in steps[name]["text"]


def test_pictures_come_with_the_step(steps: dict[str, dict[str, Any]]) -> None:
    assert steps["with a picture"]["levels"] == [60]
    assert steps["with a picture"]["tags"] == ['{"seen":100,"heard":0}']
