"""What can be done with an API key alone, without a client: get tokens, see and end one's sessions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

from pydantic import Field

from reactor_protocol.errors import InvalidArgumentError
from reactor_protocol.resources import Resource, Session
from reactor_sdk.api import Api
from reactor_sdk.config import DEFAULT_API_URL, resolve_api_url
from reactor_sdk.tokens import RenewedToken, fetch_token


class _SessionList(Resource):
    sessions: list[Session] = Field(default_factory=list)


async def fetch_jwt_token(
    api_key: str,
    api_url: str = DEFAULT_API_URL,
    *,
    models: Sequence[str] | None = None,
    sessions: Sequence[str] | None = None,
    max_sessions: int | None = None,
    max_session_duration_seconds: int | None = None,
    expires_after: int | None = None,
) -> str:
    """A token for ``api_key``, for code that keeps the key away from clients: pass it to ``Reactor(jwt=...)``.

    What is not given is not restricted. The token may be for some ``models`` only, bound to ``sessions`` (ids) that exist,
    and allow so many sessions (``max_sessions``) of so many seconds each (``max_session_duration_seconds``); it expires
    ``expires_after`` seconds from now, or after the server's own time.

    Raises a ``RuntimeError``: :class:`reactor_sdk.AuthenticationError` and its like where the key is refused, or nobody
    answers; :class:`reactor_sdk.BadRequestError` for a restriction out of range, :class:`InvalidArgumentError` for an empty one.
    """
    body: dict[str, Any] = {}
    if expires_after is not None:
        body["expires_after"] = expires_after
    limits = {"max_sessions": max_sessions, "max_session_duration_seconds": max_session_duration_seconds}
    constraints = {name: value for name, value in limits.items() if value is not None}
    if models is not None or sessions is not None or constraints:
        body["authorization_details"] = [_session_grant(models, sessions, constraints)]
    api = Api(resolve_api_url(api_url))
    try:
        return (await fetch_token(api, api_key, body or None)).jwt
    finally:
        await api.close()


def _session_grant(models: Sequence[str] | None, sessions: Sequence[str] | None, constraints: dict[str, int]) -> dict[str, Any]:
    """The one entry of ``authorization_details`` (reference: client and REST, section 2)."""
    resources: dict[str, Any] = {"models": {"all": True} if models is None else {"match": _names("models", models)}}
    if sessions is not None:
        resources["sessions"] = {"bind": _names("sessions", sessions)}
    grant: dict[str, Any] = {"type": "session", "resources": resources}
    return {**grant, "constraints": constraints} if constraints else grant


def _names(what: str, names: Sequence[str]) -> list[str]:
    if isinstance(names, str) or not names or not all(isinstance(name, str) and name for name in names):
        raise InvalidArgumentError(f"{what}= must be a list of names with at least one in it, or be left out")
    return list(names)


async def list_sessions(api_key: str, api_url: str = DEFAULT_API_URL) -> list[dict[str, Any]]:
    """The sessions of this key that are open, each as the server describes it (``session_id``, ``state``, ``model``, ...).

    A session that a program has left behind, running and perhaps billed, is among them. Raises as :func:`fetch_jwt_token`.
    """
    async with _authorized(api_key, api_url) as api:
        found = (await api.fetch("GET", "/sessions")).parse(_SessionList)
        return [session.as_dict() for session in found.sessions]


async def end_session(session_id: str, api_key: str, api_url: str = DEFAULT_API_URL) -> None:
    """Ends a session of this key, whoever is connected to it.

    Raises :class:`reactor_sdk.NotFoundError` for one that is not there, or not this key's; else as :func:`fetch_jwt_token`.
    """
    async with _authorized(api_key, api_url) as api:
        await api.fetch("DELETE", f"/sessions/{quote(session_id, safe='')}")


@asynccontextmanager
async def _authorized(api_key: str, api_url: str) -> AsyncIterator[Api]:
    api = Api(resolve_api_url(api_url))
    api.authorize(RenewedToken(lambda: fetch_token(api, api_key)))
    try:
        yield api
    finally:
        await api.close()
