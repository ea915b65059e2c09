"""What `reactor run` says when it serves: its address, the page, and whether other machines can reach it."""

from dataclasses import replace

import pytest

from reactor_cli import run
from reactor_runtime.config import Settings


@pytest.mark.parametrize(
    ("host", "reached"),
    [
        ("127.0.0.1", False),
        ("127.0.0.9", False),
        ("localhost", False),
        ("::1", False),
        ("[::1]", False),
        ("0.0.0.0", True),
        ("::", True),
        ("192.168.1.7", True),
        ("gpu.example", True),
    ],
)
def test_who_can_reach_it_is_said(host: str, reached: bool, capsys: pytest.CaptureFixture[str]) -> None:
    run._greet(replace(Settings(), host=host), "http://127.0.0.1:8080", as_json=False)
    told = capsys.readouterr().err.splitlines()
    assert told[:2] == [
        "reactor serves on http://127.0.0.1:8080 (Ctrl-C ends it)",
        "        play with it in a browser: http://127.0.0.1:8080/",
    ]
    warning = f"        whoever reaches this machine can use it, too (it listens on {host}): `--host 127.0.0.1` is for you alone"
    assert told[2:] == ([warning] if reached else [])
