# mypy: ignore-errors
"""RLlib: one iteration of PPO, its environment in an actor of Ray."""

import sys

import ray
from gymnasium.wrappers import GrayscaleObservation, ResizeObservation, TimeLimit
from ray.rllib.algorithms.ppo import PPOConfig
from ray.tune.registry import register_env

from reactor_sdk.gym import ReactorEnv


def small(given):
    env = ReactorEnv("digits", action=[{"number": 1}, {"number": 9}], **given)
    return TimeLimit(ResizeObservation(GrayscaleObservation(env, keep_dim=True), (64, 64)), 20)


def learnt():
    # Actors know nothing of this program.
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    register_env("digits", small)
    config = PPOConfig().environment("digits", env_config={"local": True, "action_command": "show"})
    config = config.env_runners(num_env_runners=1, rollout_fragment_length=32, create_env_on_local_worker=False)
    config = config.training(train_batch_size_per_learner=32, minibatch_size=32, num_epochs=1)
    algorithm = config.build_algo()
    assert algorithm.train()["training_iteration"] == 1
    algorithm.stop()
    ray.shutdown()


TRIED = {"PPO, an environment runner": learnt}
