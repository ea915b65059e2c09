"""Who makes a request: found out once, from the header that it came with."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request

from reactor_coordinator.keys import digest, looks_like_key
from reactor_coordinator.limits import RateLimiter
from reactor_coordinator.records import Key
from reactor_coordinator.store import keys as key_rows
from reactor_coordinator.store.database import Database
from reactor_coordinator.tokens import Caller, Signer
from reactor_protocol.errors import AuthenticationError, BadRequestError, NotFoundError, RateLimitedError
from reactor_protocol.names import HEADER_API_KEY

_MAX_KEY_CHARS = 128


class Doorkeeper:
    """Checks tokens and keys, and how often their owners come."""

    def __init__(self, database: Database, signer: Signer, limiter: RateLimiter, clock: Callable[[], float]) -> None:
        self._database = database
        self._signer = signer
        self._limiter = limiter
        self._clock = clock

    async def caller(self, request: Request) -> Caller:
        """Who is calling, by token or by key.

        Raises :class:`AuthenticationError`, and :class:`RateLimitedError` for one who calls too often.
        """
        scheme, _, credential = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not credential:
            raise AuthenticationError("a token is needed: Authorization: Bearer <token>, from POST /tokens")
        if looks_like_key(credential):
            key = await self.key(credential)
            return Caller(key.id, key.role, expires_at=key.expires_at)
        caller = self._signer.check(credential)
        self._count(caller.key_id)
        return caller

    async def key_of(self, request: Request) -> Key:
        """The API key that a request carries in its own header. Raises :class:`AuthenticationError`."""
        text = request.headers.get(HEADER_API_KEY, "")
        if not text:
            raise AuthenticationError(f"an API key is needed, in the header {HEADER_API_KEY}")
        return await self.key(text)

    async def key(self, text: str) -> Key:
        """The key of that text. Raises :class:`AuthenticationError` for one that is unknown, revoked or expired."""
        if len(text) > _MAX_KEY_CHARS:
            raise AuthenticationError("the API key is not valid")
        hashed = digest(text)
        self._count(hashed)
        key = await self._database.read(key_rows.by_digest, hashed)
        if key is None:
            raise AuthenticationError("the API key is not valid: make one with `reactor keys create`")
        if not key.usable(self._clock()):
            raise AuthenticationError("the API key is revoked or has expired: make a new one with `reactor keys create`")
        return key

    def _count(self, who: str) -> None:
        wait = self._limiter.check(who, self._clock())
        if wait > 0:
            raise RateLimitedError("too many requests: wait before the next one", retry_after=wait)


def refuse_key_in_address(query: bytes) -> None:
    """Raises :class:`BadRequestError` for an address that holds an API key: it has been written to logs on its way."""
    if b"rk_" in query:
        raise BadRequestError("an API key never goes into an address: revoke this one, and send keys in a header")


def not_found(session_id: str) -> NotFoundError:
    """What is said of a session that does not exist, and of one that is somebody else's."""
    return NotFoundError(f"there is no session {session_id[:64]}")
