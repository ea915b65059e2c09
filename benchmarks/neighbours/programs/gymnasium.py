# mypy: ignore-errors
"""Gymnasium's own checker, wrappers and vectors."""

from functools import partial

import gymnasium
import numpy as np
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv
from gymnasium.wrappers import (
    ClipReward,
    FlattenObservation,
    FrameStackObservation,
    GrayscaleObservation,
    NormalizeReward,
    RecordEpisodeStatistics,
    ResizeObservation,
    TimeLimit,
)

from reactor_sdk.gym import ENV_ID, ReactorEnv

OPTIONS = {"local": True, "action_command": "show"}


def checked():
    with ReactorEnv("digits", **OPTIONS) as env:
        check_env(env)


def made():
    env = gymnasium.make(ENV_ID, max_episode_steps=5, model_name="digits", render_mode="rgb_array", **OPTIONS)
    env.reset(seed=1)
    assert [env.step(3)[3] for _ in range(5)] == [False] * 4 + [True]
    assert env.render().shape == (160, 128, 3)
    env.close()


def wrapped():
    env = ReactorEnv("digits", **OPTIONS)
    small = ResizeObservation(GrayscaleObservation(env), (84, 84))
    stacked = FrameStackObservation(small, 4)
    judged = NormalizeReward(ClipReward(RecordEpisodeStatistics(TimeLimit(stacked, 4)), -1, 1))
    judged.reset(seed=1)
    for _ in range(4):
        picture, _, _, truncated, info = judged.step(7)
    assert picture.shape == (4, 84, 84)
    assert truncated
    assert info["episode"]["l"] == 4
    flat = FlattenObservation(env)
    assert flat.reset()[0].shape == (160 * 128 * 3,)
    judged.close()


def stepped(envs):
    pictures, _ = envs.reset(seed=1)
    assert pictures.shape == (1, 160, 128, 3)
    _, rewards, *_ = envs.step(np.array([8]))
    assert rewards.tolist() == [4.0]
    envs.close()


TRIED = {
    "check_env, without make": checked,
    "make, TimeLimit, render": made,
    "Grayscale, Resize, FrameStack, RecordEpisodeStatistics, ClipReward, NormalizeReward, Flatten": wrapped,
    "make_vec": lambda: stepped(gymnasium.make_vec(ENV_ID, 1, model_name="digits", **OPTIONS)),
    "SyncVectorEnv": lambda: stepped(SyncVectorEnv([partial(ReactorEnv, "digits", **OPTIONS)])),
    'AsyncVectorEnv, context="spawn"': lambda: stepped(
        AsyncVectorEnv([partial(ReactorEnv, "digits", **OPTIONS)], context="spawn")
    ),
}
