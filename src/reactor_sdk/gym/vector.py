"""ReactorVectorEnv: several sessions as one vector environment, all of whose pictures are awaited at once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
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
_RESET_MASK = "reset_mask"

Flags = NDArray[np.bool_]


class ReactorVectorEnv(VectorEnv[NDArray[np.uint8], Any, NDArray[Any]]):
    """``num_envs`` sessions as one vector environment: a step sends all actions at once, and takes as long as the slowest.

    Observations are (num_envs, H, W, 3) uint8. ``autoreset_mode`` says when an environment whose episode has ended begins the
    next one: in the step after, in which its action is not sent (``NextStep``); in the same, whose ``infos`` then have
    ``final_obs`` and ``final_info`` (``SameStep``); or when ``reset(options={"reset_mask": mask})`` says so (``Disabled``). For
    the rest it is as :class:`ReactorEnv`; a ``reply`` that is None is not among the ``infos``.
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
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        **options: Unpack[EnvOptions],
    ) -> None:
        """Opens the sessions. A local runtime has only one: ``urls`` are the addresses of as many as there are environments.

        Raises as :class:`ReactorEnv`, and :class:`InvalidArgumentError` where the models have not the same spaces.
        """
        check_render_mode(render_mode)
        self.autoreset_mode = _mode(autoreset_mode)
        every = _every(num_envs, model_name, urls, options)
        self.num_envs, self.render_mode = num_envs, render_mode
        self._seeing = every[0].seeing
        self._shown: list[Observation] = []
        self._ended: Flags = np.zeros(num_envs, np.bool_)
        self._thread = LoopThread(f"ReactorVectorEnv {model_name}")
        try:
            self._episodes = self._thread.run(_open_all(every))
        except BaseException:
            self._thread.close()
            raise
        first = self._episodes[0]
        self.metadata = {**type(self).metadata, "render_fps": first.fps or 30, "autoreset_mode": self.autoreset_mode}
        self.single_action_space = first.roles.codec.space
        self.single_observation_space = gymnasium.spaces.Box(0, 255, (*first.size, 3), np.uint8)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.observation_space = batch_space(self.single_observation_space, num_envs)

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """Begins an episode in each; a single ``seed`` is that of the first, and counted on. Raises as ``ReactorEnv.reset``.

        ``options["reset_mask"]``, a bool array (num_envs,), says in which, once all have begun.
        """
        seeds = [seed + place for place in range(self.num_envs)] if isinstance(seed, int) else seed or [None] * self.num_envs
        if len(seeds) != self.num_envs:
            raise InvalidArgumentError(f"{self.num_envs} seeds are needed, got {len(seeds)}")
        given = dict(options or {})
        mask = self._mask(given.pop(_RESET_MASK, None))
        if isinstance(seed, int):
            super().reset(seed=seed)
        begun = self._begin(mask, seeds, given if options is not None else None)
        self._ended[mask] = False
        return np.stack(self._shown), self._infos({place: moment.info for place, moment in begun.items()})

    def step(self, actions: Any) -> tuple[NDArray[np.uint8], NDArray[np.float64], Flags, Flags, dict[str, Any]]:
        """One step of each. Raises as ``ReactorEnv.step``, and :class:`InvalidStateError` for an episode that nobody began."""
        if not self._shown:
            raise InvalidStateError("call reset() before the first step()")
        each = list(iterate(self.action_space, actions))
        if len(each) != self.num_envs:
            raise InvalidArgumentError(f"{self.num_envs} actions are needed, got {len(each)}")
        if self.autoreset_mode is AutoresetMode.DISABLED and self._ended.any():
            over = np.flatnonzero(self._ended).tolist()
            raise InvalidStateError(
                f'episodes {over} have ended: call reset(options={{"reset_mask": ...}}) before the next step()'
            )
        previous, again = self._shown, self._ended
        work = [
            episode.reset(None, None) if over else episode.act(action)
            for episode, action, over in zip(self._episodes, each, again, strict=True)
        ]
        moments = self._thread.run(_all(work))
        self._shown = [moment.observation for moment in moments]
        scores = [
            _AFTER_RESET if over else score_of(self._seeing, *step)
            for over, step in zip(again, zip(previous, each, moments, strict=True), strict=True)
        ]
        rewards = np.array([score.reward for score in scores], np.float64)
        terminated = np.array([score.terminated for score in scores], np.bool_)
        truncated = np.array([score.truncated for score in scores], np.bool_)
        self._ended = terminated | truncated
        told = {place: moment.info for place, moment in enumerate(moments)}
        if self.autoreset_mode is AutoresetMode.SAME_STEP and self._ended.any():
            told |= self._begin_at_once(moments)
        return np.stack(self._shown), rewards, terminated, truncated, self._infos(told)

    def _begin_at_once(self, last: Sequence[Moment]) -> dict[int, dict[str, Any]]:
        """Begins the next episode where one has ended: its ``info``, with the end of the one before."""
        begun = self._begin(self._ended, [None] * self.num_envs, None)
        self._ended = np.zeros(self.num_envs, np.bool_)
        return {
            place: {**moment.info, "final_obs": last[place].observation, "final_info": _told(last[place].info)}
            for place, moment in begun.items()
        }

    def _begin(self, mask: Flags, seeds: Sequence[int | None], options: Mapping[str, Any] | None) -> dict[int, Moment]:
        """Begins an episode wherever the mask says."""
        places = np.flatnonzero(mask).tolist()
        work = [self._episodes[place].reset(seeds[place], options) for place in places]
        begun = dict(zip(places, self._thread.run(_all(work)), strict=True))
        shown = dict(enumerate(self._shown)) | {place: moment.observation for place, moment in begun.items()}
        self._shown = [shown[place] for place in range(self.num_envs)]
        return begun

    def _mask(self, mask: Any) -> Flags:
        """Which environments begin: all, unless a mask says otherwise."""
        if mask is None:
            return np.ones(self.num_envs, np.bool_)
        if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_ or mask.shape != (self.num_envs,) or not mask.any():
            raise InvalidArgumentError(f'options["reset_mask"] is a bool array ({self.num_envs},), true somewhere; got {mask!r}')
        if not self._shown and not mask.all():
            raise InvalidStateError("call reset() without a mask first: an environment that has not begun shows nothing")
        return mask

    def _infos(self, told: Mapping[int, dict[str, Any]]) -> dict[str, Any]:
        infos: dict[str, Any] = {}
        for place, info in told.items():
            infos = self._add_info(infos, _told(info), place)
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


def _told(info: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is None: an array of many has a mask for what one of them has not."""
    return {name: value for name, value in info.items() if value is not None}


def _mode(mode: str | AutoresetMode) -> AutoresetMode:
    try:
        return AutoresetMode(mode)
    except ValueError as error:
        raise InvalidArgumentError(f"autoreset_mode is one of {[each.value for each in AutoresetMode]}, got {mode!r}") from error


def _every(num_envs: int, model_name: str, urls: Sequence[str] | None, options: EnvOptions) -> list[Settings]:
    if isinstance(num_envs, bool) or not isinstance(num_envs, int) or not 1 <= num_envs <= MAX_ENVS:
        raise InvalidArgumentError(f"num_envs is a number from 1 to {MAX_ENVS}, got {num_envs!r}")
    if urls is None:
        if options.get("local") and num_envs > 1 and not options.get("share"):
            raise InvalidArgumentError(
                "a local runtime has one session, and one world: pass urls=, the address of one for each environment, or "
                "share=True, and all act in the same"
            )
        return [settings_of(model_name, options)] * num_envs
    if len(urls) != num_envs or "url" in options:
        raise InvalidArgumentError(f"urls= are {num_envs} addresses, one for each environment, in place of url=; got {len(urls)}")
    if options.get("local") and not options.get("share") and len({url.rstrip("/") for url in urls}) < num_envs:
        raise InvalidArgumentError(
            "urls= names a runtime twice, which has one session, and one world: pass as many addresses as there are "
            "environments, or share=True, and all act in the same"
        )
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
