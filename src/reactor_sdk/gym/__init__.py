"""Models as Gymnasium environments: ``from reactor_sdk.gym import ReactorEnv``. Needs the extra ``gym``.

Importing it registers ``openreactor/Reactor-v0``, so that ``gymnasium.make("reactor_sdk.gym:openreactor/Reactor-v0", ...)`` works
in a program that has not imported it.
"""

from reactor_protocol.errors import MissingExtraError

try:
    import gymnasium
except ModuleNotFoundError as error:
    if error.name != "gymnasium":
        raise
    raise MissingExtraError("reactor_sdk.gym needs the package gymnasium: pip install 'openreactor[gym]'") from error

from reactor_sdk.gym.env import ReactorEnv
from reactor_sdk.gym.options import ENV_ID, EnvOptions, Judge, Reward
from reactor_sdk.gym.vector import ReactorVectorEnv

__all__ = ["ENV_ID", "EnvOptions", "Judge", "ReactorEnv", "ReactorVectorEnv", "Reward"]

if ENV_ID not in gymnasium.registry:
    # A model's world goes on while nobody acts, and its pictures come through a video codec: no two runs are the same bytes.
    gymnasium.register(
        ENV_ID,
        entry_point="reactor_sdk.gym.env:ReactorEnv",
        vector_entry_point="reactor_sdk.gym.vector:ReactorVectorEnv",
        nondeterministic=True,
    )
