"""The tree of exceptions, its codes, and which HTTP status makes which."""

from __future__ import annotations

import re

import pytest

from reactor_protocol import errors
from reactor_protocol.errors import ReactorException, error_for_control, error_for_status

# Name, parent, code, recoverable, status.
TREE: list[tuple[str, str, str, bool, int | None]] = [
    ("InvalidStateError", "ReactorException", "INVALID_STATE", False, None),
    ("InvalidArgumentError", "ReactorException", "INVALID_ARGUMENT", False, None),
    ("MissingApiKeyError", "InvalidArgumentError", "MISSING_API_KEY", False, None),
    ("UnknownOptionError", "InvalidArgumentError", "UNKNOWN_OPTION", False, None),
    ("UnknownTrackError", "InvalidArgumentError", "UNKNOWN_TRACK", False, None),
    ("WrongDirectionError", "InvalidArgumentError", "WRONG_DIRECTION", False, None),
    ("UnsupportedFileError", "ReactorException", "UNSUPPORTED_FILE", False, None),
    ("ApiError", "ReactorException", "API_ERROR", False, None),
    ("BadRequestError", "ApiError", "BAD_REQUEST", False, 400),
    ("AuthenticationError", "ApiError", "UNAUTHORIZED", False, 401),
    ("CreditsExhaustedError", "ApiError", "CREDITS_EXHAUSTED", False, 402),
    ("PermissionDeniedError", "ApiError", "FORBIDDEN", False, 403),
    ("QuotaExceededError", "PermissionDeniedError", "QUOTA_EXCEEDED", False, 403),
    ("NotFoundError", "ApiError", "NOT_FOUND", False, 404),
    ("ConflictError", "ApiError", "CONFLICT", False, 409),
    ("VersionMismatchError", "ApiError", "VERSION_MISMATCH", False, None),
    ("RateLimitedError", "ApiError", "RATE_LIMITED", True, 429),
    ("CapacityError", "RateLimitedError", "NO_CAPACITY", True, 429),
    ("ServerError", "ApiError", "SERVER_ERROR", True, 500),
    ("ModelFailedError", "ServerError", "MODEL_FAILED", False, 503),
    ("NetworkError", "ReactorException", "NETWORK_ERROR", True, None),
    ("RequestTimeoutError", "ReactorException", "REQUEST_TIMEOUT", True, None),
    ("TransportError", "ReactorException", "TRANSPORT_ERROR", True, None),
    ("NegotiationError", "TransportError", "NEGOTIATION_FAILED", False, None),
    ("DisconnectedError", "TransportError", "DISCONNECTED", True, None),
    ("SendQueueFullError", "TransportError", "SEND_QUEUE_FULL", True, None),
    ("SessionEndedError", "ReactorException", "SESSION_TERMINAL", False, None),
    ("CommandRejected", "ReactorException", "INTERNAL_ERROR", False, None),
    ("ControlRequestError", "ReactorException", "INTERNAL_ERROR", False, None),
    ("TrackTakenError", "ControlRequestError", "INTERNAL_ERROR", True, None),
    ("UploadError", "ReactorException", "UPLOAD_FAILED", True, None),
    ("MessageTooLargeError", "ReactorException", "MESSAGE_TOO_LARGE", False, None),
    ("MissingExtraError", "ReactorException", "MISSING_EXTRA", False, None),
    ("DecodeError", "ReactorException", "DECODE_FAILED", False, None),
]

BY_STATUS = [
    (400, "BadRequestError", "BAD_REQUEST", False),
    (401, "AuthenticationError", "UNAUTHORIZED", False),
    (402, "CreditsExhaustedError", "CREDITS_EXHAUSTED", False),
    (403, "PermissionDeniedError", "FORBIDDEN", False),
    (404, "NotFoundError", "NOT_FOUND", False),
    (405, "ApiError", "API_ERROR", False),
    (409, "ConflictError", "CONFLICT", False),
    (410, "NotFoundError", "NOT_FOUND", False),
    (418, "ApiError", "API_ERROR", False),
    (422, "BadRequestError", "BAD_REQUEST", False),
    (426, "VersionMismatchError", "CLIENT_VERSION_TOO_OLD", False),
    (429, "RateLimitedError", "RATE_LIMITED", True),
    (500, "ServerError", "SERVER_ERROR", True),
    (501, "VersionMismatchError", "SERVER_VERSION_TOO_OLD", False),
    (502, "ServerError", "SERVER_ERROR", True),
    (503, "ServerError", "SERVER_ERROR", True),
]


def classes() -> dict[str, type[ReactorException]]:
    found = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, ReactorException)]
    return {kind.__name__: kind for kind in found}


def told_tree() -> list[tuple[str, str]]:
    """Name and parent of each exception, as the module's docstring draws them."""
    told: list[tuple[str, str]] = []
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"^ {4}([│ ]*)(?:[├└]── )?(\w+(?:Error|Exception|Rejected))\b", line)
        if match is None:
            continue
        depth = (len(match[1]) // 4) + ("──" in line)
        del path[depth:]
        told.append((match[2], path[-1] if path else "RuntimeError"))
        path.append(match[2])
    return told


def test_the_docstring_tells_the_tree() -> None:
    assert told_tree() == [("ReactorException", "RuntimeError"), *((name, parent) for name, parent, *_ in TREE)]


def test_the_classes_are_the_tree() -> None:
    bases = {name: kind.__bases__[0].__name__ for name, kind in classes().items()}
    assert bases == {"ReactorException": "RuntimeError", **{name: parent for name, parent, *_ in TREE}}


@pytest.mark.parametrize(("name", "code", "recoverable", "status"), [(n, c, r, s) for n, _, c, r, s in TREE])
def test_code_and_recoverable(name: str, code: str, recoverable: bool, status: int | None) -> None:
    kind = classes()[name]
    assert issubclass(kind, RuntimeError)
    assert (kind.code, kind.recoverable, kind.status) == (code, recoverable, status)


def test_misuse_is_also_what_python_calls_it() -> None:
    assert issubclass(errors.InvalidArgumentError, ValueError)
    assert issubclass(errors.UnsupportedFileError, TypeError)
    assert issubclass(errors.UnknownOptionError, TypeError)


@pytest.mark.parametrize(("status", "name", "code", "recoverable"), BY_STATUS)
def test_status_makes_the_exception(status: int, name: str, code: str, recoverable: bool) -> None:
    error = error_for_status(status, "no luck", retry_after=None)
    assert type(error).__name__ == name
    assert (error.code, error.recoverable, error.status) == (code, recoverable, status)
    assert str(error) == f"HTTP {status}: no luck"
    assert error.message == str(error)


def test_retry_after_is_kept() -> None:
    assert error_for_status(429, "slow down", retry_after=2.5).retry_after == 2.5
    assert error_for_status(429, "slow down").retry_after is None
    assert "429" in str(error_for_status(429, "slow down"))


def test_a_status_given_does_not_stick_to_the_class() -> None:
    error_for_status(422, "no")
    assert errors.BadRequestError("no").status == 400


@pytest.mark.parametrize(
    ("code", "name", "recoverable"),
    [
        ("publish_refused", "TrackTakenError", True),
        ("PUBLISHER_SLOT_TAKEN", "TrackTakenError", True),
        ("unknown_track", "ControlRequestError", False),
    ],
)
def test_control_refusals(code: str, name: str, recoverable: bool) -> None:
    error = error_for_control("publish_track", code, "track already published")
    assert type(error).__name__ == name
    assert (error.method, error.code, error.reason, error.recoverable) == (
        "publish_track",
        code,
        "track already published",
        recoverable,
    )
    assert "publish_track" in str(error)
    assert "track already published" in str(error)
    assert code in str(error)


def test_a_rejected_command_has_the_models_code() -> None:
    error = errors.CommandRejected("invalid_command", "unknown command", command="jump")
    assert (error.code, error.reason, error.command, str(error)) == (
        "invalid_command",
        "unknown command",
        "jump",
        "jump: unknown command",
    )
    assert str(errors.CommandRejected("no", "never")) == "never"


@pytest.mark.parametrize(
    ("status", "code", "name"),
    [
        (429, "NO_CAPACITY", "CapacityError"),
        (429, "RATE_LIMITED", "RateLimitedError"),
        (403, "QUOTA_EXCEEDED", "QuotaExceededError"),
        (403, "FORBIDDEN", "PermissionDeniedError"),
        (500, "NO_CAPACITY", "ServerError"),
    ],
)
def test_the_servers_own_code_tells_a_full_house_from_a_caller_who_is_too_fast(status: int, code: str, name: str) -> None:
    assert type(errors.error_for_status(status, "no", code=code)).__name__ == name
