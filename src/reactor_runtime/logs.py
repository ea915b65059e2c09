"""Logging of the runtime: one line an event, as text or JSON, to standard error."""

from __future__ import annotations

import logging
import sys
from typing import Any, Final

import structlog

_FIELDS: Final = "reactor_fields"
"""The attribute of a log record that holds what was said beside the message."""


class Logger:
    """Says one event a line, with fields beside it: ``log.info("loaded", seconds=3.2)``."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, msg: str, *args: object, **fields: Any) -> None:
        """For whoever looks for a mistake."""
        self._log(logging.DEBUG, msg, args, fields)

    def info(self, msg: str, *args: object, **fields: Any) -> None:
        """For whoever runs the model."""
        self._log(logging.INFO, msg, args, fields)

    def warning(self, msg: str, *args: object, **fields: Any) -> None:
        """Something is not as it should be, and the model goes on."""
        self._log(logging.WARNING, msg, args, fields)

    def error(self, msg: str, *args: object, **fields: Any) -> None:
        """Something has failed."""
        self._log(logging.ERROR, msg, args, fields)

    def exception(self, msg: str, *args: object, **fields: Any) -> None:
        """Something has failed with the exception that is being handled."""
        self._log(logging.ERROR, msg, args, fields, exc_info=True)

    def _log(self, level: int, msg: str, args: tuple[object, ...], fields: dict[str, Any], exc_info: bool = False) -> None:
        self._logger.log(level, msg, *args, exc_info=exc_info, stacklevel=3, extra={_FIELDS: fields} if fields else None)


def get_logger(name: str) -> Logger:
    """A logger whose records carry fields; they are written as the runtime's own."""
    return Logger(name)


class _Session:
    """The session that this process is in: one at most, whatever thread or library says something."""

    id: str | None = None


def current_session() -> str | None:
    """The id of the session that this process is in."""
    return _Session.id


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """What was said beside the message of a record."""
    fields: dict[str, Any] = getattr(record, _FIELDS, {})
    return fields


def add_fields(record: logging.LogRecord, fields: dict[str, Any]) -> None:
    """Adds what a record does not say itself."""
    said = fields_of(record)
    setattr(record, _FIELDS, said | {key: value for key, value in fields.items() if key not in said})


def set_session(session_id: str | None) -> None:
    """From now on every line of this process carries the id of this session; None: there is none any more."""
    _Session.id = session_id


def _session(_logger: Any, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    if _Session.id is not None:
        event["session_id"] = _Session.id
    return event


def _fields(_logger: Any, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Puts the fields of a record beside its message; what the record itself says stays."""
    record = event.get("_record")
    return {**getattr(record, _FIELDS, {}), **event}


class _Style:
    """How the lines of this process look."""

    name: str = "text"


def log_style() -> str:
    """``text`` or ``json``: what a process that this one starts writes in, too."""
    return _Style.name


def configure_logging(level: str, style: str) -> None:
    """Sends all records, those of other libraries included, to standard error. ``style`` is ``text`` or ``json``."""
    _Style.name = style
    shared: list[structlog.types.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        # Machines of a fleet write JSON, and their lines are sorted; a person reads the time of the place.
        structlog.processors.TimeStamper(fmt="iso", utc=style == "json"),
        _fields,
        _session,
    ]
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            pad_event_to=0,
            # The rich one prints the values of local variables: secrets, and whole pictures.
            exception_formatter=structlog.dev.plain_traceback,
        )
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *([structlog.processors.format_exc_info] if style == "json" else []),
            renderer,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for noisy in ("uvicorn.error", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
