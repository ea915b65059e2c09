"""Runs a model on a thread of its own, with its own event loop, and passes commands in and frames out.

The boundary is a handful of messages, so that the model can move to another process without anybody noticing.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from reactor_protocol.errors import ModelFailedError
from reactor_protocol.messages import ApplicationMessage, JsonObject, Refusal
from reactor_rtc.frames import Media
from reactor_runtime.background import in_background
from reactor_runtime.commands import INTERNAL_ERROR, INVALID_COMMAND, CommandSpec
from reactor_runtime.contract import Contract
from reactor_runtime.emission import Bundle, chunk_of
from reactor_runtime.fields import ClientInfo, CommandError, ModelMessage, UploadedFile
from reactor_runtime.inputs import InputBuffer, InputFrame
from reactor_runtime.model import HookName, ReactorModel
from reactor_runtime.model_thread import ModelThread, Work
from reactor_runtime.pacer import Pacer, Plan
from reactor_runtime.tracks import Output

logger = logging.getLogger(__name__)

_TURNS = 3  # of the loop: a command is posted, its dispatcher wakes, and the handler runs


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


class ModelHost:
    """One model in this process. Its methods are called on the owner's loop, except where they say otherwise."""

    def __init__(self, model_class: type[ReactorModel], contract: Contract, events: HostEvents) -> None:
        self._class = model_class
        self._contract = contract
        self._events = events
        self._owner = asyncio.get_running_loop()
        self._model: ReactorModel | None = None
        self._buffers: dict[str, InputBuffer] = {}
        self._clients: dict[int, ClientInfo] = {}
        self._thread = ModelThread(self._model_stopped)
        self._stage = _ModelStage(self._owner, events)

    @property
    def commands(self) -> Mapping[str, CommandSpec]:
        """The model's commands by name."""
        return self._contract.commands

    # ------------------------------------------------------------------------------------------------------- life

    async def load(self, config_path: Path | None) -> None:
        """Makes the model and loads it, in a thread. Raises :class:`ModelFailedError` with the model's own message."""
        try:
            model = self._class()
            self._bind_inputs(model)
            if inspect.iscoroutinefunction(model.load):
                raise TypeError(f"{self._class.__name__}.load must be a plain function: it runs in a thread of its own")
            await in_background(lambda: model.load(config_path), "load")
        except (Exception, SystemExit) as error:
            raise ModelFailedError(f"the model failed to load: {_describe(error)}") from error
        model.bind(self._stage)
        self._model = model

    def start(self) -> None:
        """Runs the model until :meth:`close`. Call it after :meth:`load`."""
        model = self._loaded()
        self._thread.start(lambda: model.run(), self._class.__name__)

    async def close(self) -> None:
        """Asks the model to stop and waits half a second for it; a model that computes without pause is left behind."""
        self._thread.announce_stop()
        for buffer in self._buffers.values():
            buffer.close()
        await asyncio.to_thread(self._thread.stop)

    # ---------------------------------------------------------------------------------------- sessions and clients

    def begin_session(self) -> None:
        """A new session: frames are counted from 0, and nothing of the last one is left to read."""
        self._stage.frame = 0
        for buffer in self._buffers.values():
            buffer.reset()

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
        await self.run_hook("disconnected", client=client)

    async def run_hook(self, name: HookName, **arguments: Any) -> None:
        """Runs a lifecycle hook, if the model has it. One that raises is logged and harms nobody."""
        method = self._contract.hooks.get(name)
        if method is None:
            return
        handler = getattr(self._loaded(), method)
        accepted = inspect.signature(handler).parameters
        call = {key: value for key, value in arguments.items() if key in accepted}
        try:
            await self._run(lambda: handler(**call))
        except Exception as error:
            logger.error("the @%s hook of %s failed", name, self._class.__name__, exc_info=error)

    # -------------------------------------------------------------------------------------------- commands, media

    async def dispatch(self, name: str, data: JsonObject, files: Mapping[str, UploadedFile], client: ClientInfo) -> Outcome:
        """Validates a command and runs its handler on the model's loop, between two steps."""
        spec = self._contract.commands.get(name)
        if spec is None:
            known = ", ".join(self._contract.commands) or "none"
            return Outcome(error=Refusal(INVALID_COMMAND, f"unknown command '{name}'; this model has: {known}"))
        try:
            arguments = spec.validate(data, files)
            if spec.takes_client:
                arguments["client"] = client
            handler = getattr(self._loaded(), spec.method)
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
        buffer = self._buffers.get(track)
        if buffer is not None:
            buffer.push(InputFrame(media))

    def _next_frame(self) -> int:
        return self._stage.frame

    async def _run(self, call: Callable[[], Any], after: Callable[[], Any] | None = None) -> Any:
        work = Work(lambda: _with(call, after), Future())
        self._thread.post(work)
        result = await asyncio.wrap_future(work.done)
        return result if after is not None else result[0]

    def _bind_inputs(self, model: ReactorModel) -> None:
        for attribute, holder_class in self._contract.inputs.items():
            holder = holder_class()
            for name in holder_class.declared():
                self._buffers[name] = InputBuffer()
                setattr(holder, name, self._buffers[name])
            setattr(model, attribute, holder)

    def _loaded(self) -> ReactorModel:
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


async def _with(call: Callable[[], Any], after: Callable[[], Any] | None) -> tuple[Any, Any]:
    result = call()
    if inspect.isawaitable(result):
        result = await result
    return result, after() if after is not None else None


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


class _ModelStage:
    """What the model reaches the world through: paces emissions on the model's thread, counts frames, hands over to the owner."""

    def __init__(self, owner: asyncio.AbstractEventLoop, events: HostEvents) -> None:
        self._owner = owner
        self._events = events
        self._pacer = Pacer()
        self._flushed = asyncio.Event()
        self.frame = 0

    async def emit(self, output: Output, fps: float, drop: bool) -> None:
        if drop and self._pacer.is_early(time.monotonic()):
            await asyncio.sleep(0)
            return
        chunk = chunk_of(output, fps)
        plan = self._pacer.plan(len(chunk.bundles), fps, time.monotonic())
        self.frame += len(chunk.bundles)
        self._owner.call_soon_threadsafe(self._events.frames_ready, chunk.bundles, plan)
        if not drop:
            await self._hold(plan.resume - time.monotonic())
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        self._pacer.resumed(time.monotonic())

    async def _hold(self, seconds: float) -> None:
        """Holds the model back, unless what it waits for is flushed."""
        self._flushed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                await self._flushed.wait()

    def flush(self) -> None:
        self._pacer.reset()
        self._flushed.set()
        self._owner.call_soon_threadsafe(self._events.frames_flushed)

    async def send(self, message: ModelMessage) -> None:
        self._owner.call_soon_threadsafe(self._events.message_sent, message.encode(), None)
