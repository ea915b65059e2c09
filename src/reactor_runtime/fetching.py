"""Gets the bytes of a file from where a coordinator says they will be."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Final, Protocol
from urllib.parse import urlsplit

import aiohttp

IDLE_LIMIT_S: Final = 5.0
"""A source that sends nothing for so long is given up."""

MAX_SOURCE_CHARS: Final = 8192

_CHUNK_BYTES: Final = 256 * 1024
_LATER = frozenset({404, 409, 425, 429})


class NotThereYet(Exception):
    """The bytes may come yet: nobody answers, or the answer is that they have not arrived."""


class FetchRefused(Exception):
    """The bytes will not be had from there."""


class Fetcher(Protocol):
    """The way to a source. Raises :class:`NotThereYet` or :class:`FetchRefused` before the first part."""

    def fetch(self, source: str) -> AsyncGenerator[bytes, None]: ...


class HttpFetcher:
    """Fetches over HTTP, without credentials and without following redirects."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def fetch(self, source: str) -> AsyncGenerator[bytes, None]:
        """The body in parts. One that breaks off raises :class:`NotThereYet`: it may be had whole the next time."""
        limits = aiohttp.ClientTimeout(total=None, sock_connect=IDLE_LIMIT_S, sock_read=IDLE_LIMIT_S)
        plain = {"Accept-Encoding": "identity"}
        try:
            async with self._http.get(source, headers=plain, timeout=limits, allow_redirects=False) as response:
                if response.status in _LATER or response.status >= 500:
                    raise NotThereYet(f"HTTP {response.status}")
                if response.status != 200:
                    raise FetchRefused(f"its source answers HTTP {response.status}")
                async for part in response.content.iter_chunked(_CHUNK_BYTES):
                    yield part
        except TimeoutError as error:
            raise NotThereYet("its source does not answer") from error
        except aiohttp.InvalidURL as error:
            raise FetchRefused("its source is no address") from error
        except aiohttp.ClientError as error:
            raise NotThereYet(str(error) or type(error).__name__) from error


def is_source(text: str) -> bool:
    """Whether that can be an address to fetch from."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and len(text) <= MAX_SOURCE_CHARS
