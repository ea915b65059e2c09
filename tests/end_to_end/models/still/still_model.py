"""A model that makes a frame when it is told to, and none besides."""

import asyncio
from pathlib import Path

import numpy as np

from reactor_runtime import InputField, Output, ReactorModel, TrackPayload, Video, event, session_started


class Seen(Output):
    main_video: Video


class Still(ReactorModel):
    """One frame for each ``show``, of that level, with the level as metadata; ``be_quiet`` leads to none."""

    fps = 30

    def load(self, config_path: Path | None) -> None:
        self.changed = asyncio.Event()

    @session_started
    def begin(self) -> None:
        self.show(16)

    @event(name="show")
    def show(self, level: int = InputField(ge=0, le=255)) -> None:
        self.level = level
        self.changed.set()

    @event(name="be_quiet")
    def be_quiet(self) -> None: ...

    async def run(self) -> None:
        while True:
            await self.connected.wait()
            await self.changed.wait()
            self.changed.clear()
            picture = np.full((96, 128, 3), self.level, np.uint8)
            await self.emit(Seen(main_video=TrackPayload(picture, metadata={"level": self.level})))
