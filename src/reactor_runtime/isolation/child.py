"""The process of a model: ``python -m reactor_runtime.isolation.child``, started by the server, and of no use alone."""

from __future__ import annotations

import asyncio
import ctypes
import faulthandler
import itertools
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from reactor_protocol.errors import InvalidArgumentError, ModelFailedError
from reactor_protocol.messages import ApplicationMessage, Refusal
from reactor_rtc.frames import AudioBlock
from reactor_rtc.scope import TaskScope
from reactor_runtime.commands import INTERNAL_ERROR
from reactor_runtime.distributed.errors import WorkerCrashed
from reactor_runtime.distributed.losses import on_loss
from reactor_runtime.emission import Bundle
from reactor_runtime.fields import ClientInfo, ModelMessage
from reactor_runtime.host import Stand
from reactor_runtime.hosting import Outcome
from reactor_runtime.inline import InlineHost
from reactor_runtime.isolation import calls
from reactor_runtime.isolation.arena import Arena, Borrower, Lender
from reactor_runtime.isolation.crossing import NoRoomError, load, unload
from reactor_runtime.isolation.line import Ear, Mouth
from reactor_runtime.isolation.memory import StateMemory, put_back
from reactor_runtime.logs import configure_logging, set_session
from reactor_runtime.model import ReactorApp
from reactor_runtime.model_thread import ModelThread
from reactor_runtime.pacer import Plan
from reactor_runtime.sending import Sender, Told
from reactor_runtime.step_gate import StepReport

logger = logging.getLogger(__name__)

SWITCH_INTERVAL_S: Final = 0.0005
"""The model computes in Python; what comes from clients must not wait 5 ms for the interpreter lock."""

_MOST_ON_THE_WAY: Final = 512 << 20
_PR_SET_PDEATHSIG: Final = 1


class Desk:
    """Does what the server asks for, and tells it what the model makes and says."""

    def __init__(self, mouth: Mouth, outbox: Arena, inbox: Arena) -> None:
        self._mouth = mouth
        self._outbox = outbox
        self._lender = Lender(outbox)
        self._borrower = Borrower(inbox, self._give_back)
        self._memory = StateMemory()
        self._scope = TaskScope("model process")
        self._clients: dict[int, ClientInfo] = {}
        self._numbers = itertools.count(1)
        self._unsettled: dict[int, Told] = {}
        self._host: InlineHost | None = None
        self._on_room: Callable[[], object] = _nobody_waits
        self.ended = asyncio.Event()

    # ------------------------------------------------------------------------------------------- what the server says

    def hear(self, message: Any) -> None:
        """Takes a message; calls are answered in their own time, and begun in their order."""
        match message:
            case calls.Ask(number, calls.Dispatch(files=files, inline=inline) as call) if self._up and not files and not inline:
                # Most commands: they go straight to the model's thread, and their answer straight from there.
                answer = partial(self._say_answer, number)
                self._loaded().model.dispatch_soon(call.name, call.data, self._client(call.client), answer)
            case calls.Ask(number, call):
                self._scope.start(self._answer(number, call), type(call).__name__)
            case calls.Push(track, media):
                if self._up:
                    self._loaded().push(track, media if isinstance(media, AudioBlock) else self._picture(media))
            case calls.Settled(number, refusal):
                if (told := self._unsettled.pop(number, None)) is not None:
                    told(refusal)
            case calls.Returned(offsets):
                self._lender.take_back(offsets)
                self._on_room()

    def _picture(self, cargo: Any) -> Any:
        (bundle,) = unload(cargo, self._borrower.look)
        return bundle["picture"]

    async def _answer(self, number: int, call: calls.Call) -> None:
        try:
            result = await self._do(call)
        except ModelFailedError as error:
            if error.__cause__ is not None:
                # Only the words cross: where it went wrong is for the log.
                logger.error("%s failed", type(call).__name__.lower(), exc_info=error.__cause__)
            self._mouth.say(calls.Answer(number, failure=str(error)))
            return
        except Exception as error:
            # Whatever it is, somebody waits for the answer.
            logger.error("%s failed", type(call).__name__.lower(), exc_info=error)
            self._mouth.say(calls.Answer(number, failure=f"{type(error).__name__}: {error}"))
            return
        self._say_answer(number, result)
        if isinstance(call, calls.Close):
            self.ended.set()

    def _say_answer(self, number: int, result: Any) -> None:
        try:
            self._mouth.say(calls.Answer(number, result))
        except Exception as error:
            # A reply of the model's own making, that cannot cross.
            logger.error("a reply cannot be sent", exc_info=error)
            self._mouth.say(calls.Answer(number, Outcome(error=Refusal(INTERNAL_ERROR, "The reply cannot be sent."))))

    async def _do(self, call: calls.Call) -> Any:
        match call:
            case calls.Load():
                return await self._load(call)
            case calls.BeginSession():
                await self._begin(call)
            case calls.Dispatch(name, data, files, inline, who):
                return await self._loaded().dispatch(name, data, files, inline, self._client(who))
            case calls.Check(name, data, files, inline):
                return await self._loaded().check(name, data, files, inline)
            case calls.AllowSteps(allowance):
                await self._loaded().allow_steps(allowance)
            case calls.Close():
                if self._host is not None:
                    await self._host.close()
            case _:
                await self._tell(call)
        return None

    async def _tell(self, call: calls.Call) -> None:
        """Tells the model who comes, goes or sends a file."""
        match call:
            case calls.EndSession():
                self._clients.clear()
                await self._loaded().end_session()
                set_session(None)
            case calls.Join(who):
                await self._loaded().client_joined(self._client(who))
            case calls.Leave(who):
                client = self._client(who)
                self._clients.pop(who.id, None)
                await self._loaded().client_left(client)
            case calls.Announce(file, who):
                await self._loaded().file_uploaded(file, self._client(who))

    async def _load(self, call: calls.Load) -> Any:
        configure_logging(call.log_level, call.log_format)
        stand = Stand(
            place=partial(ModelThread, pulse=self._pulse),
            stage_events=self,
            handler_deadline=call.handler_deadline,
            after_turn=self._tell_state,
        )
        self._host = InlineHost(call.manifest, self, stand)
        return await self._host.load()

    async def _begin(self, call: calls.BeginSession) -> None:
        """Begins a session, or takes one up where it was lost: hooks run as ever, and then the state is put back."""
        set_session(call.session_id)
        self._memory.forget()
        host = self._loaded()
        self._clients = {who.id: self._client(who) for who in call.clients}
        if call.state is None:
            await host.begin_session(call.session_id, call.frame)
        else:
            await host.take_up(call.session_id, call.frame, partial(put_back, body=call.state))
        if call.allowance is not None:
            await host.allow_steps(call.allowance)
        for client in list(self._clients.values()):
            await host.client_joined(client)
        if call.state is not None and call.clients:
            # A hook for who joins may have set what clients had set otherwise.
            await host.model.change_state(partial(put_back, body=call.state))

    @property
    def _up(self) -> bool:
        return self._host is not None and self._host.up

    def _loaded(self) -> InlineHost:
        if self._host is None:
            raise ModelFailedError("the model is not loaded")
        return self._host

    def _client(self, who: calls.Who) -> ClientInfo:
        known = self._clients.get(who.id)
        if known is None:
            sender = Sender(self.message_sent)

            async def send(message: ModelMessage) -> None:
                await sender.send(message.encode(), who.id)

            known = self._clients[who.id] = ClientInfo(who.id, who.joined_at, who.system, who.in_step, _send=send)
        return known

    # -------------------------------------------------------------------- what the model does (StageEvents, its thread)

    async def room(self) -> None:
        while self._lender.in_use > _MOST_ON_THE_WAY:
            returned = asyncio.Event()
            self._on_room = partial(asyncio.get_running_loop().call_soon_threadsafe, returned.set)
            # Asked once more: what has come back in between has told nobody.
            if self._lender.in_use > _MOST_ON_THE_WAY:
                await returned.wait()

    def frames_ready(self, bundles: tuple[Bundle, ...], plan: Plan) -> None:
        try:
            cargo = load(bundles, self._lender)
        except NoRoomError as error:
            raise InvalidArgumentError(f"the batch is too large: {error}") from None
        self._mouth.say(calls.Frames(cargo, plan))

    def frames_flushed(self) -> None:
        self._mouth.say(calls.Flushed())

    def message_sent(self, message: ApplicationMessage, client: int | None, told: Told | None = None) -> None:
        number = 0
        if told is not None:
            number = next(self._numbers)
            self._unsettled[number] = told
        self._mouth.say(calls.Said(message, client, number))

    def sound_missed(self, track: str, samples: int) -> None:
        self._mouth.say(calls.SoundMissed(track, samples))

    def step_completed(self, report: StepReport) -> None:
        self._mouth.say(calls.StepDone(report))

    def model_stopped(self, error: ModelFailedError) -> None:
        """The model has ended by itself (on the loop of this process): a new process is better than a patched one."""
        self._mouth.say(calls.Failed(str(error)))
        self.ended.set()

    def rank_lost(self, error: WorkerCrashed) -> None:
        """A process that the model has started has ended while it was idle (on the loop of this process)."""
        self.model_stopped(ModelFailedError(f"the model stopped: {type(error).__name__}: {error}"))

    def _pulse(self) -> None:
        self._outbox.pulse = time.monotonic()

    def _tell_state(self, model: ReactorApp) -> None:
        state = self._memory.change(model.state)
        if state is not None:
            self._mouth.say(calls.StateIs(state))

    def _give_back(self, offset: int) -> None:
        self._mouth.say(calls.Returned((offset,)))


def _nobody_waits() -> None:
    """The model has all the room that it wants."""


async def serve(down: int, up: int, outbox: int, inbox: int) -> None:
    """Serves until the server has enough, the model has ended, or the server is gone."""
    desk = Desk(Mouth(socket.socket(fileno=up)), _arena(outbox), _arena(inbox))
    loop = asyncio.get_running_loop()
    on_loss(lambda error: loop.call_soon_threadsafe(desk.rank_lost, error))
    line = socket.socket(fileno=down)
    line.setblocking(False)
    await loop.create_connection(lambda: Ear(desk.hear, desk.ended.set), sock=line)
    await desk.ended.wait()


def _arena(descriptor: int) -> Arena:
    arena = Arena(descriptor)
    os.close(descriptor)
    return arena


def _die_with_the_server() -> None:
    """A model that hangs in native code does not see that the server is gone; it must not keep the GPU."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    """Runs with the numbers of four descriptors: messages down and up, memory out and in."""
    faulthandler.enable()
    _die_with_the_server()
    for number in (signal.SIGINT, signal.SIGTERM):
        # They are meant for the server, which ends this process when it has taken leave of its clients.
        signal.signal(number, signal.SIG_IGN)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    asyncio.run(serve(*(int(each) for each in sys.argv[1:5])))
    logging.shutdown()
    sys.stdout.flush()
    # Threads of the model, or of its libraries, hold nothing up any more.
    os._exit(0)


if __name__ == "__main__":
    main()
