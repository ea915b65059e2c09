"""Recordings: those of a runtime, one running at most, the others kept on disk for a while."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from reactor_protocol.messages import ClipFailed, ClipReady, RequestClip, RequestRecording
from reactor_rtc.scope import TaskScope
from reactor_runtime.emission import Bundle
from reactor_runtime.recording.options import KeepLimits, RecordingOptions
from reactor_runtime.recording.recording import Recording
from reactor_runtime.recording.timeline import Covered
from reactor_runtime.tracks import TrackSpec

logger = logging.getLogger(__name__)

DISABLED: Final = "recorder disabled or encoder crashed"
NOTHING: Final = "no media generated yet"
NOT_POSITIVE: Final = "duration_seconds must be positive"

_PREFIX: Final = "reactor-recording-"
_ABANDONED_S: Final = 24 * 3600.0
_FINISH_LIMIT_S: Final = 2.0
_READY_MS: Final = 200
"""A request has the running fragment ended at once; this is for encoding and writing what waits."""
_MAX_EXPECTED: Final = 4096
_DEFAULT_PERIOD_S: Final = 1 / 30
_MAX_PROMISED: Final = 64
_PROMISE_LIMIT_S: Final = 30.0


class Recordings:
    """Begins, feeds, ends and forgets recordings. ``root`` is the folder for them; None is a new temporary one.

    ``on_chunk`` is called with the recording's id and the number of each chunk that is complete; -1 is the initialisation
    segment (reference: runtime, section 8). ``on_clip`` is called with each answer once all that it promises is on disk.
    """

    def __init__(self, options: RecordingOptions, root: Path | None = None) -> None:
        self.options = options
        self.on_chunk: Callable[[str, int], None] = _nothing
        self.on_clip: Callable[[ClipReady], None] = _ignored
        self._promised = 0
        self._root = root
        self._temporary = root is None
        self._recordings: dict[str, Recording] = {}
        self._ended_at: dict[str, float] = {}
        self._running: Recording | None = None
        self._expected: deque[tuple[Bundle, float]] = deque(maxlen=_MAX_EXPECTED)
        self._period = _DEFAULT_PERIOD_S
        self._scope = TaskScope("recordings")

    # ----------------------------------------------------------------------------------------------------- sessions

    def begin(self, session_id: str, tracks: Sequence[TrackSpec]) -> None:
        """Begins the recording of a session, if sessions are recorded; one under the same id is forgotten first."""
        self.end()
        chosen = chosen_tracks(self.options, tracks) if self.options.enabled else None
        if chosen is None:
            return
        self._forget(session_id)
        try:
            folder = self._folder()
        except OSError as error:
            logger.error("the session is not recorded: no folder could be made for it: %s", error)
            return
        recording = self._running = self._recordings[session_id] = Recording(session_id, folder, self.options, chosen)
        recording.on_chunk = lambda chunk: self.on_chunk(session_id, chunk)

    def end(self) -> None:
        """The session is over: its recording is completed, and kept for a while."""
        recording, self._running = self._running, None
        self._expected.clear()
        if recording is not None:
            self._ended_at[recording.id] = time.monotonic()
            self._scope.start(recording.finish(), f"finish {recording.id}")
            self._sweep()
            asyncio.get_running_loop().call_later(self.options.keep.after_end_s + 0.1, self._sweep)

    async def close(self) -> None:
        """Ends everything, and deletes what was recorded."""
        self.end()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FINISH_LIMIT_S):
                for recording in list(self._recordings.values()):
                    await recording.finish()
        await self._scope.close()
        for recording_id in list(self._recordings):
            self._forget(recording_id)
        if self._temporary and self._root is not None:
            shutil.rmtree(self._root, ignore_errors=True)
            self._root = None

    # -------------------------------------------------------------------------------------------------------- media

    def expect(self, bundles: tuple[Bundle, ...], period: float) -> None:
        """What is about to be sent, and for how many seconds each picture is seen."""
        if self._running is not None:
            self._expected.extend((bundle, period) for bundle in bundles)

    def take(self, bundle: Bundle) -> None:
        """Records what is sent now. Never waits."""
        if self._running is None:
            return
        while self._expected and self._expected[0][0] is not bundle:
            self._expected.popleft()  # it was dropped before it was sent
        if self._expected:
            self._period = self._expected.popleft()[1]
        self._running.take(bundle, self._period)

    # ----------------------------------------------------------------------------------------------------- requests

    @property
    def failure(self) -> str | None:
        """Why the running session is not recorded, though it should be."""
        return self._running.failure if self._running is not None else None

    def find(self, recording_id: str) -> Recording | None:
        """A recording that is running or kept."""
        return self._recordings.get(recording_id)

    def answer(self, request: RequestClip | RequestRecording, now: float, now_ms: int) -> ClipReady | ClipFailed:
        """The answer to a client; ``now`` is of a steady clock in seconds, ``now_ms`` Unix time."""
        if isinstance(request, RequestClip) and not (request.duration_s > 0 and math.isfinite(request.duration_s)):
            return ClipFailed(NOT_POSITIVE, request.request_id)
        recording = self._running
        if recording is None or recording.failure is not None:
            return ClipFailed(DISABLED, request.request_id)
        end, start = recording.now, recording.timeline.start
        if end <= start:
            return ClipFailed(NOTHING, request.request_id)
        if isinstance(request, RequestClip):
            start = max(start, end - min(request.duration_s, self.options.clip_max_seconds))
        recording.cut(now)
        clip = ClipReady(
            session_id=recording.id,
            kind="snap" if isinstance(request, RequestClip) else "recording",
            start_marker=start,
            end_marker=end,
            now_marker=end,
            predicted_ready_at_ms=now_ms + _READY_MS,
            playlist_url=f"/clips?session_id={recording.id}&start={start:.3f}&end={end:.3f}",
            request_id=request.request_id,
        )
        if self._promised < _MAX_PROMISED:
            self._promised += 1
            self._scope.start(self._keep(clip, recording), f"clip of {recording.id}")
        return clip

    async def _keep(self, clip: ClipReady, recording: Recording) -> None:
        """Tells when a clip that was promised can be fetched, if that is soon."""
        try:
            coverage = await recording.coverage(clip.start_marker, clip.end_marker, _PROMISE_LIMIT_S)
        finally:
            self._promised -= 1
        if isinstance(coverage, Covered):
            self.on_clip(clip)

    # --------------------------------------------------------------------------------------------------------- disk

    def _folder(self) -> Path:
        if self._root is None:
            self._root = Path(tempfile.mkdtemp(prefix="reactor-recordings-"))
        self._root.mkdir(parents=True, exist_ok=True)
        for left in self._root.glob(f"{_PREFIX}*"):
            # A runtime that was killed could not clean up; what another one is writing is not that old.
            if left.is_dir() and not left.is_symlink() and time.time() - left.stat().st_mtime > _ABANDONED_S:
                shutil.rmtree(left, ignore_errors=True)
        return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self._root))

    def _sweep(self) -> None:
        sizes = {recording_id: self._recordings[recording_id].timeline.size for recording_id in self._ended_at}
        for recording_id in expired(self._ended_at, sizes, self.options.keep, time.monotonic()):
            self._forget(recording_id)

    def _forget(self, recording_id: str) -> None:
        self._ended_at.pop(recording_id, None)
        recording = self._recordings.pop(recording_id, None)
        if recording is not None:
            shutil.rmtree(recording.folder, ignore_errors=True)


def chosen_tracks(options: RecordingOptions, tracks: Sequence[TrackSpec]) -> tuple[TrackSpec, TrackSpec | None] | None:
    """The tracks that are recorded: pictures, and sound where there is some; None for a model without pictures."""
    video = _chosen(options.video_track, [track for track in tracks if track.flow == "out" and track.kind == "video"])
    audio = _chosen(options.audio_track, [track for track in tracks if track.flow == "out" and track.kind == "audio"])
    return None if video is None else (video, audio)


def _chosen(name: str | None, tracks: list[TrackSpec]) -> TrackSpec | None:
    if name is not None:
        named = [track for track in tracks if track.name == name]
        if not named:
            logger.warning("there is no output track %r to record: the model's first one is taken", name)
        tracks = named or tracks
    return tracks[0] if tracks else None


def expired(ended_at: dict[str, float], sizes: dict[str, int], keep: KeepLimits, now: float) -> list[str]:
    """Which recordings that have ended are to be deleted: those too old, and the oldest of those too many or too large."""
    newest_first = sorted(ended_at, key=lambda each: ended_at[each], reverse=True)
    gone, total = [], 0
    for kept, recording_id in enumerate(newest_first, 1):
        total += sizes[recording_id]
        if now - ended_at[recording_id] >= keep.after_end_s or kept > keep.recordings or total > keep.total_bytes:
            gone.append(recording_id)
    return gone


def _ignored(_clip: ClipReady) -> None:
    """Nobody wants to know."""


def _nothing(_recording_id: str, _chunk: int) -> None:
    """Nobody wants to know."""
