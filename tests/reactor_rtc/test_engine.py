"""The engine is configured once, before its first connection."""

from __future__ import annotations

import subprocess
import sys

import pytest
import webrtc

from reactor_rtc.engine import enter_engine, video_codecs

TRIAL = "WebRTC-ForceSendPlayoutDelay"


def run(script: str) -> str:
    """What a fresh process writes, warnings of the log included."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout + done.stderr


def test_pictures_are_shown_at_once() -> None:
    enter_engine()
    enter_engine()
    assert webrtc.field_trials[TRIAL] == "min_ms:0,max_ms:0"


def test_the_codecs_are_those_that_this_build_sends_and_receives() -> None:
    assert video_codecs() == ("VP8", "VP9", "AV1")


@pytest.mark.network
def test_what_a_user_has_set_stays() -> None:
    script = f"""
import webrtc
webrtc.field_trials.update({{"{TRIAL}": "min_ms:5,max_ms:9"}})
from reactor_rtc.engine import enter_engine
enter_engine()
print(webrtc.field_trials["{TRIAL}"])
"""
    assert run(script).strip() == "min_ms:5,max_ms:9"


@pytest.mark.network
def test_an_engine_that_runs_already_is_left_alone_and_told_of() -> None:
    script = """
import asyncio, webrtc
from reactor_rtc.engine import enter_engine
async def main():
    connection = webrtc.RTCPeerConnection()
    enter_engine()
    enter_engine()
    connection.close()
    print("done")
asyncio.run(main())
"""
    output = run(script)
    assert "done" in output
    assert output.count("latency settings could not be made") == 1
