"""ReactorVectorEnv: several sessions as one vector environment, all of whose pictures are awaited at once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Unpack

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space, iterate
from numpy.typing import NDArray

from reactor_protocol.errors import InvalidArgumentError, InvalidStateError
from reactor_sdk.gym.env import check_render_mode
from reactor_sdk.gym.episode import Episode, Moment, open_episode
from reactor_sdk.gym.judging import Score, score_of
from reactor_sdk.gym.looping import LoopThread
from reactor_sdk.gym.options import EnvOptions, Observation, Settings, settings_of

MAX_ENVS = 256
_AFTER_RESET = Score(0.0, False, False)


class ReactorVectorEnv(VectorEnv[NDArray[np.uint8], Any, NDArray[Any]]):
    """``num_envs`` sessions as one vector environment: a step sends all actions at once, and takes as long as the slowest.

    Observations are (num_envs, H, W, 3) uint8. An environment whose episode has ended begins the next one in the step after
    (``AutoresetMode.NEXT_STEP``), in which its action is not sent. For the rest it is as :class:`ReactorEnv`.
    """

    metadata: dict[str, Any] = {
        "render_modes": ["rgb_array"],
        "render_fps": 30,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        num_envs: int,
        model_name: str,
        *,
        urls: Sequence[str] | None = None,
        render_mode: str | None = None,
        **options: Unpack[EnvOptions],
    ) -> None:
        """Opens the sessions. A local runtime has only one: ``urls`` are the addresses of as many as there are environments.

        Raises as :class:`ReactorEnv`, and :class:`InvalidArgumentError` where the models have not the same spaces.
        """
        check_render_mode(render_mode)
        every = _every(num_envs, model_name, urls, options)
        self.num_envs, self.render_mode = num_envs, render_mode
        self._seeing = every[0].seeing
        self._shown: list[Observation] = []
        self._ended = np.zeros(num_envs, np.bool_)
        self._thread = LoopThread(f"ReactorVectorEnv {model_name}")
        try:
            self._episodes = self._thread.run(_open_all(every))
        except BaseException:
            self._thread.close()
            raise
        first = self._episodes[0]
        self.single_action_space = first.roles.codec.space
        self.single_observation_space = gymnasium.spaces.Box(0, 255, (*first.size, 3), np.uint8)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.observation_space = batch_space(self.single_observation_space, num_envs)

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """Begins an episode in each; a single ``seed`` is that of the first, and counted on. Raises as ``ReactorEnv.reset``."""
        seeds = [seed + place for place in range(self.num_envs)] if isinstance(seed, int) else seed or [None] * self.num_envs
        if len(seeds) != self.num_envs:
            raise InvalidArgumentError(f"{self.num_envs} seeds are needed, got {len(seeds)}")
        if isinstance(seed, int):
            super().reset(seed=seed)
        work = [episode.reset(each, options) for episode, each in zip(self._episodes, seeds, strict=True)]
        moments = self._thread.run(_all(work))
        self._ended[:] = False
        return self._show(moments), self._infos(moments)

    def step(
        self, actions: Any
    ) -> tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """One step of each. Raises as ``ReactorEnv.step``."""
        if not self._shown:
            raise InvalidStateError("call reset() before the first step()")
        each = list(iterate(self.action_space, actions))
        if len(each) != self.num_envs:
            raise InvalidArgumentError(f"{self.num_envs} actions are needed, got {len(each)}")
        previous, again = self._shown, self._ended.copy()
        work = [
            episode.reset(None, None) if over else episode.act(action)
            for episode, action, over in zip(self._episodes, each, again, strict=True)
        ]
        moments = self._thread.run(_all(work))
        observations = self._show(moments)
        scores = [
            _AFTER_RESET if over else score_of(self._seeing, *step)
            for over, step in zip(again, zip(previous, each, moments, strict=True), strict=True)
        ]
        rewards = np.array([score.reward for score in scores], np.float64)
        terminated = np.array([score.terminated for score in scores], np.bool_)
        truncated = np.array([score.truncated for score in scores], np.bool_)
        self._ended = terminated | truncated
        return observations, rewards, terminated, truncated, self._infos(moments)

    def _show(self, moments: Sequence[Moment]) -> NDArray[np.uint8]:
        self._shown = [moment.observation for moment in moments]
        return np.stack(self._shown)

    def _infos(self, moments: Sequence[Moment]) -> dict[str, Any]:
        infos: dict[str, Any] = {}
        for place, moment in enumerate(moments):
            infos = self._add_info(infos, moment.info, place)
        return infos

    def render(self) -> tuple[Observation, ...] | None:
        """The newest observation of each, with the render mode "rgb_array"."""
        if self.render_mode is None or not self._shown:
            return None
        return tuple(observation.copy() for observation in self._shown)

    def close_extras(self, **kwargs: Any) -> None:
        """Ends the sessions, and the thread; ``close()`` calls it once."""
        if hasattr(self, "_episodes") and not self._thread.closed:
            try:
                self._thread.run(_close_all(self._episodes))
            finally:
                self._thread.close()


def _every(num_envs: int, model_name: str, urls: Sequence[str] | None, options: EnvOptions) -> list[Settings]:
    if isinstance(num_envs, bool) or not isinstance(num_envs, int) or not 1 <= num_envs <= MAX_ENVS:
        raise InvalidArgumentError(f"num_envs is a number from 1 to {MAX_ENVS}, got {num_envs!r}")
    if urls is None:
        if options.get("local") and num_envs > 1:
            raise InvalidArgumentError("a local runtime has one session: pass urls=, the address of one for each environment")
        return [settings_of(model_name, options)] * num_envs
    if len(urls) != num_envs or "url" in options:
        raise InvalidArgumentError(f"urls= are {num_envs} addresses, one for each environment, in place of url=; got {len(urls)}")
    return [settings_of(model_name, {**options, "url": url}) for url in urls]


async def _open_all(every: Sequence[Settings]) -> list[Episode]:
    """Opens all sessions, or none."""
    opened = await asyncio.gather(*(open_episode(settings) for settings in every), return_exceptions=True)
    episodes = [each for each in opened if isinstance(each, Episode)]
    failures = [each for each in opened if isinstance(each, BaseException)]
    if not failures and len({(str(each.roles.codec.space), each.size) for each in episodes}) > 1:
        failures = [InvalidArgumentError("the models have not the same spaces: pass observation_shape=, or use other models")]
    if failures:
        await _close_all(episodes)
        raise failures[0]
    return episodes


async def _all(work: Sequence[Coroutine[Any, Any, Moment]]) -> list[Moment]:
    """All of it at once. Where one fails the others come to their end first, and none goes on unseen."""
    done = await asyncio.gather(*work, return_exceptions=True)
    for each in done:
        if isinstance(each, BaseException):
            raise each
    return [each for each in done if isinstance(each, Moment)]


async def _close_all(episodes: Sequence[Episode]) -> None:
    await asyncio.gather(*(episode.close() for episode in episodes))
