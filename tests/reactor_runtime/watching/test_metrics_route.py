"""``/metrics`` of a whole runtime, by the names of the reference (runtime, 9.2), and what a peer can do to it: nothing."""

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from tests.reactor_runtime.runtime_support import WORKER, House, opened
from tests.reactor_runtime.waiting import poll

from reactor_protocol.messages import ClientStats, Command, Refusal
from reactor_runtime.commands import INVALID_COMMAND
from reactor_runtime.description import CommandOutline, ModelDescription
from reactor_runtime.hosting import Outcome
from reactor_runtime.tracks import TrackSpec
from reactor_runtime.watching.sampling import sample_once
from reactor_runtime.watching.watch import Watch

Labels = tuple[tuple[str, str], ...]

NAMES = {
    "runtime_info": "gauge",
    "runtime_sessions": "counter",
    "runtime_session_duration_seconds": "histogram",
    "runtime_session_time_to_first_client_seconds": "histogram",
    "runtime_session_teardown_seconds": "histogram",
    "runtime_connections_opened": "counter",
    "runtime_connections_closed": "counter",
    "runtime_connections_active": "gauge",
    "runtime_session_state": "gauge",
    "runtime_session_errors": "counter",
    "runtime_commands": "counter",
    "runtime_command_ingress_seconds": "histogram",
    "runtime_model_load_seconds": "histogram",
    "runtime_media_frames": "counter",
    "runtime_media_emit_interval_seconds": "histogram",
    "runtime_webrtc_negotiation_seconds": "histogram",
    "runtime_webrtc_connect_seconds": "histogram",
    "runtime_webrtc_rtt_seconds": "histogram",
    "runtime_webrtc_media_rtt_seconds": "histogram",
    "runtime_webrtc_loss_ratio": "histogram",
    "runtime_webrtc_bandwidth_estimate_bytes_per_second": "histogram",
    "runtime_webrtc_jitter_seconds": "histogram",
    "runtime_webrtc_packets_sent": "counter",
    "runtime_webrtc_packets_received": "counter",
    "runtime_webrtc_packets_retransmitted": "counter",
    "runtime_webrtc_packets_lost": "counter",
    "runtime_webrtc_bytes_sent": "counter",
    "runtime_webrtc_bytes_received": "counter",
    "runtime_webrtc_frames_sent": "counter",
    "runtime_webrtc_frames_decoded": "counter",
    "runtime_webrtc_frames_dropped": "counter",
    "runtime_webrtc_nacks": "counter",
    "runtime_webrtc_keyframe_requests": "counter",
    "runtime_media_dropped_frames": "counter",
    "runtime_media_dropped_bundles": "counter",
    "runtime_media_dropped_samples": "counter",
    "runtime_media_missed_samples": "counter",
    "runtime_media_silence_frames": "counter",
    "runtime_frame_stage_seconds": "histogram",
}


def read(text: str) -> dict[tuple[str, Labels], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def figures(house: House) -> dict[tuple[str, Labels], float]:
    return read((await house.http.get("/metrics")).text)


async def test_the_names_and_their_types() -> None:
    async with opened() as house:
        response = await house.http.get("/metrics")
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/plain; version=")
        families = {family.name: family.type for family in text_string_to_metric_families(response.text)}
        assert families == NAMES
        # Nothing of the process, and nothing that the published one does not have either.
        assert "process_" not in response.text
        assert "_created" not in response.text


async def test_a_session_from_its_beginning_to_its_end() -> None:
    async with opened() as house:
        before = await figures(house)
        assert before["runtime_session_state", (("state", "ready"),)] == 1
        assert before["runtime_sessions_total", (("reason", "stopped"),)] == 0
        assert before["runtime_model_load_seconds_count", (("outcome", "success"),)] == 1
        assert before["runtime_info", (("model", "studio"), ("version", "0.1.0"))] == 1
        await house.start()
        client = await house.welcome()
        other = await house.welcome()
        during = await figures(house)
        assert during["runtime_session_state", (("state", "ready"),)] == 0
        assert during["runtime_session_state", (("state", "streaming"),)] == 1
        assert during["runtime_connections_active", ()] == 2
        assert during["runtime_connections_opened_total", ()] == 2
        assert during["runtime_webrtc_negotiation_seconds_count", (("outcome", "ok"),)] == 2
        assert during["runtime_webrtc_connect_seconds_count", ()] == 2
        assert during["runtime_session_time_to_first_client_seconds_count", ()] == 1
        await other.leave()

        async def one_left() -> bool:
            return (await figures(house))["runtime_connections_active", ()] == 1

        await poll(one_left, 20)
        await client.command("set_level", level=7)
        await house.http.post("/stop_session", json={"moderate": True})
        after = await figures(house)
        assert after["runtime_connections_closed_total", ()] == 1
        assert after["runtime_connections_active", ()] == 0
        assert after["runtime_sessions_total", (("reason", "moderated"),)] == 1
        assert after["runtime_session_duration_seconds_count", (("reason", "moderated"),)] == 1
        assert after["runtime_session_teardown_seconds_count", ()] == 1
        assert before.keys() == after.keys()


async def test_an_offer_that_cannot_be_used() -> None:
    async with opened() as house:
        await house.start()
        visitor = house.visitor()
        await visitor.register()
        response = await house.http.post(visitor.path, json={"sdp_offer": "nonsense", "track_mapping": []})
        assert response.status_code == 400
        assert (await figures(house))["runtime_webrtc_negotiation_seconds_count", (("outcome", "error"),)] == 1


async def test_commands_by_what_became_of_them() -> None:
    async with opened() as house:
        await house.start()
        client = await house.welcome()
        await client.command("set_level", level=7)
        await client.command("set_level", level=700)
        await client.command("refuse")
        await client.command("made_up_by_a_client", level=7)
        after = await figures(house)

        def count(command: str, outcome: str) -> float:
            return after["runtime_commands_total", (("command", command), ("outcome", outcome))]

        assert count("set_level", "accepted") == 1
        assert count("set_level", "rejected") == 1
        assert count("set_level", "unresolved_upload") == 0
        assert count("refuse", "rejected") == 1
        assert count("unknown", "rejected") == 1
        assert after["runtime_command_ingress_seconds_count", (("command", "set_level"),)] == 2
        assert "made_up_by_a_client" not in str(after)


async def test_each_stage_of_a_frames_way() -> None:
    async with opened() as house:
        await house.start()
        client = await house.welcome()
        client.resume()
        for _ in range(5):
            await client.picture()
        await sample_once(house.runtime.watch, house.runtime.signalling)
        stats = ClientStats(({"track_name": "main", "frame_stages": [{"name": "decode", "total_ms": 30.0, "frames": 10}]},))
        house.runtime.watch.client_stats(client.id, stats)
        house.runtime.watch.client_stats(client.id, stats)  # too soon: not counted
        after = await figures(house)

        def count(stage: str) -> float:
            return after["runtime_frame_stage_seconds_count", (("stage", stage),)]

        for stage in ("generate", "convert", "handover", "pace"):
            assert count(stage) >= 5, stage
        assert count("network") == 1
        assert count("decode") == 1
        assert after["runtime_frame_stage_seconds_sum", (("stage", "decode"),)] == 0.003
        assert count("encode") == 0  # the peers of this test encode nothing
        assert after["runtime_media_frames_total", (("track", "main"),)] >= 5
        assert after["runtime_media_emit_interval_seconds_count", (("track", "main"),)] >= 4
        assert after["runtime_webrtc_rtt_seconds_count", ()] == 1


async def test_a_worker_shows_its_figures_to_its_coordinator_alone() -> None:
    async with opened(settings=WORKER) as house:
        assert (await house.http.get("/metrics")).status_code == 200
        del house.http.headers["authorization"]
        for path in ("/metrics", "/events"):
            assert (await house.http.get(path)).status_code == 401


# --------------------------------------------------------------------------------------- nothing a peer does makes series

MODEL = ModelDescription(
    "painter",
    30.0,
    (TrackSpec("main", "video", "out"), TrackSpec("webcam", "video", "in")),
    {"paint": CommandOutline("paint", "", frozenset())},
    frozenset(),
    {},
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
stat = st.fixed_dictionaries(
    {},
    optional={
        "track_name": st.text() | st.just("main"),
        "metrics": st.dictionaries(st.text(), st.floats(), max_size=4) | anything,
        "frame_stages": st.lists(
            st.fixed_dictionaries(
                {"name": st.sampled_from(["decode", "encode", "x" * 200]) | st.text(), "total_ms": anything, "frames": anything}
            )
            | anything,
            max_size=4,
        )
        | anything,
    },
)


def _session() -> Watch:
    watch = Watch()
    watch.loading()
    watch.loaded(MODEL)
    watch.session_asked({})
    watch.session_began("5e551044-0000-4000-8000-000000000000")
    return watch


def _series(watch: Watch) -> set[tuple[str, Labels]]:
    return set(read(watch.metrics.text().decode()))


SERIES = _series(_session())


@settings(max_examples=150, deadline=None)
@given(
    commands=st.lists(
        st.tuples(st.text() | st.just("paint"), st.dictionaries(st.text(), anything, max_size=3), st.text() | st.none()),
        max_size=4,
    ),
    reports=st.lists(st.tuples(st.integers(1001, 9999), st.lists(stat, max_size=3), stat), max_size=4),
    parameters=st.dictionaries(st.text(), anything, max_size=4),
)
def test_nothing_that_a_peer_sends_makes_a_metric_or_a_label(
    commands: list[tuple[str, dict[str, object], str | None]],
    reports: list[tuple[int, list[dict[str, object]], dict[str, object]]],
    parameters: dict[str, object],
) -> None:
    watch = _session()
    watch.session_asked(parameters)
    for name, data, code in commands:
        with watch.command(1002, Command(name, data, {}, "r1")) as doing:
            doing.outcome = Outcome(error=Refusal(code or INVALID_COMMAND, name) if name != "paint" or code else None)
    for connection_id, tracks, connection in reports:
        watch.client_stats(connection_id, ClientStats(tuple(tracks), connection))
    watch.answered(1002, "v=0\r\nm=video 9 x\r\n")
    watch.left(1002, "it closed the connection")
    assert _series(watch) == SERIES
