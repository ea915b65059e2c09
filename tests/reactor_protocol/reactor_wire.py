"""The messages of wire version v1 as the protobuf library makes them from ``tests/wire/v1/reactor_wire.proto``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory  # type: ignore[import-untyped]

_DESCRIPTORS = Path(__file__).parents[1] / "wire" / "v1" / "reactor_wire.binpb"


def _messages() -> dict[str, Any]:
    # A pool of its own: the published packages register the same names in the default one.
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(_DESCRIPTORS.read_bytes()).file:
        pool.Add(file)
    names = pool.FindFileByName("reactor_wire.proto").message_types_by_name
    return {name: message_factory.GetMessageClass(descriptor) for name, descriptor in names.items()}


_MESSAGES = _messages()
_ENVELOPES = {
    ("data", "client"): "DataClientMessage",
    ("data", "server"): "DataServerMessage",
    ("control", "client"): "ControlClientMessage",
    ("control", "server"): "ControlServerMessage",
}


def to_bytes(channel: str, who: str, body: dict[str, Any]) -> bytes:
    """The bytes of an envelope in proto-JSON."""
    data: bytes = json_format.ParseDict(body, _MESSAGES[_ENVELOPES[channel, who]]()).SerializeToString()
    return data


def to_json(channel: str, who: str, data: bytes) -> dict[str, Any]:
    """An envelope of those bytes in proto-JSON."""
    envelope = _MESSAGES[_ENVELOPES[channel, who]].FromString(data)
    body: dict[str, Any] = json_format.MessageToDict(envelope)
    return body
