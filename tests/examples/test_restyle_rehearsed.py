"""The restyle model as its clients see it, without a network."""

import numpy as np
import pytest
from decals import title_card
from tour.images import badge, encode_png

from reactor_protocol.messages import ApplicationMessage
from reactor_runtime import CommandError, UploadedFile
from reactor_testing.rehearsal import Rehearsal
from restyle import Restyle

STATE = {"effect": "none", "strength": 1.0, "caption": "", "overlay": False}


def test_without_a_camera_a_title_card_is_shown_and_the_camera_replaces_it() -> None:
    with Rehearsal(Restyle) as stage:
        client = stage.join()
        assert client.messages == [ApplicationMessage("state", STATE)]
        stage.advance(1.0)
        assert 3 <= len(stage.frames) <= 6
        card = title_card("Waiting for video on the track camera", 720, 1280, 1)
        assert stage.frames[0].picture().tolist() == card.tolist()
        client.show("camera", np.full((90, 160, 3), 120, np.uint8))
        stage.advance(0.1)
        assert np.abs(stage.frames[-1].picture().astype(int) - 120).max() <= 3


def test_commands_are_told_to_everybody_and_files_are_looked_at() -> None:
    with Rehearsal(Restyle) as stage:
        client, other = stage.join(), stage.join()
        assert client.send("set_effect", {"effect": "noir"}) == {"effect": "noir"}
        assert other.messages[-1] == ApplicationMessage("state", STATE | {"effect": "noir"})
        image = UploadedFile("badge.png", "image/png", encode_png(badge()))
        assert client.send("set_overlay", files={"image": image}) == {"width": 400, "height": 400}
        with pytest.raises(CommandError) as caught:
            client.send("set_overlay", files={"image": UploadedFile("notes.png", "image/png", b"no picture")})
        assert caught.value.code == "bad_image"
        stage.end_session()
        stage.start_session()
        assert stage.join().messages == [ApplicationMessage("state", STATE)]
