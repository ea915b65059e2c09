"""The echo example, rehearsed: no network, and a clock that the test moves."""

import numpy as np
import pytest

from echo import Echo
from reactor_protocol.messages import ApplicationMessage
from reactor_runtime import CommandError, UploadedFile
from reactor_testing.rehearsal import Rehearsal


def half(top: int, bottom: int) -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    picture = np.full((48, 64, 3), bottom, np.uint8)
    picture[:24] = top
    return picture


def test_a_picture_comes_back_as_it_was_sent_and_turned_over_on_demand() -> None:
    with Rehearsal(Echo) as stage:
        client = stage.join()
        stage.advance(1.0)
        assert stage.frames == []
        client.show("camera", half(200, 40))
        stage.advance(0.1)
        assert np.abs(stage.frames[-1].picture().astype(int) - half(200, 40)).max() <= 3
        client.send("set_mirror", {"mirror": "vertical"})
        client.show("camera", half(200, 40))
        stage.advance(0.1)
        assert np.abs(stage.frames[-1].picture().astype(int) - half(40, 200)).max() <= 3
        client.send("set_tint", {"tint": 255})
        client.show("camera", half(200, 40))
        stage.advance(0.1)
        assert stage.frames[-1].picture()[..., 0].min() == 255
        assert len(stage.frames) == 3


def test_sound_goes_with_the_picture_that_it_came_with() -> None:
    with Rehearsal(Echo) as stage:
        client = stage.join()
        client.send("set_volume", {"volume": 0.5})
        client.play("microphone", np.full(480, 1000, np.int16))
        client.play("microphone", np.full(480, 2000, np.int16))
        client.show("camera", half(0, 0))
        stage.advance(0.1)
        assert stage.frames[-1].sound().tolist() == [[500] * 480 + [1000] * 480]


def test_commands_are_answered_and_refused() -> None:
    with Rehearsal(Echo) as stage:
        client = stage.join()
        assert client.messages == [ApplicationMessage("welcome", {"steps": 0})]
        assert client.send("say", {"text": "hi", "times": 2}) == {"text": "hi hi", "length": 5}
        assert client.send("show", files={"file": UploadedFile("a.bin", "text/plain", b"123")}) == {
            "file_name": "a.bin",
            "size": 3,
        }
        with pytest.raises(CommandError, match="mirror: 'diagonal' not one of"):
            client.send("set_mirror", {"mirror": "diagonal"})
        with pytest.raises(CommandError, match=r"volume: 2 > le\(1.0\)"):
            client.send("set_volume", {"volume": 2})
