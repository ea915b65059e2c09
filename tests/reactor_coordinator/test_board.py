"""The board: who is told what, and how often."""

import json
from typing import Any

from reactor_coordinator.board import Board, Snapshot, Watch
from reactor_coordinator.queue import Place
from reactor_coordinator.records import SessionRecord, WorkerRecord
from reactor_protocol.lifecycles import SessionState, WorkerState

CAPABILITIES = {"protocol_version": "v0", "tracks": [{"name": "main_video", "kind": "video", "direction": "recvonly"}]}


def session(state: str = "WAITING", **changes: Any) -> SessionRecord:
    values: dict[str, Any] = {
        "id": "s1",
        "key_id": "key_1",
        "token_id": "t",
        "model": "helios",
        "state": SessionState(state),
        "priority": 0,
        "created_at": 100.0,
        "queued_at": 100.0,
        "seen_at": 100.0,
    }
    return SessionRecord(**{**values, **changes})


def worker(**changes: Any) -> WorkerRecord:
    values: dict[str, Any] = {
        "id": "w1",
        "pool": "local",
        "model": "helios",
        "state": WorkerState.BUSY,
        "host": "127.0.0.1",
        "started_at": 1.0,
        "lease_until": 200.0,
        "port": 9000,
        "session_id": "s1",
        "capabilities": CAPABILITIES,
    }
    return WorkerRecord(**{**values, **changes})


def snapshot(now: float, one: SessionRecord, place: Place | None = None) -> Snapshot:
    return Snapshot(now, {one.id: one}, {"w1": worker()}, {} if place is None else {one.id: place})


async def told(watch: Watch) -> Any:
    """The next event, parsed; the text of a comment; None at the end."""
    text = await watch.next()
    if text is None:
        return None
    return json.loads(text.removeprefix(b"data: ")) if text.startswith(b"data: ") else text


def quiet(watch: Watch) -> bool:
    return not watch._news.is_set()


async def test_a_watcher_is_told_of_its_place() -> None:
    board = Board("here")
    watch = board.watch("s1")
    board.show(snapshot(100.0, session(), Place(3, 9, 12.4999)))
    assert await told(watch) == {
        "session_id": "s1",
        "state": "WAITING",
        "cluster": "here",
        "model": {"name": "helios"},
        "server_info": {"server_version": "0.1.0"},
        "created_at": 100.0,
        "selected_transport": {"protocol": "webrtc", "version": "1.0"},
        "queue": {"position": 3, "waiting": 9, "estimated_wait_s": 12.5},
    }


async def test_what_has_not_changed_is_not_told_again() -> None:
    board = Board("here")
    watch = board.watch("s1")
    board.show(snapshot(100.0, session(), Place(3, 9)))
    await told(watch)
    board.show(snapshot(105.0, session(), Place(3, 9)))
    assert quiet(watch)


async def test_positions_are_told_once_a_second_at_most_and_states_at_once() -> None:
    board = Board("here")
    watch = board.watch("s1")
    board.show(snapshot(100.0, session(), Place(3, 9)))
    await told(watch)
    board.show(snapshot(100.5, session(), Place(2, 9)))
    assert quiet(watch)
    board.show(snapshot(101.0, session(), Place(2, 9)))
    assert (await told(watch))["queue"] == {"position": 2, "waiting": 9}
    board.show(snapshot(101.1, session("PENDING", worker_id="w1")))
    assert (await told(watch))["state"] == "PENDING"


async def test_an_active_session_with_its_capabilities_is_the_end_of_waiting() -> None:
    board = Board("here")
    watch = board.watch("s1")
    board.show(snapshot(100.0, session("ACTIVE", worker_id="w1", expires_at=900.0)))
    last = await told(watch)
    assert (last["state"], last["capabilities"], last["expires_at"]) == ("ACTIVE", CAPABILITIES, 900.0)
    assert "queue" not in last
    assert await told(watch) is None


async def test_a_quiet_stream_is_kept_alive() -> None:
    board = Board("here")
    watch = board.watch("s1")
    board.show(snapshot(100.0, session(), Place(1, 1)))
    await told(watch)
    board.show(snapshot(110.0, session(), Place(1, 1)))
    assert await told(watch) == b": keep-alive\n\n"


async def test_a_session_that_is_no_more_has_to_be_looked_up() -> None:
    board = Board("here")
    watch = board.watch("s1")
    assert board.show(Snapshot(100.0)) == ["s1"]
    board.tell(session("CLOSED", reason="expired"))
    assert (await told(watch))["reason"] == "expired"
    assert await told(watch) is None


async def test_who_watches_is_there() -> None:
    board = Board("here")
    watch = board.watch("s1")
    board.heard("s2")
    assert board.present() == {"s1", "s2"}
    assert board.present() == {"s1"}
    board.unwatch(watch)
    assert board.present() == set()


async def test_one_who_was_taken_for_gone_is_noticed_at_once() -> None:
    board = Board("here")
    board.show(snapshot(100.0, session("SUSPENDED"), Place(1, 1)))
    assert not board.returned
    board.heard("s1")
    assert board.returned
    board.present()
    assert not board.returned


async def test_who_watches_a_whole_session_hears_that_it_loses_its_worker_and_of_its_end() -> None:
    board = Board("local")
    board.show(snapshot(1.0, session("PENDING", worker_id="w1")))
    waiting, whole = board.watch("s1"), board.watch("s1", whole=True)
    active = session("ACTIVE", worker_id="w1")
    board.show(snapshot(2.0, active))
    assert [(await told(each))["state"] for each in (waiting, whole)] == ["ACTIVE", "ACTIVE"]
    assert await told(waiting) is None
    board.show(snapshot(3.0, session("INACTIVE", restarts=1), Place(1, 1)))
    assert (await told(whole))["state"] == "INACTIVE"
    board.show(snapshot(4.0, session("ACTIVE", worker_id="w1", placements=2)))
    moved = await told(whole)
    assert (moved["state"], moved["placements"]) == ("ACTIVE", 2)
    board.tell(session("CLOSED", reason="enough"))
    assert (await told(whole))["reason"] == "enough"
    assert await told(whole) is None
