"""The log as an operator reads it: all of it, in one of its formats, to standard error."""

import contextlib
import logging
from collections.abc import Iterator

from reactor_runtime.logs import configure_logging, set_session

_CHANGED = ("uvicorn.error", "asyncio")


@contextlib.contextmanager
def logging_as(style: str, level: str = "DEBUG") -> Iterator[None]:
    """Everything that is logged within goes to standard error, where ``capsys`` finds it."""
    root = logging.getLogger()
    handlers, before = list(root.handlers), root.level
    levels = {name: logging.getLogger(name).level for name in _CHANGED}
    configure_logging(level, style)
    try:
        yield
    finally:
        set_session(None)
        root.handlers, root.level = handlers, before
        for name, each in levels.items():
            logging.getLogger(name).setLevel(each)
