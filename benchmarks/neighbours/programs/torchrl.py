# mypy: ignore-errors
"""TorchRL: its own checker, GymEnv by the name, GymWrapper, transforms and a collector."""

from torchrl.collectors import Collector
from torchrl.envs import Compose, GrayScale, GymEnv, GymWrapper, StepCounter, ToTensorImage, TransformedEnv
from torchrl.envs.utils import RandomPolicy, check_env_specs

from reactor_sdk.gym import ENV_ID, ReactorEnv

OPTIONS = {"local": True, "action_command": "show", "action": [{"number": 1}, {"number": 9}]}


def wrapped():
    return GymWrapper(ReactorEnv("digits", **OPTIONS))


def checked():
    env = wrapped()
    check_env_specs(env)
    env.close()


def named():
    env = GymEnv(ENV_ID, model_name="digits", **OPTIONS)
    assert env.rollout(3).numel() == 3
    env.close()


def transformed():
    keys = {"in_keys": ["pixels"]}
    env = TransformedEnv(wrapped(), Compose(ToTensorImage(**keys), GrayScale(**keys), StepCounter(10)))
    assert env.rollout(5)["pixels"].shape == (5, 1, 160, 128)
    env.close()


def collected():
    env = wrapped()
    collector = Collector(env, RandomPolicy(env.action_spec), frames_per_batch=16, total_frames=32)
    assert [batch.numel() for batch in collector] == [16, 16]
    collector.shutdown()


TRIED = {
    "check_env_specs(GymWrapper)": checked,
    'GymEnv("openreactor/Reactor-v0")': named,
    "ToTensorImage, GrayScale, StepCounter": transformed,
    "Collector": collected,
}
