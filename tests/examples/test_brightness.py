"""The brightness example, rehearsed."""

import numpy as np
import pytest

from brightness import Brightness
from reactor_protocol.messages import ApplicationMessage
from reactor_runtime import CommandError
from reactor_testing.rehearsal import Rehearsal


def test_a_second_has_thirty_pictures_as_bright_as_was_asked_for() -> None:
    with Rehearsal(Brightness) as stage:
        client, other = stage.join(), stage.join()
        stage.advance(1.0)
        assert 30 <= len(stage.frames) <= 32
        assert stage.frames[-1].picture().max() == 127
        assert client.send("set_brightness", {"brightness": 1}) == {"brightness": 1.0, "before": 0.5}
        assert other.messages == [ApplicationMessage("brightness_changed", {"brightness": 1.0, "before": 0.5})]
        stage.advance(0.1)
        assert stage.frames[-1].picture().max() == 255


def test_the_wedge_wanders_as_it_is_told() -> None:
    def edges(stage: Rehearsal) -> list[int]:
        return [int(np.argmax(frame.picture()[0, :, 0])) for frame in stage.frames]

    with Rehearsal(Brightness) as stage:
        client = stage.join()
        stage.advance(0.2)
        right = edges(stage)
        assert right[2] - right[1] == 4
        client.send("set_direction", {"direction": "left"})
        stage.frames.clear()
        stage.advance(0.2)
        left = edges(stage)
        assert left[2] - left[1] == -4
        client.send("set_paused", {"paused": True})
        stage.advance(0.1)
        stage.frames.clear()
        stage.advance(1.0)
        assert stage.frames == []


def test_what_is_out_of_range_is_refused_and_null_is_allowed_where_the_type_says_so() -> None:
    with Rehearsal(Brightness) as stage:
        client = stage.join()
        with pytest.raises(CommandError, match=r"brightness: 2 > le\(1.0\)"):
            client.send("set_brightness", {"brightness": 2})
        assert client.send("set_caption", {"caption": None}) is None
        with pytest.raises(CommandError, match="caption: length 41 > max_length"):
            client.send("set_caption", {"caption": "x" * 41})
