"""``LingBotModel`` drives the stand-in of LingBot, over real WebRTC."""

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest
from lingbot_land import Camera, make_land, view
from lingbot_stand_in import Steering, moved
from openreactor_models.lingbot import ChunkComplete, CommandError, ImageAccepted, LingBotModel, State
from tests.examples.typed_stage import DEADLINE_S, TYPED, Heard, picture, stand_in

from reactor_cli.schema import read_schema
from reactor_protocol.schema_changes import changes
from reactor_sdk import CommandRejected


def test_the_stand_in_has_what_the_schema_file_says() -> None:
    written = json.loads((TYPED / "schemas" / "lingbot.json").read_text(encoding="utf-8"))
    assert changes(written, read_schema(str(TYPED / "lingbot"))) == []


@pytest.mark.network
async def test_the_typed_client_drives_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with stand_in("lingbot", tmp_path) as server:
        monkeypatch.setenv("REACTOR_LOCAL_URL", server.url)
        async with LingBotModel(local=True) as lingbot, asyncio.timeout(2 * DEADLINE_S):
            heard = Heard()
            for listen in (lingbot.on_state, lingbot.on_image_accepted, lingbot.on_chunk_complete, lingbot.on_command_error):
                listen(heard)
            await lingbot.connect()
            await lingbot.send_image(picture(tmp_path).read_bytes())
            assert await heard.until(lambda told: isinstance(told, ImageAccepted)) == ImageAccepted(width=200, height=100)
            with pytest.raises(CommandRejected):
                await lingbot.set_rotation_speed_deg(31)
            await lingbot.set_movement("forward")
            await lingbot.set_look_horizontal("left")
            await lingbot.start()
            frames = lingbot.frames()
            first = await anext(frames)
            assert first.shape == (240, 416, 3)
            await heard.until(lambda told: told == ChunkComplete(chunk_index=0, active_action="forward+look_left"))
            later = await anext(frames)
            assert np.abs(later.astype(int) - first).mean() > 4  # one has walked and turned
            await lingbot.set_image(picture(tmp_path))
            refused = await heard.until(lambda told: isinstance(told, CommandError))
            assert refused == CommandError(command="set_image", reason="the generation has begun: reset it first")
            await lingbot.pause()
            paused = await heard.until(lambda told: isinstance(told, State) and told.paused)
            assert (paused.running, paused.movement, paused.look_horizontal, paused.rotation_speed_deg) == (
                False,
                "forward",
                "left",
                5.0,
            )


def test_the_camera_walks_where_it_looks() -> None:
    ahead = moved(Camera(100, 100, turn=90), Steering(movement="forward"))
    assert (round(ahead.x, 6), round(ahead.y, 6), ahead.turn) == (100.0, 101.6, 90)
    aside = moved(Camera(100, 100, turn=90), Steering(movement="strafe_right", horizontal="right", vertical="up"))
    assert (round(aside.x, 6), round(aside.y, 6)) == (98.4, 100.0)
    assert (aside.turn, aside.tilt) == (91.25, 1.25)


def test_the_land_takes_its_colours_from_the_image() -> None:
    red = np.zeros((64, 64, 3), np.uint8)
    red[..., 0] = 230
    plain, coloured = (view(make_land(3, "", image), Camera(tilt=-15)) for image in (None, red))
    assert coloured[120:, :, 0].mean() > coloured[120:, :, 1].mean() + 60
    assert plain[120:, :, 1].mean() > 60
    assert plain.shape == (240, 416, 3)
