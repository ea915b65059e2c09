"""The stage of a running model: paces what it emits, on its own thread, and hands it over."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import Protocol

import numpy as np

from reactor_protocol.messages import ApplicationMessage
from reactor_rtc.frames import AudioBlock, Media, VideoFrame
from reactor_runtime.action_wait import ActionWait
from reactor_runtime.emission import Bundle, chunk_of
from reactor_runtime.fields import ModelMessage
from reactor_runtime.pacer import Made, Pacer, Plan
from reactor_runtime.sending import Sender, Told
from reactor_runtime.step_gate import StepReport
from reactor_runtime.tracks import Output

MAX_SOUND_AHEAD_S = 30.0
"""How much sound a model may have handed over before it is heard. One that makes more is held back, so that none is lost."""

_TURNS = 4  # of the loop: a command is posted, its dispatcher wakes, takes its turn, and the handler runs


class StageEvents(Protocol):
    """What a stage tells, on the model's own thread."""

    async def room(self) -> None:
        """Returns when what was handed over before leaves room for more."""
        ...

    def frames_ready(self, bundles: tuple[Bundle, ...], plan: Plan) -> None: ...

    def frames_flushed(self) -> None: ...

    def message_sent(self, message: ApplicationMessage, client: int | None, told: Told | None = None) -> None: ...

    def sound_missed(self, track: str, samples: int) -> None:
        """So many samples on an input track were dropped before the model read them."""
        ...

    def step_completed(self, report: StepReport) -> None:
        """A step of a counted session, after its frames."""
        ...


class LoopEvents(Protocol):
    """The same, told on the loop of the stage's owner."""

    def frames_ready(self, bundles: tuple[Bundle, ...], plan: Plan) -> None: ...

    def frames_flushed(self) -> None: ...

    def message_sent(self, message: ApplicationMessage, client: int | None, told: Told | None = None) -> None: ...

    def sound_missed(self, track: str, samples: int) -> None:
        """So many samples on an input track were dropped before the model read them."""
        ...

    def step_completed(self, report: StepReport) -> None: ...


class OnLoop:
    """Passes what a stage tells on to a loop of the same process."""

    def __init__(self, loop: asyncio.AbstractEventLoop, events: LoopEvents) -> None:
        self._loop = loop
        self._events = events

    async def room(self) -> None:
        """What was handed over is here already."""

    def frames_ready(self, bundles: tuple[Bundle, ...], plan: Plan) -> None:
        self._loop.call_soon_threadsafe(self._events.frames_ready, bundles, plan)

    def frames_flushed(self) -> None:
        self._loop.call_soon_threadsafe(self._events.frames_flushed)

    def message_sent(self, message: ApplicationMessage, client: int | None, told: Told | None = None) -> None:
        self._loop.call_soon_threadsafe(self._events.message_sent, message, client, told)

    def sound_missed(self, track: str, samples: int) -> None:
        self._loop.call_soon_threadsafe(self._events.sound_missed, track, samples)

    def step_completed(self, report: StepReport) -> None:
        self._loop.call_soon_threadsafe(self._events.step_completed, report)


class ModelStage:
    """What the model reaches the world through. ``frame`` counts what it has made; unless ``paced``, it is not held back."""

    def __init__(self, events: StageEvents) -> None:
        self._events = events
        self._sender = Sender(events.message_sent)
        self._pacer = Pacer()
        self._flushed = asyncio.Event()
        self._actions = ActionWait()
        self._acted = asyncio.Event()
        self._sizes: dict[str, tuple[int, int]] = {}
        self._heard_until: dict[str, float] = {}
        self.frame = 0
        self.paced = True

    def begin(self, frame: int) -> None:
        """A session begins, whose frames are counted from ``frame``."""
        self.frame = frame
        self._actions.clear()

    def acted(self, arrived: float, frame: int) -> None:
        """A client that acts once for each frame has; see :class:`ActionWait`."""
        self._actions.acted(arrived, frame)
        self._acted.set()

    async def emit(self, output: Output, fps: float, drop: bool) -> None:
        now = asyncio.get_running_loop().time
        if drop and (self._pacer.is_early(now()) or self._sound_ahead(now()) > 0):
            await asyncio.sleep(0)
            return
        began = now()
        chunk = chunk_of(output, fps, began)
        # Counted before anything is awaited: a command that is run meanwhile comes after these.
        bundles = tuple(_numbered(bundle, self.frame + place) for place, bundle in enumerate(chunk.bundles))
        self.frame += len(bundles)
        ready = now()
        await self._events.room()
        made = Made(self._pacer.worked(began), ready - began, ready)
        plan = replace(self._pacer.plan(len(bundles), fps, now()), made=made)
        self._sizes = {name: (m.width, m.height) for name, m in bundles[-1].items() if isinstance(m, VideoFrame)}
        self._events.frames_ready(bundles, plan)
        self._hear(bundles, plan.start)
        if not drop and self.paced:
            self._actions.made(self.frame - 1, now())
            self._acted.clear()
            await self._hold(max(plan.resume - now(), self._sound_ahead(now())))
            if len(bundles) == 1:
                await self._await_action(1.0 / fps)
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        self._pacer.resumed(now())

    def _hear(self, bundles: tuple[Bundle, ...], start: float) -> None:
        for bundle in bundles:
            for name, media in bundle.items():
                if isinstance(media, AudioBlock):
                    begins = max(start, self._heard_until.get(name, 0.0))
                    self._heard_until[name] = begins + media.samples.shape[1] / media.rate

    def _sound_ahead(self, now: float) -> float:
        """For how many seconds no more sound is taken; none where that is not above 0."""
        return max(self._heard_until.values(), default=0.0) - MAX_SOUND_AHEAD_S - now

    async def _hold(self, seconds: float) -> None:
        """Holds the model back, unless what it waits for is flushed."""
        self._flushed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                await self._flushed.wait()

    async def _await_action(self, period: float) -> None:
        """Lets a client that is about to answer the frame that it has just been given do so before the next is begun."""
        until = self._actions.until(period)
        if until is not None and not self._acted.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    await self._acted.wait()

    def flush(self, hold: bool) -> None:
        """Drops what is still to be played, and cuts to black unless the last picture is to stay."""
        self._pacer.reset()
        self._heard_until.clear()
        self._flushed.set()
        self._events.frames_flushed()
        if not hold and self._sizes:
            black: Bundle = {name: _black(*size) for name, size in self._sizes.items()}
            # It shows nothing new: whoever waits for a frame goes on waiting.
            self._events.frames_ready((_numbered(black, self.frame - 1),), Plan(0.0, 0.0, 0.0))

    def step_completed(self, report: StepReport) -> None:
        self._events.step_completed(report)

    async def send(self, message: ModelMessage) -> None:
        await self._sender.send(message.encode(), None)


def _numbered(bundle: Bundle, number: int) -> Bundle:
    def numbered(media: Media) -> Media:
        return replace(media, number=number) if isinstance(media, VideoFrame) else media

    return {name: numbered(media) for name, media in bundle.items()}


def _black(width: int, height: int) -> VideoFrame:
    return VideoFrame.from_rgb(np.zeros((height, width, 3), np.uint8), round(asyncio.get_running_loop().time() * 1_000_000))
