"""The token that goes with each request: where it comes from, and when it is replaced."""

from __future__ import annotations

import asyncio
import base64
import inspect
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias

import aiohttp

from reactor_protocol.errors import (
    AuthenticationError,
    MissingApiKeyError,
    NetworkError,
    ReactorException,
)
from reactor_protocol.names import HEADER_API_KEY
from reactor_protocol.resources import Token
from reactor_sdk.api import API_HEADERS, Api, Credentials, FixedToken
from reactor_sdk.config import ClientConfig, checked_token
from reactor_sdk.types import TokenFunction

TokenSource: TypeAlias = Callable[[], Awaitable[Token]]
Clock: TypeAlias = Callable[[], float]

RENEW_AHEAD_S: Final = 30.0
"""So long before its end a token is replaced; one with a short life at the half of it."""

MISSING_KEY: Final = "an API key is needed: pass api_key= (or a token as jwt=), or set REACTOR_API_KEY (or use local=True)"
_REFUSED_ADVICE: Final = (
    "the token passed as jwt= is not accepted (any more); make a new client with a fresh one, or pass a function that returns one"
)


def make_credentials(api: Api, config: ClientConfig) -> Credentials:
    """What the configuration says: a fixed token, a function that returns one, or an API key to be exchanged for one."""
    if isinstance(config.jwt, str):
        return FixedToken(config.jwt, _REFUSED_ADVICE)
    if config.jwt is not None:
        function = config.jwt
        return RenewedToken(lambda: _called(function))
    return RenewedToken(lambda: fetch_token(api, config.api_key))


async def fetch_token(api: Api, api_key: str | None, body: Mapping[str, Any] | None = None) -> Token:
    """Exchanges an API key for a token; ``body`` says what that may do.

    Raises :class:`MissingApiKeyError`, and as :meth:`Api.send`.
    """
    if not api_key:
        raise MissingApiKeyError(MISSING_KEY)
    reply = await api.send("POST", "/tokens", body, {**API_HEADERS, HEADER_API_KEY: api_key})
    return reply.parse(Token)


async def _called(function: TokenFunction) -> Token:
    """The token that the application's function gives. What it raises is told by kind alone: the text may hold secrets."""
    try:
        given = function()
        value = await given if inspect.isawaitable(given) else given
    except ReactorException:
        raise
    except (OSError, TimeoutError, aiohttp.ClientError) as error:
        raise NetworkError(
            f"the function passed as jwt= could not reach where tokens come from ({type(error).__name__})"
        ) from error
    except Exception as error:
        raise AuthenticationError(f"the function passed as jwt= raised {type(error).__name__}") from error
    return Token(jwt=checked_token(value))


class RenewedToken:
    """A token that is replaced before it expires, and when it is refused; by one request at a time, however many need it."""

    def __init__(self, source: TokenSource, clock: Clock = time.monotonic, wall_clock: Clock = time.time) -> None:
        self._source = source
        self._clock = clock
        self._wall_clock = wall_clock
        self._turn = asyncio.Lock()
        self._token: str | None = None
        self._renew_at: float | None = None
        self._expires_at: float | None = None

    async def token(self) -> str:
        if self._token is not None and not self._reached(self._renew_at):
            return self._token
        async with self._turn:
            if self._token is None:
                return await self._get()
            if self._reached(self._renew_at):
                try:
                    return await self._get()
                except ReactorException:
                    if self._reached(self._expires_at):
                        raise
            return self._token

    async def renew(self) -> None:
        async with self._turn:
            await self._get()

    async def renewed(self, refused: str, error: AuthenticationError) -> str:
        async with self._turn:
            return await self._get() if self._token in (None, refused) else str(self._token)

    async def _get(self) -> str:
        token = await self._source()
        now, life = self._clock(), lifetime(token, self._wall_clock())
        self._token = token.jwt
        self._expires_at = None if life is None else now + life
        self._renew_at = None if life is None else now + life - min(RENEW_AHEAD_S, life / 2)
        return token.jwt

    def _reached(self, moment: float | None) -> bool:
        return moment is not None and self._clock() >= moment


def lifetime(token: Token, now: float) -> float | None:
    """For how many seconds from ``now`` (epoch) the token can be used; None where that is not known.

    A clock of ours that is slow does not make it longer than it was issued for. One that is fast, by which the token has
    expired before it came, says nothing at all: the server's refusal will.
    """
    claims = _claims(token.jwt)
    expires = token.expires_at if token.expires_at is not None else _seconds(claims.get("exp"))
    if expires is None:
        return None
    issued = _seconds(claims.get("iat"))
    life = expires - now if issued is None else min(expires - now, expires - issued)
    return life if life > 0 else None


def _claims(jwt: str) -> Mapping[str, Any]:
    """What a token says of itself, unchecked (checking is the server's part); nothing where it is not a JWT."""
    parts = jwt.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}


def _seconds(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
