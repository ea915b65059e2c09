"""Rehearsal: runs any model in this process, without a network, under a clock that the test moves.

with Rehearsal(Painter) as stage:
    client = stage.join()
    assert client.send("set_prompt", {"prompt": "dusk"}) == {"prompt": "dusk"}
    stage.advance(1.0)
    assert len(stage.frames) == 30
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from reactor_protocol.errors import ModelFailedError
from reactor_protocol.messages import ApplicationMessage, JsonObject
from reactor_rtc.frames import AudioBlock, Media, RgbArray, VideoFrame
from reactor_runtime.contract import Contract, read_contract
from reactor_runtime.emission import Bundle
from reactor_runtime.fields import ClientInfo, CommandError, ModelMessage, UploadedFile
from reactor_runtime.host import ModelHost, Stand
from reactor_runtime.model import ReactorApp
from reactor_runtime.model_thread import OnStopped, Work, beside, refuse
from reactor_runtime.pacer import Plan
from reactor_runtime.playout import Playout
from reactor_runtime.sending import Told
from reactor_runtime.step_gate import StepReport
from reactor_testing.still_loop import StillLoop

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_FIRST_CLIENT = 1002


@dataclass(frozen=True, slots=True)
class ShownFrame:
    """What left at one time. ``at`` is in seconds since the rehearsal began; ``media`` is by the name of its track."""

    at: float
    media: Mapping[str, Media]

    def picture(self, track: str = "main_video") -> RgbArray:
        """The picture of a track, (H, W, 3) uint8 RGB."""
        frame = self.media[track]
        assert isinstance(frame, VideoFrame), f"{track} is no video track"
        return frame.to_rgb()

    def sound(self, track: str = "main_audio") -> NDArray[np.int16]:
        """The sound of a track, (channels, samples) int16."""
        block = self.media[track]
        assert isinstance(block, AudioBlock), f"{track} is no audio track"
        return block.samples


class RehearsalClient:
    """One client of a rehearsal. ``messages`` are those that it was sent, replies not among them."""

    def __init__(self, rehearsal: Rehearsal, info: ClientInfo) -> None:
        self._rehearsal = rehearsal
        self.info = info
        self.messages: list[ApplicationMessage] = []

    def send(
        self,
        command: str,
        data: JsonObject | None = None,
        files: Mapping[str, UploadedFile] = _NOTHING,
        *,
        within: float = 1.0,
    ) -> JsonObject | None:
        """Sends a command, and gives the data of its reply, or None. ``files`` are by parameter.

        Raises :class:`CommandError` for a refusal, TimeoutError where the handler takes longer than ``within`` seconds.
        """
        host, loop = self._rehearsal.host, self._rehearsal.loop
        outcome = loop.finish(host.dispatch(command, data or {}, files, self.info), within)
        if outcome.error is not None:
            raise CommandError(outcome.error.code, outcome.error.message)
        return outcome.reply.data if outcome.reply is not None else None

    def show(self, track: str, picture: RgbArray) -> None:
        """Sends a picture, (H, W, 3) uint8 RGB, on an input track."""
        self._rehearsal.host.push(track, VideoFrame.from_rgb(picture, self._rehearsal.now_us()))

    def play(self, track: str, samples: NDArray[Any], rate: int = 48_000) -> None:
        """Sends sound, (samples,) or (channels, samples), on an input track."""
        self._rehearsal.host.push(track, AudioBlock.from_array(samples, rate, self._rehearsal.now_us()))

    def upload(self, file: UploadedFile) -> None:
        """Says that a file has arrived."""
        hook = self._rehearsal.host.run_hook("file_uploaded", uploaded_file=file, client=self.info)
        self._rehearsal.loop.finish(hook, 1.0)

    def leave(self) -> None:
        """Goes away."""
        self._rehearsal.forget(self)


class Rehearsal:
    """A model on a stage. Use it as a context: the model is loaded and a session begins; at the end both are over.

    ``frames`` are those that have left, ``missed`` the samples by input track that the model did not read in time, ``failure`` is
    what the model stopped with. It has a loop of its own, so that it cannot
    be used where another one runs: in plain tests, not in coroutines.
    """

    def __init__(self, model: type[ReactorApp], config: Path | None = None) -> None:
        self.contract: Contract = read_contract(model)
        self.loop = StillLoop()
        self.frames: list[ShownFrame] = []
        self.flushes = 0
        self.missed: dict[str, int] = {}
        self.failure: ModelFailedError | None = None
        self._clients: dict[int, RehearsalClient] = {}
        self._joined = 0
        self._playout = Playout(self._deliver)
        self.host = self.loop.finish(self._made(model, config))

    async def _made(self, model: type[ReactorApp], config: Path | None) -> ModelHost:
        host = ModelHost(model, self.contract, self, Stand(place=_Floor))
        await host.load(config)
        return host

    def __enter__(self) -> Self:
        try:
            self.host_started()
            self.start_session()
        except BaseException:
            self.close()
            raise
        return self

    def host_started(self) -> None:
        """Runs the model, without a session."""

        async def start() -> None:
            self.host.start()

        self.loop.finish(start())

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            with contextlib.suppress(ModelFailedError):
                self.end_session()
        finally:
            self.close()

    def close(self) -> None:
        """Ends the model and the loop."""
        try:
            self.loop.finish(self.host.close(), 1.0)
        finally:
            self.loop.close()

    # ---------------------------------------------------------------------------------------------------- what happens

    def start_session(self) -> None:
        """A session begins."""
        self.host.begin_session()
        self.loop.finish(self.host.run_hook("session_started"), 1.0)

    def end_session(self) -> None:
        """The session ends, for all its clients."""
        self._clients.clear()
        self._playout.clear()
        self.loop.finish(self.host.end_session(), 1.0)
        self.loop.finish(self.host.run_hook("session_ended"), 1.0)

    def join(self) -> RehearsalClient:
        """A client joins; what the model tells it at once is among its messages."""
        number = _FIRST_CLIENT + self._joined
        self._joined += 1

        async def send(message: ModelMessage) -> None:
            self.message_sent(message.encode(), number)

        client = RehearsalClient(self, ClientInfo(number, self.loop.time(), _send=send))
        self._clients[number] = client
        self.loop.finish(self.host.client_joined(client.info), 1.0)
        return client

    def forget(self, client: RehearsalClient) -> None:
        """A client has gone."""
        if self._clients.pop(client.info.id, None) is not None:
            self.loop.finish(self.host.client_left(client.info), 1.0)

    def advance(self, seconds: float) -> None:
        """Lets ``seconds`` pass. What the model does in them is done when this returns."""
        self.loop.advance(seconds)

    def now_us(self) -> int:
        """Microseconds since the rehearsal began."""
        return round(self.loop.time() * 1_000_000)

    # ------------------------------------------------------------------------------------- what the model says (HostEvents)

    def frames_ready(self, bundles: tuple[Bundle, ...], plan: Plan) -> None:
        """Plays what the model has made, each frame at its time."""
        self._playout.play(bundles, plan)

    def frames_flushed(self) -> None:
        """Drops what has not been played."""
        self.flushes += 1
        self._playout.flush()

    def message_sent(self, message: ApplicationMessage, client: int | None, told: Told | None = None) -> None:
        """Hands a message to whom it is meant for, who has room for it."""
        for number, known in self._clients.items():
            if client in (None, number):
                known.messages.append(message)
        if told is not None:
            told(None)

    def sound_missed(self, track: str, samples: int) -> None:
        """Counts what the model did not read in time."""
        self.missed[track] = self.missed.get(track, 0) + samples

    def step_completed(self, report: StepReport) -> None:
        """Only sessions whose steps are counted tell of them, and a rehearsal's are not."""

    def model_stopped(self, error: ModelFailedError) -> None:
        """Keeps what the model has stopped with."""
        self.failure = error

    def _deliver(self, bundle: Bundle) -> None:
        self.frames.append(ShownFrame(self.loop.time(), bundle))


class _Floor:
    """Where a rehearsed model runs: on the rehearsal's own loop."""

    def __init__(self, on_stopped: OnStopped) -> None:
        self._on_stopped = on_stopped
        self._queue: asyncio.Queue[Work] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def start(self, run: Callable[[], Any], name: str) -> None:
        self._task = asyncio.get_running_loop().create_task(beside(run, self._queue), name=f"model-{name}")
        self._task.add_done_callback(self._ended)

    def post(self, work: Work) -> None:
        if self._task is None or self._task.done():
            refuse(work)
        else:
            self._queue.put_nowait(work)

    def announce_stop(self) -> None:
        self._stopping = True

    async def aside(self, work: Callable[[], Any], name: str) -> None:
        work()

    async def stop(self) -> None:
        self.announce_stop()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    def _ended(self, task: asyncio.Task[None]) -> None:
        while not self._queue.empty():
            refuse(self._queue.get_nowait())
        if not self._stopping:
            self._on_stopped(None if task.cancelled() else task.exception())
