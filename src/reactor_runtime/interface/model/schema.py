"""The schema document of a model, taken apart."""

from __future__ import annotations

from dataclasses import dataclass, field

from reactor_protocol.messages import JsonObject


@dataclass
class TrackSchema:
    """One track. ``direction`` is the model's point of view, ``rate`` in Hz, 0 for video."""

    kind: str
    direction: str
    rate: float = 0.0


@dataclass
class CommandSchema:
    """One command: its fields as JSON schemas, and the class name of its reply."""

    description: str = ""
    schema: dict[str, JsonObject] = field(default_factory=dict)
    response: str | None = None


@dataclass
class MessageSchema:
    """One message: its fields as JSON schemas, and its class name."""

    description: str = ""
    schema: dict[str, JsonObject] = field(default_factory=dict)
    type_name: str = ""


@dataclass
class ModelSchema:
    """A model's document in parts; ``to_openapi`` gives it whole."""

    version: str
    name: str
    description: str
    tracks: dict[str, TrackSchema]
    commands: dict[str, CommandSchema]
    messages: dict[str, MessageSchema]
    _document: JsonObject = field(repr=False)

    def to_openapi(self) -> JsonObject:
        """The OpenAPI document (reference: runtime, section 7)."""
        return self._document


__all__ = ["CommandSchema", "MessageSchema", "ModelSchema", "TrackSchema"]
