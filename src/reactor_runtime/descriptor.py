"""How a runtime describes its session (reference: runtime, 3.1)."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from reactor_protocol.names import (
    EXTENSION_ACKS,
    EXTENSION_FRAME_NUMBERS,
    EXTENSION_VIEW_ONLY,
    FRAME_NUMBERS_ON_DEMAND,
    NIL_SESSION_ID,
)
from reactor_protocol.resources import Capabilities, Capability, ModelName, ServerInfo, Session, Track, Transport
from reactor_runtime.description import ModelDescription
from reactor_runtime.runtime import Runtime


def describe(runtime: Runtime) -> dict[str, Any]:
    """The session descriptor. Capabilities are absent until the model is loaded."""
    model = runtime.model
    recording = runtime.recordings.options
    session = Session.model_validate(
        {
            "session_id": runtime.table.session_id or NIL_SESSION_ID,
            "state": str(runtime.table.state),
            "cluster": "local",
            "model": ModelName(name=model.name if model else ""),
            "server_info": ServerInfo(server_version=version("openreactor")),
            "selected_transport": Transport(),
            "transports": [Transport()],
            "recording": {"enabled": recording.enabled, "chunk_seconds": recording.chunk_seconds},
            "step_results": {"enabled": False},
            "generation": runtime.stepping.terms.generation,
            "starting_input": {"applied": runtime.stepping.applied} if runtime.stepping.terms.starting is not None else None,
        }
    )
    if model is not None:
        session.capabilities = capabilities_of(model)
    return session.model_dump(exclude_none=True)


def capabilities_of(model: ModelDescription) -> Capabilities:
    """What a model offers. Directions are the client's."""
    return Capabilities(
        tracks=[
            Track(name=track.name, kind=track.kind, direction="sendonly" if track.flow == "in" else "recvonly")
            for track in model.tracks
        ],
        commands=[Capability(name=spec.name, description=spec.description) for spec in model.commands.values()],
        emission_fps=model.fps,
        extensions={EXTENSION_ACKS: 1, EXTENSION_FRAME_NUMBERS: FRAME_NUMBERS_ON_DEMAND, EXTENSION_VIEW_ONLY: 1},
    )
