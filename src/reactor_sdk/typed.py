"""What typed clients are made of; ``reactor codegen`` writes them from a model's schema.

class HeliosModel(TypedModel):
    MODEL = "helios"
    TRACKS = [{"name": "main_video", "kind": "video", "direction": "recvonly"}]

    async def set_prompt(self, prompt: str) -> None:
        await self._tell("set_prompt", {"prompt": prompt})
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar, Final, TypeAlias, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from reactor_protocol.errors import DecodeError
from reactor_protocol.messages import FileRef
from reactor_sdk.config import DEFAULT_API_URL
from reactor_sdk.reactor import Reactor
from reactor_sdk.types import TokenFunction, TrackCapability

__all__ = ["OMIT", "File", "FileRef", "Handler", "TrackCapability", "TypedModel", "Wire", "given", "read_message"]

logger = logging.getLogger(__name__)

MessageT = TypeVar("MessageT")

File: TypeAlias = FileRef | str | os.PathLike[str] | bytes
"""A file for a command: one that was uploaded, or a path or bytes, which are uploaded first."""

Handler: TypeAlias = Callable[[MessageT], Awaitable[None] | None]
"""Takes a message; may be a coroutine function."""

OMIT: Final = object()
"""In place of a parameter that is not sent, so that the model's own default holds."""


def given(value: object) -> object:
    """The value, or :data:`OMIT` for None: where None says that the caller leaves the parameter to the model."""
    return OMIT if value is None else value


def Wire(name: str) -> Any:
    """Annotates a message's field with its name on the wire, where that is no name in Python."""
    return Field(alias=name)


def read_message(message: type[MessageT], data: object) -> MessageT:
    """The data of a message as the dataclass ``message``; fields that it does not know are ignored.

    Raises :class:`DecodeError` that names the first field which is missing or of another type.
    """
    try:
        # From JSON text: there a mapping is a dataclass, and yet no text a number.
        found: MessageT = _adapter(message).validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the message"
        raise DecodeError(
            f"{message.__name__}: {where[:80]}: {first['msg']}; has the model changed? make its client anew by `reactor codegen`"
        ) from None
    except (TypeError, ValueError, RecursionError) as error:
        raise DecodeError(f"{message.__name__}: {error}") from error
    return found


_adapters: dict[type[Any], TypeAdapter[Any]] = {}


def _adapter(message: type[Any]) -> TypeAdapter[Any]:
    if message not in _adapters:
        _adapters[message] = TypeAdapter(message)
    return _adapters[message]


class TypedModel(Reactor):
    """A client for one model, whose name and tracks it knows beforehand; subclasses add its commands and messages.

    It is a :class:`Reactor` in everything else. Where the model has other tracks by now, a warning names the differences, and
    connecting works as without the preset.
    """

    MODEL: ClassVar[str]
    TRACKS: ClassVar[Sequence[TrackCapability]] = ()

    def __init__(
        self,
        api_key: str | None = None,
        api_url: str = DEFAULT_API_URL,
        local: bool = False,
        *,
        model_name: str | None = None,
        jwt: str | TokenFunction | None = None,
        max_session_duration_seconds: int | None = None,
        auto_reconnect: bool = False,
        view_only: bool = False,
    ) -> None:
        """As :class:`Reactor`, without its name: ``model_name`` is for a coordinator that serves the model under another one."""
        super().__init__(
            model_name or type(self).MODEL,
            api_key,
            api_url,
            local,
            list(type(self).TRACKS),
            jwt=jwt,
            max_session_duration_seconds=max_session_duration_seconds,
            auto_reconnect=auto_reconnect,
            view_only=view_only,
        )

    async def _tell(self, command: str, data: Mapping[str, object]) -> None:
        """Sends a command that has no reply; parameters that are :data:`OMIT` are left out. Raises as ``send_command``."""
        await self.send_command(command, _present(data))

    async def _ask(self, command: str, data: Mapping[str, object], reply: type[MessageT]) -> MessageT | None:
        """Sends a command, and gives its reply; None from a server that does not acknowledge commands.

        Raises as ``send_command``, and :class:`DecodeError` for a reply of another shape.
        """
        answer = await self.send_command(command, _present(data))
        return None if answer is None else read_message(reply, answer.get("data"))

    async def _file(self, file: File | None) -> object:
        """The reference to a file, which is uploaded unless it is one; :data:`OMIT` for None. Raises as ``upload_file``."""
        if file is None:
            return OMIT
        return file if isinstance(file, FileRef) else await self.upload_file(file)

    def _listen(self, kind: str, message: type[MessageT], handler: Handler[MessageT]) -> Handler[MessageT]:
        """Calls ``handler`` with every message of that kind. One of another shape is logged, and is not passed on."""

        def select(payload: tuple[Any, ...]) -> tuple[Any, ...] | None:
            told = payload[0]
            if told["type"] != kind:
                return None
            try:
                return (read_message(message, told["data"]),)
            except DecodeError as error:
                logger.warning("the message %r is not what this client was made for: %s", kind, error)
                return None

        self._events.on("message", handler, select, key=kind)
        return handler


def _present(data: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in data.items() if value is not OMIT}
