"""The published clients of three generations, and ours, perform one scenario: what each observes is what the scenario says.

``scenario`` holds the steps, what every client has to show, and where one differs. `INTEROP_CONTROL=1` adds the published pair,
which tells a fault of the harness from a fault of ours.
"""

import os

import pytest
from tests.interop.observations import AnyId, Near, Observations, Within, differences
from tests.interop.provisioning import Say
from tests.interop.scenario import CONTROL, PAIRINGS, STEPS, Pairing
from tests.interop.visits import Visits

# A first run builds the virtual environments, and fetches the browser, inside its first test.
pytestmark = [pytest.mark.network, pytest.mark.timeout(300)]


def tried(pairing: Pairing) -> object:
    """A parameter that says what is run against what."""
    if pairing.server == "published-runtime":
        mark = pytest.mark.against("runtime", "reactor-runtime", "3.10.0", "its server, visited by our client")
    else:
        package = "@reactor-team/js-sdk, in Chromium" if pairing.client == "2.9.0" else "reactor-sdk"
        mark = pytest.mark.against("client", package, pairing.client, f"on our {pairing.server}: all steps of a session")
    return pytest.param(pairing, id=str(pairing), marks=[] if (pairing.client, pairing.server[:3]) == ("ours", "coo") else mark)


@pytest.fixture(scope="module", params=map(tried, [*PAIRINGS, *([CONTROL] if os.environ.get("INTEROP_CONTROL") else [])]))
def pairing(request: pytest.FixtureRequest) -> Pairing:
    assert isinstance(request.param, Pairing)
    return request.param


@pytest.fixture(scope="module")
def observed(pairing: Pairing, visits: Visits) -> Observations:
    return visits.of(pairing)


@pytest.mark.parametrize("step", STEPS)
def test_a_client_observes_what_the_scenario_says(observed: Observations, pairing: Pairing, step: str) -> None:
    assert differences(observed.of(step), pairing.expected(step)) == []


def test_the_first_frame_is_told(observed: Observations, pairing: Pairing, say: Say) -> None:
    say(f"{pairing}: first frame {observed.of('picture')['first_after']:.2f} s after connect() was called")


def test_the_session_ends_with_the_client_that_made_it(observed: Observations, pairing: Pairing, visits: Visits) -> None:
    assert observed.of("disconnect")["status"] == "disconnected"
    visits.server(pairing.server).wait_until_free()


def test_differences_are_found() -> None:
    assert differences({"a": 1, "b": [1]}, {"a": 1.0, "b": [1]}) == ["/a: 1, not 1.0"]
    assert differences({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}) == ["/a: keys ['b'], not ['b', 'c']"]
    assert differences([1, 2, 3], Near((1, 2, 30))) == []
    assert differences([1, 2, 3], Near((1, 2, 34))) == [": [1, 2, 3] is not Near(color=(1, 2, 34))"]
    assert differences(3, Within(1, 2)) == [": 3 is not Within(low=1, high=2)"]
    assert differences("00000000-0000-0000-0000-000000000000", AnyId()) != []
    assert differences(False, 0) == [": False, not 0"]
