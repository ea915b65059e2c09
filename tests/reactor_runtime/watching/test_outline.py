"""What is shown of what others send: names and sizes, never contents, and never without a bound."""

import json
import string
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reactor_protocol.messages import ClientStats
from reactor_runtime.watching.outline import outline, sdp_outline, short, stats_outline

SDP = "\r\n".join(
    [
        "v=0",
        "o=- 46117 2 IN IP4 127.0.0.1",
        "m=video 9 UDP/TLS/RTP/SAVPF 96",
        "c=IN IP4 10.1.2.3",
        "a=ice-ufrag:UfRaG",
        "a=ice-pwd:hunter2hunter2hunter2",
        "a=fingerprint:sha-256 AA:BB",
        "a=candidate:1 1 udp 2 10.1.2.3 5000 typ host",
        "a=mid:0",
        "a=sendonly",
        "a=rtpmap:96 VP8/90000",
        "",
    ]
)

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_names_and_sizes() -> None:
    data = {"prompt": "a red balloon", "level": 3, "ratio": 0.5, "on": True, "points": [1, 2], "more": {"a": 1}, "none": None}
    assert outline(data) == {
        "prompt": {"type": "string", "size": 13},
        "level": {"type": "integer"},
        "ratio": {"type": "number"},
        "on": {"type": "boolean"},
        "points": {"type": "array", "size": 2},
        "more": {"type": "object", "size": 1},
        "none": {"type": "null"},
    }


def test_a_description_without_what_lets_a_stranger_in() -> None:
    assert sdp_outline(SDP) == ("m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\na=sendonly\r\na=rtpmap:96 VP8/90000\r\n")


@given(st.text(st.characters(codec="utf-8"), max_size=5000))
def test_a_description_never_grows(text: str) -> None:
    assert len(sdp_outline("m=" + text)) <= 2048


@given(st.dictionaries(st.text(), values, max_size=60))
def test_an_outline_is_small_json_whatever_comes(data: dict[str, Any]) -> None:
    shown = outline(data)
    assert len(shown) <= 32
    assert len(json.dumps(shown)) < 32 * 1000
    for entry in shown.values():
        assert entry.keys() <= {"type", "size"}
        assert entry["type"] in {"boolean", "integer", "number", "string", "array", "object", "null", "other"}


@given(st.text())
def test_short_is_short_and_can_be_encoded(text: str) -> None:
    assert len(short(text, 20)) <= 20
    short(text, 20).encode()


def test_half_a_pair_is_made_readable() -> None:
    assert short("\ud800") == "?"


def test_what_a_client_reports() -> None:
    stats = ClientStats(
        tracks=(
            {
                "track_name": "main",
                "paused": False,
                "codec_implementation": "libvpx",
                "metrics": {"frames_per_second": 29.5, "odd": "text", "nan": float("nan"), "": 1.0},
                "frame_stages": [{"name": "decode", "total_ms": 30.0, "frames": 10}, {"name": "x"}, 3],
            },
        ),
        connection={"metrics": {"connection_rtt_ms": 12.5}, "environment": {"os": "secret"}},
    )
    assert stats_outline(stats) == {
        "track_stats": [
            {
                "metrics": {"frames_per_second": 29.5},
                "frame_stages": [{"name": "decode", "total_ms": 30.0, "frames": 10}],
                "track_name": "main",
            }
        ],
        "connection_stat": {"metrics": {"connection_rtt_ms": 12.5}},
    }


def test_a_report_above_the_limits_is_not_taken() -> None:
    assert stats_outline(ClientStats(tracks=({},) * 33)) is None
    assert stats_outline(ClientStats(tracks=({"metrics": {f"m{i}": 1.0 for i in range(65)}},))) is None
    assert stats_outline(ClientStats(tracks=({"frame_stages": [{}] * 33},))) is None
    assert stats_outline(ClientStats(connection={"metrics": {f"m{i}": 1.0 for i in range(65)}})) is None


@given(
    st.lists(st.dictionaries(st.sampled_from(["track_name", "metrics", "frame_stages", "kind"]), values), max_size=40),
    st.dictionaries(st.text(), values),
)
def test_a_report_never_raises_and_is_json(tracks: list[dict[str, Any]], connection: dict[str, Any]) -> None:
    shown = stats_outline(ClientStats(tuple(tracks), connection))
    if shown is not None:
        json.dumps(shown, allow_nan=False)
        for track in shown["track_stats"]:
            assert set(track.get("track_name", "")) <= set(string.printable)
