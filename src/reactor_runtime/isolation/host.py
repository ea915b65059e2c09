"""IsolatedHost: a model in a process of its own, which is begun anew when it crashes, without its clients being dropped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from reactor_protocol.errors import ModelFailedError
from reactor_protocol.messages import JsonObject, Refusal
from reactor_rtc.frames import Media
from reactor_rtc.scope import TaskScope
from reactor_runtime.config import Manifest, Settings
from reactor_runtime.description import ModelDescription
from reactor_runtime.fields import ClientInfo
from reactor_runtime.hosting import MODEL_FAILED, MODEL_RESTARTING, HostEvents, Outcome
from reactor_runtime.isolation import calls
from reactor_runtime.isolation.process import ModelProcess
from reactor_runtime.isolation.restarts import GiveUp, Restarts
from reactor_runtime.step_gate import Allowance
from reactor_runtime.stored import StoredFile

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Session:
    """What a new process has to know of the session that runs."""

    id: str
    frame: int = 0
    state: bytes | None = None
    clients: dict[int, calls.Who] = field(default_factory=dict)
    counted: Allowance | None = None


class IsolatedHost:
    """Keeps a model running. Asked for something that a lost model cannot do, it remembers it for the next one."""

    def __init__(self, manifest: Manifest, settings: Settings, events: HostEvents) -> None:
        self._manifest = manifest
        self._settings = settings
        self._events = events
        self._scope = TaskScope("isolated host")
        self._process = self._new_process()
        self._restarts = Restarts(settings.model.crash_limit)
        self._session: _Session | None = None
        self._shown = False
        """Whether the model has made a frame since it was loaded."""
        self._back: asyncio.Event | None = None
        """There while a new process is told of the session: it shows frames already, and commands wait for it."""
        self.up = False

    @property
    def pid(self) -> int | None:
        """The number of the process that runs the model."""
        return self._process.pid

    # ------------------------------------------------------------------------------------------------------- life

    async def load(self) -> ModelDescription:
        try:
            description = await self._load()
        except ModelFailedError:
            await self._process.close()
            raise
        self.up = True
        return description

    def _new_process(self) -> ModelProcess:
        return ModelProcess(self._heard, self._lost)

    async def _load(self) -> ModelDescription:
        settings = self._settings
        self._shown = False
        await self._process.spawn(settings.model.step_deadline)
        call = calls.Load(self._manifest, settings.log_level, settings.log_format, settings.model.handler_deadline)
        description: ModelDescription = await self._process.ask(call)
        self._restarts.loaded(asyncio.get_running_loop().time())
        return description

    def _lost(self, why: str) -> None:
        """The process has ended by itself."""
        if not self.up:
            return  # it was being loaded: whoever waits for that is told
        self.up = False
        self._scope.start(self._begin_anew(why), "begin-anew")

    async def _begin_anew(self, why: str) -> None:
        loop = asyncio.get_running_loop()
        while True:
            decision = self._restarts.crashed(loop.time(), None if self._shown else why)
            if isinstance(decision, GiveUp):
                times = f" ({decision.crashes} times in a row)" if decision.crashes > 1 else ""
                self._events.model_stopped(ModelFailedError(why + times))
                return
            self._events.model_lost(ModelFailedError(why))
            await asyncio.sleep(decision.wait)
            failure = await self._bring_back()
            if failure is None:
                return
            why = failure

    async def _bring_back(self) -> str | None:
        """A new process, which takes up the session. Returns why that failed, or None."""
        began = asyncio.get_running_loop().time()
        await self._process.close()
        self._process = self._new_process()
        try:
            description = await self._load()
            self._back = asyncio.Event()
            await self._take_up()
        except ModelFailedError as error:
            return str(error)
        finally:
            back, self._back = self._back, None
            if back is not None:
                back.set()
        self.up = True
        self._events.model_restored(description, asyncio.get_running_loop().time() - began)
        return None

    async def _take_up(self) -> None:
        """Tells a new process of the session, and of what changes while it is being told."""
        told: _Session | None = None
        clients: dict[int, calls.Who] = {}
        while (session := self._session) is not told or (session is not None and session.clients != clients):
            if session is not told:
                if told is not None:
                    await self._process.ask(calls.EndSession())
                told, clients = session, dict(session.clients) if session is not None else {}
                if session is not None:
                    await self._process.ask(_resumed(session))
                continue
            assert session is not None
            before, clients = clients, dict(session.clients)
            for number in clients.keys() - before.keys():
                await self._process.ask(calls.Join(clients[number]))
            for number in before.keys() - clients.keys():
                await self._process.ask(calls.Leave(before[number]))

    async def reload(self) -> None:
        """Loads the model anew, because its sources have changed. Clients stay."""
        self._restarts = Restarts(self._settings.model.crash_limit)
        self.up = False
        await self._scope.settle(0.0)
        failure = await self._bring_back()
        if failure is not None:
            self._events.model_lost(ModelFailedError(failure))

    async def close(self) -> None:
        self.up = False
        await self._scope.close()
        await self._process.close()

    # -------------------------------------------------------------------------------------------- what the model says

    def _heard(self, event: Any) -> None:
        match event:
            case calls.Frames(cargo, plan):
                self._shown = True
                if self._session is not None:
                    self._session.frame += len(cargo.bundles)
                self._events.frames_ready(self._process.unload(cargo), plan)
            case calls.Flushed():
                self._events.frames_flushed()
            case calls.Said(message, client, number):
                self._events.message_sent(message, client, partial(self._process.settle, number) if number else None)
            case calls.SoundMissed(track, samples):
                self._events.sound_missed(track, samples)
            case calls.StepDone(report):
                self._events.step_completed(report)
            case calls.StateIs(state):
                # Until it is up again, what it says is what the state of a new session begins with.
                if self._session is not None and self.up:
                    self._session.state = state

    # ---------------------------------------------------------------------------------------- sessions and clients

    async def _tell(self, call: calls.Call) -> None:
        """Tells the model. One that is away, or crashes over it, is told all when it is back."""
        if self.up:
            try:
                await self._process.ask(call)
            except ModelFailedError as error:
                logger.debug("%s was not told: %s", type(call).__name__, error)

    async def begin_session(self, session_id: str) -> None:
        self._session = _Session(session_id)
        await self._tell(calls.BeginSession(session_id))

    async def end_session(self) -> None:
        self._session = None
        await self._tell(calls.EndSession())

    async def client_joined(self, client: ClientInfo) -> None:
        if self._session is not None:
            self._session.clients[client.id] = _who(client)
        await self._tell(calls.Join(_who(client)))

    async def client_left(self, client: ClientInfo) -> None:
        if self._session is not None:
            self._session.clients.pop(client.id, None)
        await self._tell(calls.Leave(_who(client)))

    async def file_uploaded(self, file: StoredFile, client: ClientInfo) -> None:
        await self._tell(calls.Announce(file, _who(client)))

    async def dispatch(
        self,
        name: str,
        data: JsonObject,
        files: Mapping[str, StoredFile],
        inline: Mapping[str, StoredFile],
        client: ClientInfo,
    ) -> Outcome:
        if not await self._is_back():
            return Outcome(
                error=Refusal(MODEL_RESTARTING, "the model is being loaded again: send the command once more in a moment")
            )
        try:
            outcome: Outcome = await self._process.ask(calls.Dispatch(name, data, files, inline, _who(client)))
        except ModelFailedError as error:
            return Outcome(error=Refusal(MODEL_FAILED, f"the model has ended before it answered: {error}"))
        return outcome

    async def _is_back(self) -> bool:
        if self._back is not None:
            await self._back.wait()
        return self.up

    async def allow_steps(self, allowance: Allowance) -> None:
        if self._session is not None:
            self._session.counted = allowance if allowance != Allowance() else None
        await self._tell(calls.AllowSteps(allowance))

    async def check(
        self, name: str, data: JsonObject, files: Mapping[str, StoredFile], inline: Mapping[str, StoredFile]
    ) -> Refusal | None:
        if not await self._is_back():
            return Refusal(MODEL_RESTARTING, "the model is being loaded again: ask once more in a moment")
        try:
            refusal: Refusal | None = await self._process.ask(calls.Check(name, data, files, inline))
        except ModelFailedError as error:
            return Refusal(MODEL_RESTARTING, f"the model has ended before it answered: {error}")
        return refusal

    def push(self, track: str, media: Media) -> None:
        if self.up:
            self._process.push(track, media)


def _resumed(session: _Session) -> calls.BeginSession:
    """A session as a new process takes it up. Where steps are counted, none is taken before it is said again how many may be."""
    allowance = Allowance(0, session.counted.stepped) if session.counted is not None else None
    return calls.BeginSession(session.id, session.frame, session.state, tuple(session.clients.values()), allowance)


def _who(client: ClientInfo) -> calls.Who:
    return calls.Who(client.id, client.joined_at, client.system, client.in_step)
