"""What people and peers can get wrong, by the hundred: nothing but our own errors, and nothing without a bound."""

import contextlib
import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reactor_protocol.errors import BadRequestError, RateLimitedError, ServerError
from reactor_protocol.messages import StepFrame, StepTrack
from reactor_rtc.frames import VideoFrame
from reactor_runtime.config import ConfigError, Manifest, Settings, read_manifest, read_settings
from reactor_runtime.floods import Floodgate, FloodLimits
from reactor_runtime.places import Places
from reactor_runtime.starting import StartTerms, read_terms
from reactor_runtime.step_media import BadEntry, read_media
from reactor_runtime.tracks import TrackSpec

EXAMPLES = settings(max_examples=100, deadline=None)

KEYS = [
    "model",
    "runtime",
    "import",
    "config",
    "name",
    "recording",
    "enabled",
    "chunk_seconds",
    "video",
    "audio",
    "codec",
    "keep",
]
TERMS = ["state", "commands", "command", "data", "starting_input", "steps", "generation", "level"]
VARIABLES = [
    "HOST",
    "PORT",
    "STUN_SERVERS",
    "TURN_SERVERS",
    "WEBRTC_PORT_RANGE",
    "WEBRTC_VIDEO_CODECS",
    "ORPHAN_TIMEOUT_SECONDS",
    "WEBRTC_DISCONNECT_GRACE_SECONDS",
    "REACTOR_MAX_CONNECTIONS",
    "REACTOR_CLIENT_MESSAGES_PER_SECOND",
    "REACTOR_CLIENT_KIB_PER_SECOND",
    "REACTOR_LOG_LEVEL",
    "REACTOR_RECORDINGS_DIR",
    "REACTOR_WORKER_ID",
    "REACTOR_WORKER_SECRET",
    "REACTOR_WORKER_COORDINATORS",
]


def values(keys: list[str]) -> st.SearchStrategy[Any]:
    leaves = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.sampled_from(["", "a:b", "m:C", "stepped", "h264", "\0", "/"])
    )
    return st.recursive(
        leaves | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(keys), inner, max_size=4),
        max_leaves=12,
    )


@EXAMPLES
@given(
    values(KEYS).map(lambda value: yaml.safe_dump(value).encode()) | st.binary(max_size=60) | st.text(max_size=60).map(str.encode)
)
def test_no_manifest_raises_anything_but_a_config_error(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "reactor.yaml").write_bytes(content)
        with contextlib.suppress(ConfigError):
            assert isinstance(read_manifest(Path(folder)), Manifest)


@EXAMPLES
@given(
    st.dictionaries(
        st.sampled_from(VARIABLES),
        st.text(max_size=20)
        | st.sampled_from(["0", "-1", "1e9", "nan", "inf", "1024:2048", "a;b;turn:c", "http://[", "²", "1_0"]),
        max_size=6,
    )
)
def test_no_environment_raises_anything_but_a_config_error(environ: dict[str, str]) -> None:
    with contextlib.suppress(ConfigError):
        assert isinstance(read_settings(environ), Settings)


@EXAMPLES
@given(st.dictionaries(st.sampled_from(TERMS), values(TERMS), max_size=4))
def test_no_terms_raise_anything_but_a_bad_request(parameters: dict[str, Any]) -> None:
    with contextlib.suppress(BadRequestError):
        assert isinstance(read_terms(parameters), StartTerms)


frames = st.builds(
    StepFrame,
    st.sampled_from(["raw", "h264", None]),
    st.sampled_from(["uint8", "int16", "float32", ""]),
    st.lists(st.integers(0, 5) | st.integers(0, 2**32), max_size=4).map(tuple),
    st.binary(max_size=64),
)
tracks = st.lists(
    st.builds(
        StepTrack,
        st.sampled_from(["cam", "mic", "out", "x"]),
        st.sampled_from(["video", "audio", None]),
        st.lists(frames, max_size=3).map(tuple),
    ),
    max_size=3,
)
DECLARED = [TrackSpec("cam", "video", "in"), TrackSpec("mic", "audio", "in", 48_000), TrackSpec("out", "video", "out")]


@EXAMPLES
@given(tracks)
def test_no_media_of_a_step_raises_anything_but_a_bad_entry(given_: list[StepTrack]) -> None:
    with contextlib.suppress(BadEntry):
        for name, media in read_media(given_, DECLARED):
            assert isinstance(media, VideoFrame) is (name == "cam")


@EXAMPLES
@given(st.lists(st.tuples(st.floats(0, 0.2), st.integers(0, 3000)), max_size=80))
def test_a_gate_keeps_its_limits_and_the_order_whatever_comes(arrivals: list[tuple[float, int]]) -> None:
    limits = FloodLimits(messages=50, messages_burst=5, size=5000, size_burst=4000, waiting=10, waiting_bytes=8000)
    gate: Floodgate[int] = Floodgate(limits, 0.0)
    now, passed, sent = 0.0, [], 0
    for number, (pause, size) in enumerate(arrivals):
        now += pause
        if gate.arrive(number, size, now):
            sent += 1
        passed += gate.due(now)
        assert gate.waiting <= 10
        assert len(passed) <= 5 + 50 * now + 1
    while (due := gate.next_due()) is not None:
        now = max(now + 0.001, due)
        passed += gate.due(now)
    assert passed == sorted(passed)
    assert len(passed) == sent


@EXAMPLES
@given(
    st.lists(
        st.tuples(st.sampled_from(["register", "offer", "room", "forget"]), st.integers(1002, 1012), st.floats(0, 5)), max_size=60
    )
)
def test_places_never_hold_more_than_their_limit(deeds: list[tuple[str, int, float]]) -> None:
    places, present, now = Places(3, 0.0), dict[int, bool](), 0.0
    for deed, number, pause in deeds:
        now += pause
        with contextlib.suppress(ServerError, RateLimitedError):
            match deed:
                case "register":
                    places.register(lambda found: found in present, now)
                case "offer":
                    places.check_pace(now)
                    gone = None if number in present else places.make_room(present, now)
                    if gone is not None:
                        del present[gone]
                        places.forget(gone)
                    places.offered(number, now)
                    present[number] = False
                case "room" if number in present:
                    present[number] = True
                case _:
                    present.pop(number, None)
                    places.forget(number)
        assert len(present) <= 3
        assert sum(found in places for found in range(1001, 10_000)) <= 12 + 3
