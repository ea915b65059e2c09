"""Plays the script over a live connection, and measures."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from reactor_sdk import FileRef, Reactor
from tour.clip import ClipTrack
from tour.film import Film
from tour.report import Report, Shown
from tour.script import Step
from tour.watch import Seen, Watch

_PATIENCE_S: Final = 10.0
_FILM_SIZE: Final = (540, 960)

OnStep = Callable[[Step, Watch], None]


class NothingSeen(Exception):
    """No picture came back."""


@dataclass
class _Stage:
    """What every step needs. ``pace`` is how long one step lasts, ``began`` when the first one did, both in seconds."""

    reactor: Reactor
    camera: ClipTrack
    watch: Watch
    report: Report
    pace: float
    began: float


async def play(camera: ClipTrack, film: Path, steps: list[Step], seconds: float, on_step: OnStep) -> Report:
    """Connects to the runtime at ``REACTOR_LOCAL_URL``, plays all steps in about ``seconds``, and writes the film.

    Raises :class:`NothingSeen`, and what the client raises.
    """
    report = Report(camera_fps=camera.fps, size=camera.size)
    async with Reactor("restyle", local=True) as reactor:
        began = time.perf_counter()
        await reactor.connect()
        report.connected = time.perf_counter() - began
        with Film(film, _FILM_SIZE) as writer:
            watch = Watch(camera, writer)
            stage = _Stage(reactor, camera, watch, report, seconds / len(steps), time.perf_counter())
            await _play_steps(stage, steps, on_step)
        report.seconds = time.perf_counter() - stage.began
    report.first_frame = (watch.first_frame_at or began) - began
    report.first_picture = watch.arrivals[0] - stage.began
    report.arrivals, report.latencies, report.unreadable = watch.arrivals, watch.latencies, watch.unreadable
    return report


async def _play_steps(stage: _Stage, steps: list[Step], on_step: OnStep) -> None:
    looking = asyncio.create_task(stage.watch.look(stage.reactor.frames("main_video")))
    try:
        await stage.reactor.publish_track("camera", stage.camera)
        for step in steps:
            on_step(step, stage.watch)
            stage.report.shown.append(await _play_step(stage, step))
    finally:
        stage.camera.stop()
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await looking


async def _play_step(stage: _Stage, step: Step) -> Shown:
    started = sent = time.perf_counter()
    pause = min(0.08, stage.pace * 0.5 / max(1, len(step.commands)))
    for index, (name, data) in enumerate(step.commands):
        if index:
            await asyncio.sleep(pause)
        filled = await _filled(stage, data)
        sent = time.perf_counter()
        await stage.reactor.send_command(name, filled)
        stage.report.round_trips.append(time.perf_counter() - sent)
    first = await _seen_after(stage, len(stage.camera.sent_at) - 1, step)
    await asyncio.sleep(started + stage.pace - time.perf_counter())
    settled = stage.watch.latest or first
    return Shown(step, first, settled, settled.at - stage.began, first.at - sent)


async def _filled(stage: _Stage, data: Mapping[str, Any]) -> dict[str, Any]:
    """The data with its files uploaded."""
    return {key: await _upload(stage, value) if isinstance(value, bytes) else value for key, value in data.items()}


async def _upload(stage: _Stage, png: bytes) -> FileRef:
    started = time.perf_counter()
    reference = await stage.reactor.upload_file(png, name="badge.png", mime_type="image/png")
    stage.report.upload = time.perf_counter() - started
    return reference


async def _seen_after(stage: _Stage, number: int, step: Step) -> Seen:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return await stage.watch.after(number)
    except TimeoutError:
        raise NothingSeen(f"{step.label}: no picture of the camera came back within {_PATIENCE_S:g} s") from None
