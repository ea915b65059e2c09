"""Secrets are where they belong, and nowhere else: not in logs, metrics, error bodies, addresses or printed objects."""

import logging
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy.exc import SQLAlchemyError
from tests.reactor_coordinator.house import House, configuration, opened
from tests.reactor_coordinator.security.addresses import OF_A_SESSION, filled
from tests.reactor_coordinator.security.test_hostile_bodies import CANNOT_BE_READ, JSON
from tests.reactor_coordinator.security.test_uploads import THREE, path_of

from reactor_coordinator.config import parse_config
from reactor_coordinator.keys import new_key
from reactor_coordinator.records import Key, Role
from reactor_coordinator.store import keys as key_rows
from reactor_coordinator.tokens import Signer, new_signing_key
from reactor_protocol.names import EVENT_STREAM, HEADER_API_KEY

TURN_SECRET = "the secret of the TURN server"
ICE = {"turn": {"urls": ["turn:turn.example:3478"], "secret": TURN_SECRET}}


async def busy_day(house: House) -> dict[str, str]:
    """Everything that a session does, well and badly. Returns the secrets that were used."""
    key, admin = await house.key(), await house.key(role=Role.ADMIN)
    token, expired = await house.token(key), await house.token(admin, expires_after=1)
    session_id = (await house.begin(token))["session_id"]
    async for _ in house.events(token, session_id):
        pass
    slot = (await house.ask("POST", f"/sessions/{session_id}/uploads", token, json=THREE)).body
    reading = house.worker_of(session_id).asked.uploads[slot["presigned_id"]].source or ""
    for body in (b"abcd", b"abc", b"abc"):
        await house.ask("PUT", path_of(slot), data=body)
    await house.ask("GET", path_of({"presigned_url": reading}))
    ice = (await house.ask("GET", f"/sessions/{session_id}/transport/webrtc/ice_servers", token)).body
    for method, address, json in OF_A_SESSION[3:]:
        await house.ask(method, filled(address, session_id), token, json=json)
        await house.ask(method, filled(address, session_id), f"{token}x", json=json)
    for body, _ in CANNOT_BE_READ.values():
        await house.ask("POST", "/sessions", token, data=body, headers=JSON)
    await house.ask("GET", f"/sessions?api_key={key}")
    worker = house.worker_of(session_id)
    secret = house.coordinator.service.signer.worker_secret(worker.id)
    await house.ask("POST", f"/workers/{worker.id}/report", f"{secret}x", json={"port": 1, "state": "ready"})
    await house.ask("POST", f"/workers/{worker.id}/report", secret, json={"port": 0, "state": "ready"})
    worker.die()
    await house.looked(3)
    await house.ask("DELETE", f"/sessions/{session_id}", token, json={"reason": "enough"})
    return {
        "an API key": key.removeprefix("rk_"),
        "an admin's API key": admin.removeprefix("rk_"),
        "a token": token.split(".")[1],
        "the signature of a token": token.split(".")[2],
        "a token that has expired": expired.split(".")[2],
        "a worker's secret": secret,
        "an address to write to": parse_qs(urlsplit(slot["presigned_url"]).query)["signature"][0],
        "an address to read from": parse_qs(urlsplit(reading).query)["signature"][0],
        "the TURN secret": TURN_SECRET,
        "a TURN password": ice["ice_servers"][0]["credentials"]["password"],
        "the signing key": house.coordinator.service.signer.pem.splitlines()[1],
        "the signing key's bytes": house.coordinator.service.signer._private.private_bytes_raw().hex(),
    }


async def test_what_is_logged(tmp_path: Path, database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with opened(configuration(tmp_path, database_url, ice=ICE)) as house:
        secrets = await busy_day(house)
        metrics = (await house.ask("GET", "/metrics")).body
    assert any("is lost" in record.getMessage() for record in caplog.records)
    written = "\n".join([*(f"{record.name} {record.getMessage()} {record.exc_text}" for record in caplog.records), metrics])
    found = {name: line for name, secret in secrets.items() for line in written.splitlines() if secret in line}
    assert found == {}
    assert [record for record in caplog.records if record.name.startswith("reactor") and record.levelno >= logging.ERROR] == []


async def test_what_the_server_says_to_those_it_refuses(house: House) -> None:
    key = await house.key()
    token = await house.token(key)
    answers = [
        await house.ask("POST", "/tokens", headers={HEADER_API_KEY: f"{key}x"}),
        await house.ask("POST", "/tokens", headers={HEADER_API_KEY: key}, json={"expires_after": key}),
        await house.ask("POST", "/sessions", token, json={"model": {"name": 5, "secret": token}}),
        await house.ask("GET", "/sessions", f"{token}x"),
        await house.ask("GET", f"/clips?session_id=x&start={token}&end=1", token),
        await house.ask("PUT", f"/uploads/{'x' * 32}?expires=1&signature={'s' * 64}", data=b"abc"),
        await house.ask("GET", f"/nowhere/{token}", token, headers={"Accept": EVENT_STREAM}),
    ]
    assert [answer.status for answer in answers] == [401, 422, 422, 401, 422, 403, 404]
    for answer in answers:
        said = f"{answer.body} {answer.headers}"
        assert [each for each in (key, token, "s" * 64) if each in said] == []


async def test_a_token_and_its_answer_are_cached_by_nobody(house: House) -> None:
    reply = await house.ask("POST", "/tokens", headers={HEADER_API_KEY: await house.key()})
    assert reply.headers["Cache-Control"] == "no-store"


def test_what_is_printed(tmp_path: Path) -> None:
    made = new_key(Key(id="", name="a", prefix="", digest=""))
    signer = Signer(new_signing_key(), lambda: 0.0)
    token, _ = signer.issue(made.record, 60, None)
    signer.check(token)
    config = configuration(tmp_path, ice=ICE, echo={"env": {"HF_TOKEN": "hf_secret"}})
    printed = " ".join([repr(made), str(made), repr(made.record), repr(signer), repr(config), str(config)])
    secrets = [made.text, made.record.digest, token, signer.pem, TURN_SECRET, "hf_secret"]
    assert [each for each in secrets if each in printed] == []


async def test_files_of_the_coordinator_are_its_owners_alone(house: House, tmp_path: Path) -> None:
    assert (tmp_path / "uploads").stat().st_mode & 0o777 == 0o700


async def test_the_database_is_its_owners_alone(house: House, tmp_path: Path) -> None:
    assert [file.name for file in tmp_path.glob("coordinator.db*") if file.stat().st_mode & 0o077] == []


async def test_an_error_of_the_database_repeats_nothing_of_what_was_written(any_house: House) -> None:
    record = new_key(Key(id="", name="a", prefix="", digest="")).record
    await any_house.coordinator.database.write(key_rows.add, record)
    with pytest.raises(SQLAlchemyError) as refused:
        await any_house.coordinator.database.write(key_rows.add, record)
    assert record.digest not in str(refused.value)


@pytest.mark.parametrize("field", ["database", "uploads"])
def test_a_password_in_an_address_of_the_configuration_is_not_printed(tmp_path: Path, field: str) -> None:
    urls = {"database": "postgresql://me:hunter2@db/name", "uploads": "s3://me:hunter2@bucket/x"}
    body = configuration(tmp_path).model_dump(mode="json")
    config = parse_config({**body, field: urls[field]}, tmp_path)
    assert "hunter2" not in repr(config)


async def test_the_public_key_is_public_and_the_private_one_is_not(house: House) -> None:
    (shown,) = (await house.ask("GET", "/.well-known/jwks.json")).body["keys"]
    assert set(shown) == {"kty", "crv", "x", "kid", "alg", "use"}
