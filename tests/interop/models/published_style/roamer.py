"""A pipeline in the published style: string annotations, private state, shared constants, hooks and messages in other modules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import terrain
from terrain import SEED, Arrived, Journal, RoamerState, View

from reactor_runtime import (
    CommandError,
    InputField,
    ReactorPipeline,
    connected,
    disconnected,
    event,
    get_weights_path,
    session_ended,
    session_started,
)
from reactor_runtime.interface.pipeline import Idle
from reactor_runtime.interface.pipeline.idle import _IdleType
from reactor_runtime.log import get_logger

if TYPE_CHECKING:
    from reactor_runtime import ClientInfo

logger = get_logger(__name__)


class Roamer(ReactorPipeline):
    """Roams over a made-up terrain."""

    state: RoamerState
    fps = 15
    buffer_size = 4

    def __init__(self) -> None:
        super().__init__()
        self.place = 0
        self.entries: list[str] = []

    def load(self, config_path: Path | None) -> None:
        logger.info("loaded", weights=get_weights_path().name, config=config_path)

    def _note(self, entry: str) -> None:
        self.entries.append(entry)

    def _step(self) -> None:
        self.place += self.state.pace

    @session_started
    def _begin(self) -> None:
        self.entries = []
        self._note(f"session_started {self.state._steps}")

    @connected
    async def _greet(self, client: ClientInfo) -> None:
        self._note("connected")
        await client.send(Arrived(place=self.place))

    @disconnected
    def _part(self) -> None:
        self._note("disconnected")

    @session_ended
    def _end(self) -> None:
        self._note("session_ended")

    @event(name="journal", description="What happened so far. Emits `journal`.")
    async def journal(self) -> Journal:
        """Tells what happened."""
        return Journal(entries=self.entries)

    @event(name="move", description="Moves the world. Emits `moved`.")
    async def move(self, seed: int = SEED) -> terrain.Moved:
        self.place = seed
        self.state._visited.append(seed)
        self._note(f"move {seed} {self.state._visited}")
        self.output.flush()
        message = terrain.Moved(place=self.place)
        await self.send(message)
        return message

    @event(name="leap", description="Refuses. Emits `command_error`.")
    async def leap(self, client: object, seed: int = SEED, why: str = InputField("none", choices=["none", "x"])) -> None:
        raise CommandError("too_far", f"{seed} is too far, for {why}")

    def inference(self) -> Iterator[View | _IdleType]:
        self._note("inference")
        try:
            yield Idle
            while True:
                self._step()
                yield View(main_video=np.full((48, 64, 3), self.place % 256, np.uint8))
        finally:
            self._note("closed")
