"""``/events`` of a whole runtime, with the literals of the reference (runtime, 3.4, 9.1 and 12)."""

from pathlib import Path

from tests.reactor_runtime.runtime_support import MODELS, House, opened
from tests.reactor_runtime.watching.event_reader import EventReader, reading
from tests.reactor_runtime.watching.one_file_models import CRASHES, model_in

from reactor_protocol.messages import RequestClip
from reactor_runtime.app import build_app
from reactor_runtime.config import Manifest, Settings
from reactor_runtime.recording.options import RecordingOptions


async def all_of(house: House, until: str, query: str = "since=0", times: int = 1) -> EventReader:
    async with reading(build_app(house.runtime), query) as reader:
        await reader.until(until, times)
    return reader


async def test_a_session_that_is_started_and_stopped() -> None:
    async with opened() as house:
        await house.start()
        session_id = house.runtime.table.session_id
        await house.http.post("/stop_session")
        reader = await all_of(house, "cleanup_complete")
        assert [seq for seq, _ in reader.events] == [1, 2, 3, 4, 5]
        assert [(body["event"], body["from"], body["to"]) for _, body in reader.events] == [
            ("initializing", "created", "created"),
            ("initialization_success", "created", "ready"),
            ("start_session", "ready", "waiting"),
            ("stop_session", "waiting", "closing"),
            ("cleanup_complete", "closing", "ready"),
        ]
        assert [body["detail"] for _, body in reader.events] == [
            {},
            {},
            {"params": {}, "session_id": session_id},
            {"reason": "stopped"},
            {"reason": "stopped"},
        ]
        for _, body in reader.events:
            assert body.keys() == {"type", "event", "from", "to", "ts", "detail"}
            assert body["type"] == "transition"
            assert isinstance(body["ts"], int)
            assert body["ts"] > 1_600_000_000_000


async def test_since_and_last_event_id() -> None:
    async with opened() as house:
        await house.start()
        await house.http.post("/stop_session")
        app = build_app(house.runtime)
        for query, headers in [
            ("since=3", []),
            ("since=3", [(b"last-event-id", b"1")]),
            ("", [(b"last-event-id", b"3")]),
        ]:
            async with reading(app, query, *headers) as reader:
                await reader.until("cleanup_complete")
                assert [seq for seq, _ in reader.events] == [4, 5]
        async with reading(app, "", (b"last-event-id", "٣".encode())) as reader:
            await house.start()
            await reader.until("start_session")
            assert [seq for seq, _ in reader.events] == [6]


async def test_queries_that_make_no_sense_are_422() -> None:
    async with opened() as house:
        for query in ("since=x", "since=-1", "since=1.5", "since=99999999999999999999", "journal=everything"):
            response = await house.http.get(f"/events?{query}")
            assert response.status_code == 422, query


async def test_the_number_of_readers_is_bounded() -> None:
    async with opened() as house:
        for _ in range(32):
            house.runtime.watch.journal.attach(lambda: None)
        response = await house.http.get("/events")
        assert response.status_code == 503
        assert response.headers["retry-after"] == "5"
        assert response.json()["detail"] == "at most 32 read the events at a time"


async def test_two_clients_come_and_go() -> None:
    async with opened() as house:
        await house.start()
        first, second = await house.welcome(), await house.welcome()
        await first.leave()
        async with reading(build_app(house.runtime), "since=2&journal=lifecycle") as reader:
            await reader.until("connection_closed")
            await second.leave()
            await reader.until("connection_closed", 2)
            await house.http.post("/stop_session", json={"reason": "deployment"})
            await reader.until("cleanup_complete")
        moves = [(body["event"], body["from"], body["to"]) for _, body in reader.events]
        assert moves == [
            ("start_session", "ready", "waiting"),
            ("connection_answered", "waiting", "waiting"),
            ("connection_opened", "waiting", "streaming"),
            ("connection_answered", "streaming", "streaming"),
            ("connection_opened", "streaming", "streaming"),
            ("connection_closed", "streaming", "streaming"),
            ("connection_closed", "streaming", "orphaned"),
            ("stop_session", "orphaned", "closing"),
            ("cleanup_complete", "closing", "ready"),
        ]
        assert reader.details("connection_opened") == [
            {"conn_id": first.id, "transport": "webrtc"},
            {"conn_id": second.id, "transport": "webrtc"},
        ]
        assert reader.details("stop_session") == [{"reason": "stopped", "close_reason": "deployment"}]
        for answered in reader.details("connection_answered"):
            assert answered.keys() == {"conn_id", "answer"}
            assert answered["answer"].keys() == {"type", "sdp"}
            assert answered["answer"]["type"] == "answer"


async def test_how_sessions_end() -> None:
    async with opened(settings=Settings(orphan_timeout=0.02)) as house:
        await house.start()
        reader = await all_of(house, "cleanup_complete")
        assert reader.details("timeout") == [{"reason": "timed_out"}]
        assert reader.details("cleanup_complete") == [{"reason": "timed_out"}]
        assert "stop_session" not in reader.names
    async with opened() as house:
        await house.start()
        await house.http.post("/stop_session", json={"moderate": True})
        reader = await all_of(house, "cleanup_complete")
        assert reader.details("stop_session") == [{"reason": "moderated"}]


async def test_a_model_that_did_not_load(tmp_path: Path) -> None:
    source = "from reactor_runtime import ReactorModel\nclass Model(ReactorModel):\n    def generate(self, input): ...\n"
    source += "    def load(self, config_path):\n        raise ValueError('no weights')\n"
    async with opened(model_in(tmp_path, "watched_fails_to_load", source), wait_for="terminated") as house:
        reader = await all_of(house, "initialization_fail")
        assert [(body["event"], body["to"], body["detail"]) for _, body in reader.events] == [
            ("initializing", "created", {}),
            ("initialization_fail", "terminated", {}),
        ]


async def test_a_model_that_crashes(tmp_path: Path) -> None:
    async with opened(model_in(tmp_path, "watched_crashes", CRASHES)) as house:
        await house.start()
        await house.until("terminated")
        reader = await all_of(house, "eviction")
        (detail,) = reader.details("eviction")
        assert detail["reason"] == "error"
        assert "out of memory" in detail["error"]


async def test_commands_and_failures() -> None:
    async with opened() as house:
        await house.start()
        client = await house.welcome()
        await client.command("set_level", level=7)
        await client.command("set_level", level=700)
        await client.command("nothing_of_that_name", level=7)
        await client.command("refuse")
        async with reading(build_app(house.runtime), "since=0&journal=measurements") as reader:
            await reader.until("command")
            assert reader.details("command") == [
                {"name": "set_level", "args": {"level": {"type": "integer"}}, "conn_id": client.id}
            ]


async def test_a_recording_announces_its_chunks_and_clips(tmp_path: Path) -> None:
    manifest = Manifest(MODELS, "studio_model:Studio", "studio", None, RecordingOptions(enabled=True, chunk_seconds=1))
    async with opened(manifest, Settings(recordings_dir=tmp_path)) as house:
        await house.start()
        session_id = house.runtime.table.session_id
        client = await house.welcome()
        async with reading(build_app(house.runtime), "since=0&journal=lifecycle") as reader:
            assert await reader.until("chunk_ready") == {"recording_id": session_id, "idx": -1}
            client.say(RequestClip(0.2))
            clip = await reader.until("clip_ready")
            assert clip.keys() == {
                "session_id",
                "kind",
                "start_marker",
                "end_marker",
                "now_marker",
                "predicted_ready_at_ms",
                "playlist_url",
            }
            assert (clip["session_id"], clip["kind"]) == (session_id, "snap")
            assert (await house.http.get(clip["playlist_url"])).status_code == 200
            assert await reader.until("chunk_ready", 2) == {"recording_id": session_id, "idx": 0}
