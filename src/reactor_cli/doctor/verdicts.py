"""What the facts of a leg mean, and what cures it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from reactor_cli.doctor.facts import (
    ChannelFacts,
    DtlsFacts,
    EngineFacts,
    FrameFacts,
    HttpFacts,
    IceFacts,
    LegName,
    ModelFacts,
    PortFacts,
    QueueFacts,
    Refused,
    Target,
    TokenFacts,
    Verdict,
)

PASSED: Final = "passed"
FAILED: Final = "failed"
SKIPPED: Final = "skipped"

_TURN: Final = "give a TURN server that can be reached over TCP: TURN_SERVERS for `reactor run`, ice.turn in reactor-cloud.yaml"


def judge(name: LegName, facts: Any, target: Target) -> Verdict:
    """The verdict on the facts of a leg."""
    return _JUDGES[name](facts, target)


def skipped(name: LegName, target: Target) -> Verdict | None:
    """The verdict on a leg that there is nothing to walk on; None for one that has to be walked."""
    if not target.hosted and name is LegName.TOKEN:
        return Verdict(SKIPPED, "a local runtime asks for none")
    return None


def _failed(found: str, cure: str) -> Verdict:
    return Verdict(FAILED, found, cure)


def _engine(facts: EngineFacts, _target: Target) -> Verdict:
    if not facts.loaded:
        return _failed(
            f"the WebRTC engine cannot be loaded: {facts.failure}",
            "install it again: pip install --force-reinstall wrtc (wheels are for Linux, macOS and Windows, 64 bit)",
        )
    if facts.failure is not None:
        return _failed(
            f"two peers of this process do not connect: {facts.failure}",
            "let this program send UDP to itself: look at a local firewall, a sandbox or a VPN that takes all traffic",
        )
    codecs = ", ".join((*facts.video, *facts.audio[:1]))
    return Verdict(
        PASSED, f"wrtc {facts.version}; {codecs}; two peers of this process connect in {facts.connected_ms or 0:.0f} ms"
    )


def _port(facts: PortFacts, target: Target) -> Verdict:
    place = f"{target.host}:{target.port}"
    if facts.outcome == "open":
        return Verdict(PASSED, f"{place} takes connections")
    found = {
        "refused": f"nothing listens on {place}",
        "silent": f"nothing comes back from {place}",
        "unknown host": f"there is no host {target.host!r}",
    }.get(facts.outcome, f"{place} cannot be reached: {facts.detail}")
    return _failed(found, _port_cure(facts, target))


def _port_cure(facts: PortFacts, target: Target) -> str:
    if facts.outcome == "silent":
        return f"a firewall drops what is sent there: open TCP port {target.port}, or check the address"
    if facts.outcome == "unknown host":
        return "check the spelling of the address, and that the name server knows it"
    if target.hosted:
        return "start the coordinator (`reactor coordinator`), or say where it is: REACTOR_API_URL"
    start = f"`reactor run --port {target.port}`" if target.port != 8080 else "`reactor run`"
    if target.here:
        return f"start the model ({start} in its folder), or give its address: reactor doctor http://HOST:PORT"
    return f"start the model there ({start}), listening on more than 127.0.0.1: --host 0.0.0.0"


def _http(facts: HttpFacts, target: Target) -> Verdict:
    wanted = "coordinator" if target.hosted else "runtime"
    if facts.failure is not None:
        return _failed(f"no answer to HTTP: {facts.failure}", "check the address: http or https, host and port")
    if facts.speaks != wanted:
        return _stranger(facts, target, wanted)
    if wanted == "coordinator":
        if facts.health != "healthy":
            return _failed(
                f"the coordinator is {facts.health}: it takes no new sessions", "wait until it is back, or ask its operator"
            )
        return Verdict(PASSED, "a coordinator, healthy")
    found = f"a runtime, HTTP {facts.status}, {facts.health}"
    return Verdict(PASSED, f"{found} ({facts.detail})" if facts.detail and facts.health == "degraded" else found)


def _stranger(facts: HttpFacts, target: Target, wanted: str) -> Verdict:
    if facts.speaks in ("runtime", "coordinator"):
        cure = "leave out --model" if target.hosted else "say which model: reactor doctor --model NAME"
        return _failed(f"this is a {facts.speaks}, not a {wanted}", f"{cure}, or give the address of a {wanted}")
    who = f" ({facts.who})" if facts.who else f" ({facts.server})" if facts.server else ""
    found = f"another program{who} listens on port {target.port}: it answers HTTP {facts.status}"
    other = target.port + 1 if target.port < 65535 else 8080
    return _failed(found, f"stop it, or run the model on another port: reactor run --port {other}")


def _token(facts: TokenFacts, _target: Target) -> Verdict:
    if not facts.key:
        return _failed("there is no API key", "set REACTOR_API_KEY; an operator makes one with `reactor keys create NAME`")
    if facts.refused is not None:
        if facts.refused.status in (401, 403):
            return _failed(
                f"the API key is not accepted: {facts.refused.message}",
                "check REACTOR_API_KEY (an operator sees the keys that are valid with `reactor keys list`)",
            )
        return _failed(f"no token: {facts.refused.message}", _later(facts.refused))
    models = "all models" if facts.models is None else ", ".join(facts.models)
    lasts = "" if facts.expires_in_s is None else f", valid for {facts.expires_in_s / 60:.0f} min"
    most = "" if facts.max_sessions is None else f", {facts.max_sessions} sessions"
    return Verdict(PASSED, f"the key is accepted: {models}{most}{lasts}")


def _model(facts: ModelFacts | HttpFacts, target: Target) -> Verdict:
    if isinstance(facts, HttpFacts):
        return _local_model(facts)
    if facts.refused is not None:
        return _failed(facts.refused.message, _later(facts.refused))
    if facts.found is False:
        known = ", ".join(facts.known) or "none"
        return _failed(f"the coordinator has no model {facts.name!r}; it has: {known}", "give one of them as --model")
    if facts.found is None:
        return Verdict(PASSED, "the coordinator does not list its models")
    return Verdict(PASSED, f"{facts.workers} workers, {facts.free} free, {facts.waiting} sessions wait")


def _local_model(facts: HttpFacts) -> Verdict:
    if facts.health == "unhealthy":
        why = facts.detail or f"it is {facts.state}"
        if facts.state == "error" or "failed to load" in why:
            return _failed(why, "mend the model, and start it again; `reactor schema FOLDER --debug` shows where it fails")
        return _failed(f"the model cannot serve: {why}", "read what `reactor run` has logged, and start it again")
    if facts.state == "loading":
        return _failed("the model is still being loaded", "wait: large weights take minutes; --timeout gives it longer")
    return Verdict(PASSED, f"loaded, {facts.state}")


def _queue(facts: QueueFacts, target: Target) -> Verdict:
    if facts.refused is not None:
        return _refused_session(facts.refused)
    if not facts.served:
        place = f"place {facts.place} of {facts.waiting} in the queue" if facts.place is not None else "no worker yet"
        wait = "" if facts.estimate_s is None else f", about {facts.estimate_s:.0f} s to go"
        return _failed(
            f"after {facts.patience_s:g} s still without a worker: {place}{wait}",
            "wait longer (--timeout), or let there be more workers: models.NAME.max and pool in reactor-cloud.yaml",
        )
    if not target.hosted:
        return Verdict(PASSED, "a session was begun" if facts.created else "somebody's session runs: joined it")
    waited = f" after place {facts.place} of {facts.waiting}" if facts.place is not None else ", without waiting"
    return Verdict(PASSED, f"a worker was found{waited}")


def _refused_session(refused: Refused) -> Verdict:
    if refused.code == "NO_CAPACITY":
        return _failed(
            refused.message,
            f"{_again(refused)}; an operator can add workers (models.NAME.max, pool) or lengthen the queue (limits.queue_length)",
        )
    if refused.code == "QUOTA_EXCEEDED":
        return _failed(refused.message, "end a session of this key first: reactor_sdk.list_sessions(), end_session()")
    if refused.code == "CREDITS_EXHAUSTED":
        return _failed(refused.message, "ask the operator of the coordinator for more credit")
    return _failed(f"no session: {refused.message}", _later(refused))


def _again(refused: Refused) -> str:
    return "try again later" if refused.retry_after is None else f"try again in {refused.retry_after:.0f} s"


def _later(refused: Refused) -> str:
    return _again(refused) if refused.status in (429, 503) else "read what the server has logged"


def _ice(facts: IceFacts, target: Target) -> Verdict:
    if facts.refused is not None:
        return _failed(f"the descriptions were not exchanged: {facts.refused.message}", _later(facts.refused))
    deaf = [server for server in facts.servers if server.answered_ms is None]
    if facts.chosen is not None or facts.state in ("connected", "completed"):
        here, there = facts.chosen or ("?", "?")
        slow = f"; {deaf[0].url} does not answer" if deaf else ""
        return Verdict(PASSED, f"{here} to {there}; {_gathered(facts)}{slow}")
    if not facts.local:
        return _failed("this machine has no address to send from", "connect it to a network, or allow this program to open UDP")
    if not facts.remote:
        return _failed(
            "the other side has named no address",
            f"{'its worker' if target.hosted else 'the runtime'} is without a network: look at its ICE settings",
        )
    return _blocked(facts, deaf_url=deaf[0].url if deaf else None)


def _blocked(facts: IceFacts, *, deaf_url: str | None) -> Verdict:
    there = ", ".join(facts.remote[:3]) + (", ..." if len(facts.remote) > 3 else "")
    found = (
        f"UDP is blocked: {facts.asked} checks to {there}, {facts.answered} answers in {facts.patience_s:g} s; {_gathered(facts)}"
    )
    if facts.answered:
        found = (
            f"no pair of addresses works both ways: {facts.answered} of {facts.asked} checks were answered; {_gathered(facts)}"
        )
    if deaf_url is not None:
        return _failed(f"{found}; {deaf_url} does not answer", f"let UDP out to {deaf_url}, or {_TURN}")
    return _failed(found, f"open UDP between the two (WEBRTC_PORT_RANGE names the ports), or {_TURN}")


def _gathered(facts: IceFacts) -> str:
    kinds = [candidate.partition(" ")[0] for candidate in facts.local]
    counted = ", ".join(f"{kinds.count(kind)} {kind}" for kind in ("host", "srflx", "relay") if kind in kinds)
    return f"gathered {counted or 'nothing'} in {facts.gathered_ms:.0f} ms" + ("" if facts.complete else ", and went on")


def _dtls(facts: DtlsFacts, _target: Target) -> Verdict:
    if facts.state == "connected":
        return Verdict(PASSED, "the handshake is done")
    return _failed(
        f"the DTLS handshake is {facts.state} after {facts.patience_s:g} s",
        "something lets small packets through and not larger ones (a VPN's MTU), or changes them: try without it",
    )


def _channel(facts: ChannelFacts, _target: Target) -> Verdict:
    if not facts.open:
        return _failed(
            f"the data channels do not open: {facts.failure}",
            "packets are lost on the way: look at the path's loss, or try a TURN server over TCP",
        )
    if facts.round_trip_ms is None:
        return _failed(f"a question is not answered: {facts.failure}", "read what the runtime has logged: it may be overloaded")
    return Verdict(PASSED, f"open; a question and its answer take {facts.round_trip_ms:.1f} ms")


def _frame(facts: FrameFacts, _target: Target) -> Verdict:
    if facts.track is None:
        return Verdict(SKIPPED, "the model shows no video")
    if facts.session_over is not None:
        return _failed(f"the session ended: {facts.session_over}", "read what the runtime has logged")
    if not facts.arrived:
        return _failed(
            f"no picture of {facts.track} in {facts.patience_s:g} s",
            "the model may wait for a command or an input (`reactor client show`), or its first frame takes longer (--timeout)",
        )
    return Verdict(PASSED, f"{facts.width}x{facts.height} of {facts.track}, {facts.fps:.0f} fps")


_JUDGES: Final[dict[LegName, Callable[[Any, Target], Verdict]]] = {
    LegName.ENGINE: _engine,
    LegName.PORT: _port,
    LegName.HTTP: _http,
    LegName.TOKEN: _token,
    LegName.MODEL: _model,
    LegName.QUEUE: _queue,
    LegName.ICE: _ice,
    LegName.DTLS: _dtls,
    LegName.CHANNEL: _channel,
    LegName.FRAME: _frame,
}
