"""A command of a model: its parameters read from the handler's annotations, and payloads validated against them."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass
from functools import partial
from types import MappingProxyType, NoneType
from typing import Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from reactor_protocol.messages import JsonObject
from reactor_runtime.declared import CommandError, FieldInfo, UploadedFile
from reactor_runtime.fields import ModelMessage
from reactor_runtime.records import Declared
from reactor_runtime.validation import definition, hints_of, holds_upload, is_optional, is_upload, reason

INVALID_COMMAND = "invalid_command"
UNRESOLVED_UPLOAD = "unresolved_upload"
INTERNAL_ERROR = "internal_error"

Handler: TypeAlias = Callable[..., Any]
_NO_FILES: Mapping[str, UploadedFile] = MappingProxyType({})


@dataclass(frozen=True)
class CommandSpec:
    """One command: how it is called, what it takes and what it may reply.

    ``method`` is the handler's name, or empty where the command sets the state's field ``sets``. ``parameters`` gives each
    parameter its name in ``arguments``; ``uploads`` holds those that are files, and whether they are required; ``holding`` those
    in whose values a file can be.
    """

    name: str
    method: str
    description: str
    arguments: type[BaseModel]
    parameters: Mapping[str, str]
    uploads: Mapping[str, bool]
    fields: Mapping[str, FieldInfo]
    annotations: Mapping[str, Any]
    holding: frozenset[str] = frozenset()
    takes_client: bool = False
    reply: type[ModelMessage] | None = None
    sets: str = ""
    dedupe: bool = False

    def handler_of(self, model: Any) -> Handler:
        """What runs the command on a model."""
        return partial(set_field, model, self.sets) if self.sets else getattr(model, self.method)

    def validate(
        self, data: JsonObject, files: Mapping[str, UploadedFile], inline: Mapping[str, UploadedFile] = _NO_FILES
    ) -> dict[str, Any]:
        """The handler's arguments for a payload. ``files`` are by parameter, ``inline`` ones by their id.

        Raises :class:`CommandError` ``invalid_command`` with the reasons of the reference (runtime, 1.5).
        """
        for name in (*data, *files):
            if name not in self.parameters:
                raise CommandError(INVALID_COMMAND, f"unexpected argument '{name}'")
        # What is no id of an upload stands for a file that came beside the values.
        beside = {f"\0{name}": file for name, file in files.items()}
        values = data | {name: {"upload_id": f"\0{name}"} for name in files}
        for name, required in self.uploads.items():
            if values.get(name) is None and required:
                raise CommandError(INVALID_COMMAND, f"missing required argument '{name}'")
        try:
            checked = self.arguments.model_validate_json(json.dumps(values), context={**inline, **beside})
        except ValidationError as error:
            raise CommandError(INVALID_COMMAND, reason(error.errors(include_url=False)[0])) from None
        return {name: getattr(checked, key) for name, key in self.parameters.items()}


def set_field(model: Any, field: str, **values: Any) -> None:
    """What a generated ``set_<field>`` does: nothing between two sessions."""
    if model.state is not None:
        setattr(model.state, field, values[field])


def read_command(owner: str, method: str, handler: Handler, name: str, description: str) -> CommandSpec:
    """Reads the command that ``handler`` implements.

    Raises TypeError naming ``owner``, the method and the cure for an annotation, default or return type that cannot be.
    """
    where = f"{owner}.{method}"
    # The runtime fills in ``client``; a type that only a type checker sees says nothing of what a client may send.
    hints = hints_of(where, handler, lambda name: name == "return")
    signature = inspect.signature(handler)
    declared: dict[str, Declared] = {}
    for parameter in list(signature.parameters.values())[1:]:
        if parameter.name == "client":
            continue
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise TypeError(f"{where}: {parameter} cannot be a command's field: name each parameter")
        declared[parameter.name] = Declared(hints.get(parameter.name, Any), _info(parameter))
    return CommandSpec(
        name=name,
        method=method,
        description=description,
        takes_client="client" in signature.parameters,
        reply=_reply(where, hints.get("return")),
        **_arguments(f"{where}({{}})", name, declared),
    )


def read_setter(owner: str, field: str, found: Declared) -> CommandSpec:
    """The command ``set_<field>`` that stands for a public field of a state."""
    name = f"set_{field}"
    described = found.info.description or f"Set {field}."
    declared = {field: found}
    return CommandSpec(name, "", described, sets=field, **_arguments(f"{owner}.{{}}", name, declared))


def _arguments(where: str, command: str, declared: Mapping[str, Declared]) -> dict[str, Any]:
    """The parts of a :class:`CommandSpec` that follow from its fields."""
    definitions: dict[str, Any] = {}
    parameters = {name: f"p{number}" for number, name in enumerate(declared)}
    uploads: dict[str, bool] = {}
    for name, found in declared.items():
        kind, spec = definition(where.format(name), name, found.annotation, found.info)
        if is_upload(found.annotation):
            optional = is_optional(found.annotation)
            uploads[name] = found.default is MISSING and not optional
            if not uploads[name]:
                kind, spec = kind if optional else kind | None, Field(alias=name, default=None)
        definitions[parameters[name]] = (kind, spec)
    arguments: type[BaseModel] = create_model(f"{command}_arguments", __config__=ConfigDict(strict=True), **definitions)
    return {
        "arguments": arguments,
        "parameters": parameters,
        "uploads": uploads,
        "fields": {name: found.info for name, found in declared.items()},
        "annotations": {name: found.annotation for name, found in declared.items()},
        "holding": frozenset(name for name, found in declared.items() if holds_upload(found.annotation)),
    }


def _info(parameter: inspect.Parameter) -> FieldInfo:
    default = parameter.default
    if isinstance(default, FieldInfo):
        return default
    return FieldInfo(MISSING if default is parameter.empty else default)


def _reply(where: str, annotation: Any) -> type[ModelMessage] | None:
    if annotation is None or annotation is NoneType:
        return None
    if isinstance(annotation, type) and issubclass(annotation, ModelMessage):
        return annotation
    raise TypeError(f"{where}: returns {annotation!r}; a command replies with one ModelMessage subclass, or with None")
