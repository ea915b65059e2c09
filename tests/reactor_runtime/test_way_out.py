"""The model's way out under a still clock: batches, sound, flushes, and the rate."""

import numpy as np
import pytest

from reactor_runtime import Audio, Output, ReactorApp, Video, event
from reactor_testing.rehearsal import Rehearsal

GREY = np.full((4, 4, 3), 90, np.uint8)


class Speech(Audio):
    sample_rate = 24_000


class Talk(Output):
    main_audio: Speech


class Film(Output):
    main_video: Video
    main_audio: Speech


class Talker(ReactorApp):
    class Out(Output):
        main_audio: Speech

    async def run(self) -> None:
        await self.connected.wait()
        while True:
            await self.emit(Talk(main_audio=np.zeros((2, 2400), np.int16)))


class Filmer(ReactorApp):
    class Out(Output):
        main_video: Video

    async def run(self) -> None:
        await self.connected.wait()
        while True:
            sound = np.arange(24_000, dtype=np.int16)
            await self.emit(Film(main_video=np.stack([GREY] * 20), main_audio=sound), compute_time=1.0)

    @event(name="cut")
    def cut(self, hold: bool = False) -> None:
        self.output.flush(hold=hold)


def test_sound_alone_is_paced_by_its_own_length() -> None:
    with Rehearsal(Talker) as stage:
        stage.join()
        stage.advance(2.0)
        gaps = np.diff([frame.at for frame in stage.frames][2:20])
        assert gaps.tolist() == pytest.approx([0.1] * 17, abs=0.001)
        assert stage.frames[0].sound().shape == (2, 2400)


def test_a_batch_plays_evenly_and_its_sound_goes_with_its_pictures() -> None:
    with Rehearsal(Filmer) as stage:
        stage.join()
        stage.advance(0.999)
        assert [round(frame.at, 3) for frame in stage.frames] == [round(number * 0.05, 3) for number in range(20)]
        assert [frame.sound().shape[1] for frame in stage.frames] == [1200] * 20
        assert stage.frames[3].sound()[0, 0] == 3600
        stage.advance(1.0)
        assert stage.frames[20].at == pytest.approx(1.0, abs=0.001)


def test_a_flush_drops_what_waits_and_cuts_to_black() -> None:
    with Rehearsal(Filmer) as stage:
        client = stage.join()
        stage.advance(0.12)
        assert [int(frame.picture().max()) for frame in stage.frames] == [90, 90, 90]
        client.send("cut", {"hold": False})
        assert stage.flushes == 1
        black = [frame for frame in stage.frames if not frame.picture().any()]
        assert len(black) == 1
        assert black[0].picture().shape == (4, 4, 3)


def test_a_flush_that_holds_keeps_the_last_picture() -> None:
    with Rehearsal(Filmer) as stage:
        client = stage.join()
        stage.advance(0.12)
        client.send("cut", {"hold": True})
        assert stage.flushes == 1
        assert all(frame.picture().any() for frame in stage.frames)
