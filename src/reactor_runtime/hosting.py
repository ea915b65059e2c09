"""Hosting: what a runtime asks of a model and hears of it, wherever the model runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from reactor_protocol.errors import ModelFailedError
from reactor_protocol.messages import ApplicationMessage, JsonObject, Refusal
from reactor_rtc.frames import Media
from reactor_runtime.description import ModelDescription
from reactor_runtime.emission import Bundle
from reactor_runtime.fields import ClientInfo
from reactor_runtime.pacer import Plan
from reactor_runtime.sending import Told
from reactor_runtime.step_gate import Allowance, StepReport
from reactor_runtime.stored import StoredFile

MODEL_FAILED: Final = "model_failed"
"""The code of a command's refusal when the model has ended before it answered: nobody knows how far it got."""

MODEL_RESTARTING: Final = "model_restarting"
"""The code of a command's refusal while the model is being loaded again: it has not been run."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a command. ``frame`` is the number of the first frame made after its handler ran."""

    reply: ApplicationMessage | None = None
    error: Refusal | None = None
    frame: int | None = None


class HostEvents(Protocol):
    """What a host tells its owner, on the owner's loop."""

    def frames_ready(self, bundles: tuple[Bundle, ...], plan: Plan) -> None: ...

    def frames_flushed(self) -> None: ...

    def message_sent(self, message: ApplicationMessage, client: int | None, told: Told | None = None) -> None:
        """The model says something to one client, or to all. ``told`` is called once there is room for more."""
        ...

    def sound_missed(self, track: str, samples: int) -> None:
        """So many samples on an input track were dropped, because the model did not read them in time."""
        ...

    def step_completed(self, report: StepReport) -> None:
        """A step of a session whose steps are counted is done; what it made was told before."""
        ...

    def model_lost(self, error: ModelFailedError) -> None:
        """The model is away, and is being loaded again."""
        ...

    def model_restored(self, description: ModelDescription, load_s: float) -> None:
        """The model is back, ``load_s`` seconds after it was begun anew, and the session goes on."""
        ...

    def model_stopped(self, error: ModelFailedError) -> None:
        """The model is gone for good."""
        ...


class Host(Protocol):
    """One model. Everything is called on the owner's loop.

    What is asked of a model that is being loaded again does not fail: it is told to the model when it is back. Only commands are
    refused.
    """

    @property
    def up(self) -> bool:
        """Whether the model runs."""
        ...

    async def load(self) -> ModelDescription:
        """Makes the model, loads it and runs it. Raises :class:`ModelFailedError` with the model's own message."""
        ...

    async def begin_session(self, session_id: str) -> None:
        """A new session: frames are counted from 0, and the state is fresh."""
        ...

    async def end_session(self) -> None:
        """The session is over: nobody is connected."""
        ...

    async def client_joined(self, client: ClientInfo) -> None:
        """A client can be reached."""
        ...

    async def client_left(self, client: ClientInfo) -> None:
        """A client has gone."""
        ...

    async def file_uploaded(self, file: StoredFile, client: ClientInfo) -> None:
        """A client has announced a file that is here."""
        ...

    async def dispatch(
        self,
        name: str,
        data: JsonObject,
        files: Mapping[str, StoredFile],
        inline: Mapping[str, StoredFile],
        client: ClientInfo,
    ) -> Outcome:
        """Runs a command. ``files`` came for a parameter, by its name; ``inline`` are those that the values refer to, by id."""
        ...

    async def check(
        self, name: str, data: JsonObject, files: Mapping[str, StoredFile], inline: Mapping[str, StoredFile]
    ) -> Refusal | None:
        """Why a command would be refused before its handler runs; None where it would not."""
        ...

    async def allow_steps(self, allowance: Allowance) -> None:
        """How many steps the model may take from now on. A session begins without a limit."""
        ...

    def push(self, track: str, media: Media) -> None:
        """Media that a client sent. Dropped where the model cannot take it now."""
        ...

    async def reload(self) -> None:
        """Loads the model anew, because its sources have changed; clients stay. Raises :class:`ModelFailedError` if it cannot."""
        ...

    async def close(self) -> None:
        """Ends the model."""
        ...
