"""Environments over real sessions: every observation is the one of its action, whatever the rate, alone and in a vector.

The model shows the number of the newest action that it has applied, as blocks of a picture.
"""

import contextlib
import pickle
import threading
import time
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv
from numpy.typing import NDArray
from tests.end_to_end.served import MODELS
from tests.interop.servers import Server, our_runtime

from reactor_protocol.errors import CommandRejected, InvalidArgumentError, InvalidStateError, RequestTimeoutError
from reactor_sdk.gym import ENV_ID, EnvOptions, ReactorEnv, ReactorVectorEnv

pytestmark = [pytest.mark.network, pytest.mark.timeout(240)]

MODEL = "digits"
BEGUN = 65_535
STEPS = 1_000
SHOW: EnvOptions = {"local": True, "action_command": "show", "step_timeout": 40.0}
SHOW_TOGETHER: EnvOptions = {**SHOW, "share": True}


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with our_runtime(tmp_path_factory.mktemp("second"), MODELS / MODEL) as serving:
        yield serving


@pytest.fixture
def env() -> Iterator[ReactorEnv]:
    with ReactorEnv("digits", **SHOW) as made:
        yield made


def bits(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    cells: NDArray[np.bool_] = picture.reshape(5, 32, 4, 32, 3).mean((1, 3, 4)).reshape(-1) > 127
    return cells


def number_in(picture: NDArray[np.uint8]) -> int:
    return int(bits(picture)[:16] @ 2 ** np.arange(16))


def seed_in(picture: NDArray[np.uint8]) -> int:
    return int(bits(picture)[16:] @ 2 ** np.arange(4))


def test_every_observation_of_a_thousand_is_the_one_of_its_action(env: ReactorEnv) -> None:
    assert env.action_space == gymnasium.spaces.Discrete(65_536)
    assert env.observation_space == gymnasium.spaces.Box(0, 255, (160, 128, 3), np.uint8)
    assert env.metadata["render_fps"] == 60
    picture, info = env.reset(seed=5)
    assert (number_in(picture), seed_in(picture)) == (BEGUN, 5)
    frames, begun = [info["frame"]], info
    for action in np.random.default_rng(6).permutation(BEGUN)[:STEPS].tolist():
        picture, reward, terminated, truncated, info = env.step(action)
        assert number_in(picture) == action
        assert (reward, terminated, truncated) == (action / 2, action % 100 == 99, False)
        assert info["reply"] == {"type": "scored", "data": {"reward": action / 2, "terminated": action % 100 == 99}}
        assert 0 < info["age"] < info["elapsed"] + 1
        assert info.keys() == begun.keys()
        frames.append(info["frame"])
    assert all(later > earlier for earlier, later in pairwise(frames))


def test_gymnasium_finds_nothing_wrong(env: ReactorEnv, recwarn: pytest.WarningsRecorder) -> None:
    check_env(env)
    env.close()
    made = gymnasium.make(ENV_ID, model_name="digits", render_mode="rgb_array", **SHOW)
    try:
        check_env(made.unwrapped)
        assert made.spec is not None
        assert made.spec.nondeterministic
        assert [str(warning.message) for warning in recwarn] == []
        made.reset()
        rendered: Any = made.render()
        assert rendered.shape == (160, 128, 3)
    finally:
        made.close()


def test_it_is_made_again_from_its_arguments_and_leaves_nothing_behind() -> None:
    first = ReactorEnv("digits", local=True, action_command="show", observation_shape=(80, 64))
    pickled = pickle.dumps(first)
    first.close()
    first.close()
    with pytest.raises(InvalidStateError, match="the environment is closed"):
        first.reset()
    again = pickle.loads(pickled)
    with pytest.raises(InvalidStateError, match=r"call reset\(\) before"):
        again.step(1)
    picture, _ = again.reset(options={"number": 3})
    assert picture.shape == (80, 64, 3)
    assert number_in(picture.repeat(2, axis=0).repeat(2, axis=1)) == 3
    with pytest.raises(CommandRejected, match="number"):
        again.reset(options={"number": -1})
    again.close()
    assert [each.name for each in threading.enumerate() if each.name.startswith("ReactorEnv")] == []


def test_the_callers_functions_judge_and_a_picture_that_does_not_come_is_told() -> None:
    pacing: EnvOptions = {
        "local": True,
        "action_command": "pace",
        "action": [{"fps": 60}, {"fps": 0.02}],
        "reward": lambda before, action, after, info: float(action) + (before.shape == after.shape),
        "terminated": lambda before, action, after, info: action == 1,
    }
    with ReactorEnv("digits", **pacing) as env:
        assert env.action_space == gymnasium.spaces.Discrete(2)
        env.reset()
        assert env.step(0)[1:4] == (1.0, False, False)
        assert env.step(1)[1:4] == (2.0, True, False)
        # It stands still now, and what it shows is there to begin with.
        with ReactorEnv(
            "digits", local=True, share=True, action_command="show", reset_command=None, seed_command=None, step_timeout=2.0
        ) as still:
            still.reset(seed=1)
            with pytest.raises(RequestTimeoutError, match=r"the picture that show led to \(number \d+\) did not come within 2 s"):
                still.step(1)
        env.step(0)


def check_vector(envs: Any, count: int, turns: int) -> None:
    """Steps a vector; every hundredth action ends an episode, and the step after begins the next."""
    pictures, _ = envs.reset(seed=3)
    assert pictures.shape == (count, 160, 128, 3)
    assert [(number_in(picture), seed_in(picture)) for picture in pictures] == [(BEGUN, 3 + place) for place in range(count)]
    for turn in range(turns):
        actions = np.array([90 + turn + 1_000 * place for place in range(count)])
        pictures, rewards, terminated, truncated, infos = envs.step(actions)
        if turn == 10:
            assert [number_in(picture) for picture in pictures] == [BEGUN] * count
            assert (rewards.tolist(), terminated.tolist()) == ([0.0] * count, [False] * count)
            continue
        assert [number_in(picture) for picture in pictures] == actions.tolist()
        assert rewards.tolist() == (actions / 2).tolist()
        assert (terminated.tolist(), truncated.tolist()) == ([turn == 9] * count, [False] * count)
        assert infos["frame"].shape == (count,)


def test_a_vector_steps_all_its_sessions_at_once(server: Server, second: Server) -> None:
    second.wait_until_free()
    made = gymnasium.make_vec(ENV_ID, 2, model_name="digits", urls=[server.url, second.url], **SHOW)
    try:
        assert isinstance(made.unwrapped, ReactorVectorEnv)
        assert made.single_action_space == gymnasium.spaces.Discrete(65_536)
        check_vector(made, 2, 15)
    finally:
        made.close()
    assert [each.name for each in threading.enumerate() if each.name.startswith("ReactorVectorEnv")] == []


def test_a_world_is_shared_when_that_is_asked_for_and_goes_on_for_the_others(env: ReactorEnv, server: Server) -> None:
    with pytest.raises(InvalidStateError, match=r"somebody else uses the session .*share=True"):
        ReactorEnv("digits", **SHOW)
    for urls in ([server.url] * 2, [server.url, f"{server.url}/"]):
        with pytest.raises(InvalidArgumentError, match=r"urls= names a runtime twice.* share=True"):
            ReactorVectorEnv(2, "digits", urls=urls, **SHOW)
    env.reset()
    sharing = ReactorEnv("digits", **SHOW_TOGETHER)
    sharing.reset()
    assert number_in(env.step(7)[0]) == 7
    env.close()
    assert number_in(sharing.step(9)[0]) == 9
    sharing.close()
    server.wait_until_free()


def test_a_key_is_in_no_spec() -> None:
    given: Any = {"api_key": "rk_secret", "local": True}
    with pytest.raises(InvalidArgumentError, match="env.spec") as caught:
        gymnasium.make(ENV_ID, model_name="digits", **given)
    assert "rk_secret" not in str(caught.value)


def test_a_vector_begins_the_next_episode_when_its_mode_says(server: Server) -> None:
    with contextlib.closing(ReactorVectorEnv(1, "digits", autoreset_mode="SameStep", **SHOW)) as envs:
        assert envs.autoreset_mode is envs.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
        assert envs.metadata["render_fps"] == 60
        begun = envs.reset(seed=3)[1]
        pictures, rewards, terminated, _, infos = envs.step(np.array([99]))
        assert (number_in(pictures[0]), rewards.tolist(), terminated.tolist()) == (BEGUN, [49.5], [True])
        assert number_in(infos["final_obs"][0]) == 99
        assert infos["final_info"]["reply"]["data"]["reward"].tolist() == [49.5]
        assert infos["final_info"]["frame"][0] < infos["frame"][0]
        assert begun.keys() <= infos.keys()
        assert number_in(envs.step(np.array([5]))[0][0]) == 5
    server.wait_until_free()
    with contextlib.closing(ReactorVectorEnv(1, "digits", autoreset_mode=AutoresetMode.DISABLED, **SHOW)) as envs:
        with pytest.raises(InvalidArgumentError, match="reset_mask"):
            envs.reset(options={"reset_mask": np.array([False])})
        envs.reset()
        assert number_in(envs.step(np.array([99]))[0][0]) == 99
        with pytest.raises(InvalidStateError, match=r"episodes \[0\] have ended"):
            envs.step(np.array([1]))
        assert number_in(envs.reset(options={"reset_mask": np.array([True])})[0][0]) == BEGUN
        assert number_in(envs.step(np.array([1]))[0][0]) == 1


def at(url: str) -> partial[ReactorEnv]:
    """Makes an environment at an address, also in another process."""
    return partial(ReactorEnv, "digits", local=True, url=url, action_command="show", step_timeout=40.0)


def test_gymnasiums_own_vectors_work_too(server: Server, second: Server) -> None:
    second.wait_until_free()
    in_turn = SyncVectorEnv([at(server.url), at(second.url)])
    try:
        check_vector(in_turn, 2, 12)
    finally:
        in_turn.close()
    server.wait_until_free()
    # One process of its own: a second one would show no more, and takes as long to start.
    at_once = AsyncVectorEnv([at(server.url)], context="spawn")
    try:
        check_vector(at_once, 1, 12)
    finally:
        at_once.close()


@pytest.mark.timing
@pytest.mark.parametrize(("fps", "policy_s", "least"), [(25, 0.020, 24.0), (30, 0.025, 29.0)])
def test_a_policy_that_is_faster_than_the_frames_has_a_step_for_each(
    env: ReactorEnv, fps: int, policy_s: float, least: float
) -> None:
    thinking = threading.Event()
    rates = []
    with ReactorEnv("digits", local=True, share=True, action_command="pace", reset_command=None, seed_command=None) as pacing:
        pacing.reset()
        pacing.step(np.array([fps], np.float32))
    env.reset()
    for _ in range(5):  # whatever else the machine does
        began = time.perf_counter()
        for action in range(2 * fps):
            thinking.wait(policy_s)
            env.step(action)
        rates.append(2 * fps / (time.perf_counter() - began))
        if rates[-1] >= least:
            return
    pytest.fail(f"{rates} steps a second, of {fps} frames")
