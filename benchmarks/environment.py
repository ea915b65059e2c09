"""Where things lie, and the environment variables that every child process starts from."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODEL_FOLDER = ROOT / "benchmarks" / "model"
VENVS_FOLDER = ROOT / ".cache" / "venvs"
LOGS_FOLDER = ROOT / "out" / "bench-logs"

OWN_SETTINGS = (
    "HOST",
    "PORT",
    "STUN_SERVERS",
    "TURN_SERVERS",
    "ICE_TRANSPORT_POLICY",
    "PYTHONHOME",
    "PYTHONSTARTUP",
    "VIRTUAL_ENV",
)
"""Variables of the caller's shell that would change what is measured."""


def clean_environment() -> dict[str, str]:
    """The caller's environment without settings of its own, and with ``benchmarks`` importable."""
    kept = {name: value for name, value in os.environ.items() if name not in OWN_SETTINGS}
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
