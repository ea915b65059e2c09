"""ReactorEnv: a model as a Gymnasium environment."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Unpack

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils import EzPickle

from reactor_protocol.errors import InvalidArgumentError, InvalidStateError
from reactor_sdk.gym.episode import open_episode
from reactor_sdk.gym.judging import score_of
from reactor_sdk.gym.looping import LoopThread
from reactor_sdk.gym.options import ENV_ID, EnvOptions, Observation, settings_of


class ReactorEnv(gymnasium.Env[Observation, Any], EzPickle):
    """A model with a command for actions as a Gymnasium environment, over a session of its own. ::

        with ReactorEnv("car-racing", local=True, action_command="set_controls") as env:
            picture, info = env.reset(seed=7)
            picture, reward, terminated, truncated, info = env.step(env.action_space.sample())

    An observation is a picture, (H, W, 3) uint8 RGB: the first one that the model made after it had run the command. Where that
    one was lost on the way it is the next to come, which shows the same action's doing. The model's world goes on at its own
    rate, also between two steps: a model of 25 frames per second gives 25 steps per second.

    ``info`` has ``frame`` (the picture's number in the session, from 0), ``skipped`` (how many went before it that the action had
    led to already), ``elapsed`` (seconds from the action to the picture), ``age`` (seconds since the model made the picture; NaN
    where it is not on this machine) and ``reply`` (``{"type": str, "data": dict}``; None where the model has none).

    Making one opens the session, and :meth:`close` ends it, unless others use it. Pickled, it is its arguments, and opens another
    session. ``env.spec.make()`` is asked for another of the same, and shares the world of a local runtime, which has one.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 30}

    def __init__(self, model_name: str, *, render_mode: str | None = None, **options: Unpack[EnvOptions]) -> None:
        """Opens a session of ``model_name``, and waits for its first picture. The options: :class:`EnvOptions`.

        Raises as ``Reactor.connect``; :class:`UnknownOptionError`; :class:`InvalidArgumentError` for options that make no sense,
        and for a command that no space fits; :class:`InvalidStateError` for a server that does not number its frames, for a local
        runtime whose session somebody else uses, and in a forked process; and :class:`RequestTimeoutError`.
        """
        EzPickle.__init__(self, model_name, render_mode=render_mode, **options)
        check_render_mode(render_mode)
        self.render_mode = render_mode
        self._settings = settings_of(model_name, options)
        self._shown: Observation | None = None
        self._thread = LoopThread(f"ReactorEnv {model_name}")
        try:
            self._episode = self._thread.run(open_episode(self._settings))
        except BaseException:
            self._thread.close()
            raise
        self.metadata = {**type(self).metadata, "render_fps": self._episode.fps or 30}
        self.action_space = self._episode.roles.codec.space
        self.observation_space = gymnasium.spaces.Box(0, 255, (*self._episode.size, 3), np.uint8)
        self.spec = gymnasium.spec(ENV_ID)
        self.spec.kwargs.update(model_name=model_name, render_mode=render_mode, **options)

    @property
    def spec(self) -> EnvSpec | None:
        """What it was made from."""
        return self._spec

    @spec.setter
    def spec(self, spec: EnvSpec | None) -> None:
        told = {each.name: copy.deepcopy(getattr(spec, each.name)) for each in fields(EnvSpec) if each.init}
        self._spec = _Spec(**told) if spec is not None else None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observation, dict[str, Any]]:
        """Begins an episode: sends the seed where there is one, then the reset command, whose parameters ``options`` are.

        Raises :class:`CommandRejected`, :class:`RequestTimeoutError`, and :class:`DisconnectedError` or
        :class:`SessionEndedError` where there is no session any more.
        """
        super().reset(seed=seed)
        if options is not None and not isinstance(options, Mapping):
            raise InvalidArgumentError(f"options= is a dict, the parameters of the reset command; got {type(options).__name__}")
        moment = self._thread.run(self._episode.reset(seed, options))
        self._shown = moment.observation
        return moment.observation.copy(), moment.info

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Sends an action, and returns the picture that it led to. Raises as :meth:`reset`, and for an action of no space."""
        if self._shown is None:
            raise InvalidStateError("call reset() before the first step()")
        moment = self._thread.run(self._episode.act(action))
        previous, self._shown = self._shown, moment.observation
        score = score_of(self._settings.seeing, previous, action, moment)
        return moment.observation.copy(), score.reward, score.terminated, score.truncated, moment.info

    def render(self) -> Observation | None:
        """The newest observation, with the render mode "rgb_array"."""
        if self.render_mode is None or self._shown is None:
            return None
        return self._shown.copy()

    def close(self) -> None:
        """Ends the session, and the thread. May be called twice."""
        if not self._thread.closed:
            try:
                self._thread.run(self._episode.close())
            finally:
                self._thread.close()


class _Spec(EnvSpec):
    """What an environment was made from. Another one made of it is the same program's, which knows of this one."""

    def make(self, **kwargs: Any) -> gymnasium.Env[Any, Any]:
        """Another environment: in the world of this one, where that is a local runtime's."""
        return super().make(**{"share": True, **kwargs})


def check_render_mode(render_mode: str | None) -> None:
    """Raises :class:`InvalidArgumentError` for a mode that there is not."""
    if render_mode not in (None, "rgb_array"):
        raise InvalidArgumentError(f"render_mode is None or 'rgb_array', got {render_mode!r}")
