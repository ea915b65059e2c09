"""Clips on their way from the worker that recorded them: whose they are, and at what addresses."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.reactor_coordinator.house import House, configuration, opened

from reactor_coordinator.clips import ClipGoneError, Clips, Grant
from reactor_coordinator.tokens import Signer, new_signing_key
from reactor_protocol.errors import PermissionDeniedError

SESSION = "6f0c2f3e-0000-4000-8000-000000000001"
OTHER = "6f0c2f3e-0000-4000-8000-000000000002"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with opened(configuration(tmp_path, public_url="https://gpu.example", echo={"warm": 2})) as house:
        yield house


async def begun(house: House, token: str) -> str:
    session_id = str((await house.begin(token))["session_id"])
    await house.until(token, session_id, "ACTIVE")
    return session_id


async def addresses(house: House, token: str, session_id: str) -> list[str]:
    """The addresses in a playlist, as paths at the server under test."""
    reply = await house.ask("GET", f"/clips?session_id={session_id}&start=0&end=1", token)
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/vnd.apple.mpegurl"), reply.body
    found = re.findall(r"https://gpu\.example(/clips/chunks/[^\"\s]+)", reply.body)
    assert len(found) == 2
    return found


async def test_a_playlist_has_addresses_of_this_server_that_need_no_token(house: House) -> None:
    token = await house.token(await house.key())
    session_id = await begun(house, token)
    init, part = await addresses(house, token, session_id)
    assert urlsplit(part).path == f"/clips/chunks/{session_id}/chunk_00000_0_1.m4s"
    assert set(parse_qs(urlsplit(part).query)) == {"worker", "expires", "signature"}
    assert (await house.ask("GET", init)).body == f"init.mp4 of {session_id}"
    whole = await house.ask("GET", part)
    assert (whole.body, whole.headers["Content-Type"]) == (f"chunk_00000_0_1.m4s of {session_id}", "video/iso.segment")


async def test_a_range_is_passed_on(house: House) -> None:
    token = await house.token(await house.key())
    _, part = await addresses(house, token, await begun(house, token))
    some = await house.ask("GET", part, headers={"Range": "bytes=0-3"})
    assert (some.status, some.body) == (206, "chun")
    assert some.headers["Content-Range"].startswith("bytes 0-3/")
    assert (await house.ask("GET", part, headers={"Range": "bytes=999-"})).status == 416


async def test_what_is_not_ready_is_passed_on_with_the_time_to_ask_again(house: House) -> None:
    token = await house.token(await house.key())
    session_id = await begun(house, token)
    reply = await house.ask("GET", f"/clips?session_id={session_id}&start=0&end=9999", token)
    assert (reply.status, reply.headers["Retry-After"]) == (202, "1")


async def test_somebody_elses_recording_is_not_there(house: House) -> None:
    mine, theirs = await house.token(await house.key()), await house.token(await house.key())
    session_id = await begun(house, mine)
    assert (await house.ask("GET", f"/clips?session_id={session_id}&start=0&end=1", theirs)).status == 404
    assert (await house.ask("GET", f"/clips?session_id={session_id}&start=0&end=1")).status == 401


async def test_an_address_is_good_for_its_session_alone(house: House) -> None:
    token = await house.token(await house.key())
    first, second = await begun(house, token), await begun(house, token)
    _, part = await addresses(house, token, first)
    assert (await house.ask("GET", part.replace(first, second))).status == 403
    assert (await house.ask("GET", re.sub(r"worker=[^&]+", "worker=w-0", part))).status == 403
    assert (await house.ask("GET", re.sub(r"expires=\d+", "expires=99999999999", part))).status == 403
    assert (await house.ask("GET", part.partition("?")[0])).status == 422


async def test_a_recording_is_there_for_a_while_when_its_session_is_over(house: House) -> None:
    token = await house.token(await house.key())
    session_id = await begun(house, token)
    _, part = await addresses(house, token, session_id)
    assert (await house.ask("DELETE", f"/sessions/{session_id}", token)).status == 204
    await house.until(token, session_id, "CLOSED")
    assert (await house.ask("GET", part)).status == 200
    assert await addresses(house, token, session_id)


async def test_a_session_that_nobody_asked_for_while_it_ran_has_no_recording_here(house: House) -> None:
    token = await house.token(await house.key())
    session_id = await begun(house, token)
    assert (await house.ask("DELETE", f"/sessions/{session_id}", token)).status == 204
    await house.until(token, session_id, "CLOSED")
    assert (await house.ask("GET", f"/clips?session_id={session_id}&start=0&end=1", token)).status == 410


def test_lines_that_name_what_is_not_this_sessions_are_left_out() -> None:
    clips = Clips(Signer(new_signing_key(), lambda: 100.0), lambda: 100.0)
    playlist = f"#EXTM3U\n/clips/chunks/{OTHER}/a.m4s\nhttps://evil.example/b.m4s\n/clips/chunks/{SESSION}/a.m4s\n"
    lines = clips.signed(playlist.encode(), SESSION, "w-1", "https://gpu.example").splitlines()
    assert len(lines) == 2
    assert lines[1].startswith(f"https://gpu.example/clips/chunks/{SESSION}/a.m4s?worker=w-1&expires=3700&signature=")


def test_an_address_expires() -> None:
    now = 100.0
    signer = Signer(new_signing_key(), lambda: now)
    clips = Clips(signer, lambda: now)
    grant = Grant("w-1", 3700, signer.clip_signature(SESSION, "w-1", 3700))
    clips.check(SESSION, grant)
    now = 3700.0
    with pytest.raises(PermissionDeniedError, match="has expired"):
        clips.check(SESSION, grant)


def test_who_had_a_session_is_forgotten_in_time() -> None:
    clips = Clips(Signer(new_signing_key(), lambda: 0.0), lambda: 0.0)
    for number in range(10_001):
        clips.held(f"s-{number}", "w-1")
    assert clips.holder("s-10000") == "w-1"
    with pytest.raises(ClipGoneError):
        clips.holder("s-0")
