from __future__ import annotations

import pytest

from reactor_sdk import InvalidArgumentError
from reactor_sdk.config import DEFAULT_API_URL, ClientOptions, load_config


def test_defaults_are_the_documented_ones() -> None:
    config = load_config("helios")
    assert (config.url, config.api_key, config.local, config.tracks) == ("https://api.reactor.inc", None, False, ())
    assert DEFAULT_API_URL == "https://api.reactor.inc"


def test_local_means_localhost_8080_whatever_the_api_url() -> None:
    assert load_config("helios", api_url="https://elsewhere.test", local=True).url == "http://localhost:8080"


def test_the_environment_completes_what_the_constructor_leaves_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REACTOR_API_KEY", "rk_env")
    monkeypatch.setenv("REACTOR_API_URL", "https://env.test/")
    monkeypatch.setenv("REACTOR_LOCAL_URL", "http://127.0.0.1:9999")
    assert load_config("helios").api_key == "rk_env"
    assert load_config("helios").url == "https://env.test"
    assert load_config("helios", local=True).url == "http://127.0.0.1:9999"


def test_what_the_constructor_says_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REACTOR_API_KEY", "rk_env")
    monkeypatch.setenv("REACTOR_API_URL", "https://env.test")
    config = load_config("helios", "rk_mine", "https://api.reactor.inc")
    assert (config.api_key, config.url) == ("rk_mine", "https://api.reactor.inc")


def test_the_key_is_not_in_the_repr() -> None:
    assert "rk_secret" not in repr(load_config("helios", "rk_secret"))
    assert "jwt_secret" not in repr(load_config("helios", options=ClientOptions(jwt="jwt_secret")))
    assert "jwt_secret" not in repr(ClientOptions(jwt="jwt_secret"))


def test_a_token_stands_above_a_key_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REACTOR_API_KEY", "rk_env")
    config = load_config("helios", options=ClientOptions(jwt=" t\n"))
    assert (config.api_key, config.jwt) == (None, "t")
    assert load_config("helios", options=ClientOptions(jwt="")).api_key == "rk_env"


@pytest.mark.parametrize("url", ["", "api.reactor.inc", "ftp://x.test", "http://", "http://[::1"])
def test_an_address_that_cannot_work_is_refused(url: str) -> None:
    with pytest.raises(InvalidArgumentError, match="http|URL"):
        load_config("helios", api_url=url)


def test_model_tracks_are_checked() -> None:
    config = load_config("helios", model_tracks=[{"name": "main_video", "kind": "video", "direction": "recvonly"}])
    assert [(track.name, track.kind, track.direction) for track in config.tracks] == [("main_video", "video", "recvonly")]
    with pytest.raises(InvalidArgumentError, match="model_tracks"):
        load_config("helios", model_tracks=[{"name": "x", "kind": "smell", "direction": "recvonly"}])  # type: ignore[typeddict-item]
