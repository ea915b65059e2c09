"""Logging: one line an event."""

import json
import logging
from collections.abc import Iterator

import pytest

from reactor_runtime.logs import configure_logging, get_logger


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    levels = {name: logging.getLogger(name).level for name in ("uvicorn.error", "asyncio")}
    yield
    root.handlers, root.level = handlers, level
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


def test_text_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO", "text")
    logging.getLogger("some.library").info("loaded %d layers", 3)
    logging.getLogger("some.library").debug("nobody reads this")
    (line,) = capsys.readouterr().err.splitlines()
    assert "info" in line
    assert "loaded 3 layers" in line
    assert "some.library" in line


def test_json_lines_carry_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("DEBUG", "json")
    logging.getLogger("some.library").error("it failed", exc_info=ValueError("boom"))
    (line,) = capsys.readouterr().err.splitlines()
    record = json.loads(line)
    assert (record["event"], record["level"], record["logger"]) == ("it failed", "error", "some.library")
    assert "ValueError: boom" in record["exception"]


def test_an_authors_logger_says_fields_beside_the_message(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO", "json")
    log = get_logger("sky")
    log.debug("nobody wants to know")
    log.info("loaded", seconds=3.5, name="a.pt", msg_id=1)
    log.warning("at %s", "dusk")
    try:
        raise ValueError("no weights")
    except ValueError:
        log.exception("failed", path="/models")
    loaded, warned, failed = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert (loaded["event"], loaded["level"], loaded["logger"], loaded["seconds"], loaded["name"]) == (
        "loaded",
        "info",
        "sky",
        3.5,
        "a.pt",
    )
    assert (warned["event"], warned["level"]) == ("at dusk", "warning")
    assert (failed["event"], failed["path"]) == ("failed", "/models")
    assert "ValueError: no weights" in failed["exception"]
