"""How a connection of the engine came about, or why it did not: candidates, pairs, handshake. For those who look for faults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import webrtc

from reactor_protocol.resources import TrackKind
from reactor_rtc.engine import enter_engine


@dataclass(frozen=True, slots=True)
class Candidate:
    """One end of a path. ``kind`` is ``host``, ``srflx``, ``prflx`` or ``relay``, ``protocol`` ``udp`` or ``tcp``."""

    kind: str
    protocol: str
    address: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.kind} {host}:{self.port}/{self.protocol}"


@dataclass(frozen=True, slots=True)
class PathReport:
    """What the engine knows of a connection's path. ``round_trip`` is in seconds.

    ``chosen`` is the pair that carries it, this side first. ``asked`` and ``answered`` count connectivity checks that this side
    has sent, and answers to them; ``ice`` and ``dtls`` are states of W3C ``RTCIceTransport`` and ``RTCDtlsTransport``.
    """

    ice: str = "new"
    dtls: str = "new"
    local: tuple[Candidate, ...] = ()
    remote: tuple[Candidate, ...] = ()
    chosen: tuple[Candidate, Candidate] | None = None
    asked: int = 0
    answered: int = 0
    round_trip: float | None = None


def engine_version() -> str:
    """The version of the engine's package, as far as it is known."""
    try:
        return version("wrtc")
    except PackageNotFoundError:
        return "unknown"


def engine_codecs(kind: TrackKind) -> tuple[str, ...]:
    """The codecs that the engine can receive, best first; ``kind`` is ``video`` or ``audio``."""
    enter_engine()
    capabilities = webrtc.RTCRtpReceiver.get_capabilities(kind)
    names = (codec.mime_type.partition("/")[2] for codec in capabilities.codecs) if capabilities is not None else ()
    helpers = {"rtx", "red", "ulpfec", "flexfec-03", "cn", "telephone-event"}
    return tuple(dict.fromkeys(name for name in names if name.lower() not in helpers))


def read_path(report: webrtc.RTCStatsReport) -> PathReport:
    """The path in a report of the engine."""
    entries: Sequence[Any] = list(report.values())
    candidates = {entry.id: _candidate(entry) for entry in entries if isinstance(entry, webrtc.RTCIceCandidateStats)}
    remote_ids = {entry.id for entry in entries if _text(getattr(entry, "type", "")) == "remote-candidate"}
    pairs = [entry for entry in entries if isinstance(entry, webrtc.RTCIceCandidatePairStats)]
    transport = next((entry for entry in entries if isinstance(entry, webrtc.RTCTransportStats)), None)
    selected = next((pair for pair in pairs if pair.id == getattr(transport, "selected_candidate_pair_id", None)), None)
    here = candidates.get(getattr(selected, "local_candidate_id", ""))
    there = candidates.get(getattr(selected, "remote_candidate_id", ""))
    return PathReport(
        ice=_text(getattr(transport, "ice_state", None)) or "new",
        dtls=_text(getattr(transport, "dtls_state", None)) or "new",
        local=tuple(each for name, each in candidates.items() if name not in remote_ids),
        remote=tuple(each for name, each in candidates.items() if name in remote_ids),
        chosen=(here, there) if here is not None and there is not None else None,
        asked=sum(pair.requests_sent or 0 for pair in pairs),
        answered=sum(pair.responses_received or 0 for pair in pairs),
        round_trip=getattr(selected, "current_round_trip_time", None),
    )


def _candidate(entry: webrtc.RTCIceCandidateStats) -> Candidate:
    return Candidate(_text(entry.candidate_type), entry.protocol or "", entry.address or "", entry.port or 0)


def _text(value: object) -> str:
    return "" if value is None else str(getattr(value, "value", value))
