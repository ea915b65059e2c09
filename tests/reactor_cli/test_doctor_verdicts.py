"""What the doctor says of facts, and what it advises."""

import pytest

from reactor_cli.doctor.examination import Plan, summary, target_of
from reactor_cli.doctor.facts import (
    ChannelFacts,
    DtlsFacts,
    EngineFacts,
    Facts,
    FrameFacts,
    HttpFacts,
    IceFacts,
    Leg,
    LegName,
    ModelFacts,
    PortFacts,
    QueueFacts,
    Refused,
    ServerFacts,
    TokenFacts,
    Verdict,
)
from reactor_cli.doctor.path import scopes_of
from reactor_cli.doctor.verdicts import judge, skipped
from reactor_protocol.errors import InvalidArgumentError

HERE = target_of("http://127.0.0.1:8080")
THERE = target_of("http://gpu.example.com:8080/")
HOSTED = target_of("https://reactor.example.com", "sky")
HOST, FAR = "host 192.0.2.1:4711/udp", "host 192.0.2.9:5000/udp"
RUNTIME = HttpFacts(200, "runtime", "healthy", "available", "", "uvicorn")


@pytest.mark.parametrize(
    ("name", "facts", "found"),
    [
        (
            LegName.ENGINE,
            EngineFacts("0.1.0", ("VP8", "AV1"), ("opus", "G722"), 41.2),
            "wrtc 0.1.0; VP8, AV1, opus; two peers of this process connect in 41 ms",
        ),
        (LegName.PORT, PortFacts("open"), "127.0.0.1:8080 takes connections"),
        (LegName.HTTP, RUNTIME, "a runtime, HTTP 200, healthy"),
        (
            LegName.HTTP,
            HttpFacts(200, "runtime", "degraded", "serving", "the session is not recorded: disk full"),
            "a runtime, HTTP 200, degraded (the session is not recorded: disk full)",
        ),
        (LegName.MODEL, RUNTIME, "loaded, available"),
        (LegName.QUEUE, QueueFacts(served=True), "a session was begun"),
        (LegName.QUEUE, QueueFacts(served=True, created=False), "somebody's session runs: joined it"),
        (
            LegName.ICE,
            IceFacts((HOST, "srflx 203.0.113.1:9/udp"), (FAR,), 12.3, state="connected", chosen=(HOST, FAR)),
            "host 192.0.2.1:4711/udp to host 192.0.2.9:5000/udp; gathered 1 host, 1 srflx in 12 ms",
        ),
        (LegName.DTLS, DtlsFacts("connected"), "the handshake is done"),
        (LegName.CHANNEL, ChannelFacts(True, 1.25), "open; a question and its answer take 1.2 ms"),
        (LegName.FRAME, FrameFacts("main_video", 640, 360, 29.8, True), "640x360 of main_video, 30 fps"),
    ],
)
def test_a_leg_that_stands(name: LegName, facts: Facts, found: str) -> None:
    assert judge(name, facts, HERE) == Verdict("passed", found)


@pytest.mark.parametrize(
    ("facts", "found", "cure"),
    [
        (PortFacts("refused"), "nothing listens on 127.0.0.1:8080", "start the model (`reactor run` in its folder)"),
        (
            PortFacts("silent"),
            "nothing comes back from 127.0.0.1:8080",
            "a firewall drops what is sent there: open TCP port 8080",
        ),
        (PortFacts("unreachable", "No route to host"), "127.0.0.1:8080 cannot be reached: No route to host", "start the model"),
    ],
)
def test_nobody_at_the_port(facts: PortFacts, found: str, cure: str) -> None:
    verdict = judge(LegName.PORT, facts, HERE)
    assert (verdict.outcome, verdict.found) == ("failed", found)
    assert verdict.cure.startswith(cure)


def test_nobody_at_the_port_of_another_machine() -> None:
    assert "listening on more than 127.0.0.1" in judge(LegName.PORT, PortFacts("refused"), THERE).cure
    assert "REACTOR_API_URL" in judge(LegName.PORT, PortFacts("refused"), HOSTED).cure
    assert judge(LegName.PORT, PortFacts("unknown host"), THERE).found == "there is no host 'gpu.example.com'"


def test_somebody_else_at_the_port() -> None:
    verdict = judge(LegName.HTTP, HttpFacts(404, server="nginx/1.24", who="python3, pid 4711"), HERE)
    assert verdict == Verdict(
        "failed",
        "another program (python3, pid 4711) listens on port 8080: it answers HTTP 404",
        "stop it, or run the model on another port: reactor run --port 8081",
    )
    assert "(nginx/1.24)" in judge(LegName.HTTP, HttpFacts(404, server="nginx/1.24"), THERE).found


def test_the_wrong_kind_of_server() -> None:
    assert judge(LegName.HTTP, RUNTIME, HOSTED) == Verdict(
        "failed", "this is a runtime, not a coordinator", "leave out --model, or give the address of a coordinator"
    )
    assert judge(LegName.HTTP, HttpFacts(200, "coordinator", "healthy"), HERE).found == "this is a coordinator, not a runtime"
    assert judge(LegName.HTTP, HttpFacts(200, "coordinator", "draining"), HOSTED).found == (
        "the coordinator is draining: it takes no new sessions"
    )


def test_a_model_that_failed_to_load() -> None:
    facts = HttpFacts(503, "runtime", "unhealthy", "error", "the model failed to load: no module named torch")
    assert judge(LegName.MODEL, facts, HERE) == Verdict(
        "failed",
        "the model failed to load: no module named torch",
        "mend the model, and start it again; `reactor schema FOLDER --debug` shows where it fails",
    )
    loading = HttpFacts(200, "runtime", "healthy", "loading")
    assert judge(LegName.MODEL, loading, HERE).found == "the model is still being loaded"


def test_tokens() -> None:
    assert judge(LegName.TOKEN, TokenFacts(key=False), HOSTED).cure.startswith("set REACTOR_API_KEY")
    wrong = TokenFacts(refused=Refused(401, "UNAUTHORIZED", "the API key is unknown"))
    assert judge(LegName.TOKEN, wrong, HOSTED).found == "the API key is not accepted: the API key is unknown"
    assert judge(LegName.TOKEN, wrong, HOSTED).cure.startswith("check REACTOR_API_KEY")
    fine = TokenFacts(expires_in_s=3600.0, models=("sky",), max_sessions=2)
    assert judge(LegName.TOKEN, fine, HOSTED) == Verdict("passed", "the key is accepted: sky, 2 sessions, valid for 60 min")
    assert skipped(LegName.TOKEN, HERE) == Verdict("skipped", "a local runtime asks for none")
    assert skipped(LegName.TOKEN, HOSTED) is None


def test_models_of_a_coordinator() -> None:
    assert judge(LegName.MODEL, ModelFacts("sky", ("sea",), found=False), HOSTED) == Verdict(
        "failed", "the coordinator has no model 'sky'; it has: sea", "give one of them as --model"
    )
    stands = ModelFacts("sky", ("sky",), True, 4, 1, 2)
    assert judge(LegName.MODEL, stands, HOSTED) == Verdict("passed", "4 workers, 1 free, 2 sessions wait")


def test_queues() -> None:
    full = Refused(429, "NO_CAPACITY", "the queue for sky is full (9 sessions wait): try again in 30 s", 30.0)
    verdict = judge(LegName.QUEUE, QueueFacts(refused=full), HOSTED)
    assert verdict.found == "the queue for sky is full (9 sessions wait): try again in 30 s"
    assert verdict.cure == (
        "try again in 30 s; an operator can add workers (models.NAME.max, pool) or lengthen the queue (limits.queue_length)"
    )
    waits = QueueFacts(place=3, waiting=9, estimate_s=41.0, patience_s=10)
    assert judge(LegName.QUEUE, waits, HOSTED).found == (
        "after 10 s still without a worker: place 3 of 9 in the queue, about 41 s to go"
    )
    quota = QueueFacts(refused=Refused(403, "QUOTA_EXCEEDED", "1 of 1 sessions of this API key are open"))
    assert judge(LegName.QUEUE, quota, HOSTED).cure.startswith("end a session of this key first")


def test_udp_that_is_blocked() -> None:
    facts = IceFacts((HOST,), (FAR,), 4.0, state="checking", asked=12, patience_s=10)
    assert judge(LegName.ICE, facts, HERE) == Verdict(
        "failed",
        "UDP is blocked: 12 checks to host 192.0.2.9:5000/udp, 0 answers in 10 s; gathered 1 host in 4 ms",
        "open UDP between the two (WEBRTC_PORT_RANGE names the ports), or give a TURN server that can be reached over TCP: "
        "TURN_SERVERS for `reactor run`, ice.turn in reactor-cloud.yaml",
    )


def test_a_stun_server_that_does_not_answer() -> None:
    deaf = (ServerFacts("stun:stun.example.com:3478", None, "no answer within 2 s"),)
    blocked = IceFacts((HOST,), (FAR,), 2000.0, False, deaf, "checking", None, 12, 0, 10)
    verdict = judge(LegName.ICE, blocked, THERE)
    assert verdict.found.endswith("gathered 1 host in 2000 ms, and went on; stun:stun.example.com:3478 does not answer")
    assert verdict.cure.startswith("let UDP out to stun:stun.example.com:3478, or give a TURN server")
    passed = IceFacts((HOST,), (FAR,), 2000.0, False, deaf, "connected", (HOST, FAR), 1, 1, 10)
    assert judge(LegName.ICE, passed, HERE).outcome == "passed"
    assert "does not answer" in judge(LegName.ICE, passed, HERE).found


@pytest.mark.parametrize(
    ("name", "facts", "found"),
    [
        (LegName.ENGINE, EngineFacts(failure="libwrtc.so", loaded=False), "the WebRTC engine cannot be loaded: libwrtc.so"),
        (
            LegName.ENGINE,
            EngineFacts("0.1.0", failure="not within 10 s"),
            "two peers of this process do not connect: not within 10 s",
        ),
        (LegName.HTTP, HttpFacts(failure="nothing came within 10 s"), "no answer to HTTP: nothing came within 10 s"),
        (LegName.ICE, IceFacts((), (FAR,)), "this machine has no address to send from"),
        (LegName.ICE, IceFacts((HOST,), ()), "the other side has named no address"),
        (
            LegName.ICE,
            IceFacts(refused=Refused(503, "SERVER_ERROR", "64 connections are taken", 5)),
            "the descriptions were not exchanged: 64 connections are taken",
        ),
        (LegName.DTLS, DtlsFacts("connecting", 10), "the DTLS handshake is connecting after 10 s"),
        (LegName.CHANNEL, ChannelFacts(False, failure="closed"), "the data channels do not open: closed"),
        (LegName.CHANNEL, ChannelFacts(True, failure="nothing within 10 s"), "a question is not answered: nothing within 10 s"),
        (LegName.FRAME, FrameFacts("main_video", patience_s=10), "no picture of main_video in 10 s"),
        (LegName.FRAME, FrameFacts("main_video", session_over="the model crashed"), "the session ended: the model crashed"),
    ],
)
def test_other_legs_that_fail_have_a_cure(name: LegName, facts: Facts, found: str) -> None:
    verdict = judge(name, facts, HERE)
    assert (verdict.outcome, verdict.found) == ("failed", found)
    assert verdict.cure


def test_a_model_without_video() -> None:
    assert judge(LegName.FRAME, FrameFacts(None), HERE) == Verdict("skipped", "the model shows no video")


def test_the_document_names_the_leg_that_fails() -> None:
    legs = [
        Leg(LegName.PORT, Verdict("failed", "nothing listens", "start it"), 1.26, PortFacts("refused")),
        Leg(LegName.HTTP, Verdict("skipped", "not reached")),
    ]
    document = summary(HERE, legs)
    assert (document["ok"], document["failed"], document["cure"]) == (False, "port", "start it")
    assert document["legs"] == [
        {
            "leg": "port",
            "outcome": "failed",
            "ms": 1.3,
            "found": "nothing listens",
            "facts": {"outcome": "refused", "detail": ""},
        },
        {"leg": "http", "outcome": "skipped", "ms": None, "found": "not reached", "facts": None},
    ]


def test_scopes() -> None:
    grant = {"type": "session", "resources": {"models": {"match": ["sky"]}}, "constraints": {"max_sessions": 3}}
    assert scopes_of([grant]) == (("sky",), 3)
    assert scopes_of([{"resources": {"models": {"all": True}}}]) == (None, None)
    for nothing in (None, "all", [1], [{"resources": 7}]):
        assert scopes_of(nothing)[1] is None


@pytest.mark.parametrize("url", ["gpu", "ftp://gpu", "http://", "http://me:secret@gpu", "http://gpu:99999"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        target_of(url)
    assert "secret" not in str(caught.value)


def test_a_key_is_in_no_text() -> None:
    assert "rk_secret" not in repr(Plan(HOSTED, 10.0, "rk_secret"))
