"""``HeliosModel`` drives the stand-in of Helios, over real WebRTC."""

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest
from helios_scene import Scene, paint
from openreactor_models.helios import (
    ChunkComplete,
    CommandError,
    GenerationStarted,
    HeliosModel,
    ImageAccepted,
    PromptAccepted,
    State,
)
from tests.examples.typed_stage import DEADLINE_S, TYPED, Heard, picture, stand_in

from reactor_cli.schema import read_schema
from reactor_protocol.schema_changes import changes


def test_the_stand_in_has_what_the_schema_file_says() -> None:
    written = json.loads((TYPED / "schemas" / "helios.json").read_text(encoding="utf-8"))
    assert changes(written, read_schema(str(TYPED / "helios"))) == []


@pytest.mark.network
async def test_the_typed_client_drives_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with stand_in("helios", tmp_path) as server:
        monkeypatch.setenv("REACTOR_LOCAL_URL", server.url)
        async with HeliosModel(local=True) as helios, asyncio.timeout(2 * DEADLINE_S):
            heard = Heard()
            for listen in (helios.on_state, helios.on_prompt_accepted, helios.on_image_accepted, helios.on_generation_started):
                listen(heard)
            helios.on_command_error(heard)

            @helios.on_chunk_complete
            async def made(chunk: ChunkComplete) -> None:
                heard(chunk)

            await helios.connect()
            state = await heard.until(lambda told: isinstance(told, State))
            assert (state.started, state.current_prompt, state.image_set, state.scheduled_prompts) == (False, None, False, {})
            await helios.start()
            refused = CommandError(command="start", reason="set a prompt first")
            assert await heard.until(lambda told: isinstance(told, CommandError)) == refused
            await helios.set_prompt("a misty forest")
            assert await heard.until(lambda told: isinstance(told, PromptAccepted)) == PromptAccepted(prompt="a misty forest")
            await helios.send_image(picture(tmp_path))
            assert await heard.until(lambda told: isinstance(told, ImageAccepted)) == ImageAccepted(width=200, height=100)
            await helios.set_image_strength(1.0)
            await helios.schedule_prompt("a neon city", chunk=1)
            await helios.start()
            started = await heard.until(lambda told: isinstance(told, GenerationStarted))
            assert started == GenerationStarted(prompt="a misty forest", chunk_index=0)
            frame = await anext(helios.frames())
            assert frame.shape == (384, 640, 3)
            left, right = frame[60:-60, 20:240].mean(axis=(0, 1)), frame[60:-60, 400:-20].mean(axis=(0, 1))
            assert left[0] > right[0] + 60  # the image: red on the left, blue on the right
            assert right[2] > left[2] + 60
            chunk = await heard.until(lambda told: isinstance(told, ChunkComplete))
            assert chunk == ChunkComplete(chunk_index=0, frames_emitted=33, active_prompt="a misty forest")
            await heard.until(lambda told: isinstance(told, State) and told.current_prompt == "a neon city")


def test_pictures_follow_the_words() -> None:
    night, snow = (paint(Scene(word), 1.0) for word in ("night", "snow"))
    assert night.dtype == np.uint8
    assert snow.mean() > night.mean() + 60
    assert np.array_equal(paint(Scene("night"), 1.0), night)
    assert not np.array_equal(paint(Scene("night"), 1.1), night)
