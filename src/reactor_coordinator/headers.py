"""Versions that clients say they speak (reference: client and REST, section 2)."""

from __future__ import annotations

from fastapi import Request

from reactor_protocol.errors import CLIENT_VERSION_TOO_OLD, SERVER_VERSION_TOO_OLD, BadRequestError, VersionMismatchError
from reactor_protocol.names import API_VERSION, HEADER_API_VERSION, HEADER_WEBRTC_VERSION, WEBRTC_VERSION


async def check_api_version(request: Request) -> None:
    """Raises :class:`VersionMismatchError` (426, 501) or :class:`BadRequestError`; no header is fine."""
    _check(HEADER_API_VERSION, request.headers.get(HEADER_API_VERSION), API_VERSION)


async def check_webrtc_version(request: Request) -> None:
    """Raises as :func:`check_api_version`."""
    _check(HEADER_WEBRTC_VERSION, request.headers.get(HEADER_WEBRTC_VERSION), WEBRTC_VERSION)


def _check(name: str, given: str | None, ours: str) -> None:
    if given is None or given == ours:
        return
    try:
        newer = float(given) > float(ours)
    except ValueError as error:
        raise BadRequestError(f"{name} must be a version such as {ours}") from error
    if newer:
        raise VersionMismatchError(
            SERVER_VERSION_TOO_OLD, f"this server speaks {name} {ours}: update it, or use an older client", status=501
        )
    if float(given) != float(ours):
        raise VersionMismatchError(CLIENT_VERSION_TOO_OLD, f"this server speaks {name} {ours}: update the client", status=426)
