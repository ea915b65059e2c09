"""A model with a loop of its own: what a hook prepares is there when ``connected.wait()`` returns."""

from __future__ import annotations

import asyncio

import numpy as np

from reactor_runtime import ModelMessage, Output, ReactorModel, Video, connected, event, session_started


class View(Output):
    """What a visitor sees."""

    main_video: Video


class Journal(ModelMessage):
    """Emitted when it is asked for."""

    entries: list[str]


class Loop(ReactorModel):
    """Runs on its own."""

    fps = 15

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[str] = []

    @session_started
    def _begin(self) -> None:
        self.picture = np.zeros((48, 64, 3), np.uint8)
        self.entries.append("session_started")

    @connected
    def _greet(self) -> None:
        self.light = 200
        self.entries.append("connected")

    @event(name="journal", description="What happened so far.")
    def journal(self) -> Journal:
        return Journal(entries=self.entries)

    async def run(self) -> None:
        while True:
            await self.connected.wait()
            # Neither is there before its hook has run.
            self.picture[:] = self.light
            self.entries.append("run")
            while self.connected.is_set():
                await self.emit(View(main_video=self.picture))
                await asyncio.sleep(0)
