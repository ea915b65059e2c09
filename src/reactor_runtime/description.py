"""What is known of a model outside of where it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reactor_protocol.messages import JsonObject
from reactor_runtime.commands import INVALID_COMMAND
from reactor_runtime.declared import CommandError
from reactor_runtime.loader import LoadedModel
from reactor_runtime.model import ReactorApp
from reactor_runtime.schema import schema_of
from reactor_runtime.tracks import TrackSpec

MAX_INLINE_UPLOADS = 16
"""How many files one command may refer to inside its values."""


@dataclass(frozen=True, slots=True)
class CommandOutline:
    """A command as far as it matters before it reaches the model.

    ``holding`` are parameters in whose values a file can be. Of those with ``dedupe`` that wait, only the last one is run.
    """

    name: str
    description: str
    holding: frozenset[str]
    dedupe: bool = False

    def references(self, data: JsonObject) -> set[str]:
        """The ids of the uploads that a payload refers to in its values, where their types allow it.

        Raises :class:`CommandError` ``invalid_command`` for more than 16.
        """
        found: set[str] = set()
        for name, value in data.items():
            if name in self.holding:
                found.update(_upload_ids(value))
        if len(found) > MAX_INLINE_UPLOADS:
            raise CommandError(INVALID_COMMAND, f"a command refers to at most {MAX_INLINE_UPLOADS} files, not {len(found)}")
        return found


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """A model's name, rate (Hz), tracks, commands, the hooks that it has, and its schema document.

    ``steppable`` is whether its steps can be asked for one by one: it has no ``run`` of its own.
    """

    name: str
    fps: float
    tracks: tuple[TrackSpec, ...]
    commands: Mapping[str, CommandOutline]
    hooks: frozenset[str]
    schema: JsonObject
    steppable: bool = False


def describe_model(model: LoadedModel) -> ModelDescription:
    """What others need to know of a model."""
    contract = model.contract
    return ModelDescription(
        name=contract.name,
        fps=float(model.model_class.fps),
        tracks=contract.tracks,
        commands={
            each.name: CommandOutline(each.name, each.description, each.holding, each.dedupe)
            for each in contract.commands.values()
        },
        hooks=frozenset(contract.hooks),
        schema=schema_of(contract, playground=model.playground),
        steppable=model.model_class.run is ReactorApp.run,
    )


def _upload_ids(value: Any) -> Iterator[str]:
    """The ids in a payload, in any depth."""
    pending = [value]
    while pending:
        part = pending.pop()
        if isinstance(part, list):
            pending.extend(part)
        elif isinstance(part, dict):
            if isinstance(part.get("upload_id"), str):
                yield part["upload_id"]
            pending.extend(part.values())
