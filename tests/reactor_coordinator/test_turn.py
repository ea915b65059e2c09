"""ICE servers and credentials that expire."""

from __future__ import annotations

import pytest

from reactor_coordinator.config import IceSpec, TurnSpec
from reactor_coordinator.turn import credentials, ice_servers
from reactor_protocol.errors import InvalidArgumentError

NOW = 1_700_000_000.75
TURN = TurnSpec(urls=["turn:turn.example:3478", "turns:turn.example:5349"], secret="a shared secret", ttl_seconds=3600)


def test_credentials_are_those_of_the_usual_scheme() -> None:
    """The password is what ``printf 1700003600:w-1 | openssl dgst -sha1 -hmac 'a shared secret' -binary | base64`` prints."""
    assert credentials("a shared secret", "w-1", 3600, NOW) == ("1700003600:w-1", "pbwCHxABPtojt6vxsMEB0Kz4LCo=")


@pytest.mark.parametrize(
    "changed",
    [("another secret", "w-1", 3600, NOW), ("a shared secret", "w-2", 3600, NOW), ("a shared secret", "w-1", 3601, NOW)],
)
def test_another_secret_user_or_expiry_gives_another_password(changed: tuple[str, str, float, float]) -> None:
    assert credentials(*changed)[1] != "pbwCHxABPtojt6vxsMEB0Kz4LCo="


def test_a_user_with_a_colon_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="cannot have a colon"):
        credentials("a shared secret", "9999999999:w-1", 3600, NOW)


def test_no_servers() -> None:
    assert ice_servers(IceSpec(), "w-1", NOW).model_dump() == {"ice_servers": []}


def test_stun_servers_need_no_credentials() -> None:
    spec = IceSpec(stun=["stun:a.example:3478", "stun:b.example:3478"])
    assert ice_servers(spec, "w-1", NOW).model_dump(exclude_none=True) == {
        "ice_servers": [{"uris": ["stun:a.example:3478", "stun:b.example:3478"]}]
    }


def test_turn_servers_come_with_credentials_and_without_the_secret() -> None:
    servers = ice_servers(IceSpec(stun=["stun:a.example"], turn=TURN), "w-1", NOW)
    assert servers.model_dump(exclude_none=True) == {
        "ice_servers": [
            {"uris": ["stun:a.example"]},
            {
                "uris": ["turn:turn.example:3478", "turns:turn.example:5349"],
                "credentials": {"username": "1700003600:w-1", "password": "pbwCHxABPtojt6vxsMEB0Kz4LCo="},
            },
        ]
    }
    assert "a shared secret" not in servers.model_dump_json()
