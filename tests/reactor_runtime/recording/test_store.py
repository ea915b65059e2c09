"""Recordings from their first picture to the time when they are deleted."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.reactor_runtime.recording.studio import FPS, TRACKS, beeps, bundle, flashes, levels, picture
from tests.reactor_runtime.waiting import poll

from reactor_protocol.messages import ClipFailed, ClipReady, RequestClip, RequestRecording
from reactor_runtime.recording.options import KeepLimits, RecordingOptions
from reactor_runtime.recording.recording import Recording
from reactor_runtime.recording.store import Recordings, chosen_tracks, expired
from reactor_runtime.recording.timeline import Covered
from reactor_runtime.tracks import TrackSpec

FIRST = "6f0c2f3e-0000-4000-8000-000000000001"
SECOND = "6f0c2f3e-0000-4000-8000-000000000002"


@pytest.fixture
async def recordings(tmp_path: Path) -> AsyncIterator[Recordings]:
    store = Recordings(RecordingOptions(enabled=True), tmp_path)
    yield store
    await store.close()


async def record(store: Recordings, frames: range) -> None:
    """Has these frames recorded, all of them."""
    for frame in frames:
        one = bundle(frame)
        store.expect((one,), 1 / FPS)
        store.take(one)
        if frame % 4 == 0:
            await _taken(store)


async def _taken(store: Recordings) -> None:
    """Waits until the encoder has caught up: a test makes pictures faster than time passes."""
    recording = store._running
    assert recording is not None

    async def idle() -> bool:
        return not recording._backlog._items

    await poll(idle)


def found(store: Recordings, session_id: str = FIRST) -> Recording:
    recording = store.find(session_id)
    assert recording is not None
    return recording


def media(recording: Recording) -> bytes:
    chunks = sorted(recording.folder.glob("chunk_*.m4s"))
    return (recording.folder / "init.mp4").read_bytes() + b"".join(chunk.read_bytes() for chunk in chunks)


async def test_a_session_is_recorded_from_its_first_picture_to_its_last(recordings: Recordings) -> None:
    recordings.begin(FIRST, TRACKS)
    await record(recordings, range(5 * FPS + 10))
    recordings.end()
    recording = found(recordings)
    await recording.finish()
    assert recording.timeline.final
    assert recording.timeline.end == pytest.approx(5 + 10 / 30)
    assert [each.chunk for each in recording.timeline.fragments] == [0, 0, 0, 0, 1, 1]
    body = media(recording)
    assert len(levels(body)) == 160
    assert flashes(body) == pytest.approx([1, 2, 3, 4, 5], abs=0.001)
    assert beeps(body)[-5:] == pytest.approx([1, 2, 3, 4, 5], abs=0.012)


async def test_chunks_are_announced_when_they_are_complete(recordings: Recordings) -> None:
    told: list[tuple[str, int]] = []
    recordings.on_chunk = lambda recording_id, chunk: told.append((recording_id, chunk))
    recordings.begin(FIRST, TRACKS)
    await record(recordings, range(5 * FPS))
    recordings.end()
    await found(recordings).finish()
    assert told == [(FIRST, -1), (FIRST, 0), (FIRST, 1)]


async def test_a_clip_is_cut_at_the_moment_of_the_request(recordings: Recordings) -> None:
    recordings.begin(FIRST, TRACKS)
    await record(recordings, range(75))
    clip = recordings.answer(RequestClip(1.2, "r7"), time.monotonic(), 1_000_000)
    assert isinstance(clip, ClipReady)
    assert (clip.session_id, clip.kind, clip.request_id) == (FIRST, "snap", "r7")
    assert [clip.start_marker, clip.end_marker, clip.now_marker] == pytest.approx([1.3, 2.5, 2.5])
    assert clip.predicted_ready_at_ms == 1_000_200
    assert clip.playlist_url == f"/clips?session_id={FIRST}&start=1.300&end=2.500"
    coverage = await found(recordings).coverage(1.3, 2.5, patience=5.0)
    assert isinstance(coverage, Covered)
    assert [coverage.start, coverage.end] == pytest.approx([1.0, 2.5])


async def test_a_recording_is_asked_for_from_the_beginning(recordings: Recordings) -> None:
    recordings.begin(FIRST, TRACKS)
    await record(recordings, range(45))
    clip = recordings.answer(RequestRecording(), time.monotonic(), 0)
    assert isinstance(clip, ClipReady)
    assert (clip.kind, clip.start_marker) == ("recording", 0.0)
    assert clip.end_marker == pytest.approx(1.5)


async def test_a_clip_is_never_longer_than_the_manifest_allows(tmp_path: Path) -> None:
    store = Recordings(RecordingOptions(enabled=True, clip_max_seconds=1.0), tmp_path)
    store.begin(FIRST, TRACKS)
    await record(store, range(90))
    clip = store.answer(RequestClip(30.0), time.monotonic(), 0)
    assert isinstance(clip, ClipReady)
    assert clip.end_marker - clip.start_marker == pytest.approx(1.0)
    await store.close()


async def test_why_there_is_no_clip(recordings: Recordings, tmp_path: Path) -> None:
    off = Recordings(RecordingOptions(), tmp_path)
    off.begin(FIRST, TRACKS)
    assert off.answer(RequestClip(1.0), 0.0, 0) == ClipFailed("recorder disabled or encoder crashed")
    recordings.begin(FIRST, TRACKS)
    assert recordings.answer(RequestClip(1.0, "r1"), 0.0, 0) == ClipFailed("no media generated yet", "r1")
    for wrong in (0.0, -1.0, float("inf")):
        assert recordings.answer(RequestClip(wrong), 0.0, 0) == ClipFailed("duration_seconds must be positive")


async def test_a_model_without_pictures_is_not_recorded(recordings: Recordings) -> None:
    recordings.begin(FIRST, TRACKS[1:])
    assert recordings.answer(RequestClip(1.0), 0.0, 0) == ClipFailed("recorder disabled or encoder crashed")


async def test_an_encoder_that_is_too_slow_loses_pictures_and_says_so(recordings: Recordings) -> None:
    recordings.begin(FIRST, TRACKS)
    for frame in range(60):  # without a pause: the encoder has no chance
        recordings.take(bundle(frame))
    recording = found(recordings)
    recordings.end()
    await recording.finish()
    assert recording.dropped > 0
    assert recording.condition.dropped == recording.dropped
    assert recording.timeline.end == pytest.approx(2.0)
    assert len(levels(media(recording))) == 60 - recording.dropped


async def test_what_was_flushed_before_it_was_sent_is_not_recorded(recordings: Recordings) -> None:
    recordings.begin(FIRST, TRACKS)
    flushed, sent = {"main": picture(3)}, {"main": picture(4)}
    recordings.expect((flushed,), 3.0)
    recordings.expect((sent,), 0.5)
    recordings.take(sent)
    assert found(recordings).now == pytest.approx(0.5)


async def test_a_session_that_comes_back_under_its_id_begins_anew(recordings: Recordings) -> None:
    recordings.begin(FIRST, TRACKS)
    await record(recordings, range(40))
    recordings.end()
    before = found(recordings)
    await before.finish()
    recordings.begin(FIRST, TRACKS)
    assert found(recordings) is not before
    assert found(recordings).timeline.end == 0.0
    assert not before.folder.exists()


async def test_two_sessions_have_folders_of_their_own(recordings: Recordings) -> None:
    recordings.begin(FIRST, TRACKS)
    recordings.begin(SECOND, TRACKS)
    assert found(recordings, FIRST).folder != found(recordings, SECOND).folder
    assert found(recordings, FIRST).folder.stat().st_mode & 0o077 == 0


async def test_a_disk_that_fails_ends_the_recording_and_what_was_made_is_kept(recordings: Recordings) -> None:
    recordings.begin(FIRST, TRACKS)
    await record(recordings, range(45))
    recording = found(recordings)
    (recording.folder / "chunk_00000.m4s").unlink()
    (recording.folder / "chunk_00000.m4s").mkdir()
    await record(recordings, range(45, 60))
    recording.cut(time.monotonic())
    async with asyncio.timeout(40):
        await recording.finish()
    assert recording.failure is not None
    assert recording.timeline.final
    assert recording.timeline.end == pytest.approx(1.0)
    assert recordings.answer(RequestClip(1.0), 0.0, 0) == ClipFailed("recorder disabled or encoder crashed")


async def test_a_recording_is_deleted_some_time_after_its_session(tmp_path: Path) -> None:
    store = Recordings(RecordingOptions(enabled=True, keep=KeepLimits(after_end_s=0.05)), tmp_path)
    store.begin(FIRST, TRACKS)
    await record(store, range(10))
    folder = found(store).folder
    store.end()

    async def gone() -> bool:
        return store.find(FIRST) is None and not folder.exists()

    await poll(gone)
    await store.close()


async def test_the_disk_is_left_as_it_was(tmp_path: Path) -> None:
    store = Recordings(RecordingOptions(enabled=True), tmp_path)
    store.begin(FIRST, TRACKS)
    await record(store, range(10))
    await store.close()
    assert list(tmp_path.iterdir()) == []


def test_the_oldest_go_first() -> None:
    ended, sizes = {"a": 10.0, "b": 20.0, "c": 30.0}, {"a": 5, "b": 5, "c": 5}
    assert expired(ended, sizes, KeepLimits(), 100.0) == []
    assert expired(ended, sizes, KeepLimits(), 310.0) == ["a"]
    assert expired(ended, sizes, KeepLimits(recordings=1), 31.0) == ["b", "a"]
    assert expired(ended, sizes, KeepLimits(total_bytes=10), 31.0) == ["a"]


def test_the_manifest_names_the_tracks_or_the_first_ones_are_taken() -> None:
    tracks = [TrackSpec("cam", "video", "in"), TrackSpec("a", "video", "out"), TrackSpec("b", "video", "out")]
    assert chosen_tracks(RecordingOptions(), tracks) == (tracks[1], None)
    assert chosen_tracks(RecordingOptions(video_track="b"), tracks) == (tracks[2], None)
    assert chosen_tracks(RecordingOptions(video_track="no"), tracks) == (tracks[1], None)
