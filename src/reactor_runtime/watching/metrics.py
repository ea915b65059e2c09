"""The metrics of a runtime, by the names of the published one (reference: runtime, 9.2), in a registry of their own."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, generate_latest

from reactor_protocol.lifecycles import RuntimeState
from reactor_runtime.description import ModelDescription
from reactor_runtime.session import EndReason
from reactor_runtime.watching.instruments import Count, Family, Instruments
from reactor_runtime.watching.network_metrics import NetworkMetrics

UNKNOWN: Final = "unknown"
"""The command of whoever names one that the model does not have."""

OUTCOMES: Final = ("accepted", "rejected", "unresolved_upload")
STAGES: Final = ("generate", "handover", "convert", "encode", "pace", "network", "decode")
"""A frame's way, in order. What is measured of it for each frame costs the loop a microsecond; the rest comes from statistics."""

_QUICK: Final = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_FRAME: Final = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.035, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_INTERVAL: Final = (0.005, 0.01, 0.017, 0.02, 0.025, 0.034, 0.042, 0.05, 0.067, 0.1, 0.2, 0.5, 1.0, 2.0)
_CONNECT: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0)
_LONG: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0, 14400.0)


class SessionMetrics:
    """The session and its end."""

    def __init__(self, make: Instruments) -> None:
        self.ended = make.count("runtime_sessions", "Sessions that have ended.", "reason")
        self.seconds = make.spread("runtime_session_duration_seconds", "How long sessions lasted.", _LONG, "reason")
        self.to_first_client = make.spread(
            "runtime_session_time_to_first_client_seconds", "From the start of a session to its first client.", _CONNECT
        )
        self.teardown = make.spread("runtime_session_teardown_seconds", "How long it took to end a session.", _CONNECT)
        self.state = make.level("runtime_session_state", "1 for the state that the runtime is in, 0 for the others.", "state")
        self.errors = make.count("runtime_session_errors", "Crashes of the model, and commands whose handler failed.")
        for reason in EndReason:
            self.ended.open(reason)
            self.seconds.open(reason)
        self.be(RuntimeState.CREATED)

    def be(self, state: RuntimeState) -> None:
        """The runtime is in that state."""
        for each in RuntimeState:
            self.state.open(each).set(1.0 if each is state else 0.0)


class ConnectionMetrics:
    """How clients come and go."""

    def __init__(self, make: Instruments) -> None:
        self.opened = make.count("runtime_connections_opened", "Connections that came up.")
        self.closed = make.count("runtime_connections_closed", "Connections that ended while the session went on.")
        self.active = make.level("runtime_connections_active", "Clients of the session that are connected.")
        self.negotiation = make.spread(
            "runtime_webrtc_negotiation_seconds", "From an offer to its answer, or its refusal.", _CONNECT, "outcome"
        )
        self.connect = make.spread("runtime_webrtc_connect_seconds", "From an offer until the client is connected.", _CONNECT)
        for outcome in ("ok", "error"):
            self.negotiation.open(outcome)


class ModelMetrics:
    """The model, and the commands that it is given."""

    def __init__(self, make: Instruments) -> None:
        self.info = make.level("runtime_info", "Always 1: what runs here.", "version", "model")
        self.load = make.spread("runtime_model_load_seconds", "How long the model took to load.", _LONG, "outcome")
        self.commands = make.count(
            "runtime_commands",
            "Commands of clients, by what became of them; those that the model lacks are unknown.",
            "command",
            "outcome",
        )
        self.ingress = make.spread(
            "runtime_command_ingress_seconds", "From taking a command up until the model had dealt with it.", _QUICK, "command"
        )
        for outcome in ("success", "failure"):
            self.load.open(outcome)


class MediaMetrics:
    """What the model shows, on its way to the engine."""

    def __init__(self, make: Instruments) -> None:
        self.frames = make.count("runtime_media_frames", "Pictures and stretches of sound that were sent.", "track")
        self.interval = make.spread("runtime_media_emit_interval_seconds", "Time between two of a track.", _INTERVAL, "track")
        self.dropped_frames = make.count("runtime_media_dropped_frames", "Pictures that were dropped before they were sent.")
        self.dropped_bundles = make.count(
            "runtime_media_dropped_bundles", "Bundles of tracks that were dropped before they were sent."
        )
        self.dropped_samples = make.count(
            "runtime_media_dropped_samples", "Samples of sound that were dropped before they were sent."
        )
        self.missed_samples = make.count(
            "runtime_media_missed_samples",
            "Samples of clients' sound that were dropped because the model did not read them in time.",
        )
        self.silence = make.count(
            "runtime_media_silence_frames", "Blocks of silence that were sent where the model gave no sound."
        )
        self.stages = make.spread("runtime_frame_stage_seconds", "How long each stage of a frame's way took.", _FRAME, "stage")
        for stage in STAGES:
            self.stages.open(stage)


class Metrics:
    """All of them."""

    def __init__(self) -> None:
        make = Instruments()
        self.model = ModelMetrics(make)
        self.sessions = SessionMetrics(make)
        self.connections = ConnectionMetrics(make)
        self.media = MediaMetrics(make)
        self.network = NetworkMetrics(make)
        self._registry = CollectorRegistry()
        self._registry.register(make)

    def know(self, model: ModelDescription, version: str) -> None:
        """Opens the series of a model: those of its tracks and its commands, and no others later."""
        self.model.info.open(version, model.name).set(1.0)
        for command in (*model.commands, UNKNOWN):
            self.model.ingress.open(command)
            for outcome in OUTCOMES:
                self.model.commands.open(command, outcome)
        for track in model.tracks:
            if track.flow == "out":
                self.media.frames.open(track.name)
                self.media.interval.open(track.name)
            self.network.open(track.name)

    def command(self, name: str, outcome: str, seconds: float) -> None:
        """What became of a command, and how long that took."""
        ingress = self.model.ingress.find(name)
        known = name if ingress is not None else UNKNOWN
        _add(self.model.commands, known, outcome)
        if (spread := self.model.ingress.find(known)) is not None:
            spread.add(seconds)

    def text(self) -> bytes:
        """All of it, in the text format of Prometheus."""
        return generate_latest(self._registry)


def _add(family: Family[Count], *values: str) -> None:
    cell = family.find(*values)
    if cell is not None:
        cell.add()
