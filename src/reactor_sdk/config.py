"""Where a client connects and as whom: constructor arguments, completed from the environment. The only reader of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from pydantic import ValidationError
from yarl import URL

from reactor_protocol.errors import InvalidArgumentError
from reactor_protocol.resources import Track
from reactor_sdk.types import TokenFunction, TrackCapability


class _NotGiven(str):
    """A default that can be told from the same text given by a caller."""

    __slots__ = ()


DEFAULT_API_URL: Final[str] = _NotGiven("https://api.reactor.inc")
DEFAULT_LOCAL_URL: Final = "http://localhost:8080"

ENV_API_KEY: Final = "REACTOR_API_KEY"
ENV_API_URL: Final = "REACTOR_API_URL"
ENV_LOCAL_URL: Final = "REACTOR_LOCAL_URL"


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """What a client was told. ``url`` has no slash at its end; ``tracks`` are those known before connecting."""

    model_name: str
    url: str
    local: bool
    api_key: str | None = field(default=None, repr=False)
    tracks: tuple[Track, ...] = ()
    jwt: str | TokenFunction | None = field(default=None, repr=False)
    max_session_duration_s: int | None = None
    auto_reconnect: bool = False
    view_only: bool = False
    joins: bool = True
    """Whether the session of a local runtime may be one that somebody else uses."""
    spares: bool = False
    """Whether a local session goes on when this client leaves it, for as long as somebody else uses it."""
    in_step: bool = False
    """Whether the client acts once for each frame that it sees."""


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """The keyword-only arguments of the constructor."""

    jwt: str | TokenFunction | None = field(default=None, repr=False)
    max_session_duration_seconds: int | None = None
    auto_reconnect: bool = False
    view_only: bool = False


def load_config(
    model_name: str,
    api_key: str | None = None,
    api_url: str = DEFAULT_API_URL,
    local: bool = False,
    model_tracks: Sequence[TrackCapability] | None = None,
    options: ClientOptions | None = None,
) -> ClientConfig:
    """The configuration of a client; what the arguments leave open comes from ``REACTOR_*`` variables.

    Raises :class:`InvalidArgumentError` for an address, a token, a duration or a track that can never work, and for a key and
    a token at once. A missing key is not noticed here.
    """
    environment, options = os.environ, options or ClientOptions()
    url = (environment.get(ENV_LOCAL_URL) or DEFAULT_LOCAL_URL) if local else resolve_api_url(api_url)
    return ClientConfig(
        model_name=model_name,
        url=checked_url(url),
        local=local,
        api_key=None if options.jwt else api_key or environment.get(ENV_API_KEY) or None,
        tracks=_tracks(model_tracks or ()),
        jwt=_jwt(api_key, options.jwt),
        max_session_duration_s=_duration(options.max_session_duration_seconds),
        auto_reconnect=options.auto_reconnect,
        view_only=options.view_only,
    )


def _jwt(api_key: str | None, jwt: object) -> str | TokenFunction | None:
    if not jwt:
        return None
    if api_key:
        raise InvalidArgumentError("pass api_key= or jwt=, not both")
    return jwt if callable(jwt) else checked_token(jwt)


def checked_token(value: object) -> str:
    """A token as it is sent. Raises :class:`InvalidArgumentError`, which does not repeat it, for what cannot be one."""
    if not isinstance(value, str):
        raise InvalidArgumentError(f"jwt= must be a token as text, or a function that returns one; got {type(value).__name__}")
    token = value.strip()
    if not token or any(character.isspace() or not character.isprintable() for character in token):
        raise InvalidArgumentError("jwt= must be a token: one word of text (this is empty, or has blanks in it)")
    return token


def _duration(seconds: int | None) -> int | None:
    if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int) or seconds < 1):
        raise InvalidArgumentError(f"max_session_duration_seconds must be a whole number of seconds from 1 on, got {seconds!r}")
    return seconds


def resolve_api_url(api_url: str) -> str:
    """The address that was given, or the environment's where none was."""
    if not isinstance(api_url, _NotGiven):
        return api_url
    return os.environ.get(ENV_API_URL) or str(api_url)


def checked_url(url: str) -> str:
    """The address without a slash at its end. Raises :class:`InvalidArgumentError` for one that is not http(s)."""
    try:
        parsed = URL(url)
    except (ValueError, TypeError) as error:
        raise InvalidArgumentError(f"the address is not a URL: {error}") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise InvalidArgumentError(f"the address must begin with http:// or https://, got {url[:80]!r}")
    return url.rstrip("/")


def _tracks(tracks: Sequence[TrackCapability]) -> tuple[Track, ...]:
    try:
        return tuple(Track.model_validate(track) for track in tracks)
    except ValidationError as error:
        raise InvalidArgumentError(f"model_tracks: {error.errors()[0]['msg']} in {error.errors()[0]['input']!r}") from error
