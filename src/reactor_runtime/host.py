"""ModelHost: runs a model on a thread of its own, with its own event loop, and passes commands in and frames out."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from reactor_protocol.errors import ModelFailedError
from reactor_protocol.messages import JsonObject, Refusal
from reactor_rtc.frames import Media
from reactor_runtime.commands import INTERNAL_ERROR, INVALID_COMMAND, CommandSpec
from reactor_runtime.connected_event import greeting
from reactor_runtime.contract import Contract, unresolved_annotations
from reactor_runtime.fields import ClientInfo, CommandError, ModelMessage, UploadedFile
from reactor_runtime.hosting import MODEL_FAILED, Outcome
from reactor_runtime.inputs import InputBuffer
from reactor_runtime.intake import Intake
from reactor_runtime.marks import HookName
from reactor_runtime.model import ReactorApp, bind, gate_of, missing_work, turn_of
from reactor_runtime.model_stage import LoopEvents, ModelStage, OnLoop, StageEvents
from reactor_runtime.model_thread import ModelThread, OnStopped, Work
from reactor_runtime.records import InputState
from reactor_runtime.sending import IN_COMMAND
from reactor_runtime.step_gate import Allowance

logger = logging.getLogger(__name__)

_NO_FILES: tuple[Mapping[str, UploadedFile], Mapping[str, UploadedFile]] = (MappingProxyType({}), MappingProxyType({}))


class ModelEvents(LoopEvents, Protocol):
    """What a model tells the owner of its host, on the owner's loop."""

    def model_stopped(self, error: ModelFailedError) -> None: ...


class Place(Protocol):
    """Where a model runs: a thread of its own, or in a test the loop of the test."""

    def start(self, run: Callable[[], Any], name: str) -> None: ...

    def post(self, work: Work) -> None: ...

    def announce_stop(self) -> None: ...

    async def aside(self, work: Callable[[], Any], name: str) -> None: ...

    async def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Stand:
    """How a model is set up.

    ``place`` makes where it runs, and is given what to call when it has ended. ``stage_events`` hears what it makes on its own
    thread; None: the owner does, on its loop. A handler or hook that takes more than ``handler_deadline`` seconds, unless that is
    0, is the model's end. ``after_turn`` is called on the model's thread after each handler and hook. ``buffer`` is what input
    tracks are read from.
    """

    place: Callable[[OnStopped], Place] = ModelThread
    stage_events: StageEvents | None = None
    handler_deadline: float = 0.0
    after_turn: Callable[[ReactorApp], None] | None = None
    buffer: type[InputBuffer] = InputBuffer


class ModelHost:
    """One model in this process. Its methods are called on the owner's loop, except where they say otherwise."""

    def __init__(
        self, model_class: type[ReactorApp], contract: Contract, events: ModelEvents, stand: Stand | None = None
    ) -> None:
        stand = stand or Stand()
        self._class = model_class
        self._contract = contract
        self._events = events
        self._owner = asyncio.get_running_loop()
        self._model: ReactorApp | None = None
        self._clients: dict[int, ClientInfo] = {}
        self._stand = stand
        self._thread = stand.place(self._model_stopped)
        told = stand.stage_events or OnLoop(self._owner, events)
        self._stage = ModelStage(told)
        self._intake = Intake(contract.inputs, stand.buffer, told.sound_missed)

    # ------------------------------------------------------------------------------------------------------- life

    async def load(self, config: Path | dict[str, Any] | None) -> None:
        """Makes the model and loads it, in a thread; ``config`` is what its generation's ``load`` takes.

        Raises :class:`ModelFailedError` with the model's own message.
        """
        try:
            if (missing := missing_work(self._class)) is not None:
                raise TypeError(missing)
            model = self._class()
            self._intake.bind(model)
            load: Callable[[Any], None] = model.load
            await self._thread.aside(lambda: load(config), "load")
        except (Exception, SystemExit) as error:
            raise ModelFailedError(f"the model failed to load: {_describe(error)}") from error
        for place in unresolved_annotations(self._class):
            logger.warning("%s: the annotation cannot be resolved, and is taken for anything", place)
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

    def begin_session(self, frame: int = 0) -> None:
        """A new session: frames are counted from ``frame``, the state is fresh, and nothing of the last one is left to read."""
        self._stage.begin(frame)
        self._allow_freely()
        self._intake.reset()
        self._set_state(self._contract.state)

    async def allow_steps(self, allowance: Allowance) -> None:
        """Says how many steps the model may take from now on; each of a counted number is told of when it is done."""
        model = self._loaded()

        def allow() -> None:
            gate_of(model).allow(allowance)
            self._stage.paced = not allowance.stepped

        await self._run(allow)

    async def change_state(self, change: Callable[[Any], None]) -> None:
        """Has ``change`` work on the model's state, in its turn."""
        await self._run(lambda: change(self._loaded().state))

    async def end_session(self) -> None:
        """The session is over: nobody is connected."""
        self._clients.clear()
        await self._run(self._loaded().connected.clear)

    async def client_joined(self, client: ClientInfo) -> None:
        """A client can be reached: its hook runs, and the model sees somebody connected."""
        self._clients[client.id] = client
        model = self._loaded()

        async def greet() -> None:
            with greeting(model.connected):
                await self._hook("connected", {"client": client})

        await self._run(greet)

    async def client_left(self, client: ClientInfo) -> None:
        """A client has gone."""
        self._clients.pop(client.id, None)
        last = not self._clients

        async def part() -> None:
            if last:
                self._loaded().connected.clear()
                self._intake.clear()
            await self._hook("disconnected", {"client": client})

        await self._run(part)

    async def run_hook(self, name: HookName, **arguments: Any) -> None:
        """Runs a lifecycle hook, if the model has it; one that raises is logged. The state ends with the last."""
        try:
            if name in self._contract.hooks:
                await self._run(lambda: self._hook(name, arguments))
        except ModelFailedError as error:
            logger.error("the @%s hook of %s was not run: %s", name, self._class.__name__, error)
        finally:
            if name == "session_ended":
                self._set_state(None)

    async def _hook(self, name: HookName, arguments: Mapping[str, Any]) -> None:
        """Calls a hook on the model's loop, in its turn."""
        method = self._contract.hooks.get(name)
        if method is None:
            return
        handler = getattr(self._loaded(), method)
        accepted = inspect.signature(handler).parameters
        call = {key: value for key, value in arguments.items() if key in accepted}
        try:
            result = handler(**call)
            if inspect.isawaitable(result):
                await result
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
        done: Future[Outcome] = Future()
        self.dispatch_soon(name, data, client, done.set_result, (files, inline))
        return await asyncio.wrap_future(done)

    def dispatch_soon(
        self,
        name: str,
        data: JsonObject,
        client: ClientInfo,
        answer: Callable[[Outcome], object],
        files: tuple[Mapping[str, UploadedFile], Mapping[str, UploadedFile]] = _NO_FILES,
    ) -> None:
        """Has a command run as :meth:`dispatch` does; ``answer`` is called on this thread or on the model's."""
        try:
            spec = self._spec(name)
            arguments = spec.validate(data, *files)
            if spec.takes_client:
                arguments["client"] = client
            handler = spec.handler_of(self._loaded())
        except (CommandError, ModelFailedError) as error:
            answer(self._refused(name, error))
            return

        def answered(work: Future[tuple[Any, int]]) -> None:
            try:
                result, frame = work.result()
                outcome = Outcome(result.encode() if isinstance(result, ModelMessage) else None, frame=frame)
            except Exception as error:  # noqa: BLE001 - what the handler raised is told to whoever called it
                outcome = self._refused(name, error)
            answer(outcome)

        done: Future[tuple[Any, int]] = Future()
        done.add_done_callback(answered)
        turn = partial(self._in_turn, self._loaded(), lambda: handler(**arguments), command=True)
        self._thread.post(Work(partial(self._in_step, turn, self._owner.time()) if client.in_step else turn, done))

    async def _in_step(self, turn: Callable[[], Awaitable[tuple[Any, int]]], arrived: float) -> tuple[Any, int]:
        """The turn of a client that acts once for each frame, of a command that arrived at that time of the owner's loop."""
        result, frame = await turn()
        self._stage.acted(arrived, frame)
        return result, frame

    @staticmethod
    def _refused(name: str, error: Exception) -> Outcome:
        match error:
            case CommandError():
                return Outcome(error=Refusal(error.code, error.message))
            case ModelFailedError():
                return Outcome(error=Refusal(MODEL_FAILED, f"the model has ended before it answered: {error}"))
        logger.error("the handler of command %r failed", name, exc_info=error)
        return Outcome(error=Refusal(INTERNAL_ERROR, "The handler raised an unexpected error."))

    def check(
        self,
        name: str,
        data: JsonObject,
        files: Mapping[str, UploadedFile],
        inline: Mapping[str, UploadedFile] = MappingProxyType({}),
    ) -> Refusal | None:
        """Why :meth:`dispatch` would refuse a command before its handler runs; None where it would not."""
        try:
            self._spec(name).validate(data, files, inline)
        except CommandError as error:
            return Refusal(error.code, error.message)
        return None

    def _spec(self, name: str) -> CommandSpec:
        spec = self._contract.commands.get(name)
        if spec is None:
            known = ", ".join(self._contract.commands) or "none"
            raise CommandError(INVALID_COMMAND, f"unknown command '{name}'; this model has: {known}")
        return spec

    def push(self, track: str, media: Media) -> None:
        """Media that a client sent."""
        self._intake.push(track, media)

    async def _run(self, call: Callable[[], Any]) -> tuple[Any, int]:
        """What a call gives, made in the model's turn, and the number of the frame that comes after it."""
        work = Work(partial(self._in_turn, self._loaded(), call), Future())
        self._thread.post(work)
        result: tuple[Any, int] = await asyncio.wrap_future(work.done)
        return result

    async def _in_turn(self, model: ReactorApp, call: Callable[[], Any], *, command: bool = False) -> tuple[Any, int]:
        async with turn_of(model):
            before = IN_COMMAND.set(command)
            try:
                result = call()
                if inspect.isawaitable(result):
                    result = await self._in_time(result)
            finally:
                IN_COMMAND.reset(before)
            if self._stand.after_turn is not None:
                self._stand.after_turn(model)
            return result, self._stage.frame

    async def _in_time(self, handler: Awaitable[Any]) -> Any:
        deadline = self._stand.handler_deadline
        limit = asyncio.timeout(deadline if deadline > 0 else None)
        try:
            async with limit:
                return await handler
        except TimeoutError:
            if not limit.expired():
                raise
            self._thread.announce_stop()
            overdue = TimeoutError(f"a handler took more than {deadline:g} s")
            self._model_stopped(overdue)
            raise ModelFailedError(str(overdue)) from None

    def _set_state(self, make: Callable[[], InputState] | None) -> None:
        """Changes the model's state in its turn: what was sent before still finds the old one."""
        if self._contract.state is not None:
            model = self._loaded()
            change = partial(setattr, model, "state", make() if make is not None else None)
            self._thread.post(Work(partial(self._in_turn, model, change), Future()))

    def _allow_freely(self) -> None:
        """What the last session allowed says nothing of the next one."""
        model = self._loaded()

        def allow() -> None:
            gate_of(model).allow(Allowance())
            self._stage.paced = True

        self._thread.post(Work(partial(self._in_turn, model, allow), Future()))

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


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
