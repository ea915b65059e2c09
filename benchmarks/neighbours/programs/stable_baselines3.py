# mypy: ignore-errors
"""Stable-Baselines3: its checker, its vectors, and a few hundred steps of PPO and DQN."""

from functools import partial

from gymnasium.wrappers import GrayscaleObservation, ResizeObservation, TimeLimit
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.env_checker import check_env
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecFrameStack

from reactor_sdk.gym import ReactorEnv

OPTIONS = {"local": True, "action_command": "show", "action": [{"number": 1}, {"number": 9}]}


def small():
    env = GrayscaleObservation(ReactorEnv("digits", **OPTIONS), keep_dim=True)
    return TimeLimit(ResizeObservation(env, (84, 84)), 20)


def checked():
    env = ReactorEnv("digits", **OPTIONS)
    check_env(env)
    env.close()


def learnt(kind, **settings):
    vector = DummyVecEnv([small])
    kind("CnnPolicy", vector, **settings).learn(96)
    vector.close()


def stacked():
    vector = VecFrameStack(DummyVecEnv([small]), 4)
    assert vector.reset().shape == (1, 84, 84, 4)
    vector.close()


def spawned():
    vector = SubprocVecEnv([partial(ReactorEnv, "digits", **OPTIONS)], start_method="spawn")
    assert vector.reset().shape == (1, 160, 128, 3)
    assert vector.step([1])[1].tolist() == [4.5]
    vector.close()


TRIED = {
    "check_env": checked,
    "PPO, DummyVecEnv": lambda: learnt(PPO, n_steps=32, batch_size=32, n_epochs=1),
    "DQN, DummyVecEnv": lambda: learnt(DQN, buffer_size=200, learning_starts=32),
    "VecFrameStack": stacked,
    'SubprocVecEnv, start_method="spawn"': spawned,
}
