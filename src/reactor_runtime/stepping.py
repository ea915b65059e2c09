"""Stepping: what a session applies before its first step, and the steps that are asked for (reference: runtime, 5.4)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from reactor_protocol.errors import BadRequestError
from reactor_protocol.messages import ApplicationMessage, Command, Refusal, RequestStep, StepFailure, StepResult, StepTrack
from reactor_rtc.frames import Media
from reactor_runtime.commanding import Commanding
from reactor_runtime.commands import UNRESOLVED_UPLOAD
from reactor_runtime.description import ModelDescription
from reactor_runtime.emission import Bundle
from reactor_runtime.fields import ClientInfo
from reactor_runtime.hosting import Host
from reactor_runtime.pacer import Plan
from reactor_runtime.session import EndReason
from reactor_runtime.starting import StartTerms, entries
from reactor_runtime.step_gate import Allowance, StepReport
from reactor_runtime.step_media import BadEntry, read_media, step_tracks, weight_of
from reactor_runtime.tracks import TrackSpec

logger = logging.getLogger(__name__)

MAX_RESULT_BYTES: Final = 12 * 1024 * 1024
"""Limit of what a result carries: the engine keeps 16 MiB on the way to a client, and refuses what is above it."""
COMPLETE: Final = "Session ended: the requested steps are complete."
OVER: Final = "the session is over"
NOT_RECORDED: Final = "a stepped session is not recorded, so it has no clips"
SYSTEM_CLIENT: Final = 0
"""The id of the client that stands for the platform."""
UPLOAD_PATIENCE_S: Final = 10.0
_RETRY_S: Final = 0.1
_SETTLE_S: Final = 0.25


Finish: TypeAlias = Callable[[EndReason, str], None]
"""Ends the session, for a reason and with the words that its clients are told."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks for a step: a client, how it is told what its commands reply, and the largest answer (bytes) that it takes."""

    client: ClientInfo
    say: Callable[[ApplicationMessage], object]
    largest: int


async def check_terms(terms: StartTerms, model: ModelDescription, commands: Commanding) -> None:
    """Raises :class:`BadRequestError` for terms that a model cannot keep."""
    if terms.stepped and not model.steppable:
        raise BadRequestError(f"generation: {model.name} has a run() of its own, which takes no steps on request")
    for entry in terms.starting or ():
        refusal = await commands.check(entry.command)
        # Files can only be uploaded once there is a session.
        if refusal is not None and refusal.code != UNRESOLVED_UPLOAD:
            raise BadRequestError(f"{entry.place} is refused: {refusal.message}")


class _Failed(Exception):
    """A step that is not taken, or has no result."""

    def __init__(self, failure: StepFailure, message: str, *, code: str | None = None, entry: str | None = None) -> None:
        super().__init__(message)
        self.failure = failure
        self.code = code
        self.entry = entry


class Stepping:
    """The steps of one session."""

    def __init__(self, terms: StartTerms, host: Host, commands: Commanding, finish: Finish) -> None:
        self.terms = terms
        self.applied = 0
        self._host = host
        self._commands = commands
        self._finish = finish
        self._started = asyncio.Event()
        self._steps = 0
        self._over = False
        self._line = _Line()
        if terms.starting is None:
            self._started.set()

    # ---------------------------------------------------------------------------------------------------- beginning

    async def begin(self) -> None:
        """The session has begun: the model takes no step before what it starts from is applied."""
        if self.terms.starting is not None or self.terms.stepped:
            await self._host.allow_steps(Allowance(0, self.terms.stepped))
        elif self.terms.steps is not None:
            await self._host.allow_steps(self._remaining())

    def _remaining(self) -> Allowance:
        if self.terms.stepped:
            return Allowance(0, True)
        return Allowance(None if self.terms.steps is None else max(0, self.terms.steps - self._steps))

    async def restored(self) -> None:
        """The model is another one than before, which knows nothing of what was allowed."""
        if self._started.is_set():
            await self._host.allow_steps(self._remaining())

    async def apply_starting(self, client: ClientInfo, patience: float) -> None:
        """Applies the starting input, in order; a file that it refers to may come within ``patience`` seconds."""
        deadline = asyncio.get_running_loop().time() + patience
        for entry in self.terms.starting or ():
            problem = await self._apply_one(client, entry.command, deadline)
            if self._over:
                return
            if problem is not None:
                # The reason may repeat what was sent, which is nobody else's business.
                logger.warning("%s was not applied: %s", entry.place, problem.code)
                if problem.code == UNRESOLVED_UPLOAD:
                    self._finish(EndReason.START_REFUSED, f"Session ended: {entry.place}: {problem.message}")
                    return
                if self.terms.unattended:
                    self._finish(EndReason.ERROR, f"Session ended: {entry.place}: {problem.message}")
                    return
            self.applied += 1
        self._started.set()
        await self._host.allow_steps(self._remaining())

    async def _apply_one(self, client: ClientInfo, command: Command, deadline: float) -> Refusal | None:
        while True:
            error = (await self._commands.run(client, command)).error
            late = self._over or asyncio.get_running_loop().time() > deadline
            if error is None or error.code != UNRESOLVED_UPLOAD or late:
                return error
            await asyncio.sleep(_RETRY_S)

    @property
    def asked(self) -> int:
        """How many requests for steps are not answered yet."""
        return self._line.asked

    async def started(self) -> None:
        """Returns once the starting input is applied."""
        await self._started.wait()

    # -------------------------------------------------------------------------------------------- what the model makes

    def takes(self, bundles: Sequence[Bundle], plan: Plan) -> bool:
        """Whether what the model has made is for a result, and not for viewers."""
        if not self.terms.stepped:
            return False
        if self._line.report is not None and not self._line.report.done():
            self._line.made.extend((bundle, plan.period) for bundle in bundles)
        return True

    def reported(self, report: StepReport) -> None:
        """A step is done."""
        if self.terms.stepped:
            if self._line.report is not None and not self._line.report.done():
                self._line.report.set_result(report)
            return
        self._steps += 1
        if self._steps == self.terms.steps and not self._over:
            self._finish(EndReason.STOPPED, COMPLETE)

    def interrupted(self, reason: str) -> None:
        """The model is away: the step that was being taken has no result."""
        self._settle("failed", reason)

    async def end(self) -> None:
        """The session is over, and so is every step that was asked for: returns once they are answered."""
        self._over = True
        self._started.set()
        self._settle("session_ended", OVER)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE_S):
                await self._line.idle.wait()

    def _settle(self, failure: StepFailure, message: str) -> None:
        if self._line.report is not None and not self._line.report.done():
            self._line.report.set_exception(_Failed(failure, message))

    # --------------------------------------------------------------------------------------------- steps on request

    async def step(self, request: RequestStep, asker: Asker | None, tracks: Sequence[TrackSpec]) -> StepResult:
        """Takes one step. ``asker`` is None for a client that cannot take results."""
        self._line.asked += 1
        self._line.idle.clear()
        try:
            await self.started()
            async with self._line.turn:
                return await self._answered(request, asker, tracks)
        finally:
            self._line.asked -= 1
            if self._line.asked == 0:
                self._line.idle.set()

    async def _answered(self, request: RequestStep, asker: Asker | None, tracks: Sequence[TrackSpec]) -> StepResult:
        answer = StepResult(request.request_id or "")
        try:
            return await self._take(answer, request, self._admit(asker), tracks)
        except _Failed as error:
            code, entry = error.code, error.entry
            return replace(answer, step=self._step_of(error), error=str(error), failure=error.failure, code=code, entry=entry)

    def _step_of(self, error: _Failed) -> int:
        return self._steps if error.failure in ("failed", "result_too_large") else 0

    def _admit(self, asker: Asker | None) -> Asker:
        if self._over:
            raise _Failed("session_ended", OVER)
        if not self.terms.stepped:
            raise _Failed("refused", "this session streams: it takes no steps on request")
        if asker is None:
            raise _Failed("refused", "steps need data channels with chunking")
        if self.terms.steps is not None and self._steps >= self.terms.steps:
            raise _Failed("refused", f"the {self.terms.steps} steps of this session have been taken")
        return asker

    async def _take(self, answer: StepResult, request: RequestStep, asker: Asker, tracks: Sequence[TrackSpec]) -> StepResult:
        media = await self._checked(request, tracks)
        await self._apply(request, asker)
        for track, piece in media:
            self._host.push(track, piece)
        report = await self._taken()
        if report.refusal is not None:
            raise _Failed("refused", report.refusal)
        self._steps += 1
        made, self._line.made = self._line.made, []
        if report.error is not None:
            raise _Failed("failed", report.error)
        found = await asyncio.to_thread(_tracks_of, made)
        result = replace(answer, step=self._steps, elapsed_s=report.elapsed_s, tracks=found)
        if self._steps == self.terms.steps:
            asyncio.get_running_loop().call_soon(self._finish, EndReason.STOPPED, COMPLETE)
        limit = min(MAX_RESULT_BYTES, asker.largest)
        if (size := weight_of(found)) > limit:
            text = f"the step made {size} bytes, and a result carries {limit} at most"
            return replace(result, tracks=(), error=text, failure="result_too_large")
        return result

    async def _checked(self, request: RequestStep, tracks: Sequence[TrackSpec]) -> list[tuple[str, Media]]:
        """The media of a request, of which every part can be applied."""
        try:
            for entry in entries(request.state, list(request.commands)):
                refusal = await self._commands.check(entry.command)
                if refusal is not None:
                    raise _Failed("refused", refusal.message, code=refusal.code, entry=entry.place)
            return await asyncio.to_thread(read_media, request.media, tracks)
        except BadEntry as error:
            raise _Failed("refused", str(error), entry=error.entry) from error
        except BadRequestError as error:
            raise _Failed("refused", str(error)) from error

    async def _apply(self, request: RequestStep, asker: Asker) -> None:
        for entry in entries(request.state, list(request.commands)):
            outcome = await self._commands.run(asker.client, entry.command)
            if outcome.error is not None:
                raise _Failed("command_failed", outcome.error.message, code=outcome.error.code, entry=entry.place)
            if outcome.reply is not None:
                asker.say(outcome.reply)

    async def _taken(self) -> StepReport:
        self._line.made.clear()
        self._line.report = asyncio.get_running_loop().create_future()
        if self._over:
            raise _Failed("session_ended", OVER)
        try:
            await self._host.allow_steps(Allowance(1, True))
            return await self._line.report
        finally:
            if self._line.report.done() and not self._line.report.cancelled():
                self._line.report.exception()  # where allowing it failed, nobody looks
            self._line.report = None


class _Line:
    """The requests for steps that wait, and the step that is being taken: what it has made, and its report."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.made: list[tuple[Bundle, float]] = []
        self.report: asyncio.Future[StepReport] | None = None
        self.asked = 0
        self.idle = asyncio.Event()
        self.idle.set()


def _tracks_of(made: Sequence[tuple[Bundle, float]]) -> tuple[StepTrack, ...]:
    period = next((period for _, period in made if period > 0), 0.0)
    return step_tracks([bundle for bundle, _ in made], 1 / period if period > 0 else 0.0)
