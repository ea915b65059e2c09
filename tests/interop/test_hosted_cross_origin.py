"""What a browser asks our coordinator before it lets a page of another origin call it, and what that page may read.

That the published JavaScript client gets through from another origin is shown in test_scenario.py.
"""

import pytest
from tests.interop.coordinator import Hosted

pytestmark = [pytest.mark.network, pytest.mark.timeout(240)]

ORIGIN = "https://app.example"
SENT_BY_THE_PUBLISHED_CLIENTS = [
    "authorization",
    "content-type",
    "reactor-api-accept-version",
    "reactor-api-key",
    "reactor-api-version",
    "reactor-webrtc-version",
]
SESSION = "/sessions/6f1d0c52-8f6e-4c0c-9a55-0c8c6f3f5e01"
CALLS = [
    ("POST", "/tokens"),
    ("POST", "/sessions"),
    ("GET", SESSION),
    ("PUT", SESSION),
    ("DELETE", SESSION),
    ("POST", f"{SESSION}/uploads"),
    ("PUT", "/uploads/0c8c6f3f5e01"),
    ("GET", f"{SESSION}/transport/webrtc/ice_servers"),
    ("PUT", f"{SESSION}/transport/webrtc/sdp_params"),
    ("POST", f"{SESSION}/transport/webrtc/connections"),
]


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_a_preflight_allows_the_call_with_the_headers_of_the_published_clients(hosted: Hosted, method: str, path: str) -> None:
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": ",".join(SENT_BY_THE_PUBLISHED_CLIENTS),
        "Authorization": "",
    }
    answer = hosted.ask("OPTIONS", path, headers=asked)
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert method in answer.headers["access-control-allow-methods"]
    allowed = {name.strip().lower() for name in answer.headers["access-control-allow-headers"].split(",")}
    assert allowed >= set(SENT_BY_THE_PUBLISHED_CLIENTS)


def test_a_page_may_read_why_it_is_refused(hosted: Hosted) -> None:
    answer = hosted.ask("GET", "/sessions", headers={"Origin": ORIGIN, "Authorization": "Bearer forged"})
    assert (answer.status, answer.body["code"]) == (401, "UNAUTHORIZED")
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_page_may_read_when_to_try_again(hosted: Hosted) -> None:
    hosted.hold()
    body = {"model": {"name": "interop-echo"}, "queue": False}
    answer = hosted.ask("POST", "/sessions", body=body, headers={"Origin": ORIGIN})
    assert (answer.status, answer.body["code"]) == (429, "NO_CAPACITY")
    assert int(answer.headers["retry-after"]) >= 1
    assert "retry-after" in answer.headers["access-control-expose-headers"].lower()
