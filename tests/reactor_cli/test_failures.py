"""What is said of exceptions."""

import errno
import os

import pytest
import typer

from reactor_cli.failures import Failure, failure_of
from reactor_protocol.errors import NetworkError


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (NetworkError("nobody answers at x"), Failure("NETWORK_ERROR", "nobody answers at x", 1)),
        (typer.BadParameter("it is\n  too long."), Failure("USAGE", "Invalid value: it is too long (reactor run --help)", 2)),
        (KeyboardInterrupt(), Failure("INTERRUPTED", "interrupted", 130)),
        (typer.Abort(), Failure("INTERRUPTED", "interrupted", 130)),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), Failure("IO_ERROR", "No space left on device", 1)),
        (
            PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/srv/x.json"),
            Failure("IO_ERROR", "/srv/x.json: Permission denied", 1),
        ),
        (FileNotFoundError(errno.ENOENT, "No such file", b"/x"), Failure("IO_ERROR", "/x: No such file", 1)),
        (OSError("odd"), Failure("IO_ERROR", "odd", 1)),
        (
            KeyError("x"),
            Failure(
                "INTERNAL_ERROR",
                "this is a mistake of ours, not of yours: KeyError: 'x' (--debug shows where; please report it)",
                1,
            ),
        ),
    ],
)
def test_a_failure_is_told_in_one_line(error: BaseException, failure: Failure) -> None:
    assert failure_of(error, "reactor run") == failure
