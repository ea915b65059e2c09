"""Which process may use the engine."""

import os
import subprocess
import sys

import pytest

from reactor_protocol.errors import InvalidStateError
from reactor_rtc import process
from reactor_rtc.engine import enter_engine

SCRIPT = """
import os
from reactor_rtc.process import check_process, enter_process
def forked():
    if os.fork() == 0:
        try:
            check_process()
            enter_process()
            print("may", flush=True)
        except RuntimeError as error:
            print(error, flush=True)
        os._exit(0)
    os.wait()
forked()
enter_process()
enter_process()
forked()
"""


def test_a_fork_of_a_process_that_has_entered_it_is_refused_and_another_is_not() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=True)
    first, second = done.stdout.splitlines()
    assert first == "may"
    assert second == (
        "this process is a fork of one that has used the WebRTC engine, whose threads are not here: start it anew, with the "
        'start method spawn or forkserver (multiprocessing.get_context("spawn"), AsyncVectorEnv(..., context="spawn"))'
    )


def test_entering_the_engine_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    process.enter_process()
    here = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: here + 1)
    with pytest.raises(InvalidStateError, match="spawn or forkserver"):
        enter_engine()
