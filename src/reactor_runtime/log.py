"""Logging for authors, by its published names: ``get_logger(__name__).info("loaded", seconds=3.2)``.

What else is here serves a process that a model starts for itself: lines there can be made to look and to say the same.
"""

from __future__ import annotations

import json
import logging
import os
from typing import IO

from reactor_runtime.logs import Logger as StructuredLogger
from reactor_runtime.logs import add_fields, configure_logging, current_session, fields_of, get_logger, set_session

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
LOG_DATEFMT = "%Y-%m-%dT%H:%M:%S%z"


class _Now:
    """What is stamped on lines beside the session: who has set it last, and the words of the runtime's state."""

    binding = 0
    state: str | None = None
    runtime_state: str | None = None


def set_session_id(session_id: str | None) -> int:
    """Stamps an id on every line from now on; gives what :func:`release_session_id` takes."""
    set_session(session_id)
    _Now.binding += 1
    return _Now.binding


def clear_session_id() -> None:
    """Stamps no id any more."""
    set_session_id(None)


def release_session_id(binding: int) -> None:
    """Stamps no id any more, unless another has been set since."""
    if binding == _Now.binding:
        set_session(None)


def get_session_id() -> str | None:
    """The id that is stamped."""
    return current_session()


def set_state(state: str | None, runtime_state: str | None) -> None:
    """Stamps two words for the state of the runtime: the session's, and the one that ``/health`` tells."""
    _Now.state, _Now.runtime_state = state, runtime_state


def get_state() -> str | None:
    """The session's word that is stamped."""
    return _Now.state


def get_runtime_state() -> str | None:
    """The word of ``/health`` that is stamped."""
    return _Now.runtime_state


class SessionContextFilter(logging.Filter):
    """Puts the session and the state on every record that passes; what a record says itself stays."""

    def filter(self, record: logging.LogRecord) -> bool:
        stamped = {"session_id": get_session_id(), "state": _Now.state, "runtime_state": _Now.runtime_state}
        add_fields(record, {key: value for key, value in stamped.items() if value is not None})
        return True


class TextFormatter(logging.Formatter):
    """A line of text, with the fields as ``key=value`` behind the message."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        told = [f"{key}={_told(value)}" for key, value in fields_of(record).items() if value is not None]
        return " ".join([super().formatMessage(record), *told])


def _told(value: object) -> str:
    text = str(value)
    return text if text and not set(text) & set(' ="\n\r\t') else json.dumps(text, ensure_ascii=False)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: ``ts``, ``level``, ``logger``, ``msg``, ``exc_info``, and the fields."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "ts": self.formatTime(record, LOG_DATEFMT),
            "level": record.levelname.lower(),
            "logger": record.name,
            "msg": record.getMessage(),
        }
        if record.exc_info:
            line["exc_info"] = self.formatException(record.exc_info)
        line = {**{key: value for key, value in fields_of(record).items() if value is not None}, **line}
        return json.dumps(line, default=str, ensure_ascii=False)


def configure(*, level: int = logging.INFO, stream: IO[str] | None = None) -> None:
    """Sends all records to standard error, or to ``stream``, as ``REACTOR_LOG_FORMAT`` (``text`` or ``json``) says."""
    style = os.environ.get("REACTOR_LOG_FORMAT", "text").strip().lower()
    if stream is None:
        configure_logging(logging.getLevelName(level), style)
        return
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter(LOG_FORMAT, LOG_DATEFMT))
    handler.addFilter(SessionContextFilter())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)


__all__ = [
    "JsonFormatter",
    "SessionContextFilter",
    "StructuredLogger",
    "TextFormatter",
    "clear_session_id",
    "configure",
    "get_logger",
    "get_runtime_state",
    "get_session_id",
    "get_state",
    "release_session_id",
    "set_session_id",
    "set_state",
]
