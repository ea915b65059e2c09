"""How a runtime describes its session (reference: runtime, 3.1)."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from reactor_protocol.names import EXTENSION_ACKS, NIL_SESSION_ID
from reactor_protocol.resources import Capabilities, Capability, ModelName, ServerInfo, Session, Track, Transport
from reactor_runtime.loader import LoadedModel
from reactor_runtime.runtime import Runtime


def describe(runtime: Runtime) -> dict[str, Any]:
    """The session descriptor. Capabilities are absent until the model is loaded."""
    model = runtime.loaded
    recording = runtime.recordings.options
    session = Session.model_validate(
        {
            "session_id": runtime.table.session_id or NIL_SESSION_ID,
            "state": str(runtime.table.state),
            "cluster": "local",
            "model": ModelName(name=model.contract.name if model else ""),
            "server_info": ServerInfo(server_version=version("openreactor")),
            "selected_transport": Transport(),
            "transports": [Transport()],
            "recording": {"enabled": recording.enabled, "chunk_seconds": recording.chunk_seconds},
        }
    )
    if model is not None:
        session.capabilities = capabilities_of(model)
    return session.model_dump(exclude_none=True)


def capabilities_of(model: LoadedModel) -> Capabilities:
    """What a model offers. Directions are the client's."""
    contract = model.contract
    return Capabilities(
        tracks=[
            Track(name=track.name, kind=track.kind, direction="sendonly" if track.flow == "in" else "recvonly")
            for track in contract.tracks
        ],
        commands=[Capability(name=spec.name, description=spec.description) for spec in contract.commands.values()],
        emission_fps=float(model.model_class.fps),
        extensions={EXTENSION_ACKS: 1},
    )
