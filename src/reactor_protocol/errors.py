"""The one tree of exceptions that openreactor raises.

    ReactorException
    ├── InvalidStateError           a call that the present state does not allow (misuse)
    ├── InvalidArgumentError        an argument that can never work (misuse); also a ValueError
    │   ├── MissingApiKeyError      a hosted connection without an API key
    │   ├── UnknownOptionError      a keyword argument that there is not; also a TypeError
    │   ├── UnknownTrackError       a track that the model does not have
    │   └── WrongDirectionError     a track that flows the other way
    ├── UnsupportedFileError        a file object that cannot be read as bytes (misuse); also a TypeError
    ├── ApiError                    an HTTP request was answered with a failure
    │   ├── BadRequestError         400, 422
    │   ├── AuthenticationError     401
    │   ├── CreditsExhaustedError   402
    │   ├── PermissionDeniedError   403, quota or scope
    │   │   └── QuotaExceededError  403, so many sessions at once are not granted
    │   ├── NotFoundError           404, 410
    │   ├── ConflictError           409
    │   ├── VersionMismatchError    426 this client is too old, 501 the server is
    │   ├── RateLimitedError        429, too fast or no free worker
    │   │   └── CapacityError       429, no free worker, or a full queue
    │   └── ServerError             5xx
    │       └── ModelFailedError    503 of a runtime whose model did not load or has crashed
    ├── NetworkError                nobody answers at an address
    ├── RequestTimeoutError         somebody answers, but not in time
    ├── TransportError              the WebRTC connection could not be made, or was lost
    │   ├── NegotiationError        a description that cannot be used
    │   ├── DisconnectedError       the connection went away while a call was waiting
    │   └── SendQueueFullError      the other side takes messages more slowly than they are sent
    ├── SessionEndedError           the session is over and cannot be resumed
    ├── CommandRejected             the model or the runtime refused a command
    ├── ControlRequestError         the runtime refused a request on the control channel
    │   └── TrackTakenError         another client publishes that track
    ├── UploadError                 a file did not arrive
    ├── MessageTooLargeError        a message above the limit of a data channel
    ├── MissingExtraError           a package is needed that is not installed; also an ImportError
    └── DecodeError                 bytes of the peer that make no sense

Every one is a ``RuntimeError``, so that code written for the documented API catches it, and carries ``code`` (stable, upper
case, except where a model's author chose it), ``recoverable`` (trying again can help), ``status`` (of HTTP, if any) and
``retry_after`` (seconds, if the server said).
"""

from __future__ import annotations


class ReactorException(RuntimeError):
    """Base of everything that openreactor raises on purpose.

    ``str()`` gives the message, with the HTTP status in it where there was one.
    """

    code: str = "INTERNAL_ERROR"
    recoverable: bool = False
    status: int | None = None

    def __init__(self, message: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        if status is not None:
            self.status = status
        self.retry_after = retry_after


class InvalidStateError(ReactorException):
    """The call is not allowed in the present state; the message says which state it needs."""

    code = "INVALID_STATE"


class InvalidArgumentError(ReactorException, ValueError):
    """An argument that can never work; the message says what would."""

    code = "INVALID_ARGUMENT"


class MissingApiKeyError(InvalidArgumentError):
    """A hosted connection was asked for without an API key."""

    code = "MISSING_API_KEY"


class UnknownOptionError(InvalidArgumentError, TypeError):
    """There is no keyword argument of that name; the message lists those that there are."""

    code = "UNKNOWN_OPTION"


class UnknownTrackError(InvalidArgumentError):
    """The model has no track of that name; the message lists those it has."""

    code = "UNKNOWN_TRACK"


class WrongDirectionError(InvalidArgumentError):
    """The track exists, but flows the other way."""

    code = "WRONG_DIRECTION"


class UnsupportedFileError(ReactorException, TypeError):
    """The object given as a file cannot be read as bytes."""

    code = "UNSUPPORTED_FILE"


class ApiError(ReactorException):
    """An HTTP request was answered with a failure, or is to be: ``status`` is set.

    ``quota_type`` names the limit that was met, where it is one.
    """

    code = "API_ERROR"
    quota_type: str | None = None


class BadRequestError(ApiError):
    """400 or 422: the server does not accept what was asked."""

    code = "BAD_REQUEST"
    status = 400


class AuthenticationError(ApiError):
    """401: the API key or token is missing, wrong or expired."""

    code = "UNAUTHORIZED"
    status = 401


class CreditsExhaustedError(ApiError):
    """402: the account has no credit left."""

    code = "CREDITS_EXHAUSTED"
    status = 402


class PermissionDeniedError(ApiError):
    """403: a quota is used up, or the token's scope does not cover the request."""

    code = "FORBIDDEN"
    status = 403


class QuotaExceededError(PermissionDeniedError):
    """403: the API key or token may not have another session; end one of its own first."""

    code = "QUOTA_EXCEEDED"


class NotFoundError(ApiError):
    """404 or 410: no such model, session or connection, or it is gone."""

    code = "NOT_FOUND"
    status = 404


class ConflictError(ApiError):
    """409: the resource is in another state, or belongs to somebody else."""

    code = "CONFLICT"
    status = 409


class VersionMismatchError(ApiError):
    """426: this client is too old for the server. 501: the server is too old for this client."""

    code = "VERSION_MISMATCH"

    def __init__(self, code: str, message: str, *, status: int | None = None) -> None:
        super().__init__(message, status=status)
        self.code = code


class RateLimitedError(ApiError):
    """429: too many requests, or no free worker; ``retry_after`` (seconds) is set where the server said."""

    code = "RATE_LIMITED"
    status = 429
    recoverable = True


class CapacityError(RateLimitedError):
    """429: no worker is free and the caller would not wait, or the queue is full."""

    code = "NO_CAPACITY"


class ServerError(ApiError):
    """5xx: the server failed."""

    code = "SERVER_ERROR"
    status = 500
    recoverable = True


class ModelFailedError(ServerError):
    """The runtime's model did not load or has crashed; the text carries the model's own message."""

    code = "MODEL_FAILED"
    status = 503
    recoverable = False


class NetworkError(ReactorException):
    """Nobody answers at the address that the message names."""

    code = "NETWORK_ERROR"
    recoverable = True


class RequestTimeoutError(ReactorException):
    """No answer within the time allowed."""

    code = "REQUEST_TIMEOUT"
    recoverable = True


class TransportError(ReactorException):
    """The WebRTC connection could not be made, or was lost."""

    code = "TRANSPORT_ERROR"
    recoverable = True


class NegotiationError(TransportError):
    """A session description or candidate that cannot be used."""

    code = "NEGOTIATION_FAILED"
    recoverable = False


class DisconnectedError(TransportError):
    """The connection went away while the call was waiting."""

    code = "DISCONNECTED"


class SendQueueFullError(TransportError):
    """The other side takes messages more slowly than they are sent, and no more can wait."""

    code = "SEND_QUEUE_FULL"


class SessionEndedError(ReactorException):
    """The session is over and cannot be resumed."""

    code = "SESSION_TERMINAL"


class CommandRejected(ReactorException):
    """A command was refused. ``code`` is the model's own, or one of the runtime's.

    The runtime's own codes (reference: runtime, 5.3) are ``invalid_command``, ``unresolved_upload`` and ``internal_error``.
    """

    def __init__(self, code: str, message: str, *, command: str | None = None) -> None:
        super().__init__(f"{command}: {message}" if command else message)
        self.code = code
        self.reason = message
        self.command = command


class ControlRequestError(ReactorException):
    """The runtime refused a request on the control channel."""

    def __init__(self, method: str, code: str, message: str) -> None:
        super().__init__(f"{method} was refused: {message} [{code}]")
        self.method = method
        self.code = code
        self.reason = message


class TrackTakenError(ControlRequestError):
    """Another client publishes that track (code ``publish_refused``, or ``PUBLISHER_SLOT_TAKEN`` of older runtimes)."""

    recoverable = True


class UploadError(ReactorException):
    """A file did not arrive whole."""

    code = "UPLOAD_FAILED"
    recoverable = True


class MessageTooLargeError(ReactorException):
    """A message above the limit of a data channel."""

    code = "MESSAGE_TOO_LARGE"


class MissingExtraError(ReactorException, ImportError):
    """A package is needed that the plain install does not bring; the message says how to get it."""

    code = "MISSING_EXTRA"


class DecodeError(ReactorException):
    """Bytes of the peer that make no sense."""

    code = "DECODE_FAILED"


_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: CreditsExhaustedError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    410: NotFoundError,
    422: BadRequestError,
    429: RateLimitedError,
}

CLIENT_VERSION_TOO_OLD = "CLIENT_VERSION_TOO_OLD"
SERVER_VERSION_TOO_OLD = "SERVER_VERSION_TOO_OLD"


_BY_CODE: dict[tuple[int, str], type[ApiError]] = {
    (kind.status or 0, kind.code): kind for kind in (QuotaExceededError, CapacityError, CreditsExhaustedError)
}


def error_for_status(status: int, message: str, *, retry_after: float | None = None, code: str | None = None) -> ApiError:
    """The exception for a failed HTTP answer (reference: client and REST, section 2).

    ``message`` is what the server said; the status is added to it. ``retry_after`` is in seconds. ``code`` is the server's own,
    where it gave one: it tells a full house from a caller who is too fast.
    """
    text = f"HTTP {status}: {message}"
    if status == 426:
        return VersionMismatchError(CLIENT_VERSION_TOO_OLD, text, status=status)
    if status == 501:
        return VersionMismatchError(SERVER_VERSION_TOO_OLD, text, status=status)
    kind = _BY_CODE.get((status, code or "")) or _BY_STATUS.get(status, ServerError if status >= 500 else ApiError)
    return kind(text, status=status, retry_after=retry_after)


PUBLISH_REFUSED = "publish_refused"
PUBLISHER_SLOT_TAKEN = "PUBLISHER_SLOT_TAKEN"

_TAKEN_CODES = frozenset({PUBLISH_REFUSED, PUBLISHER_SLOT_TAKEN})


def error_for_control(method: str, code: str, message: str) -> ControlRequestError:
    """The exception for a refused request on the control channel (reference: client and REST, 1.6)."""
    kind = TrackTakenError if code in _TAKEN_CODES else ControlRequestError
    return kind(method, code, message)
