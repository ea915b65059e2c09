"""From the arguments of ``send_command`` to a message."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from reactor_protocol.errors import InvalidArgumentError
from reactor_protocol.messages import ClientMessage, Command, FileRef, Ping, RequestSchema
from reactor_protocol.plain import plain


def runtime_message(kind: str) -> ClientMessage:
    """A message for the platform. Raises :class:`InvalidArgumentError` for one that applications do not send."""
    kinds: dict[str, ClientMessage] = {"ping": Ping(), "requestSchema": RequestSchema()}
    if kind not in kinds:
        raise InvalidArgumentError(f"the platform takes {' and '.join(kinds)} from an application, not {kind!r}")
    return kinds[kind]


def command(name: str, data: Mapping[str, Any] | str) -> Command:
    """A command for the model. Files at top level become its uploads.

    Numbers and arrays of NumPy become plain ones. Raises :class:`InvalidArgumentError` for data that is not an object, that has a
    file deeper inside, or a value that is not JSON.
    """
    if isinstance(data, str):
        try:
            data = json.loads(data)
        except ValueError as error:
            raise InvalidArgumentError(f"{name}: the data is text, and not JSON: {error}") from error
    if not isinstance(data, Mapping):
        raise InvalidArgumentError(f"{name}: the data must be a dict, or a JSON object as text; got {type(data).__name__}")
    values = dict(data)
    uploads = {key: value for key, value in values.items() if isinstance(value, FileRef)}
    scalars = {key: value for key, value in values.items() if key not in uploads}
    for key, value in scalars.items():
        if not isinstance(key, str):
            raise InvalidArgumentError(f"{name}: parameters are named by text, got {key!r}")
        if _holds_file(value):
            raise InvalidArgumentError(f"{name}: {key!r} holds a FileRef inside: pass it at top level, as a parameter's value")
        try:
            scalars[key] = plain(value, key)
        except (TypeError, ValueError) as error:
            raise InvalidArgumentError(f"{name}: {error}") from error
    return Command(name, scalars, uploads)


def _holds_file(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_file(each) for each in value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return any(_holds_file(each) for each in value)
    return isinstance(value, FileRef)
