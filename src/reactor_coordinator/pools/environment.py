"""What a worker's process is told, and what it does not learn from the process that starts it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_KEPT = re.compile(
    r"PATH|HOME|USER|LOGNAME|LANG|LC_\w+|TZ|TMPDIR|LD_LIBRARY_PATH|DYLD_LIBRARY_PATH|SSL_CERT_(FILE|DIR)|XDG_CACHE_HOME"
    r"|(http|https|no|HTTP|HTTPS|NO)_(proxy|PROXY)|(PYTHON|CUDA|NVIDIA_|HF_|TORCH|REACTOR_LOG_|WEBRTC_)\w*"
)


def kept(environ: Mapping[str, str]) -> dict[str, str]:
    """The part of an environment that is handed on: where programs, libraries, models and logs are. No secret of ours is in it.

    STUN and TURN servers are not handed on either: the coordinator gives them, with credentials that expire, in each offer.
    """
    return {name: value for name, value in environ.items() if _KEPT.fullmatch(name)}


def worker_environment(
    environ: Mapping[str, str], given: Mapping[str, str], host: str, devices: Iterable[str] = ()
) -> dict[str, str]:
    """The environment of a worker that listens on ``host``. Without devices of its own it sees those that ``environ`` leaves."""
    visible = ",".join(devices)
    return {
        **kept(environ),
        "PYTHONUNBUFFERED": "1",
        **given,
        **({"CUDA_VISIBLE_DEVICES": visible} if visible else {}),
        "HOST": host,
        "PORT": "0",
    }
