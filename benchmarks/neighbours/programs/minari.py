# mypy: ignore-errors
"""Minari: a data set that is recorded from an environment, and what is in it."""

import json
import os
import tempfile

os.environ["MINARI_DATASETS_PATH"] = tempfile.mkdtemp()

import gymnasium
import minari

from reactor_sdk.gym import ENV_ID

OPTIONS = {"local": True, "action_command": "show"}


def recorded():
    os.environ["REACTOR_API_KEY"] = "rk_secret_of_the_test"
    env = minari.DataCollector(gymnasium.make(ENV_ID, max_episode_steps=5, model_name="digits", **OPTIONS))
    for _ in range(2):
        env.reset(seed=1)
        while not any(env.step(4)[2:4]):
            pass
    dataset = env.create_dataset(
        "digits/test-v0", algorithm_name="fours", author="the test", author_email="a@b", code_permalink="c"
    )
    env.close()
    assert dataset.total_episodes == 2
    episode = dataset[0]
    assert episode.observations.shape == (6, 160, 128, 3)
    assert episode.rewards.tolist() == [2.0] * 5
    assert "secret" not in json.dumps(dataset.storage.metadata, default=str)


TRIED = {"DataCollector, create_dataset": recorded}
