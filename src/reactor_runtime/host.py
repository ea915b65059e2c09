"""Runs a model on a thread of its own, with its own event loop, and passes commands in and frames out.

The boundary is a handful of messages, so that the model can move to another process without anybody noticing.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from reactor_protocol.errors import ModelFailedError
from reactor_protocol.messages import ApplicationMessage, JsonObject, Refusal
from reactor_rtc.frames import Media
from reactor_runtime.commands import INTERNAL_ERROR, INVALID_COMMAND, CommandSpec
from reactor_runtime.contract import Contract
from reactor_runtime.emission import Bundle
from reactor_runtime.fields import ClientInfo, CommandError, ModelMessage, UploadedFile
from reactor_runtime.intake import Intake
from reactor_runtime.marks import HookName
from reactor_runtime.model import ReactorApp, bind, missing_work, turn_of
from reactor_runtime.model_stage import ModelStage
from reactor_runtime.model_thread import ModelThread, OnStopped, Work
from reactor_runtime.pacer import Plan
from reactor_runtime.records import InputState

logger = logging.getLogger(__name__)


class HostEvents(Protocol):
    """What a host tells its owner, on the owner's loop."""

    def frames_ready(self, bundles: tuple[Bundle, ...], plan: Plan) -> None: ...

    def frames_flushed(self) -> None: ...

    def message_sent(self, message: ApplicationMessage, client: int | None) -> None: ...

    def model_stopped(self, error: ModelFailedError) -> None: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a command. ``frame`` is the number of the first frame made after its handler ran."""

    reply: ApplicationMessage | None = None
    error: Refusal | None = None
    frame: int | None = None


class Place(Protocol):
    """Where a model runs: a thread of its own, or in a test the loop of the test."""

    def start(self, run: Callable[[], Any], name: str) -> None: ...

    def post(self, work: Work) -> None: ...

    def announce_stop(self) -> None: ...

    async def aside(self, work: Callable[[], Any], name: str) -> None: ...

    async def stop(self) -> None: ...


class ModelHost:
    """One model in this process. Its methods are called on the owner's loop, except where they say otherwise.

    ``place`` makes where the model runs, and is given what to call when it has ended.
    """

    def __init__(
        self,
        model_class: type[ReactorApp],
        contract: Contract,
        events: HostEvents,
        place: Callable[[OnStopped], Place] = ModelThread,
    ) -> None:
        self._class = model_class
        self._contract = contract
        self._events = events
        self._owner = asyncio.get_running_loop()
        self._model: ReactorApp | None = None
        self._intake = Intake(contract.inputs)
        self._clients: dict[int, ClientInfo] = {}
        self._thread = place(self._model_stopped)
        self._stage = ModelStage(self._owner, events)

    @property
    def commands(self) -> Mapping[str, CommandSpec]:
        """The model's commands by name."""
        return self._contract.commands

    # ------------------------------------------------------------------------------------------------------- life

    async def load(self, config_path: Path | None) -> None:
        """Makes the model and loads it, in a thread. Raises :class:`ModelFailedError` with the model's own message."""
        try:
            if (missing := missing_work(self._class)) is not None:
                raise TypeError(missing)
            model = self._class()
            self._intake.bind(model)
            await self._thread.aside(lambda: model.load(config_path), "load")
        except (Exception, SystemExit) as error:
            raise ModelFailedError(f"the model failed to load: {_describe(error)}") from error
        bind(model, self._stage)
        self._model = model

    def start(self) -> None:
        """Runs the model until :meth:`close`. Call it after :meth:`load`."""
        model = self._loaded()
        self._thread.start(lambda: model.run(), self._class.__name__)

    async def close(self) -> None:
        """Asks the model to stop and waits half a second for it; a model that computes without pause is left behind."""
        self._thread.announce_stop()
        self._intake.close()
        await self._thread.stop()

    # ---------------------------------------------------------------------------------------- sessions and clients

    def begin_session(self) -> None:
        """A new session: frames are counted from 0, the state is fresh, and nothing of the last one is left to read."""
        self._stage.frame = 0
        self._intake.reset()
        self._set_state(self._contract.state)

    async def end_session(self) -> None:
        """The session is over: nobody is connected."""
        self._clients.clear()
        await self._run(self._loaded().connected.clear)

    async def client_joined(self, client: ClientInfo) -> None:
        """A client can be reached: its hook runs, and the model sees somebody connected."""
        self._clients[client.id] = client
        await self._run(self._loaded().connected.set)
        await self.run_hook("connected", client=client)

    async def client_left(self, client: ClientInfo) -> None:
        """A client has gone."""
        self._clients.pop(client.id, None)
        if not self._clients:
            await self._run(self._loaded().connected.clear)
            self._intake.clear()
        await self.run_hook("disconnected", client=client)

    async def run_hook(self, name: HookName, **arguments: Any) -> None:
        """Runs a lifecycle hook, if the model has it; one that raises is logged. The state ends with the last."""
        method = self._contract.hooks.get(name)
        try:
            if method is not None:
                await self._run_hook(name, method, arguments)
        finally:
            if name == "session_ended":
                self._set_state(None)

    async def _run_hook(self, name: HookName, method: str, arguments: Mapping[str, Any]) -> None:
        handler = getattr(self._loaded(), method)
        accepted = inspect.signature(handler).parameters
        call = {key: value for key, value in arguments.items() if key in accepted}
        try:
            await self._run(lambda: handler(**call))
        except Exception as error:
            logger.error("the @%s hook of %s failed", name, self._class.__name__, exc_info=error)

    # -------------------------------------------------------------------------------------------- commands, media

    async def dispatch(
        self,
        name: str,
        data: JsonObject,
        files: Mapping[str, UploadedFile],
        client: ClientInfo,
        inline: Mapping[str, UploadedFile] = MappingProxyType({}),
    ) -> Outcome:
        """Validates a command and runs its handler on the model's loop, between two steps.

        ``files`` are those that came for a parameter, by its name; ``inline`` those that the values refer to, by their id.
        """
        spec = self._contract.commands.get(name)
        if spec is None:
            known = ", ".join(self._contract.commands) or "none"
            return Outcome(error=Refusal(INVALID_COMMAND, f"unknown command '{name}'; this model has: {known}"))
        try:
            arguments = spec.validate(data, files, inline)
            if spec.takes_client:
                arguments["client"] = client
            handler = spec.handler_of(self._loaded())
            result, frame = await self._run(lambda: handler(**arguments), self._next_frame)
            reply = result.encode() if isinstance(result, ModelMessage) else None
        except CommandError as error:
            return Outcome(error=Refusal(error.code, error.message))
        except Exception as error:
            logger.error("the handler of command %r failed", name, exc_info=error)
            return Outcome(error=Refusal(INTERNAL_ERROR, "The handler raised an unexpected error."))
        return Outcome(reply=reply, frame=frame)

    def push(self, track: str, media: Media) -> None:
        """Media that a client sent."""
        self._intake.push(track, media)

    def _next_frame(self) -> int:
        return self._stage.frame

    async def _run(self, call: Callable[[], Any], after: Callable[[], Any] | None = None) -> Any:
        turn = turn_of(self._loaded())
        work = Work(lambda: _in_turn(turn, call, after), Future())
        self._thread.post(work)
        result = await asyncio.wrap_future(work.done)
        return result if after is not None else result[0]

    def _set_state(self, make: Callable[[], InputState] | None) -> None:
        """Changes the model's state in its turn: what was sent before still finds the old one."""
        if self._contract.state is not None:
            model = self._loaded()
            change = partial(setattr, model, "state", make() if make is not None else None)
            self._thread.post(Work(lambda: _in_turn(turn_of(model), change, None), Future()))

    def _loaded(self) -> ReactorApp:
        if self._model is None:
            raise ModelFailedError("the model is not loaded")
        return self._model

    def _model_stopped(self, error: BaseException | None) -> None:
        text = "run() returned" if error is None else _describe(error)
        failure = ModelFailedError(f"the model stopped: {text}")
        if error is not None:
            logger.error("the model crashed", exc_info=error)
        with contextlib.suppress(RuntimeError):  # the owner's loop is closed: nobody is left to tell
            self._owner.call_soon_threadsafe(self._events.model_stopped, failure)


async def _in_turn(turn: asyncio.Lock, call: Callable[[], Any], after: Callable[[], Any] | None) -> tuple[Any, Any]:
    async with turn:
        result = call()
        if inspect.isawaitable(result):
            result = await result
        return result, after() if after is not None else None


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
