"""The contract of a model class in the published shape, which authors' unit tests stand on."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from reactor_protocol.messages import JsonObject
from reactor_runtime import commands
from reactor_runtime.contract import Contract, read_contract
from reactor_runtime.declared import CommandError, UploadedFile
from reactor_runtime.fields import ModelMessage
from reactor_runtime.interface.model.schema import CommandSchema, MessageSchema, ModelSchema, TrackSchema
from reactor_runtime.model import ReactorApp
from reactor_runtime.records import Command, make_command
from reactor_runtime.schema import NO_VERSION, cleaned, schema_of


class ContractError(Exception):
    """A payload that a command refuses. ``field`` is what was wrong with it: a command, or one of its fields."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}"


@dataclass(frozen=True)
class CommandSpec:
    """One command. ``handler`` is the method as the class has it, ``reserved`` what the runtime fills in."""

    name: str
    command: type[Command]
    handler: Callable[..., Any]
    description: str
    response: type[ModelMessage] | None
    is_async: bool
    reserved: tuple[str, ...]


@dataclass(frozen=True)
class LifecycleHooks:
    """The hooks of a model class, each a method or None."""

    session_started: Callable[..., Any] | None = None
    session_ended: Callable[..., Any] | None = None
    connected: Callable[..., Any] | None = None
    disconnected: Callable[..., Any] | None = None
    file_uploaded: Callable[..., Any] | None = None


@dataclass(frozen=True)
class ModelContract:
    """What a model class offers. ``model`` is the class name in snake case."""

    model: str
    description: str
    commands: dict[str, CommandSpec]
    lifecycle: LifecycleHooks
    _contract: Contract = field(repr=False)

    @classmethod
    def of(cls, model_cls: type[Any]) -> ModelContract:
        """Reads a model class. Raises TypeError for any other class, and what :func:`read_contract` raises."""
        if not (isinstance(model_cls, type) and issubclass(model_cls, ReactorApp)):
            raise TypeError(f"{getattr(model_cls, '__name__', model_cls)} is no model: subclass ReactorApp")
        contract = read_contract(model_cls)
        return cls(
            model=contract.name,
            description=contract.description,
            commands={name: _command(model_cls, spec) for name, spec in contract.commands.items()},
            lifecycle=LifecycleHooks(**{hook: getattr(model_cls, method) for hook, method in contract.hooks.items()}),
            _contract=contract,
        )

    @property
    def tracks(self) -> dict[str, TrackSchema]:
        """The tracks by name, inputs first."""
        return {track.name: TrackSchema(track.kind, track.flow, float(track.rate)) for track in self._contract.tracks}

    @property
    def messages(self) -> dict[str, type[ModelMessage]]:
        """The messages by their name on the wire."""
        return {message.name: message for message in self._contract.messages}

    def validate(self, name: str, raw_args: JsonObject) -> Command:
        """A payload as a command. A reference to an upload stays one. Raises :class:`ContractError`."""
        if name not in self.commands:
            raise ContractError(name, "unknown command")
        references = {
            value["upload_id"]: value for value in raw_args.values() if isinstance(value, dict) and "upload_id" in value
        }
        files = {upload_id: UploadedFile(str(ref.get("name", "")), "", b"") for upload_id, ref in references.items()}
        try:
            values = self._contract.commands[name].validate(raw_args, {}, files)
        except CommandError as error:
            raise ContractError(name, error.message) from None
        kept = {key: raw_args[key] for key, value in values.items() if isinstance(value, UploadedFile) and key in raw_args}
        return self.commands[name].command(**{**values, **kept})

    def render_schema(self, version: str = NO_VERSION, name: str | None = None) -> ModelSchema:
        """The schema document, by the name that the model is published under."""
        contract = replace(self._contract, name=name or self.model)
        document = schema_of(contract, version)
        schemas = document["components"]["schemas"]
        told = {
            each: MessageSchema(cleaned(kind.__doc__), schemas[kind.__name__]["properties"], kind.__name__)
            for each, kind in self.messages.items()
        }
        offered = {
            each: CommandSchema(spec.description, _body(document, each), spec.response.__name__ if spec.response else None)
            for each, spec in self.commands.items()
        }
        return ModelSchema(version, contract.name, contract.description, self.tracks, offered, told, document)


def _command(model: type[Any], spec: commands.CommandSpec) -> CommandSpec:
    def set_field(self: Any, **values: Any) -> None:
        commands.set_field(self, spec.sets, **values)

    handler = set_field if spec.sets else getattr(model, spec.method)
    return CommandSpec(
        name=spec.name,
        command=make_command(spec.name, [(name, spec.annotations[name], info) for name, info in spec.fields.items()]),
        handler=handler,
        description=spec.description,
        response=spec.reply,
        is_async=inspect.iscoroutinefunction(handler),
        reserved=("client",) if spec.takes_client else (),
    )


def _body(document: JsonObject, name: str) -> dict[str, JsonObject]:
    schema = document["paths"][f"/events/{name}"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    properties: dict[str, JsonObject] = schema["properties"]
    return properties


__all__ = ["CommandSpec", "ContractError", "LifecycleHooks", "ModelContract"]
