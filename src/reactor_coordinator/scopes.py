"""What a token may do (reference: client and REST, section 2, ``authorization_details``)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

MAX_TOKEN_SESSIONS = 500
MAX_SESSION_DURATION_S = 86_400
NAMESPACE = "reactor/"

ModelSlug = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelsScope(_Part):
    """Which models: those named, or all."""

    match: list[ModelSlug] | None = Field(default=None, min_length=1, max_length=64)
    all: Literal[True] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> ModelsScope:
        if (self.match is None) == (self.all is None):
            raise ValueError('say {"match": ["slug"]} or {"all": true}')
        return self


class SessionsScope(_Part):
    """Sessions that exist already."""

    bind: list[Annotated[str, Field(max_length=64)]] = Field(min_length=1, max_length=64)


class ScopeResources(_Part):
    """What a scope is about."""

    models: ModelsScope
    sessions: SessionsScope | None = None


class ScopeConstraints(_Part):
    """How much of it."""

    max_sessions: int | None = Field(default=None, ge=1, le=MAX_TOKEN_SESSIONS)
    max_session_duration_seconds: int | None = Field(default=None, ge=1, le=MAX_SESSION_DURATION_S)


class Scope(_Part):
    """One grant: sessions of these models, within these bounds. A scoped token acts on what it made, or was bound to."""

    type: Literal["session"]
    resources: ScopeResources
    constraints: ScopeConstraints | None = None

    def covers_model(self, name: str) -> bool:
        """Whether new sessions of that model are granted. A bare name and its namespaced form mean the same.

        Clients that bind a token to sessions say ``all`` models with it, and mean no new ones unless they say how many.
        """
        match = self.resources.models.match
        if match is not None:
            return bare(name) in {bare(slug) for slug in match}
        may_make = self.constraints is not None and self.constraints.max_sessions is not None
        return self.resources.sessions is None or may_make

    def binds(self, session_id: str) -> bool:
        """Whether that session was named in the scope."""
        sessions = self.resources.sessions
        return sessions is not None and session_id in sessions.bind


class TokenRequest(_Part):
    """Body of ``POST /tokens``. ``expires_after`` is in seconds."""

    expires_after: int | None = Field(default=None, ge=1, le=31 * 86_400)
    authorization_details: list[Scope] | None = Field(default=None, min_length=1, max_length=8)


def bare(slug: str) -> str:
    """A model's name without the namespace of the catalogue."""
    return slug.removeprefix(NAMESPACE)


def dump(scopes: list[Scope] | None) -> list[dict[str, Any]] | None:
    """Scopes as they travel."""
    return None if scopes is None else [scope.model_dump(exclude_none=True) for scope in scopes]
