"""InlineHost: the model in the process of the server, where a debugger reaches it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from reactor_protocol.errors import ModelFailedError
from reactor_protocol.messages import JsonObject, Refusal
from reactor_rtc.frames import Media
from reactor_runtime.background import in_background
from reactor_runtime.config import Manifest
from reactor_runtime.description import ModelDescription, describe_model
from reactor_runtime.fields import ClientInfo, CommandError, UploadedFile
from reactor_runtime.host import ModelEvents, ModelHost, Stand
from reactor_runtime.hosting import Outcome
from reactor_runtime.loader import load_model
from reactor_runtime.second_generation import ArrayBuffer
from reactor_runtime.step_gate import Allowance
from reactor_runtime.stored import StoredFile


class InlineHost:
    """A :class:`ModelHost` with what surrounds it: importing the model, reading files, the order of hooks."""

    def __init__(self, manifest: Manifest, events: ModelEvents, stand: Stand | None = None) -> None:
        self._manifest = manifest
        self._events = events
        self._stand = stand
        self._host: ModelHost | None = None

    @property
    def up(self) -> bool:
        return self._host is not None

    @property
    def model(self) -> ModelHost:
        """The model, once it is loaded. Raises :class:`ModelFailedError` before."""
        if self._host is None:
            raise ModelFailedError("the model is not loaded")
        return self._host

    async def load(self) -> ModelDescription:
        loaded = await in_background(lambda: load_model(self._manifest), "import")
        stand = self._stand or Stand()
        if self._manifest.generation == 2:
            stand = replace(stand, buffer=ArrayBuffer)
        host = ModelHost(loaded.model_class, loaded.contract, self._events, stand)
        await host.load(loaded.config)
        host.start()
        self._host = host
        return describe_model(loaded)

    async def begin_session(self, session_id: str, frame: int = 0) -> None:
        self.model.begin_session(frame)
        await self.model.run_hook("session_started")

    async def take_up(self, session_id: str, frame: int, change: Callable[[Any], None]) -> None:
        """Begins a session that another instance of the model has lost; ``change`` makes the state what it was."""
        await self.begin_session(session_id, frame)
        await self.model.change_state(change)

    async def end_session(self) -> None:
        await self.model.end_session()
        await self.model.run_hook("session_ended")

    async def client_joined(self, client: ClientInfo) -> None:
        await self.model.client_joined(client)

    async def client_left(self, client: ClientInfo) -> None:
        await self.model.client_left(client)

    async def file_uploaded(self, file: StoredFile, client: ClientInfo) -> None:
        uploaded = await asyncio.to_thread(file.read)
        await self.model.run_hook("file_uploaded", uploaded_file=uploaded, client=client)

    async def dispatch(
        self,
        name: str,
        data: JsonObject,
        files: Mapping[str, StoredFile],
        inline: Mapping[str, StoredFile],
        client: ClientInfo,
    ) -> Outcome:
        try:
            read = await _read(files), await _read(inline)
        except CommandError as error:
            return Outcome(error=Refusal(error.code, error.message))
        return await self.model.dispatch(name, data, read[0], client, read[1])

    async def check(
        self, name: str, data: JsonObject, files: Mapping[str, StoredFile], inline: Mapping[str, StoredFile]
    ) -> Refusal | None:
        try:
            read = await _read(files), await _read(inline)
        except CommandError as error:
            return Refusal(error.code, error.message)
        return self.model.check(name, data, *read)

    async def allow_steps(self, allowance: Allowance) -> None:
        await self.model.allow_steps(allowance)

    def push(self, track: str, media: Media) -> None:
        self.model.push(track, media)

    async def reload(self) -> None:
        raise ModelFailedError("a model in the process of the server cannot be loaded anew: leave out --inline")

    async def close(self) -> None:
        if self._host is not None:
            await self._host.close()


async def _read(files: Mapping[str, StoredFile]) -> dict[str, UploadedFile]:
    return {name: await asyncio.to_thread(file.read) for name, file in files.items()}
