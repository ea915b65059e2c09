"""What authors of models write with: the model class and its way out."""

from __future__ import annotations

import asyncio
import inspect
import logging
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Protocol

from reactor_runtime.connected_event import Connected
from reactor_runtime.contract import check_model
from reactor_runtime.fields import ModelMessage
from reactor_runtime.marks import HookName, connected, disconnected, event, file_uploaded, session_ended, session_started
from reactor_runtime.step_gate import StepGate, StepReport
from reactor_runtime.steps import ApplicationError, StepCompleted, StepOutcome
from reactor_runtime.tracks import Output, batch_of, sound_only

__all__ = [
    "HookName",
    "OutputStream",
    "ReactorApp",
    "ReactorModel",
    "Stage",
    "connected",
    "disconnected",
    "event",
    "file_uploaded",
    "session_ended",
    "session_started",
]

logger = logging.getLogger(__name__)

IDLE_S = 0.005
"""How long a model that has nothing to do rests before it is asked again."""

_FASTEST_FPS = 120.0
"""The most that a model whose rate is measured is taken to make: it cannot make more than anybody sees."""

_REMEMBERED_REFUSALS = 64


class Stage(Protocol):
    """What a running model reaches the world through."""

    async def emit(self, output: Output, fps: float, drop: bool) -> None: ...

    async def send(self, message: ModelMessage) -> None: ...

    def flush(self, hold: bool) -> None: ...

    def step_completed(self, report: StepReport) -> None: ...


class _Nowhere:
    """Where a model is that nothing runs, as in a unit test: what it makes and says is nobody's."""

    async def emit(self, output: Output, fps: float, drop: bool) -> None:
        await asyncio.sleep(0)

    async def send(self, message: ModelMessage) -> None:
        """Nobody listens."""

    def flush(self, hold: bool) -> None:
        """Nothing plays."""

    def step_completed(self, report: StepReport) -> None:
        """Nobody counts."""


class OutputStream:
    """The model's way out: ``emit``, the rate, and ``flush``."""

    def __init__(self, model: ReactorApp) -> None:
        self._model = model

    @property
    def fps(self) -> float:
        """Frames per second of emissions that carry no ``compute_time``: the model's ``fps``."""
        return _rate(self._model.fps)

    @fps.setter
    def fps(self, value: float) -> None:
        self._model.fps = _rate(value)

    async def emit(self, output: Output, *, compute_time: float | None = None, drop: bool = False) -> None:
        """Sends an output to every client, and returns when the next one should be made.

        A frame leaves at once. The rate is ``fps``, or for this output frames per ``compute_time`` (seconds). Sound without a
        picture lasts as long as it lasts. With ``drop`` nothing waits: an output that comes before its time is dropped. Raises
        :class:`reactor_protocol.errors.InvalidArgumentError` for an array of the wrong shape or dtype, or metadata that fits no
        frame. Where nothing runs the model, it is checked and goes nowhere.
        """
        frames = batch_of(output) or 1
        if compute_time is not None and compute_time > 0:
            fps = frames / compute_time
        elif not is_pinned(type(self._model)) and (seconds := sound_only(output)):
            fps = 1 / seconds
        else:
            fps = self.fps
        await stage_of(self._model).emit(output, fps, drop)

    def set_fps(self, fps: float) -> None:
        """The same as setting ``fps``: models of reactor-runtime 2.x know it by this name."""
        self.fps = fps

    def flush(self, hold: bool = False) -> None:
        """Drops what a batch has not played out yet, and cuts to black; with ``hold`` the last picture stays."""
        stage_of(self._model).flush(hold)


def _rate(fps: float) -> float:
    if not fps > 0:
        raise ValueError(f"fps must be above 0, not {fps}")
    return float(fps)


class ReactorApp:
    """A model: subclass it, write ``load`` and ``generate`` (or a ``run`` of your own), and add commands with ``@event``.

    The runtime makes one instance, without arguments, calls ``load`` once, and then runs ``run`` for the life of the process.
    Annotate ``state`` with an :class:`InputState` for fields that clients set, and any attribute with a :class:`MediaInput` for
    what they send. Whatever cannot work is a TypeError or ValueError where the class is made.
    """

    FRAMEWORK: ClassVar[bool] = True

    fps: float = 30.0
    """Frames per second at which emissions are played. Set on the class, it also paces the steps, however fast they are."""

    buffer_size: int | None = None
    """Accepted for models written for the published runtime; nothing is ever queued here but a batch that plays."""

    connected: asyncio.Event
    """Set while at least one client is connected. Who waits for it goes on when the client's hook is done."""

    output: OutputStream

    output_buffer: OutputStream
    """The same as ``output``, by the name of reactor-runtime 2.x."""

    state: Any
    """The fields that clients set, fresh for each session; None between sessions, and where none are declared."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_model(cls)

    def __new__(cls, *args: Any, **kwargs: Any) -> ReactorApp:
        # Done here, so that a subclass which forgets super().__init__() works all the same.
        model = super().__new__(cls)
        model.connected = Connected()
        model.output = model.output_buffer = OutputStream(model)
        model._reactor = _Running()
        if not hasattr(cls, "state"):
            model.state = None
        return model

    _reactor: _Running

    def load(self, config_path: Path | None) -> None:
        """Loads weights. Runs once, in a thread of its own, before any session; an exception here is shown to clients.

        ``config_path`` is the absolute path of ``runtime.config`` in the manifest, if there is one.
        """

    # ------------------------------------------------------------------------------------------------------ steps

    async def process_input(self) -> Any:
        """What the next step works on; by default the state. Raise :class:`ApplicationError` when there is nothing to do yet."""
        return getattr(self, "state", None)

    def generate(self, input: Any, /) -> Any:
        """One step: the heavy work, on what ``process_input`` gave. It may block; nothing else of the model runs meanwhile."""
        raise NotImplementedError(f"{type(self).__name__} has no run()")

    async def process_output(self, outcome: StepOutcome) -> Output | StepCompleted | None:
        """What becomes of a step; by default its Output is shown, and its error ends the model."""
        return outcome.to_output()

    async def run(self) -> None:
        """Generates, for the life of the process. By default it takes steps while a client is connected."""
        if type(self).generate is ReactorApp.generate:
            raise NotImplementedError(f"{type(self).__name__} has no run()")
        now, gate = asyncio.get_running_loop().time, gate_of(self)
        while True:
            await self.connected.wait()
            await gate.open.wait()
            async with turn_of(self):
                if not (self.connected.is_set() and gate.open.is_set()):
                    continue  # the last client left, or the session ended, while the turn was another's
                began = now()
                done = await _step(self)
            if isinstance(done, ApplicationError):
                await _rest(self, done)
                continue
            elapsed = done.elapsed if done.elapsed is not None else now() - began
            if done.output is not None:
                await show(self, done.output, elapsed)
            elif not gate.stepped:
                await asyncio.sleep(max(0.0, IDLE_S - elapsed))
            await self.complete_step(replace(done, elapsed=elapsed))

    async def complete_step(self, step: StepCompleted) -> None:
        """Reports a step that is done. The default ``run`` does it; one of your own may."""
        self._reactor.steps += 1
        if step.error is not None:
            logger.warning("step %d of %s failed: %s", self._reactor.steps, type(self).__name__, step.error)
        gate = gate_of(self)
        if gate.counted:
            gate.spend()
            stage_of(self).step_completed(StepReport(step.elapsed or 0.0, step.error))

    # ---------------------------------------------------------------------------------------------------- way out

    async def emit(self, output: Output, *, compute_time: float | None = None, drop: bool = False) -> None:
        """The same as ``self.output.emit``."""
        await self.output.emit(output, compute_time=compute_time, drop=drop)

    async def send(self, message: ModelMessage) -> None:
        """Sends a message to every client."""
        await stage_of(self).send(message)


# Functions and one attribute, because every name of the class is one that an author cannot use.


@dataclass(slots=True)
class _Running:
    """What the runtime keeps with a model."""

    stage: Stage = field(default_factory=_Nowhere)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    steps: int = 0
    gate: StepGate = field(default_factory=StepGate)
    refusals: set[str] = field(default_factory=set)


def stage_of(model: ReactorApp) -> Stage:
    """What the model reaches the world through; nowhere before the runtime has started it."""
    return model._reactor.stage


def bind(model: ReactorApp, stage: Stage) -> None:
    """Gives the model its stage; the runtime calls it before ``run``."""
    model._reactor.stage = stage


def turn_of(model: ReactorApp) -> asyncio.Lock:
    """Held while a step, a handler or a hook runs: there is only ever one of them."""
    return model._reactor.turn


def gate_of(model: ReactorApp) -> StepGate:
    """How many steps the model may take."""
    return model._reactor.gate


async def _rest(model: ReactorApp, refusal: ApplicationError) -> None:
    """A step was refused: whoever asked for it hears why, and a model that streams is asked again a moment later."""
    refused, gate = model._reactor.refusals, gate_of(model)
    if str(refusal) not in refused and len(refused) < _REMEMBERED_REFUSALS:
        refused.add(str(refusal))
        logger.debug("%s has nothing to do yet: %s", type(model).__name__, refusal)
    if gate.stepped:
        gate.spend()
        stage_of(model).step_completed(StepReport(refusal=str(refusal)))
    else:
        await asyncio.sleep(IDLE_S)


async def _step(model: ReactorApp) -> StepCompleted | ApplicationError:
    """One step, or why it was refused."""
    try:
        given = await model.process_input()
    except ApplicationError as refusal:
        return refusal
    loop = asyncio.get_running_loop()
    began, result, error = loop.time(), None, None
    try:
        result = model.generate(given)
    except Exception as failure:  # noqa: BLE001 - process_output decides what becomes of it
        error = failure
    done = await model.process_output(StepOutcome(result, error, loop.time() - began))
    if isinstance(done, StepCompleted):
        return done
    if done is None or isinstance(done, Output):
        return StepCompleted(done)
    raise TypeError(f"{type(model).__name__}.process_output gives an Output, a StepCompleted or None, not {type(done).__name__}")


async def show(model: ReactorApp, output: Output, elapsed: float) -> None:
    """Emits at the declared rate, or at the one that the model has shown."""
    shortest = (batch_of(output) or 1) / _FASTEST_FPS
    measured = None if is_pinned(type(model)) or elapsed <= 0 else max(elapsed, shortest)
    await model.emit(output, compute_time=measured)


def is_pinned(model: type[ReactorApp]) -> bool:
    """Whether the author has set ``fps``: emissions are played at that rate, and not at the one that is measured."""
    return any("fps" in vars(kind) for kind in model.__mro__ if "FRAMEWORK" not in vars(kind))


ReactorModel = ReactorApp
"""The same class, by the name that models with a ``run`` of their own know it by."""


def missing_work(model: type[ReactorApp]) -> str | None:
    """What keeps a class from being run, or None: it may be a base of others, so it is not refused where it is made."""
    if inspect.isabstract(model) or (model.run is ReactorApp.run and model.generate is ReactorApp.generate):
        return f"{model.__name__} has neither generate() nor run(): write one of them"
    return None
