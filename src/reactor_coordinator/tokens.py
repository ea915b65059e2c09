"""Tokens: signed with Ed25519, checked by anybody who has the public key (RFC 7519, RFC 8037)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm
from pydantic import ValidationError

from reactor_coordinator.records import Key, Role
from reactor_coordinator.scopes import Scope, dump
from reactor_protocol.errors import AuthenticationError

ALGORITHM: Final = "EdDSA"
ISSUER: Final = "openreactor"
MAX_TOKEN_S: Final = 6 * 3600
"""Ceiling of a token's life; longer ones are cut to it (reference: client and REST, section 2)."""
_MAX_TOKEN_CHARS: Final = 16_384
_CACHED: Final = 4096


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request: a key, by itself or through a token. ``scopes`` None means all that the key may do."""

    key_id: str
    role: Role
    token_id: str = ""
    scopes: tuple[Scope, ...] | None = None
    expires_at: float | None = None

    @property
    def is_admin(self) -> bool:
        return self.role is Role.ADMIN

    def scope_for(self, model: str) -> Scope | None:
        """The scope that grants sessions of a model."""
        return next((scope for scope in self.scopes or () if scope.covers_model(model)), None)

    def may_start(self, model: str) -> bool:
        """Whether sessions of a model may be made."""
        return self.scopes is None or self.scope_for(model) is not None

    def may_see(self, session_id: str, key_id: str, token_id: str) -> bool:
        """Whether a session of that key, made with that token, is the caller's to see and to end."""
        if not self.is_admin and key_id != self.key_id:
            return False
        return self.scopes is None or token_id == self.token_id or any(scope.binds(session_id) for scope in self.scopes)


def new_signing_key() -> str:
    """A private key, as PEM."""
    return (
        Ed25519PrivateKey.generate()
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )


@dataclass(slots=True)
class Signer:
    """Makes and checks tokens with one private key; ``clock`` gives epoch seconds."""

    pem: str = field(repr=False)
    clock: Callable[[], float]
    _private: Ed25519PrivateKey = field(init=False, repr=False)
    _checked: dict[str, Caller] = field(init=False, repr=False, default_factory=dict)
    key_id: str = field(init=False)

    def __post_init__(self) -> None:
        private = serialization.load_pem_private_key(self.pem.encode(), None)
        if not isinstance(private, Ed25519PrivateKey):
            raise TypeError("the signing key is not an Ed25519 key")
        self._private = private
        public = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.key_id = hashlib.sha256(public).hexdigest()[:16]

    def issue(self, key: Key, life_s: float, scopes: list[Scope] | None) -> tuple[str, float]:
        """A token for a key, and when it ends, in epoch seconds. It does not outlive its key."""
        now = self.clock()
        ends = int(now + min(life_s, MAX_TOKEN_S))
        if key.expires_at is not None:
            ends = min(ends, int(key.expires_at))
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "sub": key.id,
            "role": str(key.role),
            "iat": int(now),
            "exp": ends,
            "jti": uuid4().hex,
        }
        if scopes is not None:
            claims["authorization_details"] = dump(scopes)
        return jwt.encode(claims, self._private, ALGORITHM, {"kid": self.key_id}), float(ends)

    def check(self, token: str) -> Caller:
        """Who a token stands for. Raises :class:`AuthenticationError` for one that is forged, expired or malformed."""
        caller = self._checked.get(token)
        if caller is None:
            caller = self._decode(token)
            if len(self._checked) >= _CACHED:
                self._checked.clear()
            self._checked[token] = caller
        if caller.expires_at is not None and self.clock() >= caller.expires_at:
            self._checked.pop(token, None)
            raise AuthenticationError("the token has expired: get a new one from POST /tokens")
        return caller

    def _decode(self, token: str) -> Caller:
        if len(token) > _MAX_TOKEN_CHARS:
            raise AuthenticationError("the token is too long to be one")
        options: Any = {"require": ["exp", "sub", "jti"], "verify_exp": False, "verify_iat": False}
        try:
            claims = jwt.decode(token, self._private.public_key(), algorithms=[ALGORITHM], issuer=ISSUER, options=options)
            details = claims.get("authorization_details")
            scopes = None if details is None else tuple(Scope.model_validate(each) for each in details)
            return Caller(str(claims["sub"]), Role(claims["role"]), str(claims["jti"]), scopes, float(claims["exp"]))
        except (jwt.InvalidTokenError, ValidationError, KeyError, TypeError, ValueError) as error:
            raise AuthenticationError("the token is not valid: get one from POST /tokens of this server") from error

    def jwks(self) -> dict[str, Any]:
        """The public key, for those who check tokens themselves (RFC 7517)."""
        public = OKPAlgorithm.to_jwk(self._private.public_key(), as_dict=True)
        return {"keys": [{**public, "kid": self.key_id, "alg": ALGORITHM, "use": "sig"}]}

    def worker_secret(self, worker_id: str) -> str:
        """The secret that a worker and the coordinators share. Whoever has the private key can derive it again."""
        return self._derive(f"worker:{worker_id}")

    def upload_signature(self, verb: str, upload_id: str, expires_at: int) -> str:
        """What makes an address for an upload valid until then."""
        return self._derive(f"upload:{verb}:{upload_id}:{expires_at}")

    def clip_signature(self, session_id: str, worker_id: str, expires_at: int) -> str:
        """What makes the addresses for a session's recording, which that worker has, valid until then."""
        return self._derive(f"clip:{session_id}:{worker_id}:{expires_at}")

    def _derive(self, what: str) -> str:
        seed = self._private.private_bytes_raw()
        return hmac.new(seed, what.encode(), hashlib.sha256).hexdigest()


def same_secret(given: str, expected: str) -> bool:
    """Compares in constant time."""
    return hmac.compare_digest(given.encode(), expected.encode())
