"""The model of the guides, without a network and under a clock that the test moves."""

import numpy as np
import pytest

from reactor_runtime import CommandError
from reactor_testing.rehearsal import Rehearsal
from studio import Studio


def test_it_shows_a_colour_and_obeys() -> None:
    with Rehearsal(Studio) as stage:
        client = stage.join()
        assert client.messages[0].data == {"value": 128}
        stage.advance(1.0)
        assert 29 <= len(stage.frames) <= 31
        assert client.send("set_color", {"value": 200}) == {"value": 200}
        stage.advance(0.1)
        assert stage.frames[-1].picture().mean() == 200
        with pytest.raises(CommandError, match="value: 999 > le"):
            client.send("set_color", {"value": 999})


def test_a_camera_takes_the_place_of_the_colour() -> None:
    with Rehearsal(Studio) as stage:
        client = stage.join()
        client.show("camera", np.full((90, 160, 3), 60, np.uint8))
        client.send("set_gain", {"gain": 2.0})
        stage.advance(0.1)
        assert abs(stage.frames[-1].picture().mean() - 120) < 4
