"""The operator's commands, at a database of their own."""

import asyncio
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reactor_cli.main import main
from reactor_coordinator.config import read_config
from reactor_coordinator.office import open_office
from reactor_coordinator.records import SessionRecord, WorkerRecord
from reactor_coordinator.store import sessions as session_rows
from reactor_coordinator.store import workers as worker_rows
from reactor_protocol.lifecycles import SessionState, WorkerState


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one model."""
    (tmp_path / "reactor.yaml").write_text("model: {name: echo}\nruntime: {import: 'm:M'}\n")
    monkeypatch.chdir(tmp_path)
    for name in ("FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "160")
    return tmp_path


class Terminal:
    """Types commands, and reads what they print."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.err = ""

    def type(self, *arguments: str, code: int = 0) -> str:
        self._monkeypatch.setattr("sys.argv", ["reactor", *arguments])
        with pytest.raises(SystemExit) as caught:
            main()
        captured = self._capsys.readouterr()
        self.err = captured.err
        assert (caught.value.code or 0) == code, captured
        return captured.out

    def json(self, *arguments: str) -> Any:
        return json.loads(self.type(*arguments, "--json"))


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(monkeypatch, capsys)


def put(*records: SessionRecord | WorkerRecord) -> None:
    async def work() -> None:
        async with open_office(read_config(None)) as office:
            for record in records:
                if isinstance(record, SessionRecord):
                    await office.database.write(session_rows.add, [record])
                else:
                    await office.database.write(worker_rows.add, [record])

    asyncio.run(work())


def session(state: SessionState = SessionState.WAITING) -> SessionRecord:
    return SessionRecord("s-1", "key_1", "t", "echo", state, 0, 100.0, 100.0, 100.0)


WORKER = WorkerRecord("w-1", "local", "echo", WorkerState.IDLE, "127.0.0.1", 1.0, 2.0)


def test_a_key_is_printed_once_and_alone_on_standard_output(terminal: Terminal) -> None:
    text = terminal.type("keys", "create", "shop")
    assert text.startswith("rk_")
    assert text.count("\n") == 1
    assert "shown this once" in terminal.err
    listed = terminal.type("keys", "list")
    assert "shop" in listed
    assert text.strip()[:9] in listed
    assert text.strip() not in listed


def test_a_key_with_everything(terminal: Terminal) -> None:
    options = [
        "--admin",
        "--priority",
        "5",
        "--max-sessions",
        "3",
        "--per-minute",
        "10",
        "--credit-hours",
        "2",
        "--expires-days",
        "1",
    ]
    made = terminal.json("keys", "create", "ops", *options)
    properties = ("name", "role", "priority", "max_sessions", "sessions_per_minute", "credit_s")
    assert [made[name] for name in properties] == ["ops", "admin", 5, 3, 10, 7200.0]
    assert made["expires_at"] - made["created_at"] == pytest.approx(86_400)
    assert made["key"].startswith("rk_")
    assert "digest" not in made


def test_revoking_a_key_by_its_prefix(terminal: Terminal) -> None:
    key = terminal.type("keys", "create", "old").strip()
    assert "is revoked" in terminal.type("keys", "revoke", key[:9])
    (row,) = terminal.json("keys", "list")
    assert row["revoked_at"] is not None
    assert "revoked" in terminal.type("keys", "list")


def test_a_key_that_does_not_exist(terminal: Terminal) -> None:
    terminal.type("keys", "revoke", "rk_nothing", code=1)
    assert terminal.err == "reactor: there is no key 'rk_nothing': `reactor keys list` shows those that are\n"


def test_nothing_yet(terminal: Terminal) -> None:
    assert terminal.type("keys", "list") == "There are no keys: make one with `reactor keys create NAME`.\n"
    assert terminal.type("sessions", "list") == "There are no sessions.\n"
    assert terminal.type("workers", "list") == "There are no workers: they are started by a coordinator.\n"
    assert terminal.json("sessions", "list") == []


def test_ending_a_session(terminal: Terminal) -> None:
    put(session())
    assert terminal.json("sessions", "list")[0]["state"] == "WAITING"
    assert terminal.type("sessions", "end", "s-1", "--reason", "maintenance") == "The session s-1 is ended.\n"
    assert terminal.json("sessions", "list") == []
    (over,) = terminal.json("sessions", "list", "--all")
    assert (over["state"], over["reason"]) == ("CLOSED", "maintenance")
    terminal.type("sessions", "end", "s-1", code=1)
    assert terminal.err == "reactor: the session s-1 is over already: maintenance\n"
    terminal.type("sessions", "end", "s-2", code=1)
    assert terminal.err == "reactor: there is no session s-2\n"


def test_tables_fit_a_terminal_of_80_columns(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing short is broken in two, a session is named by as much of its id as finds it again, and its end was in the past."""
    monkeypatch.setenv("COLUMNS", "80")
    now = time.time()
    first, over = "0f4e9a52-1111-4000-8000-000000000000", "1f4e9a52-1111-4000-8000-000000000000"
    running = replace(session(SessionState.ACTIVE), id=first, model="car-racing", created_at=now - 190, expires_at=now + 1090)
    ended = replace(session(SessionState.CLOSED), id=over, model="car-racing", created_at=now - 190, expires_at=now + 1150)
    put(running, replace(ended, ended_at=now - 130, reason="Session ended: no client was connected."))
    put(replace(WORKER, id="w-0f4e9a52aabb", model="car-racing", session_id=first, started_at=now - 190))
    terminal.type(
        "keys", "create", "the kiosk in the hall", "--max-sessions", "1", "--credit-hours", "10", "--expires-days", "17.5"
    )
    shown = terminal.type("sessions", "list", "--all").splitlines()
    assert [line.split()[:2] for line in shown[:3]] == [["ID", "MODEL"], ["0f4e9a52", "car-racing"], ["1f4e9a52", "car-racing"]]
    assert "in 18 min" in shown[1]
    assert "2 min ago  Session ended: no client was" in shown[2]
    workers = terminal.type("workers", "list").splitlines()
    assert workers[1].split() == ["w-0f4e9a52aabb", "car-racing", "IDLE", "0f4e9a52", "3", "min", "ago", "-"]
    keys = terminal.type("keys", "list").splitlines()
    assert keys[0].split() == ["NAME", "PREFIX", "ROLE", "PRIO", "LIMIT", "CREDIT", "STATE"]
    assert keys[1].rstrip().endswith("client  0     1      10.00 h  expires in 17 d")
    assert [line for line in (*shown, *workers, *keys) if len(line) > 80] == []
    assert terminal.type("sessions", "end", "0f4e") == "The session 0f4e is ended.\n"
    assert {each["id"]: each["state"] for each in terminal.json("sessions", "list", "--all")} == {first: "CLOSED", over: "CLOSED"}


def test_a_session_named_by_too_little_of_its_id(terminal: Terminal) -> None:
    put(session(), replace(session(), id="s-12"), replace(session(), id="s-13"))
    terminal.type("sessions", "end", "s-", code=1)
    assert terminal.err == "reactor: several sessions begin with 's-': give more of the id\n"
    assert terminal.type("sessions", "end", "s-1") == "The session s-1 is ended.\n"


def test_draining_a_worker(terminal: Terminal) -> None:
    put(WORKER)
    assert "takes no further session" in terminal.type("workers", "drain", "w-1")
    (row,) = terminal.json("workers", "list")
    assert (row["id"], row["draining"], row["state"]) == ("w-1", True, "IDLE")
    terminal.type("workers", "drain", "w-2", code=1)
    assert terminal.err == "reactor: there is no worker w-2 alive: `reactor workers list` shows those that are\n"


def test_a_configuration_with_a_mistake_is_one_line(terminal: Terminal, here: Path) -> None:
    (here / "c.yaml").write_text("models: {a: {path: nowhere}}\n")
    terminal.type("keys", "list", "--config", "c.yaml", code=1)
    assert terminal.err == f"reactor: c.yaml: models.a.path: there is no reactor.yaml in {here}/nowhere\n"


@pytest.mark.parametrize("command", [["coordinator"], ["keys"], ["sessions"], ["workers"]])
def test_every_command_has_a_help_text(terminal: Terminal, command: list[str]) -> None:
    assert "--help" in terminal.type(*command, "--help")
