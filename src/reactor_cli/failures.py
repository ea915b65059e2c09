"""What a failed command says: one line with the cure, whatever went wrong. Pure."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

import typer

from reactor_protocol.errors import ReactorException

INTERRUPTED: Final = 130
"""The exit status of a command that Ctrl-C ended (128 + SIGINT), as shells have it."""
MISUSED: Final = 2
FAILED: Final = 1

EXPECTED: Final = (ReactorException, typer.TyperException, typer.Abort, OSError, KeyboardInterrupt)
"""What a command may end with; anything else is a mistake of this program."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What to say, by which code programs know it, and the exit status."""

    code: str
    message: str
    status: int = FAILED


def failure_of(error: BaseException, command: str = "reactor") -> Failure:
    """What to say of an exception that has ended ``command``."""
    match error:
        case ReactorException():
            return Failure(error.code, str(error))
        case typer.TyperException():
            return Failure("USAGE", f"{_sentence(error.format_message())} ({command} --help)", MISUSED)
        case KeyboardInterrupt() | typer.Abort():
            return Failure("INTERRUPTED", "interrupted", INTERRUPTED)
        case OSError():
            return Failure("IO_ERROR", _of_system(error))
        case _:
            what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            return Failure(
                "INTERNAL_ERROR", f"this is a mistake of ours, not of yours: {what} (--debug shows where; please report it)"
            )


def _sentence(text: str) -> str:
    return " ".join(text.split()).rstrip(".")


def _of_system(error: OSError) -> str:
    """An error of the system, with the file that it is about."""
    why = error.strerror or (os.strerror(error.errno) if error.errno else str(error) or type(error).__name__)
    if error.filename is None:
        return why
    # Paths come as text, as bytes, or as a number where a file has been opened by its descriptor.
    file = error.filename.decode(errors="replace") if isinstance(error.filename, bytes) else error.filename
    return f"{file}: {why}"
