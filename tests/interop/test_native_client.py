"""What the published Python client 1.13 shows besides the scenario: its core is native, and it speaks wire version v1.

Its visit to our runtime is the one of the scenario, with more steps.
"""

import json

import pytest
from tests.interop.observations import Observations, is_near
from tests.interop.provisioning import Say
from tests.interop.scenario import PURPLE, RED, Pairing
from tests.interop.visits import Visits

# A first run builds the virtual environment inside its first test.
pytestmark = [
    pytest.mark.network,
    pytest.mark.timeout(300),
    pytest.mark.against("client", "reactor-sdk", "1.13.0", "on our runtime: refusals, fragments, metadata, statistics"),
]


@pytest.fixture(scope="module")
def observed(visits: Visits) -> Observations:
    return visits.of(Pairing("1.13.0", "runtime"))


def test_a_command_is_answered_soon(observed: Observations, say: Say) -> None:
    seconds = observed.of("reasons")["seconds_each"]
    say(f"the published client 1.13 on our runtime: {seconds * 1e3:.2f} ms for a command and its answer")
    assert seconds < 0.5


@pytest.mark.parametrize(
    ("mistake", "reason"),
    [
        ("unknown", "unknown command 'no_such_command'"),
        ("type", "red: expected integer, got str"),
        ("range", "red: 256 > le(255)"),
        ("fraction", "red: expected integer, got float"),
        ("missing", "missing required argument 'green'"),
        ("by the model", "Ask me later."),
    ],
)
def test_a_refused_command_raises_with_its_reason(observed: Observations, mistake: str, reason: str) -> None:
    refused = observed.of("reasons")["told"][mistake]
    assert refused["kind"] == "ReactorError"
    assert reason in refused["text"]


def test_a_large_command_goes_in_fragments_up_to_a_mebibyte(observed: Observations) -> None:
    large = observed.of("large")
    assert large["taken"]["code"] == "invalid_command"
    assert "red: expected integer, got str" in large["taken"]["text"]
    assert large["above"]["kind"] == "MessageTooLargeError"


def test_each_picture_brings_the_metadata_that_the_model_gave_to_it(observed: Observations) -> None:
    """The model tells its colour with each picture: the two agree on both sides of a change, frame by frame."""
    told = observed.of("tags")["tags"]
    assert {tag for _, tag in told} == {'{"upper":[150,40,150]}', '{"upper":[200,40,40]}'}
    assert PURPLE == (150, 40, 150)
    assert RED == (200, 40, 40)
    for seen, tag in told:
        assert is_near(seen, json.loads(tag)["upper"]), told


def test_each_picture_carries_its_number_and_time(observed: Observations) -> None:
    told = observed.of("tags")
    numbers, stamps = told["numbers"], told["stamps"]
    assert numbers == sorted(set(numbers))
    assert stamps == sorted(set(stamps))
    assert 0.5 < (stamps[-1] - stamps[0]) / 40_000 / (numbers[-1] - numbers[0]) < 2.0, "25 pictures a second"


def test_the_schema_is_given_on_request(observed: Observations) -> None:
    assert observed.of("schema") == {"openapi": "3.1.0", "title": "interop-echo"}


def test_the_statistics_tell_of_the_connection(observed: Observations) -> None:
    stats = observed.of("stats")
    assert stats["inbound"] == 1
    assert stats["candidate"] == "host"
