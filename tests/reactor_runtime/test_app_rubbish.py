"""Whatever is sent to whichever route, the answer is never a 5xx of ours."""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.reactor_runtime.runtime_support import opened
from tests.reactor_runtime.visitor import Visitor

ROUTES = [
    ("POST", "/start_session"),
    ("POST", "/stop_session"),
    ("POST", "/sessions/{nil}/uploads"),
    ("PUT", "/uploads/u"),
    ("POST", "/sessions/{nil}/transport/webrtc/connections"),
    ("POST", "/sessions/{nil}/transport/webrtc/connections/1002/sdp_params"),
    ("PUT", "/sessions/{nil}/transport/webrtc/connections/1002/sdp_params"),
    ("POST", "/sessions/{nil}/transport/webrtc/connections/1002/ice_candidates"),
    ("POST", "/sessions/{nil}/transport/webrtc/sdp_params"),
    ("PUT", "/sessions/{nil}/transport/webrtc/sdp_params"),
]
FIELDS = ["name", "size", "mime_type", "upload_id", "sdp_offer", "track_mapping", "ice_servers", "candidates", "reason", "mid"]

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "v=0\r\n", "\ud800", "\x00", "é" * 40, "9" * 70]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=10,
)
bodies = st.binary(max_size=60) | values.map(lambda value: json.dumps(value).encode())


async def test_rubbish_bodies() -> None:
    async with opened() as house:
        sent: list[tuple[str, str, bytes]] = []
        quick = settings(max_examples=100, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        routes = given(st.sampled_from(ROUTES), bodies)
        collect: Callable[..., None] = quick(routes(lambda route, body: sent.append((*route, body))))
        collect()
        for method, path, body in sent:
            if not house.runtime.table.running:
                await house.start()
            url = path.format(nil="00000000-0000-0000-0000-000000000000")
            response = await house.http.request(method, url, content=body, headers={"content-type": "application/json"})
            assert response.status_code < 500, (method, path, body)


async def test_offers_with_rubbish_inside() -> None:
    async with opened() as house:
        await house.start()
        visitor: Visitor = house.visitor()
        offer = await visitor.offer()
        changes: list[dict[str, Any]] = [
            {"ice_servers": [{"uris": ["rubbish"]}]},
            {"ice_servers": [{"uris": []}]},
            {"ice_servers": [{"uris": ["stun:" + "x" * 1000], "credentials": {"username": "\x00"}}]},
            {"track_mapping": offer["track_mapping"] * 2},
            {"track_mapping": [entry | {"mid": "99"} for entry in offer["track_mapping"]]},
            {"track_mapping": [entry | {"mid": ""} for entry in offer["track_mapping"]]},
            {"sdp_offer": offer["sdp_offer"] + "\x00" * 10},
            {"sdp_offer": offer["sdp_offer"].replace("a=mid:0", "a=mid:1")},
            {"unknown": {"deep": [1]}},
        ]
        for change in changes:
            response = await house.http.post(visitor.path, json=offer | change)
            assert response.status_code in (202, 400, 422), change


async def test_unknown_paths_and_methods() -> None:
    async with opened() as house:
        for method, path, status in [
            ("GET", "/nothing", 404),
            ("GET", "/start_session", 405),
            ("DELETE", "/session", 405),
            ("GET", "/sessions/%00/transport/webrtc/ice_servers", 400),
            ("PUT", "/uploads/%ff%fe", 404),
            ("GET", "/sessions/x/transport/webrtc/connections/" + "9" * 5000 + "/sdp_params", 422),
        ]:
            assert (await house.http.request(method, path)).status_code == status, path
