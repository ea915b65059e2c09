"""Tokens of older clients: reactor-sdk until 0.4 asks for one with GET."""

from pathlib import Path

from tests.reactor_coordinator.house import configuration, opened

from reactor_protocol.names import HEADER_API_KEY


async def test_a_token_is_also_got_with_get(tmp_path: Path) -> None:
    async with opened(configuration(tmp_path)) as house:
        reply = await house.ask("GET", "/tokens", headers={HEADER_API_KEY: await house.key()})
        assert reply.status == 200
        assert set(reply.body) == {"jwt", "expires_at"}
        assert reply.headers["Cache-Control"] == "no-store"
        assert (await house.ask("GET", "/sessions", reply.body["jwt"])).status == 200
        for headers in ({}, {HEADER_API_KEY: "rk_wrong"}):
            assert (await house.ask("GET", "/tokens", headers=headers)).status == 401
