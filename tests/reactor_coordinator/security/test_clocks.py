"""A machine whose clock is set, forward or back, while sessions run: nothing ends by it, and no token lives longer."""

import time

import pytest
from tests.reactor_coordinator.house import House
from tests.reactor_coordinator.security.test_uploads import THREE, path_of


@pytest.mark.parametrize("jump_s", [365 * 86_400.0, -365 * 86_400.0], ids=["a year forward", "a year back"])
async def test_a_clock_that_jumps(house: House, monkeypatch: pytest.MonkeyPatch, jump_s: float) -> None:
    key = await house.key()
    token = await house.token(key)
    session_id = (await house.begin(token))["session_id"]
    before = await house.until(token, session_id, "ACTIVE")
    path = f"/sessions/{session_id}/uploads"
    slot = (await house.ask("POST", path, token, json=THREE)).body
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + jump_s)
    await house.looked(4)
    assert (await house.ask("GET", f"/sessions/{session_id}", token)).body == before
    assert (await house.ask("PUT", path_of(slot), data=b"abc")).status == 200
    issued = (await house.ask("POST", "/tokens", headers={"Reactor-API-Key": key})).body
    assert 3590 < issued["expires_at"] - (time.time() - jump_s) <= 3601
    assert (await house.ask("GET", f"/sessions/{session_id}", issued["jwt"])).status == 200
    assert house.worker_of(session_id).stopped == []
