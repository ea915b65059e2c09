"""Settings and manifests: what is read, and what is refused by name."""

from pathlib import Path

import pytest

from reactor_rtc.port import IceServer
from reactor_runtime.config import ConfigError, Manifest, ModelSettings, Settings, read_manifest, read_settings


def refusal(**environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read_settings(environ)
    return str(caught.value)


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = read_settings({})
    assert settings == Settings(model=ModelSettings(isolate=True))
    assert (settings.host, settings.port) == ("0.0.0.0", 8080)
    assert (settings.ping_timeout, settings.orphan_timeout, settings.negotiation_timeout) == (20.0, 60.0, 30.0)
    assert settings.max_connections == 64
    assert (settings.log_level, settings.log_format) == ("INFO", "text")
    assert settings.peer.ice_servers == ()
    assert settings.peer.start_bitrate == 4_000_000
    assert settings.peer.max_bitrate == 10_000_000


def test_the_environment_of_the_process_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "8099")
    assert read_settings().port == 8099


def test_every_variable() -> None:
    settings = read_settings(
        {
            "HOST": "127.0.0.1",
            "PORT": "9000",
            "STUN_SERVERS": "stun:a:3478, stuns:b:5349",
            "TURN_SERVERS": "u;p;turn:c:3478, v ; q ; turns:d:5349?transport=tcp",
            "ICE_TRANSPORT_POLICY": "relay",
            "WEBRTC_PORT_RANGE": "50000:50100",
            "WEBRTC_CLIENT_PING_TIMEOUT_SECONDS": "0.5",
            "WEBRTC_VIDEO_CODECS": "av1, VP9",
            "WEBRTC_BWE_INITIAL_KBPS": "1000",
            "WEBRTC_SENDER_MAX_KBPS": "2000.5",
            "ORPHAN_TIMEOUT_SECONDS": "-1",
            "REACTOR_LOG_LEVEL": "debug",
            "REACTOR_LOG_FORMAT": "JSON",
        }
    )
    assert (settings.host, settings.port) == ("127.0.0.1", 9000)
    assert settings.peer.ice_servers == (
        IceServer(("stun:a:3478",)),
        IceServer(("stuns:b:5349",)),
        IceServer(("turn:c:3478",), "u", "p"),
        IceServer(("turns:d:5349?transport=tcp",), "v", "q"),
    )
    assert settings.peer.relay_only
    assert settings.peer.port_range == (50000, 50100)
    assert settings.peer.video_codecs == ("AV1", "VP9")
    assert (settings.peer.start_bitrate, settings.peer.max_bitrate) == (1_000_000, 2_000_500)
    assert (settings.ping_timeout, settings.orphan_timeout) == (0.5, -1.0)
    assert (settings.log_level, settings.log_format) == ("DEBUG", "json")


@pytest.mark.parametrize(("text", "ports"), [(":50000", (1024, 50000)), ("50000:", (50000, 65535)), ("1024:1024", (1024, 1024))])
def test_half_open_port_ranges(text: str, ports: tuple[int, int]) -> None:
    assert read_settings({"WEBRTC_PORT_RANGE": text}).peer.port_range == ports


def test_empty_values_are_absent_ones() -> None:
    names = ["HOST", "PORT", "STUN_SERVERS", "TURN_SERVERS", "WEBRTC_PORT_RANGE", "ORPHAN_TIMEOUT_SECONDS", "REACTOR_LOG_LEVEL"]
    assert read_settings(dict.fromkeys(names, "")) == Settings(model=ModelSettings(isolate=True))


@pytest.mark.parametrize(
    "variable",
    [
        "PORT",
        "WEBRTC_CLIENT_PING_TIMEOUT_SECONDS",
        "ORPHAN_TIMEOUT_SECONDS",
        "WEBRTC_BWE_INITIAL_KBPS",
        "WEBRTC_SENDER_MAX_KBPS",
    ],
)
@pytest.mark.parametrize("text", ["many", "nan", "inf", "0x10"])
def test_what_is_no_number(variable: str, text: str) -> None:
    assert refusal(**{variable: text}) == f"{variable} must be a number, not {text!r}"


@pytest.mark.parametrize("text", ["-1", "65536", "80.5"])
def test_ports_that_are_none(text: str) -> None:
    assert refusal(PORT=text) == f"PORT must be a whole number of 0 to 65535, not {text}"


@pytest.mark.parametrize("text", ["1:2", "1023:2000", "2000:1024", "50000", "a:b", ":", "1024:65536"])
def test_malformed_port_ranges(text: str) -> None:
    if text == ":":
        assert read_settings({"WEBRTC_PORT_RANGE": text}).peer.port_range == (1024, 65535)
    else:
        assert refusal(WEBRTC_PORT_RANGE=text) == f"WEBRTC_PORT_RANGE must be min:max within 1024:65535, not {text!r}"


def test_unknown_words() -> None:
    assert refusal(ICE_TRANSPORT_POLICY="none") == "ICE_TRANSPORT_POLICY must be all or relay, not 'none'"
    assert refusal(WEBRTC_VIDEO_CODECS="VP8,THEORA").startswith("WEBRTC_VIDEO_CODECS: THEORA is not one of VP8")
    assert refusal(REACTOR_LOG_LEVEL="loud").startswith("REACTOR_LOG_LEVEL must be DEBUG, INFO")
    assert refusal(REACTOR_LOG_FORMAT="xml") == "REACTOR_LOG_FORMAT must be text or json, not 'xml'"
    assert refusal(STUN_SERVERS="stun:a,turn:b") == "STUN_SERVERS: 'turn:b' must begin with stun: or stuns:"


@pytest.mark.parametrize("entry", ["u;hunter2", "u;hunter2;http://c", "u;hunter2;turn:c;x", "hunter2"])
def test_a_password_is_never_in_the_message(entry: str) -> None:
    message = refusal(TURN_SERVERS=f"u;p;turn:a,{entry}")
    assert message == "TURN_SERVERS: entry 2 must be username;credential;turn:host:port"


def test_a_password_is_not_in_what_is_printed_of_the_settings() -> None:
    assert "hunter2" not in repr(read_settings({"TURN_SERVERS": "u;hunter2;turn:c"}))


def manifest(folder: Path, text: str) -> Manifest:
    (folder / "reactor.yaml").write_text(text)
    return read_manifest(folder)


def test_a_whole_manifest(tmp_path: Path) -> None:
    text = "model: {name: sky, version: 3}\nruntime: {import: 'pkg.sky:Sky', config: conf/sky.yaml, other: 1}\nbuild: {}\n"
    assert manifest(tmp_path, text) == Manifest(tmp_path.resolve(), "pkg.sky:Sky", "sky", tmp_path.resolve() / "conf/sky.yaml")
    assert read_manifest(tmp_path / "reactor.yaml").name == "sky"


def test_a_manifest_needs_nothing_but_the_import(tmp_path: Path) -> None:
    assert manifest(tmp_path, "runtime: {import: 'm:C'}") == Manifest(tmp_path.resolve(), "m:C", "", None)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "must be a mapping, with model: and runtime:"),
        ("- 1", "must be a mapping"),
        ("a: [", "is not YAML"),
        ("runtime: 3", "runtime must be a mapping"),
        ("runtime: {import: 'm:C'}\nmodel: x", "model must be a mapping"),
        ("runtime: {}", 'runtime.import must say where the model is, as "module:Class"; got None'),
        ("runtime: {import: module}", "got 'module'"),
        ("runtime: {import: 'a:b:c'}", "got 'a:b:c'"),
        ("runtime: {import: [1]}", r"got \[1\]"),
    ],
)
def test_manifests_that_are_refused(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        manifest(tmp_path, text)


def test_no_manifest(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ConfigError, match="there is no reactor.yaml in .*: give the folder of a model, or write one"):
            read_manifest(path)


def test_a_manifest_of_bytes(tmp_path: Path) -> None:
    (tmp_path / "reactor.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is not YAML"):
        read_manifest(tmp_path)


def test_how_the_model_runs_is_read() -> None:
    given = {
        "REACTOR_INLINE": "1",
        "REACTOR_CRASH_LIMIT": "2",
        "REACTOR_STEP_DEADLINE_SECONDS": "1.5",
        "REACTOR_HANDLER_DEADLINE_SECONDS": "0",
    }
    assert read_settings(given).model == ModelSettings(
        isolate=False, crash_limit=2, step_deadline=1.5, handler_deadline=0.0, reload=False
    )
    assert read_settings({}).model == ModelSettings(isolate=True, crash_limit=5, step_deadline=60.0, handler_deadline=60.0)
    assert refusal(REACTOR_INLINE="yes") == "REACTOR_INLINE must be 0 or 1, not 'yes'"
    assert refusal(REACTOR_CRASH_LIMIT="2.5") == "REACTOR_CRASH_LIMIT must be a whole number of 0 to 1000, not 2.5"
