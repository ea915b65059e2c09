"""Logs of workers have bounds."""

from __future__ import annotations

import os
from pathlib import Path

from reactor_coordinator.pools.worker_log import WorkerLog, prune


def test_the_tail_of_what_was_written(tmp_path: Path) -> None:
    log = WorkerLog(tmp_path, "w1")
    assert log.tail(5) == ""
    with log.writer() as writer:
        writer.write(b"one\ntwo\nthr\xffee\n")
    assert log.tail(2) == "two\nthr\ufffdee"
    assert log.tail(0) == ""
    assert (tmp_path / "w1.log").stat().st_mode & 0o777 == 0o600


def test_a_log_that_has_grown_is_cut_and_its_end_is_kept(tmp_path: Path) -> None:
    log = WorkerLog(tmp_path, "w1", max_bytes=1000)
    with log.writer() as writer:
        for number in range(300):
            writer.write(f"{number:09}\n".encode())
        log.trim()
        assert (tmp_path / "w1.log").stat().st_size == 0
        assert (tmp_path / "w1.log.old").stat().st_size == 500
        writer.write(b"after\n")
    assert log.tail(2) == "000000299\nafter"
    assert (tmp_path / "w1.log").read_bytes() == b"after\n"
    log.trim()
    assert (tmp_path / "w1.log").read_bytes() == b"after\n"


def test_a_log_that_is_not_there_is_not_cut(tmp_path: Path) -> None:
    WorkerLog(tmp_path, "w1").trim()
    assert list(tmp_path.iterdir()) == []


def test_old_logs_are_removed_but_for_the_latest(tmp_path: Path) -> None:
    for age, name in enumerate(["w4.log", "w3.log.old", "w3.log", "w2.log", "living.log", "living.log.old"]):
        file = tmp_path / name
        file.write_text("x")
        os.utime(file, (1000 - age, 1000 - age))
    (tmp_path / "living.json").write_text("{}")
    prune(tmp_path, {"living"}, keep=2)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "living.json",
        "living.log",
        "living.log.old",
        "w3.log.old",
        "w4.log",
    ]
