"""Keys and tokens: missing, forged, expired, revoked, out of scope, or in the wrong place."""

import base64
import json
from pathlib import Path
from typing import Any

import jwt
from tests.reactor_coordinator.house import House, configuration, opened
from tests.reactor_coordinator.security.addresses import OF_A_SESSION, OF_THE_HOUSE, WITHOUT_A_SESSION, filled

from reactor_coordinator.office import Office
from reactor_coordinator.records import Role
from reactor_coordinator.tokens import Signer, new_signing_key
from reactor_protocol.names import HEADER_API_KEY

NO_TOKEN = {"code": "UNAUTHORIZED", "message": "a token is needed: Authorization: Bearer <token>, from POST /tokens"}
NOT_VALID = {"code": "UNAUTHORIZED", "message": "the token is not valid: get one from POST /tokens of this server"}
NO_SUCH_KEY = {"code": "UNAUTHORIZED", "message": "the API key is not valid: make one with `reactor keys create`"}
REVOKED = {
    "code": "UNAUTHORIZED",
    "message": "the API key is revoked or has expired: make a new one with `reactor keys create`",
}
NOWHERE = "00000000-0000-4000-8000-000000000000"


def office(house: House) -> Office:
    return Office(house.coordinator.database, house.coordinator.service.clock)


def encoded(part: object) -> str:
    return base64.urlsafe_b64encode(part if isinstance(part, bytes) else json.dumps(part).encode()).rstrip(b"=").decode()


def forged(good: str, house: House) -> dict[str, str]:
    """Tokens that nobody has issued, made from one that somebody has."""
    head, body, tail = good.split(".")
    claims = jwt.decode(good, options={"verify_signature": False})
    stranger = Signer(new_signing_key(), house.coordinator.service.clock)
    public = house.coordinator.service.signer.jwks()["keys"][0]["x"]
    return {
        "another role": f"{head}.{encoded({**claims, 'role': 'admin'})}.{tail}",
        "another end": f"{head}.{encoded({**claims, 'exp': 10**30})}.{tail}",
        "no signature": f"{head}.{body}.",
        "no algorithm": f"{encoded({'alg': 'none', 'typ': 'JWT'})}.{body}.",
        "the public key as a shared secret": jwt.encode(claims, public.ljust(64, "="), "HS256"),
        "another server's key": jwt.encode(claims, stranger._private, "EdDSA"),
        "a key from the token itself": jwt.encode(claims, stranger._private, "EdDSA", {"jwk": stranger.jwks()["keys"][0]}),
        "a key from an address": jwt.encode(claims, stranger._private, "EdDSA", {"jku": "http://127.0.0.1:1/keys"}),
        "a critical extension": f"{encoded({'alg': 'EdDSA', 'crit': ['b64'], 'b64': False})}.{body}.{tail}",
        "deep": f"{encoded(b'[' * 9000)}.{encoded(b'[' * 2000)}.{tail}",
        "a null character": f"{head}.{encoded({'sub': chr(0)})}.{tail}",
        "too long": "A" * 40_000,
        "no token at all": "x",
    }


async def test_without_a_token(house: House) -> None:
    for method, address, body in (*WITHOUT_A_SESSION, *OF_A_SESSION, *OF_THE_HOUSE):
        reply = await house.ask(method, filled(address, NOWHERE), json=body)
        assert (reply.status, reply.body) == (401, NO_TOKEN), (method, address)
        assert reply.headers["WWW-Authenticate"] == "Bearer"


async def test_a_header_that_is_none(house: House) -> None:
    for header in ("", "Bearer", "Bearer ", "Basic dTpw", "bearer", "x"):
        reply = await house.ask("GET", "/sessions", headers={"Authorization": header})
        assert (reply.status, reply.body) == (401, NO_TOKEN)


async def test_a_forged_token(house: House) -> None:
    good = await house.token(await house.key())
    assert (await house.ask("GET", "/sessions", good)).status == 200
    for name, token in forged(good, house).items():
        reply = await house.ask("GET", "/sessions", token)
        message = "the token is too long to be one" if name == "too long" else NOT_VALID["message"]
        assert (name, reply.status, reply.body) == (name, 401, {"code": "UNAUTHORIZED", "message": message})


async def test_an_expired_token(house: House) -> None:
    token = await house.token(await house.key(), expires_after=60)
    assert (await house.ask("GET", "/sessions", token)).status == 200
    signer, clock = house.coordinator.service.signer, house.coordinator.service.clock
    signer.clock = lambda: clock() + 61
    reply = await house.ask("GET", "/sessions", token)
    assert reply.status == 401
    assert reply.body == {"code": "UNAUTHORIZED", "message": "the token has expired: get a new one from POST /tokens"}


async def test_a_token_lives_for_six_hours_at_most(house: House) -> None:
    key = await house.key()
    reply = await house.ask("POST", "/tokens", headers={HEADER_API_KEY: key}, json={"expires_after": 31 * 86_400})
    left = reply.body["expires_at"] - house.coordinator.service.clock()
    assert 6 * 3600 - 5 < left <= 6 * 3600


async def test_a_token_of_another_model(house: House) -> None:
    scope = {"type": "session", "resources": {"models": {"match": ["helios"]}}}
    token = await house.token(await house.key(), authorization_details=[scope])
    reply = await house.ask("POST", "/sessions", token, json={"model": {"name": "echo"}})
    assert reply.status == 404
    assert reply.body == {"code": "NOT_FOUND", "message": "the token does not grant the model 'echo'"}


async def test_a_token_for_one_session_begins_no_second_one_even_after_the_first(house: House) -> None:
    scope = {"type": "session", "resources": {"models": {"all": True}}, "constraints": {"max_sessions": 1}}
    token = await house.token(await house.key(), authorization_details=[scope])
    first = (await house.begin(token))["session_id"]
    assert (await house.ask("DELETE", f"/sessions/{first}", token)).status == 204
    reply = await house.ask("POST", "/sessions", token, json={"model": {"name": "echo"}})
    assert (reply.status, reply.body["code"], reply.body["quota_type"]) == (403, "QUOTA_EXCEEDED", "token_sessions")


async def test_a_token_bounds_how_long_its_sessions_are(house: House) -> None:
    bounds = {"max_session_duration_seconds": 60}
    scope = {"type": "session", "resources": {"models": {"all": True}}, "constraints": bounds}
    token = await house.token(await house.key(), authorization_details=[scope])
    session = await house.begin(token, max_session_duration_seconds=3600)
    running = await house.until(token, session["session_id"], "ACTIVE")
    assert running["expires_at"] - house.coordinator.service.clock() <= 60


async def test_a_scoped_token_acts_on_its_own_sessions_and_on_those_it_is_bound_to(house: House) -> None:
    key = await house.key()
    one = (await house.begin(await house.token(key)))["session_id"]
    two = (await house.begin(await house.token(key)))["session_id"]
    resources = {"models": {"all": True}, "sessions": {"bind": [one]}}
    bound = await house.token(key, authorization_details=[{"type": "session", "resources": resources}])
    assert (await house.ask("GET", f"/sessions/{one}", bound)).status == 200
    assert (await house.ask("GET", f"/sessions/{two}", bound)).status == 404
    assert (await house.ask("DELETE", f"/sessions/{two}", bound)).status == 404
    assert [each["session_id"] for each in (await house.ask("GET", "/sessions", bound)).body["sessions"]] == [one]


NOBODY_MAY_HAVE: list[dict[str, Any]] = [
    {"expires_after": 0},
    {"expires_after": 10**30},
    {"expires_after": "soon"},
    {"role": "admin"},
    {"authorization_details": []},
    {"authorization_details": [{"type": "account", "resources": {"models": {"all": True}}}]},
    {"authorization_details": [{"type": "session", "resources": {"models": {"match": []}}}]},
    {"authorization_details": [{"type": "session", "resources": {"models": {"match": ["*"]}}}]},
    {"authorization_details": [{"type": "session", "resources": {"models": {"all": False}}}]},
    {"authorization_details": [{"type": "session", "resources": {}}]},
]


async def test_a_token_that_nobody_may_have(house: House) -> None:
    key = await house.key()
    for body in NOBODY_MAY_HAVE:
        reply = await house.ask("POST", "/tokens", headers={HEADER_API_KEY: key}, json=body)
        assert (body, reply.status, reply.body["code"]) == (body, 422, "BAD_REQUEST")


async def test_a_key_that_is_none(house: House) -> None:
    for key in ("rk_" + "x" * 43, "rk_", "x", "rk_\xff"):
        reply = await house.ask("POST", "/tokens", headers={HEADER_API_KEY: key})
        assert (reply.status, reply.body) == (401, NO_SUCH_KEY)
    reply = await house.ask("POST", "/tokens", headers={HEADER_API_KEY: "rk_" + "x" * 10_000})
    assert (reply.status, reply.body) == (401, {"code": "UNAUTHORIZED", "message": "the API key is not valid"})


async def test_without_a_key(house: House) -> None:
    reply = await house.ask("POST", "/tokens")
    assert reply.status == 401
    assert reply.body == {"code": "UNAUTHORIZED", "message": "an API key is needed, in the header Reactor-API-Key"}


async def test_a_token_is_no_key(house: House) -> None:
    token = await house.token(await house.key())
    reply = await house.ask("POST", "/tokens", headers={HEADER_API_KEY: token})
    assert reply.status == 401


async def test_a_revoked_key(house: House) -> None:
    key = await house.key()
    token = await house.token(key)
    running = (await house.begin(token))["session_id"]
    await house.until(token, running, "ACTIVE")
    (record,) = await office(house).keys()
    await office(house).revoke_key(record.id)
    exchanged = await house.ask("POST", "/tokens", headers={HEADER_API_KEY: key})
    assert (exchanged.status, exchanged.body) == (401, REVOKED)
    assert (await house.ask("GET", "/sessions", key)).status == 401
    begun = await house.ask("POST", "/sessions", token, json={"model": {"name": "echo"}})
    assert begun.status == 401
    assert begun.body["message"] == "the API key of this request is unknown, revoked or expired: use one that is valid"
    assert (await house.ask("GET", f"/sessions/{running}", token)).body["state"] == "ACTIVE"


async def test_a_revoked_admin_key_takes_its_tokens_with_it(house: House) -> None:
    admin = await house.token(await house.key(role=Role.ADMIN))
    theirs = (await house.begin(await house.token(await house.key())))["session_id"]
    assert (await house.ask("GET", f"/sessions/{theirs}", admin)).status == 200
    (record,) = [each for each in await office(house).keys() if each.role is Role.ADMIN]
    await office(house).revoke_key(record.id)
    reply = await house.ask("DELETE", f"/sessions/{theirs}", admin)
    assert reply.status == 401
    assert reply.body["message"].startswith("the API key of this token is revoked or has expired")


async def test_an_api_key_in_an_address(house: House) -> None:
    key = await house.key()
    rest = key.removeprefix("rk_")
    addresses = ["/sessions?api_key=", "/sessions?x=1&key=", "/sessions/", "/health?", "/nowhere/", "/tokens?Reactor-API-Key="]
    for address in [*(f"{each}{key}" for each in addresses), f"/health?key=%72k_{rest}", f"/sessions/%72%6B_{rest}"]:
        reply = await house.ask("GET", address)
        assert (address, reply.status) == (address, 400)
        assert reply.body == {
            "code": "BAD_REQUEST",
            "message": "an API key never goes into an address: revoke this one, and send keys in a header",
        }


async def test_a_word_that_only_looks_like_a_key(house: House) -> None:
    assert (await house.ask("GET", "/health?sort=work_item")).status == 200


async def test_keys_are_kept_as_hashes_alone(tmp_path: Path) -> None:
    config = configuration(tmp_path)
    async with opened(config) as house:
        key = await house.key()
        token = await house.token(key)
        await house.begin(token)
    kept = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert key.encode() not in kept
    assert token.encode() not in kept
