"""What makes a runtime a worker, and what is refused by name."""

import pytest

from reactor_runtime.config import ConfigError, WorkerSettings, read_settings

WORKER = {
    "REACTOR_WORKER_ID": "local-3.a_b",
    "REACTOR_WORKER_SECRET": "hunter2",
    "REACTOR_WORKER_COORDINATORS": "http://10.0.0.1:8090/, https://[::1]:8091/base/,http://10.0.0.1:8090",
}


def refusal(**changes: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read_settings(WORKER | changes)
    assert "hunter2" not in str(caught.value)
    return str(caught.value)


def test_without_the_variables_it_is_none() -> None:
    assert read_settings({}).worker is None
    assert read_settings({"REACTOR_WORKER_PATIENCE_SECONDS": "5"}).worker is None


def test_a_worker() -> None:
    worker = read_settings(WORKER).worker
    assert worker == WorkerSettings("local-3.a_b", "hunter2", ("http://10.0.0.1:8090", "https://[::1]:8091/base"), 60.0)
    assert "hunter2" not in repr(read_settings(WORKER))


def test_its_patience() -> None:
    worker = read_settings({**WORKER, "REACTOR_WORKER_PATIENCE_SECONDS": "2.5"}).worker
    assert worker is not None
    assert worker.patience == 2.5
    assert refusal(REACTOR_WORKER_PATIENCE_SECONDS="long") == "REACTOR_WORKER_PATIENCE_SECONDS must be a number, not 'long'"


@pytest.mark.parametrize("name", list(WORKER))
def test_half_of_it_is_refused(name: str) -> None:
    assert refusal(**{name: " "}) == (
        f"{name} is missing: a worker needs REACTOR_WORKER_ID, REACTOR_WORKER_SECRET and REACTOR_WORKER_COORDINATORS"
    )


@pytest.mark.parametrize("worker_id", ["a/b", "..", "-a", "a b", "a\nb", "ä", "x" * 65])
def test_ids_that_do_not_fit_into_a_path(worker_id: str) -> None:
    assert refusal(REACTOR_WORKER_ID=worker_id).startswith("REACTOR_WORKER_ID is at most 64 letters, digits, dots, dashes and")


@pytest.mark.parametrize("secret", ["hunter2 hunter2", "hunter2\nx", "hünter2", "hunter2" * 100])
def test_secrets_that_do_not_fit_into_a_header(secret: str) -> None:
    told = refusal(REACTOR_WORKER_SECRET=secret)
    assert told == "REACTOR_WORKER_SECRET is at most 512 visible ASCII characters, without blanks"
    assert secret not in told


@pytest.mark.parametrize(
    "url",
    [
        "10.0.0.1:8090",
        "ftp://a",
        "http://",
        "http:///x",
        "http://a:99999",
        "http://a:0",
        "http://u:hunter2@a",
        "http://a?k=v",
        "http://a#f",
    ],
)
def test_coordinators_that_are_no_address(url: str) -> None:
    assert refusal(REACTOR_WORKER_COORDINATORS=f"http://fine:1,{url}") == (
        "REACTOR_WORKER_COORDINATORS: entry 2 must be http://host:port or https://host:port, without user, query or fragment"
    )


def test_only_commas() -> None:
    assert refusal(REACTOR_WORKER_COORDINATORS=" , ,") == (
        "REACTOR_WORKER_COORDINATORS names no coordinator: give http://host:port, with commas between several"
    )
