"""Commands on their way to the model: what they refer to is there when they reach it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from reactor_protocol.messages import Command, FileRef, Refusal
from reactor_runtime.declared import CommandError
from reactor_runtime.description import CommandOutline
from reactor_runtime.fields import ClientInfo
from reactor_runtime.hosting import Host, Outcome
from reactor_runtime.stored import StoredFile
from reactor_runtime.uploads import UploadStore

Files: TypeAlias = dict[str, StoredFile]


class Commanding:
    """Passes commands to a host. ``outlines`` gives what is known of the model's commands."""

    def __init__(self, host: Host, uploads: UploadStore, outlines: Callable[[], Mapping[str, CommandOutline]]) -> None:
        self._host = host
        self._uploads = uploads
        self._outlines = outlines

    async def run(self, client: ClientInfo, command: Command) -> Outcome:
        """Waits for the files that a command refers to, and runs it."""
        try:
            files, inline = await self._files(command)
        except CommandError as error:
            return Outcome(error=Refusal(error.code, error.message))
        return await self._host.dispatch(command.type, command.data, files, inline, client)

    async def check(self, command: Command) -> Refusal | None:
        """Why a command would be refused before its handler runs."""
        try:
            files, inline = await self._files(command)
        except CommandError as error:
            return Refusal(error.code, error.message)
        return await self._host.check(command.type, command.data, files, inline)

    async def _files(self, command: Command) -> tuple[Files, Files]:
        outline = self._outlines().get(command.type)
        if outline is None:
            # A command that the model does not have is refused at once: there is no reason to wait for its files.
            return {}, {}
        within = outline.references(command.data)
        files = {name: await self._uploads.resolve(ref) for name, ref in command.uploads.items()}
        return files, {name: await self._uploads.resolve(FileRef(name, "", "", 0)) for name in within}
