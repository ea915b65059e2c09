"""HTTP bodies, from recorded ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from reactor_protocol import resources
from reactor_protocol.resources import (
    Answer,
    Candidate,
    Candidates,
    Capabilities,
    ConnectionCreated,
    IceServers,
    MappedTrack,
    Offer,
    Resource,
    Session,
    Token,
    Track,
    UploadRequest,
    UploadSlot,
)

WIRE = Path(__file__).parents[1] / "wire" / "bodies"

KINDS: dict[str, type[Resource]] = {
    "answer": Answer,
    "connection_created": ConnectionCreated,
    "descriptor": Session,
    "ice_candidates": Candidates,
    "ice_servers": IceServers,
    "offer": Offer,
    "session_created": Session,
    "token": Token,
    "upload_request": UploadRequest,
    "upload_slot": UploadSlot,
}
TRACK = {"name": "webcam", "kind": "video", "direction": "sendonly"}


def recorded(name: str) -> Any:
    return json.loads((WIRE / f"{name}.json").read_text())


def test_every_recorded_body_is_known() -> None:
    assert {path.stem for path in WIRE.glob("*.json")} == KINDS.keys()


@pytest.mark.parametrize("name", KINDS)
def test_a_body_comes_out_as_it_went_in(name: str) -> None:
    """Fields that we do not know included, fields that were absent left out."""
    body = recorded(name)
    assert KINDS[name].model_validate(body).model_dump(exclude_unset=True, mode="json") == body


def test_descriptor() -> None:
    session = Session.model_validate(recorded("descriptor"))
    assert (session.session_id, session.state) == ("00000000-0000-0000-0000-000000000000", "waiting")
    assert session.model is not None
    assert session.model.name == "my-model"
    assert session.server_info is not None
    assert session.server_info.server_version == "3.10.0"
    assert session.selected_transport is not None
    assert (session.selected_transport.protocol, session.selected_transport.version) == ("webrtc", "1.0")
    assert session.capabilities is not None
    assert [(track.name, track.kind, track.direction) for track in session.capabilities.tracks] == [
        ("webcam", "video", "sendonly"),
        ("main_video", "video", "recvonly"),
    ]
    assert session.capabilities.extensions == {}, "the published runtime has none"
    assert session.as_dict() == recorded("descriptor")


def test_a_slim_session_has_no_capabilities_yet() -> None:
    session = Session.model_validate(recorded("session_created"))
    assert session.capabilities is None
    assert session.selected_transport is None
    assert "capabilities" not in session.as_dict()


def test_extensions_name_their_version() -> None:
    assert Capabilities.model_validate({"extensions": {"acks": 1}}).extensions == {"acks": 1}


def test_what_a_body_says_by_default() -> None:
    assert Session(session_id="s", state="ready", capabilities=Capabilities()).model_dump()["capabilities"] == {
        "protocol_version": "v0",
        "tracks": [],
        "commands": None,
        "emission_fps": None,
        "extensions": {},
    }
    assert resources.Transport().model_dump() == {"protocol": "webrtc", "version": "1.0"}


@pytest.mark.parametrize(("body", "servers"), [({}, None), ({"ice_servers": []}, [])])
def test_absent_ice_servers_are_not_empty_ones(body: dict[str, Any], servers: list[Any] | None) -> None:
    assert Offer.model_validate({"sdp_offer": "v=0", **body}).ice_servers == servers


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (Track, {**TRACK, "name": "x" * 129}),
        (Track, {**TRACK, "kind": "smell"}),
        (Track, {**TRACK, "direction": "in"}),
        (MappedTrack, {**TRACK, "mid": "x" * 65}),
        (MappedTrack, TRACK),
        (Offer, {"sdp_offer": ""}),
        (Offer, {"sdp_offer": "x" * (256 * 1024 + 1)}),
        (Offer, {"sdp_offer": "v=0", "track_mapping": [{**TRACK, "mid": "0"}] * 65}),
        (Offer, {"sdp_offer": "v=0", "ice_servers": [{"uris": []}] * 17}),
        (Candidate, {"candidate": "x" * 2049}),
        (Candidates, {"candidates": [{"candidate": "c"}] * 257}),
        (Session, {"state": "ready"}),
        (Session, {"session_id": 7, "state": "ready"}),
    ],
)
def test_bounds(kind: type[Resource], body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        kind.model_validate(body)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (Track, {**TRACK, "name": "x" * 128}),
        (Offer, {"sdp_offer": "x" * (256 * 1024), "track_mapping": [{**TRACK, "mid": "m" * 64}] * 64}),
        (Candidates, {"candidates": [{"candidate": "x" * 2048}] * 256, "is_final": True}),
    ],
)
def test_what_is_just_within_bounds(kind: type[Resource], body: dict[str, Any]) -> None:
    assert kind.model_validate(body).model_dump(exclude_unset=True) == body
