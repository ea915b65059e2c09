"""The benchmark of the coordinator comes to figures; how large they are is not judged here."""

import json
from pathlib import Path

import pytest
from benchmarks.coordinator.__main__ import main
from benchmarks.coordinator.waiting import _Crowd, _Waiter
from benchmarks.coordinator.wire import EventStream, request_bytes


@pytest.mark.network
def test_the_command_adds_its_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "figures.json"
    arguments = ["--quick", "--database", "sqlite", "--only", "freed", "--only", "waiting", "--json", str(file)]
    assert main([*arguments, "--note", "first"]) == 0
    assert main(["--quick", "--only", "decision", "--json", str(file)]) == 0
    first, second = json.loads(file.read_text())["runs"]
    assert (first["note"], first["failures"], first["readings"]["sqlite.waiting_lost"]["value"]) == ("first", {}, 0)
    assert first["readings"]["sqlite.freed_p95"]["samples"] == 5
    assert sorted(second["readings"]) == ["decision_p50", "decision_p99"]
    shown = capsys.readouterr().out
    assert "worker freed to next in line ACTIVE, SQLite, p50" in shown
    assert "100 clients wait with live positions, SQLite: CPU" in shown


def test_a_position_ages_from_the_moment_when_it_is_not_true_any_more() -> None:
    crowd = _Crowd(waiters=[_Waiter("a", 1.0, position=2, number=4)])
    now = 100.0
    crowd.samples = [(now, each.number, each.position) for each in crowd.waiters]
    assert crowd.ages([90.0, 95.0]) == [0.0]
    assert crowd.ages([90.0, 95.0, 97.5, 99.0]) == [2.5]
    assert crowd.ages([90.0, 95.0, 101.0]) == [0.0]


def test_a_stream_is_taken_apart_wherever_it_is_cut() -> None:
    heard: list[bytes] = []
    stream = EventStream(b"", heard.append, lambda: None)
    whole = b'HTTP/1.1 200 OK\r\na: b\r\n\r\n9\r\ndata: {"n":1}\n\n\r\n3\r\n: keep-alive\n\n\r\n9\r\ndata: {"n":2}\n\n\r\n'
    for number in range(len(whole)):
        stream.data_received(whole[number : number + 1])
    assert (stream.status, heard) == (200, [b'{"n":1}', b'{"n":2}'])


def test_a_request_is_as_http_wants_it() -> None:
    assert request_bytes("h:1", "POST", "/a", "t", {"b": 1}, X_Y="z") == (
        b"POST /a HTTP/1.1\r\nHost: h:1\r\nAuthorization: Bearer t\r\nX-Y: z\r\n"
        b'Content-Type: application/json\r\nContent-Length: 8\r\n\r\n{"b": 1}'
    )
