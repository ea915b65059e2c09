"""API keys: made, recognised, and never kept. All of it is pure but the drawing of random numbers."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

from reactor_coordinator.records import Key

PREFIX: Final = "rk_"
_SHOWN_CHARS: Final = len(PREFIX) + 6


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made. ``text`` is shown once, and then only its owner has it."""

    record: Key
    text: str = field(repr=False)


def new_key(template: Key) -> NewKey:
    """A key with the properties of ``template``, and an id and a text of its own: 256 random bits."""
    text = PREFIX + secrets.token_urlsafe(32)
    record = Key(
        id=f"key_{uuid4().hex[:12]}",
        name=template.name,
        prefix=text[:_SHOWN_CHARS],
        digest=digest(text),
        role=template.role,
        priority=template.priority,
        max_sessions=template.max_sessions,
        sessions_per_minute=template.sessions_per_minute,
        credit_s=template.credit_s,
        created_at=template.created_at,
        expires_at=template.expires_at,
    )
    return NewKey(record, text)


def digest(text: str) -> str:
    """What is kept of a key. A plain hash is enough: nobody guesses 256 bits."""
    return hashlib.sha256(text.encode()).hexdigest()


def looks_like_key(text: str) -> bool:
    """Whether a text is an API key rather than a token."""
    return text.startswith(PREFIX)
