"""Clients that only watch: they see what all see, and are refused what would change it."""

import asyncio

import numpy as np
import pytest
from tests.end_to_end.served import DEADLINE_S, Viewer, watching

from reactor_sdk import CommandRejected, Reactor

pytestmark = [pytest.mark.network, pytest.mark.timeout(240)]

MODEL = "media"


async def test_a_spectator_sees_the_picture_and_commands_nothing() -> None:
    async with watching(MODEL) as client:
        async with Reactor(MODEL, local=True, view_only=True) as spectator, asyncio.timeout(DEADLINE_S):
            await spectator.connect()
            viewer = Viewer(spectator)
            assert (await viewer.until(lambda shown: shown.number is not None)).frame.shape == (240, 320, 3)
            with pytest.raises(CommandRejected, match="view-only: it sends neither commands nor tracks") as caught:
                await spectator.send_command("play", {"width": 160})
            assert caught.value.code == "view_only"
            assert np.ndim((await viewer.next(1))[0].frame) == 3
        assert (await Viewer(client).until(lambda shown: shown.number is not None)).frame.shape == (240, 320, 3)
