"""Who makes a request: found out once, from the header that it came with."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import unquote_plus

from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.requests import Request

from reactor_coordinator.keys import digest, looks_like_key
from reactor_coordinator.limits import RateLimiter
from reactor_coordinator.records import Key
from reactor_coordinator.store import keys as key_rows
from reactor_coordinator.store.database import Database
from reactor_coordinator.tokens import Caller, Signer
from reactor_protocol.errors import AuthenticationError, BadRequestError, NotFoundError, PermissionDeniedError, RateLimitedError
from reactor_protocol.names import HEADER_API_KEY

BEARER: Final = HTTPBearer(auto_error=False, description="A token from `POST /tokens`, or an API key.")
API_KEY: Final = APIKeyHeader(name=HEADER_API_KEY, auto_error=False, description="An API key.")
WORKER_SECRET: Final = HTTPBearer(auto_error=False, scheme_name="WorkerSecret", description="What a worker was started with.")
"""How callers say who they are, for the OpenAPI document; :class:`Doorkeeper` checks it."""

_MAX_KEY_CHARS: Final = 128
_KEY_IN_ADDRESS: Final = re.compile(r"[/?&=;]rk_")


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
        if caller.is_admin:
            await self._check_admin(caller)
        return caller

    async def admin(self, request: Request) -> Caller:
        """A caller who may run the house. Raises as :meth:`caller`, and :class:`PermissionDeniedError` for everybody else.

        A token that is bound to models or sessions is for these alone, whoever made it.
        """
        caller = await self.caller(request)
        if not caller.is_admin or caller.scopes is not None:
            raise PermissionDeniedError("this takes an admin's API key: make one with `reactor keys create NAME --admin`")
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

    async def _check_admin(self, caller: Caller) -> None:
        """Who may see and end everybody's sessions loses that at once with the key, not only with the token."""
        key = (await self._database.read(key_rows.by_ids, [caller.key_id])).get(caller.key_id)
        if key is None or not key.usable(self._clock()) or key.role is not caller.role:
            raise AuthenticationError(
                "the API key of this token is revoked or has expired: make a new one with `reactor keys create`"
            )

    def _count(self, who: str) -> None:
        wait = self._limiter.check(who, self._clock())
        if wait > 0:
            raise RateLimitedError("too many requests: wait before the next one", retry_after=wait)


def refuse_key_in_address(path: str, query: bytes) -> None:
    """Raises :class:`BadRequestError` for an address that holds an API key: it has been written to logs on its way."""
    if _KEY_IN_ADDRESS.search(f"{path}?{unquote_plus(query.decode('latin-1'))}"):
        raise BadRequestError("an API key never goes into an address: revoke this one, and send keys in a header")


def not_found(session_id: str) -> NotFoundError:
    """What is said of a session that does not exist, and of one that is somebody else's."""
    return NotFoundError(f"there is no session {session_id[:64]}")
