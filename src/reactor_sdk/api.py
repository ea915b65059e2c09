"""HTTP: requests to a coordinator or a runtime. The one edge where errors of aiohttp become ours."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar

import aiohttp
from pydantic import ValidationError
from yarl import URL

from reactor_protocol.errors import (
    DecodeError,
    InvalidArgumentError,
    MissingApiKeyError,
    NetworkError,
    RequestTimeoutError,
    error_for_status,
)
from reactor_protocol.names import (
    API_VERSION,
    HEADER_API_ACCEPT_VERSION,
    HEADER_API_KEY,
    HEADER_API_VERSION,
    HEADER_WEBRTC_VERSION,
    WEBRTC_VERSION,
)
from reactor_protocol.resources import Resource, Token
from reactor_sdk.config import DEFAULT_API_URL, checked_url, resolve_api_url

API_HEADERS: Final[Mapping[str, str]] = {HEADER_API_VERSION: API_VERSION, HEADER_API_ACCEPT_VERSION: API_VERSION}
SIGNALLING_HEADERS: Final[Mapping[str, str]] = {HEADER_WEBRTC_VERSION: WEBRTC_VERSION}

CONNECT_TIMEOUT_S: Final = 5.0
REQUEST_TIMEOUT_S: Final = 35.0
_MAX_ERROR_CHARS: Final = 500

ResourceT = TypeVar("ResourceT", bound=Resource)


@dataclass(frozen=True, slots=True)
class Reply:
    """A successful answer. ``request`` says to what, for messages."""

    status: int
    body: bytes = field(repr=False)
    request: str = ""

    def parse(self, kind: type[ResourceT]) -> ResourceT:
        """The body as a resource. Raises :class:`DecodeError` where it is something else."""
        try:
            return kind.model_validate_json(self.body)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"]) or "body"
            raise DecodeError(f"the answer to {self.request} makes no sense: {place}: {first['msg']}") from error


class Api:
    """Requests to one server. The HTTP connection opens with the first request, also after :meth:`close`."""

    def __init__(self, base_url: str) -> None:
        self._base = checked_url(base_url)
        self._token: str | None = None
        self._http: aiohttp.ClientSession | None = None

    @property
    def address(self) -> str:
        """Where the server is, as scheme, host and port."""
        return _address(URL(self._base))

    def authorize(self, token: str | None) -> None:
        """Sends this token with every request from now on."""
        self._token = token

    async def fetch(
        self, method: str, path: str, body: Resource | Mapping[str, Any] | None = None, headers: Mapping[str, str] = API_HEADERS
    ) -> Reply:
        """The answer to a request below the server's address; ``body`` travels as JSON.

        Raises an :class:`ApiError` for an answer of 400 and above, :class:`NetworkError` naming the address where nobody
        answers, and :class:`RequestTimeoutError`.
        """
        sent = dict(headers)
        if self._token is not None:
            sent["Authorization"] = f"Bearer {self._token}"
        content: str | None = None
        if body is not None:
            sent["Content-Type"] = "application/json"
            content = body.model_dump_json(exclude_none=True) if isinstance(body, Resource) else json.dumps(body)
        url = URL(self._base + path)
        async with translated(url), self._session().request(method, url, data=content, headers=sent) as response:
            payload = await response.read()
            raise_for_status(response, payload)
            return Reply(response.status, payload, f"{method} {path}")

    async def put_bytes(self, url: str, chunks: AsyncIterator[bytes], size: int, mime_type: str) -> None:
        """Sends ``size`` bytes to a presigned address, which gets neither our token nor our headers. Raises as :meth:`fetch`."""
        target = URL(url, encoded=True)
        headers = {"Content-Type": mime_type, "Content-Length": str(size)}
        unlimited = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=REQUEST_TIMEOUT_S)
        request = self._session().put(target, data=chunks, headers=headers, timeout=unlimited)
        async with translated(target), request as response:
            raise_for_status(response, await response.read())

    async def close(self) -> None:
        """Closes the HTTP connection."""
        if self._http is not None:
            http, self._http = self._http, None
            await http.close()

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None or self._http.closed:
            timeout = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S, sock_connect=CONNECT_TIMEOUT_S)
            self._http = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
        return self._http


async def fetch_token(api: Api, api_key: str | None) -> str:
    """Exchanges an API key for a token. Raises :class:`MissingApiKeyError`, and as :meth:`Api.fetch`."""
    if not api_key:
        raise MissingApiKeyError("an API key is needed: pass api_key=, or set REACTOR_API_KEY (or use local=True)")
    reply = await api.fetch("POST", "/tokens", headers={**API_HEADERS, HEADER_API_KEY: api_key})
    return reply.parse(Token).jwt


async def fetch_jwt_token(api_key: str, api_url: str = DEFAULT_API_URL) -> str:
    """A token for ``api_key``, for code that keeps the key away from clients.

    Raises a ``RuntimeError`` (:class:`reactor_sdk.AuthenticationError` and its like) where the key is refused or nobody answers.
    """
    api = Api(resolve_api_url(api_url))
    try:
        return await fetch_token(api, api_key)
    finally:
        await api.close()


@asynccontextmanager
async def translated(url: URL) -> AsyncIterator[None]:
    """What aiohttp raises inside becomes ours, naming the address."""
    where = _address(url)
    try:
        yield
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
        raise InvalidArgumentError(f"{where} is not an address that HTTP can reach") from error
    except aiohttp.ConnectionTimeoutError as error:
        raise NetworkError(f"nobody answers at {where}: no connection within {CONNECT_TIMEOUT_S:g} s") from error
    except TimeoutError as error:
        raise RequestTimeoutError(f"{where} took longer than {REQUEST_TIMEOUT_S:g} s to answer") from error
    except aiohttp.ClientConnectorError as error:
        raise NetworkError(f"nobody answers at {where}: {_reason(error.os_error)}") from error
    except (aiohttp.ClientError, OSError) as error:
        raise NetworkError(f"the connection to {where} broke: {str(error) or type(error).__name__}") from error


def _reason(error: OSError) -> str:
    """Why, in words: asyncio replaces the system's by its own."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else (error.strerror or str(error))


def _address(url: URL) -> str:
    return str(url.origin()) if url.is_absolute() else str(url)


def raise_for_status(response: aiohttp.ClientResponse, payload: bytes) -> None:
    """Raises the :class:`ApiError` of a failed answer."""
    if response.status >= 400:
        body = _json_object(payload)
        retry_after = _seconds(response.headers.get("Retry-After"))
        if retry_after is None:
            retry_after = _number(body.get("retry_after_seconds"))
        raise error_for_status(response.status, _message(body, payload) or (response.reason or ""), retry_after=retry_after)


def _json_object(payload: bytes) -> dict[str, Any]:
    try:
        body = json.loads(payload)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _message(body: Mapping[str, Any], payload: bytes) -> str:
    """What a server said went wrong; the servers do not agree on the field (reference: client and REST, section 2)."""
    for key in ("message", "error", "detail"):
        value = body.get(key)
        if isinstance(value, dict):
            value = value.get("message") or json.dumps(value)
        if isinstance(value, list):
            value = json.dumps(value)
        if isinstance(value, str) and value:
            return value[:_MAX_ERROR_CHARS]
    return payload.decode("utf-8", "replace").strip()[:_MAX_ERROR_CHARS]


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 else None


def _seconds(header: str | None) -> float | None:
    """A ``Retry-After`` header, which is seconds or a date (RFC 9110, 10.2.3)."""
    if header is None:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        date = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - datetime.now(UTC).timestamp())
