"""Our Gymnasium environment on our coordinator: a session with a key, and every observation the one of its action."""

import numpy as np
import pytest
from tests.interop.coordinator import MODEL_NAME, Hosted
from tests.interop.observations import is_near

from reactor_sdk.gym import ReactorEnv

pytestmark = [pytest.mark.network, pytest.mark.timeout(240)]

COLORS = [(200, 40, 40), (30, 160, 60), (40, 60, 200)]
STEPS = 100


def test_every_observation_through_the_coordinator_is_the_one_of_its_action(hosted: Hosted) -> None:
    actions = [dict(zip(("red", "green", "blue"), color, strict=True)) for color in COLORS]
    env = ReactorEnv(MODEL_NAME, url=hosted.url, api_key=lambda: hosted.key, action_command="set_color", action=actions)
    try:
        env.reset(seed=1)
        assert len(hosted.sessions()) == 1
        for action in np.random.default_rng(2).integers(len(COLORS), size=STEPS).tolist():
            picture, _, _, _, info = env.step(action)
            # The upper half shows what the command has set.
            assert is_near(picture[30:90, 80:240].mean(axis=(0, 1)), COLORS[action])
            assert info["skipped"] >= 0
    finally:
        env.close()
    hosted.wait_until_free()
