"""The routes of sessions, health and schema, with the literals of the reference (runtime, 3 and 12)."""

from pathlib import Path
from uuid import UUID

import httpx
from tests.reactor_runtime.runtime_support import STUDIO, House, opened
from tests.reactor_runtime.waiting import poll

from reactor_runtime.config import Manifest, Settings

NIL = "00000000-0000-0000-0000-000000000000"


def model_in(folder: Path, name: str, source: str) -> Manifest:
    (folder / f"{name}.py").write_text(source)
    return Manifest(folder, f"{name}:Model", "", None)


async def test_before_a_session() -> None:
    async with opened() as house:
        body = (await house.http.get("/session")).json()
        assert body["state"] == "ready"
        assert body["session_id"] == NIL
        assert body["model"] == {"name": "studio"}


async def test_a_started_session_is_described_in_full() -> None:
    async with opened() as house:
        response = await house.http.post("/start_session", json={"anything": [1]})
        assert response.status_code == 200
        body = response.json()
        assert body["state"] == "waiting"
        assert str(UUID(body["session_id"])) == body["session_id"] != NIL
        assert body["cluster"] == "local"
        assert body["model"] == {"name": "studio"}
        assert body["server_info"].keys() == {"server_version"}
        assert body["selected_transport"] == {"protocol": "webrtc", "version": "1.0"}
        assert body["transports"] == [{"protocol": "webrtc", "version": "1.0"}]
        assert body["recording"] == {"enabled": False, "chunk_seconds": 4}
        capabilities = body["capabilities"]
        assert capabilities["protocol_version"] == "v0"
        assert capabilities["tracks"] == [
            {"name": "webcam", "kind": "video", "direction": "sendonly"},
            {"name": "voice", "kind": "audio", "direction": "sendonly"},
            {"name": "main", "kind": "video", "direction": "recvonly"},
        ]
        assert capabilities["emission_fps"] == 30.0
        assert capabilities["extensions"] == {"acks": 1, "frame_numbers": 2, "view_only": 1}
        assert {"name": "set_level", "description": "Sets the level of the picture."} in capabilities["commands"]
        assert (await house.http.get("/session")).json() == body


async def test_two_sessions_have_two_ids() -> None:
    async with opened() as house:
        ids = set()
        for _ in range(2):
            ids.add((await house.http.post("/start_session")).json()["session_id"])
            assert (await house.http.post("/stop_session")).status_code == 200
        assert len(ids) == 2


async def test_a_session_starts_once_and_stops_once() -> None:
    async with opened() as house:
        await house.start()
        response = await house.http.post("/start_session")
        assert response.status_code == 409
        assert response.json()["detail"] == "a session cannot be started while the runtime is waiting"
        response = await house.http.post("/stop_session")
        assert (response.status_code, response.content) == (200, b"")
        assert house.runtime.table.state == "ready"


async def test_stopping_with_and_without_a_reason() -> None:
    bodies: list[dict[str, object] | None] = [None, {}, {"moderate": True}, {"reason": "deployment"}, {"reason": "x" * 64}]
    async with opened() as house:
        for body in bodies:
            response = await house.http.post("/stop_session", json=body)
            assert response.status_code == 409
            assert response.json()["detail"] == "there is no session to stop: the runtime is ready"
            await house.start()
            assert (await house.http.post("/stop_session", json=body)).status_code == 200
            assert (await house.http.get("/session")).json()["state"] == "ready"


async def test_a_session_that_others_use_is_left_to_them() -> None:
    async with opened() as house:
        await house.start()
        house.runtime.table.opened(1_002, 0.0)
        for leaving in (None, 1_003):
            response = await house.http.post("/stop_session", json={"if_unused": True, "leaving": leaving})
            assert (response.status_code, response.json()["detail"]) == (409, "others use the session: it goes on for them")
        assert (await house.http.get("/session")).json()["state"] == "streaming"
        assert (await house.http.post("/stop_session", json={"if_unused": True, "leaving": 1_002})).status_code == 200


async def test_malformed_bodies_are_422_and_say_where() -> None:
    async with opened() as house:
        for path, content in [
            ("/start_session", b"[1]"),
            ("/start_session", b"{"),
            ("/start_session", b"3"),
            ("/stop_session", b'{"reason":"' + b"x" * 65 + b'"}'),
            ("/stop_session", b'{"moderate":"perhaps"}'),
            ("/stop_session", b'{"reason":NaN}'),
            ("/stop_session", b'{"reason":"\\ud800"}'),
            ("/stop_session", b"[]"),
        ]:
            response = await house.http.post(path, content=content, headers={"content-type": "application/json"})
            assert response.status_code == 422, content
            assert response.json()["detail"][0].keys() == {"type", "loc", "msg"}
            assert house.runtime.table.state == "ready"


async def health(http: httpx.AsyncClient) -> tuple[int, dict[str, str]]:
    response = await http.get("/health")
    return response.status_code, response.json()


async def test_health_while_it_serves() -> None:
    async with opened() as house:
        assert await health(house.http) == (200, {"status": "healthy", "state": "available", "detail": ""})
        await house.start()
        assert await health(house.http) == (200, {"status": "healthy", "state": "serving", "detail": ""})


async def test_a_model_that_is_loading(tmp_path: Path) -> None:
    source = "import threading\nfrom reactor_runtime import ReactorModel\ngate = threading.Event()\n"
    source += "class Model(ReactorModel):\n    def load(self, config_path):\n        gate.wait(20)\n"
    async with opened(model_in(tmp_path, "slow_to_load", source), wait_for="created") as house:
        assert await health(house.http) == (200, {"status": "healthy", "state": "loading", "detail": ""})
        assert (await house.http.get("/schema")).json() == {}
        body = (await house.http.get("/session")).json()
        assert body["state"] == "created"
        assert body["model"] == {"name": ""}
        assert "capabilities" not in body
        for path in ("/start_session", "/stop_session"):
            response = await house.http.post(path)
            assert response.status_code == 503
            assert response.headers["retry-after"] == "1"
            assert response.json()["detail"] == "the model is loading"


async def failed(house: House, message: str) -> None:
    assert await health(house.http) == (503, {"status": "unhealthy", "state": "terminated", "detail": message})
    for path in ("/start_session", "/stop_session"):
        response = await house.http.post(path)
        assert response.status_code == 503
        assert "retry-after" not in response.headers
        assert response.json()["detail"] == message
    assert (await house.http.get("/session")).json()["state"] == "terminated"


async def test_a_model_that_did_not_load(tmp_path: Path) -> None:
    source = "from reactor_runtime import ReactorModel\nclass Model(ReactorModel):\n"
    source += "    def load(self, config_path):\n        raise ValueError('no weights in /models')\n"
    source += "    def generate(self, input): ...\n"
    async with opened(model_in(tmp_path, "fails_to_load", source), wait_for="terminated") as house:
        await failed(house, "the model failed to load: ValueError: no weights in /models")


async def test_a_model_that_cannot_be_imported(tmp_path: Path) -> None:
    async with opened(model_in(tmp_path, "fails_to_import", "raise OSError('no CUDA')"), wait_for="terminated") as house:
        await failed(house, f"the model failed to load: fails_to_import in {tmp_path} cannot be imported: OSError: no CUDA")


async def test_a_model_that_crashes_in_a_session(tmp_path: Path) -> None:
    source = "from reactor_runtime import ReactorModel, session_started\nimport asyncio\nclass Model(ReactorModel):\n"
    source += "    def __init__(self):\n        self.over = asyncio.Event()\n"
    source += "    @session_started\n    def begin(self):\n        self.over.set()\n"
    source += "    async def run(self):\n        await self.over.wait()\n        raise RuntimeError('out of memory')\n"
    async with opened(model_in(tmp_path, "crashes_soon", source)) as house:
        await house.http.post("/start_session")
        await house.until("terminated")
        await failed(house, "the model stopped: RuntimeError: out of memory")


async def test_the_schema_is_served() -> None:
    async with opened() as house:
        body = (await house.http.get("/schema")).json()
        assert body["openapi"] == "3.1.0"
        assert body["info"] == {"title": "studio", "version": "v0.0.0", "description": "Shows a flat picture."}
        assert "/events/set_level" in body["paths"]
        assert "level_set" in body["webhooks"]


async def test_any_page_may_ask() -> None:
    async with opened() as house:
        headers = {
            "origin": "https://example.org",
            "access-control-request-method": "PUT",
            "access-control-request-headers": "authorization,content-type,reactor-webrtc-version",
        }
        for path in ("/start_session", "/uploads/x", f"{house.root}/sdp_params", "/health"):
            response = await house.http.options(path, headers=headers)
            assert response.status_code == 200
            assert response.headers["access-control-allow-origin"] == "*"
            assert "PUT" in response.headers["access-control-allow-methods"]
            assert "authorization" in response.headers["access-control-allow-headers"]
        for path in ("/session", "/nowhere"):
            response = await house.http.get(path, headers={"origin": "null"})
            assert response.headers["access-control-allow-origin"] == "*"
            assert "access-control-allow-credentials" not in response.headers


async def test_a_body_above_1_MiB() -> None:
    async with opened() as house:
        response = await house.http.post("/start_session", content=b'{"x":"' + b"x" * 1024 * 1024 + b'"}')
        assert response.status_code == 413
        assert house.runtime.table.state == "ready"


async def test_a_session_that_nobody_joins_times_out() -> None:
    async with opened(STUDIO, Settings(orphan_timeout=0.02)) as house:
        await house.start()

        async def over() -> bool:
            return bool((await house.http.get("/session")).json()["state"] == "ready")

        await poll(over)
