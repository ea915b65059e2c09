"""Tokens: what they say, who may check them, and which are refused."""

import base64
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from reactor_coordinator.records import Key, Role
from reactor_coordinator.scopes import Scope
from reactor_coordinator.tokens import Signer, new_signing_key
from reactor_protocol.errors import AuthenticationError

PEM = new_signing_key()
KEY = Key(id="key_1", name="a", prefix="rk_a", digest="d")
HELIOS = Scope.model_validate({"type": "session", "resources": {"models": {"match": ["helios"]}}})


def signer(now: float = 1000.0, pem: str = PEM) -> Signer:
    return Signer(pem, lambda: now)


def claims(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def test_a_token_names_its_key_and_its_end() -> None:
    token, ends = signer().issue(KEY, 3600, None)
    assert ends == 4600.0
    said = claims(token)
    assert {name: said[name] for name in ("iss", "sub", "role", "iat", "exp")} == {
        "iss": "openreactor",
        "sub": "key_1",
        "role": "client",
        "iat": 1000,
        "exp": 4600,
    }
    assert jwt.get_unverified_header(token)["alg"] == "EdDSA"


def test_six_hours_are_the_most() -> None:
    assert signer().issue(KEY, 100_000, None)[1] == 1000.0 + 21_600


def test_a_token_does_not_outlive_its_key() -> None:
    assert signer().issue(Key("k", "a", "p", "d", expires_at=1500.0), 3600, None)[1] == 1500.0


def test_anybody_with_the_public_key_can_check_it() -> None:
    made = signer(now=time.time())
    token, _ = made.issue(KEY, 60, None)
    (public,) = made.jwks()["keys"]
    assert {name: public[name] for name in ("kty", "crv", "alg", "use")} == {
        "kty": "OKP",
        "crv": "Ed25519",
        "alg": "EdDSA",
        "use": "sig",
    }
    assert "d" not in public
    found = jwt.PyJWKSet.from_dict(made.jwks())[jwt.get_unverified_header(token)["kid"]]
    assert jwt.decode(token, found, algorithms=["EdDSA"], issuer="openreactor")["sub"] == "key_1"


def test_who_the_caller_is() -> None:
    token, _ = signer().issue(KEY, 60, [HELIOS])
    caller = signer().check(token)
    assert (caller.key_id, caller.role, caller.token_id) == ("key_1", Role.CLIENT, claims(token)["jti"])
    assert caller.may_start("helios")
    assert caller.may_start("reactor/helios")
    assert not caller.may_start("lingbot")


def test_an_expired_token() -> None:
    token, _ = signer().issue(KEY, 60, None)
    with pytest.raises(AuthenticationError, match="expired"):
        signer(now=1060.0).check(token)


def test_a_token_that_was_good_is_refused_once_it_has_expired() -> None:
    now = 1000.0
    one = Signer(PEM, lambda: now)
    token, _ = one.issue(KEY, 60, None)
    assert one.check(token).key_id == "key_1"
    now = 1060.0
    with pytest.raises(AuthenticationError, match="expired"):
        one.check(token)


def test_a_clock_that_is_behind_does_not_refuse_new_tokens() -> None:
    token, _ = signer(now=1030.0).issue(KEY, 60, None)
    assert signer(now=1000.0).check(token).key_id == "key_1"


def encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def forged() -> list[str]:
    good, _ = signer().issue(KEY, 60, None)
    head, body, tail = good.split(".")
    other, _ = signer(pem=new_signing_key()).issue(KEY, 60, None)
    admin = {**claims(good), "role": "admin"}
    secret = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    return [
        "",
        "x",
        "a.b.c",
        other,
        f"{head}.{encoded(admin)}.{tail}",
        f"{encoded({'alg': 'none'})}.{body}.",
        jwt.encode(claims(good), secret, "HS256"),
        f"{head}.{body}.{'A' * len(tail)}",
        "A" * 20_000,
        f"{head}.{encoded({'iss': 'openreactor'})}.{tail}",
    ]


@pytest.mark.parametrize("token", forged(), ids=range(len(forged())))
def test_a_forged_token(token: str) -> None:
    with pytest.raises(AuthenticationError):
        signer().check(token)


def test_a_token_of_another_issuer_with_the_same_key() -> None:
    token = jwt.encode({**claims(signer().issue(KEY, 60, None)[0]), "iss": "somebody"}, signer()._private, "EdDSA")
    with pytest.raises(AuthenticationError):
        signer().check(token)


def test_secrets_are_not_shown() -> None:
    assert "PRIVATE" not in repr(signer())


def test_each_worker_has_a_secret_of_its_own_which_every_coordinator_derives() -> None:
    one, two = signer(), signer(now=5.0)
    assert one.worker_secret("w-1") == two.worker_secret("w-1")
    assert len({one.worker_secret("w-1"), one.worker_secret("w-2"), one.upload_signature("PUT", "w-1", 5)}) == 3
    assert signer(pem=new_signing_key()).worker_secret("w-1") != one.worker_secret("w-1")


def test_a_scoped_token_acts_on_what_it_made_or_was_bound_to() -> None:
    bound = Scope.model_validate({"type": "session", "resources": {"models": {"all": True}, "sessions": {"bind": ["s-bound"]}}})
    caller = signer().check(signer().issue(KEY, 60, [bound])[0])
    assert caller.may_see("s-1", "key_1", caller.token_id)
    assert caller.may_see("s-bound", "key_1", "other")
    assert not caller.may_see("s-1", "key_1", "other")
    assert not caller.may_see("s-bound", "key_2", "other")


def test_an_admin_sees_everything() -> None:
    admin = Key(id="key_9", name="a", prefix="p", digest="d", role=Role.ADMIN)
    assert signer().check(signer().issue(admin, 60, None)[0]).may_see("s", "key_1", "t")
