"""What a worker's process is told."""

from __future__ import annotations

import pytest

from reactor_coordinator.pools.environment import kept, worker_environment


@pytest.mark.parametrize(
    "name",
    [
        *("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONPATH", "CUDA_VISIBLE_DEVICES", "CUDA_HOME"),
        *("HF_HOME", "HF_TOKEN", "TORCH_HOME", "REACTOR_LOG_LEVEL", "WEBRTC_PORT_RANGE", "https_proxy", "NO_PROXY"),
    ],
)
def test_handed_on(name: str) -> None:
    assert kept({name: "x"}) == {name: "x"}


@pytest.mark.parametrize(
    "name",
    [
        *(
            "REACTOR_API_KEY",
            "REACTOR_SIGNING_KEY",
            "REACTOR_WORKER_SECRET",
            "DATABASE_URL",
            "PGPASSWORD",
            "AWS_SECRET_ACCESS_KEY",
        ),
        *("STUN_SERVERS", "TURN_SERVERS", "HOST", "PORT", "MY_PATH", "PATHS", "XHF_TOKEN", "LD_PRELOAD", "RAY_ADDRESS", ""),
    ],
)
def test_not_handed_on(name: str) -> None:
    assert kept({name: "x"}) == {}


def test_a_worker_listens_where_its_pool_says() -> None:
    given = {"HOST": "0.0.0.0", "PORT": "80", "REACTOR_WORKER_ID": "w1"}
    environment = worker_environment({"PATH": "/bin", "SECRET": "x"}, given, "10.0.0.7")
    assert environment == {"PATH": "/bin", "PYTHONUNBUFFERED": "1", "REACTOR_WORKER_ID": "w1", "HOST": "10.0.0.7", "PORT": "0"}


def test_gpus_of_a_worker() -> None:
    environ = {"CUDA_VISIBLE_DEVICES": "0,1,2"}
    assert worker_environment(environ, {}, "h")["CUDA_VISIBLE_DEVICES"] == "0,1,2"
    assert worker_environment(environ, {}, "h", ("1", "2"))["CUDA_VISIBLE_DEVICES"] == "1,2"
    assert worker_environment(environ, {"CUDA_VISIBLE_DEVICES": "7"}, "h", ("1",))["CUDA_VISIBLE_DEVICES"] == "1"
    assert "CUDA_VISIBLE_DEVICES" not in worker_environment({}, {}, "h")
