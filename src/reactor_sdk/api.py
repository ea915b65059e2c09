"""HTTP: requests to a coordinator or a runtime. The one edge where errors of aiohttp become ours."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Protocol, TypeVar

import aiohttp
from pydantic import ValidationError
from yarl import URL

from reactor_protocol.errors import (
    AuthenticationError,
    DecodeError,
    InvalidArgumentError,
    NetworkError,
    RequestTimeoutError,
    error_for_status,
)
from reactor_protocol.names import (
    API_VERSION,
    EVENT_STREAM,
    HEADER_API_ACCEPT_VERSION,
    HEADER_API_KEY,
    HEADER_API_VERSION,
    HEADER_WEBRTC_VERSION,
    WEBRTC_VERSION,
)
from reactor_protocol.resources import Resource
from reactor_sdk.config import checked_url
from reactor_sdk.error_pages import sentence_of
from reactor_sdk.event_stream import EventStreamDecoder

API_HEADERS: Final[Mapping[str, str]] = {HEADER_API_VERSION: API_VERSION, HEADER_API_ACCEPT_VERSION: API_VERSION}
SIGNALLING_HEADERS: Final[Mapping[str, str]] = {HEADER_WEBRTC_VERSION: WEBRTC_VERSION}

CONNECT_TIMEOUT_S: Final = 5.0
REQUEST_TIMEOUT_S: Final = 35.0
_MAX_ERROR_CHARS: Final = 500
_BEARER: Final = "Bearer "
_HIDDEN: Final = "[hidden]"

ResourceT = TypeVar("ResourceT", bound=Resource)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reply:
    """A successful answer, or one event of an answer that goes on (``streamed``). ``request`` says to what, for messages."""

    status: int
    body: bytes = field(repr=False)
    request: str = ""
    streamed: bool = False

    def parse(self, kind: type[ResourceT]) -> ResourceT:
        """The body as a resource. Raises :class:`DecodeError` where it is something else."""
        try:
            return kind.model_validate_json(self.body)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"]) or "body"
            raise DecodeError(f"the answer to {self.request} makes no sense: {place}: {first['msg']}") from error


class Credentials(Protocol):
    """Where the token that goes with each request comes from."""

    async def token(self) -> str:
        """The token to send now; one that is about to expire is replaced first. Raises what keeps it from being had."""
        ...

    async def renew(self) -> None:
        """Gets a fresh token, where that is possible."""
        ...

    async def renewed(self, refused: str, error: AuthenticationError) -> str:
        """The token to send instead of one that was refused with ``error``; raises that error where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class FixedToken:
    """A token that cannot be renewed. ``advice`` is told with its refusal."""

    jwt: str = field(repr=False)
    advice: str = ""

    async def token(self) -> str:
        return self.jwt

    async def renew(self) -> None:
        return None

    async def renewed(self, refused: str, error: AuthenticationError) -> str:
        if not self.advice:
            raise error
        raise AuthenticationError(
            f"{error.message}: {self.advice}", status=error.status, retry_after=error.retry_after
        ) from error


class Api:
    """Requests to one server. The HTTP connection opens with the first request, also after :meth:`close`."""

    def __init__(self, base_url: str) -> None:
        self._base = checked_url(base_url)
        self._credentials: Credentials | None = None
        self._http: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def address(self) -> str:
        """Where the server is, as scheme, host and port."""
        return _address(URL(self._base))

    def authorize(self, credentials: Credentials | str | None) -> None:
        """Sends a token with every request from now on: this one, or the one that the credentials give at the time."""
        self._credentials = FixedToken(credentials) if isinstance(credentials, str) else credentials

    async def fetch(
        self, method: str, path: str, body: Resource | Mapping[str, Any] | None = None, headers: Mapping[str, str] = API_HEADERS
    ) -> Reply:
        """The answer to a request below the server's address; ``body`` travels as JSON. A refused token is renewed once.

        Raises an :class:`ApiError` for an answer of 400 and above, :class:`NetworkError` naming the address where nobody
        answers, and :class:`RequestTimeoutError`.
        """
        return await self._authorized(lambda bearer: self.send(method, path, body, {**headers, **bearer}))

    async def send(
        self, method: str, path: str, body: Resource | Mapping[str, Any] | None = None, headers: Mapping[str, str] = API_HEADERS
    ) -> Reply:
        """As :meth:`fetch`, with these headers alone: without a token."""
        sent = dict(headers)
        content: str | None = None
        if body is not None:
            sent["Content-Type"] = "application/json"
            content = body.model_dump_json(exclude_none=True) if isinstance(body, Resource) else json.dumps(body)
        url = URL(self._base + path)
        async with translated(url), (await self._session()).request(method, url, data=content, headers=sent) as response:
            payload = await response.read()
            raise_for_status(response, payload, _secrets(sent))
            return Reply(response.status, payload, f"{method} {path}")

    async def watch(self, path: str) -> AsyncGenerator[Reply, None]:
        """What a server has to say at ``path`` until it stops: each event of a stream, or its one answer if it does not stream.

        A stream that breaks, or is silent for longer than an answer may take, raises as :meth:`fetch`; an event that is too
        large raises :class:`DecodeError`.
        """
        url = URL(self._base + path)
        request = f"GET {path}"
        async with translated(url):
            response = await self._authorized(lambda bearer: self._open_stream(url, {**API_HEADERS, **bearer}))
            async with response:
                if response.content_type != EVENT_STREAM:
                    yield Reply(response.status, await response.read(), request)
                    return
                decoder = EventStreamDecoder()
                async for chunk in response.content.iter_any():
                    for data in decoder.feed(chunk):
                        yield Reply(response.status, data, request, streamed=True)

    async def _open_stream(self, url: URL, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=REQUEST_TIMEOUT_S)
        response = await (await self._session()).get(url, headers={**headers, "Accept": EVENT_STREAM}, timeout=timeout)
        if response.status >= 400:
            async with response:
                raise_for_status(response, await response.read(), _secrets(headers))
        return response

    async def _authorized(self, attempt: Callable[[Mapping[str, str]], Awaitable[T]]) -> T:
        """Makes a request with the present token, and once more with a fresh one if that is refused."""
        if self._credentials is None:
            return await attempt({})
        token = await self._credentials.token()
        try:
            return await attempt({"Authorization": _BEARER + token})
        except AuthenticationError as error:
            renewed = await self._credentials.renewed(token, error)
        return await attempt({"Authorization": _BEARER + renewed})

    async def token_for(self, url: str) -> str | None:
        """The token for a request to that address, fresh enough; None where none is needed, or it is another server's."""
        target = URL(url, encoded=True)
        if self._credentials is None or not target.is_absolute() or target.origin() != URL(self._base).origin():
            return None
        return await self._credentials.token()

    async def put_bytes(self, url: str, chunks: AsyncIterator[bytes], size: int, mime_type: str) -> None:
        """Sends ``size`` bytes to a presigned address, which gets neither our token nor our headers. Raises as :meth:`fetch`."""
        target = URL(url, encoded=True)
        headers = {"Content-Type": mime_type, "Content-Length": str(size)}
        unlimited = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=REQUEST_TIMEOUT_S)
        request = (await self._session()).put(target, data=chunks, headers=headers, timeout=unlimited)
        async with translated(target), request as response:
            raise_for_status(response, await response.read())

    async def _forsake(self) -> None:
        """Lets go of the HTTP connection of another loop. Of one that is closed the sockets go with the last reference."""
        http, self._http = self._http, None
        if http is None or http.closed:
            return
        if self._loop is not None and self._loop.is_closed():
            await http.close()  # touches nothing of that loop, and marks the pool closed: else aiohttp complains of it
        else:
            http.detach()

    async def close(self) -> None:
        """Closes the HTTP connection."""
        if self._loop is not asyncio.get_running_loop():
            await self._forsake()
        if self._http is not None:
            http, self._http = self._http, None
            await http.close()

    async def _session(self) -> aiohttp.ClientSession:
        if self._loop is not asyncio.get_running_loop():
            await self._forsake()
        if self._http is None or self._http.closed:
            self._loop = asyncio.get_running_loop()
            timeout = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S, sock_connect=CONNECT_TIMEOUT_S)
            self._http = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
        return self._http


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


def raise_for_status(response: aiohttp.ClientResponse, payload: bytes, secrets: Sequence[str] = ()) -> None:
    """Raises the :class:`ApiError` of a failed answer; what is secret is not repeated, should the server have done so."""
    if response.status < 400:
        return
    body = _json_object(payload)
    retry_after = _seconds(response.headers.get("Retry-After"))
    if retry_after is None:
        retry_after = _number(body.get("retry_after_seconds"))
    text = payload.decode("utf-8", "replace").strip()
    told = _message(body) or sentence_of(response.status, response.headers.get("Server", ""), text)
    message = told or text or response.reason or ""
    for secret in secrets:
        message = message.replace(secret, _HIDDEN)
    code = body.get("code")
    raise error_for_status(
        response.status,
        message[:_MAX_ERROR_CHARS],
        retry_after=retry_after,
        code=code if isinstance(code, str) else None,
    )


def _secrets(headers: Mapping[str, str]) -> list[str]:
    found = (headers.get("Authorization", "").removeprefix(_BEARER), headers.get(HEADER_API_KEY, ""))
    return [secret for secret in found if secret]


def _json_object(payload: bytes) -> dict[str, Any]:
    try:
        body = json.loads(payload)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _message(body: Mapping[str, Any]) -> str:
    """What a server said went wrong; the servers do not agree on the field (reference: client and REST, section 2)."""
    for key in ("message", "error", "detail"):
        value = body.get(key)
        if isinstance(value, dict):
            value = value.get("message") or json.dumps(value)
        if isinstance(value, list):
            value = json.dumps(value)
        if isinstance(value, str) and value:
            return value
    return ""


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
