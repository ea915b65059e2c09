"""Files on their way from a client to the worker that runs its session: through a folder, and through an object store."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from moto.server import ThreadedMotoServer
from tests.reactor_coordinator.house import House, configuration, opened

from reactor_coordinator.config import CloudConfigError
from reactor_coordinator.serve import build
from reactor_runtime.fetching import NotThereYet
from reactor_testing.fake_pool import FakePool
from reactor_testing.fake_worker import FakeFleet, FakeWorker

BYTES = bytes(range(256)) * 2000
PICTURE = {"name": "picture.png", "size": len(BYTES), "mime_type": "image/png"}


async def _begun(house: House) -> tuple[str, str, FakeWorker]:
    """A token, the session that it has begun, and the session's worker."""
    await house.warm()
    token = await house.token(await house.key())
    session_id = (await house.begin(token))["session_id"]
    await house.until(token, session_id, "ACTIVE")
    return token, session_id, house.worker_of(session_id)


async def _reserve(house: House, token: str, session_id: str) -> dict[str, Any]:
    reply = await house.ask("POST", f"/sessions/{session_id}/uploads", token, json=PICTURE)
    assert reply.status == 201, reply.body
    return dict(reply.body)


async def _put(house: House, slot: dict[str, Any], body: bytes = BYTES) -> int:
    async with house.http.put(slot["presigned_url"], data=body) as reply:
        return reply.status


async def test_a_worker_is_told_of_a_file_and_fetches_what_its_client_has_put_there(tmp_path: Path, database_url: str) -> None:
    async with opened(configuration(tmp_path, database_url)) as house:
        token, session_id, worker = await _begun(house)
        slot = await _reserve(house, token, session_id)
        upload_id = slot["presigned_id"]
        assert slot["presigned_url"].startswith(f"{house.url}/uploads/{upload_id}?")
        assert slot["path"] == f"sessions/{session_id}/uploads/{upload_id}/picture.png"
        told = worker.asked.uploads[upload_id]
        assert (told.name, told.size, told.mime_type) == ("picture.png", 512_000, "image/png")
        with pytest.raises(NotThereYet):
            await worker.fetch(upload_id)
        assert await _put(house, slot) == 200
        assert await worker.fetch(upload_id) == BYTES


async def test_the_next_worker_is_told_of_the_files_that_the_lost_one_had(tmp_path: Path, database_url: str) -> None:
    async with opened(configuration(tmp_path, database_url, echo={"warm": 2})) as house:
        token, session_id, lost = await _begun(house)
        early, late = await _reserve(house, token, session_id), await _reserve(house, token, session_id)
        assert await _put(house, early) == 200
        lost.crash()
        await house.sees(lambda snapshot: lost.id not in snapshot.workers and snapshot.sessions[session_id].state == "ACTIVE")
        worker = house.worker_of(session_id)
        assert set(worker.asked.uploads) == {early["presigned_id"], late["presigned_id"]}
        assert await worker.fetch(early["presigned_id"]) == BYTES
        assert await _put(house, late, BYTES[::-1]) == 200
        assert await worker.fetch(late["presigned_id"]) == BYTES[::-1]


async def test_a_file_may_be_put_while_the_session_waits_for_its_worker(tmp_path: Path, database_url: str) -> None:
    async with opened(configuration(tmp_path, database_url), slots=1) as house:
        token, first, worker = await _begun(house)
        second = (await house.begin(token))["session_id"]
        slot = await _reserve(house, token, second)
        assert await _put(house, slot) == 200
        await house.ask("DELETE", f"/sessions/{first}", token)
        await house.until(token, second, "ACTIVE")
        assert await worker.fetch(slot["presigned_id"]) == BYTES


async def test_files_are_deleted_after_their_session_and_no_sooner(tmp_path: Path, database_url: str) -> None:
    async with opened(configuration(tmp_path, database_url)) as house:
        token, session_id, _ = await _begun(house)
        slot = await _reserve(house, token, session_id)
        await _reserve(house, token, session_id)
        assert await _put(house, slot) == 200
        uploads = house.coordinator.service.uploads
        assert await uploads.sweep() == 0
        assert [path.read_bytes() for path in (tmp_path / "uploads").rglob("*") if path.is_file()] == [BYTES]
        await house.ask("DELETE", f"/sessions/{session_id}", token)
        assert await uploads.sweep() == 2
        assert [path for path in (tmp_path / "uploads").rglob("*") if path.is_file()] == []
        assert await uploads.sweep() == 0
        refused = await house.ask("POST", f"/sessions/{session_id}/uploads", token, json=PICTURE)
        assert (refused.status, refused.body["code"]) == (409, "CONFLICT")


# -------------------------------------------------------------------------------------------------- an object store


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a folder in a bucket, and what is needed to use it in the environment."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    yield "s3://attic/files"
    server.stop()


async def test_files_go_straight_to_the_object_store_and_workers_fetch_them_there(tmp_path: Path, s3: str) -> None:
    async with opened(configuration(tmp_path, uploads=s3, echo={"warm": 2})) as house:
        endpoint = await _new_bucket(house.http, "attic")
        token, session_id, first = await _begun(house)
        slot = await _reserve(house, token, session_id)
        upload_id = slot["presigned_id"]
        assert slot["presigned_url"].startswith(f"{endpoint}/attic/files/{session_id}/{upload_id}?X-Amz-")
        with pytest.raises(NotThereYet):
            await first.fetch(upload_id)
        assert await _put(house, slot) == 200
        assert await first.fetch(upload_id) == BYTES
        first.crash()
        await house.sees(lambda snapshot: first.id not in snapshot.workers and snapshot.sessions[session_id].state == "ACTIVE")
        worker = house.worker_of(session_id)
        assert await worker.fetch(upload_id) == BYTES
        source = worker.asked.uploads[upload_id].source
        assert source is not None
        await house.ask("DELETE", f"/sessions/{session_id}", token)
        assert await house.coordinator.service.uploads.sweep() == 1
        async with house.http.get(source) as reply:
            assert reply.status == 404


async def test_a_store_over_http_that_may_not_be_used_is_refused_at_start(
    tmp_path: Path, s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ALLOW_HTTP")
    with pytest.raises(CloudConfigError, match="AWS_ALLOW_HTTP=true") as refused:
        await build(configuration(tmp_path, uploads=s3), FakePool(FakeFleet([]), 1))
    assert f"({os.environ['AWS_ENDPOINT_URL']}/attic/files/)" in str(refused.value)


async def test_a_store_out_of_reach_at_start_is_no_reason_not_to_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"ENDPOINT_URL": "http://127.0.0.1:9", "ALLOW_HTTP": "1", "REGION": "x"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "test")
    async with opened(configuration(tmp_path, uploads="s3://attic/files")) as house:
        assert (await house.ask("GET", "/health")).status == 200


async def test_a_store_nobody_knows_is_named_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(CloudConfigError, match=r"uploads: s9://bucket/x cannot be used: ") as refused:
        await build(configuration(tmp_path, uploads="s9://me:hunter2@bucket/x?key=hunter2"), FakePool(FakeFleet([]), 1))
    assert "hunter2" not in str(refused.value)


async def _new_bucket(http: aiohttp.ClientSession, name: str) -> str:
    """Makes a bucket at the endpoint of the environment, and says where that is."""
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    async with http.put(f"{endpoint}/{name}") as reply:
        assert reply.status == 200
    return endpoint
