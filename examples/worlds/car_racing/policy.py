"""Learns to drive in the dream alone, and is then examined in the real CarRacing-v3.

    python examples/worlds/car_racing/policy.py --minutes 12         # learn, then examine on tracks never seen
    python examples/worlds/car_racing/policy.py --examine            # examine one that was learnt before
    python examples/worlds/car_racing/policy.py --through http://127.0.0.1:8080   # drive a session of `reactor run`

The policy is twelve numbers on what :mod:`eyes` sees; they are found by the cross-entropy method in a batch of dreams. The reward
there is what the picture shows: speed, while there is road under the car.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from card import write_card
from dream import WEIGHTS, Dream, NoWeights
from eyes import HORIZON, Action, LookingDriver, Picture, on_road, road, speed
from numpy.typing import NDArray
from simulator import Simulator

from reactor_sdk import ReactorException
from reactor_sdk.gym import ReactorEnv

Numbers = NDArray[np.float64]

BANDS: Final = 7
COUNT: Final = BANDS + 5
"""Numbers of a policy: one to steer by for each band of rows, five for gas and brake."""

_PEOPLE: Final = 16
_ELITE: Final = 4
_BEGINNINGS: Final = 2
_STEPS: Final = 125
_SMOOTHING: Final = 0.7
_TOP_M_S: Final = 30.0
_ENOUGH_M_S: Final = 15.0
"""Faster is worth no more: a dream forgives a bend taken at 30 m/s, the game does not."""
_OFF_ROAD: Final = 1.0
EXAMINATION_PICTURES: Final = 500
"""A thousand steps of the environment, two to a picture."""


class Pilot(Protocol):
    """Whoever drives by looking."""

    def act(self, picture: Picture) -> Action:
        """Steer, gas, brake for a picture (64, 64, 3)."""


def features(pictures: Picture) -> tuple[Numbers, Numbers]:
    """What a policy sees in pictures (n, 64, 64, 3): how far to the right the road is in each band of rows (n, 7), farthest
    first, in -1..1; and one, the speed, the greatest of those by size, the road far ahead and under the car (n, 5)."""
    seen = road(pictures)[:, :HORIZON].reshape(len(pictures), BANDS, HORIZON // BANDS, -1)
    across = np.linspace(-1, 1, seen.shape[-1])
    mass = seen.mean((2, 3))
    aside = (seen * across).mean((2, 3)) / np.maximum(mass, 0.05)
    under = on_road(pictures).astype(np.float64)
    pace = speed(pictures) / _TOP_M_S
    return aside, np.stack([np.ones(len(pictures)), pace, np.abs(aside).max(1), 4 * mass[:, :3].mean(1), under], axis=1)


def drive(numbers: Numbers, pictures: Picture) -> Action:
    """The actions (n, 3) of policies (n, 12), each for its own picture (n, 64, 64, 3). Mirrored, they steer the other way."""
    aside, state = features(pictures)
    steer = np.tanh(2 * (numbers[:, :BANDS] * aside).sum(1))
    push = np.tanh((numbers[:, BANDS:] * state).sum(1))
    return np.stack([steer, push.clip(0), 0.5 * (-push).clip(0)], axis=1).astype(np.float32)


def reward(pictures: Picture) -> Numbers:
    """What a picture is worth (n,): the speed as a share of 15 m/s on the road, 1 at most; -1 beside it."""
    return np.where(on_road(pictures), np.minimum(speed(pictures) / _ENOUGH_M_S, 1.0), -_OFF_ROAD)


@dataclass
class Policy:
    """Drives one car."""

    numbers: Numbers

    def act(self, picture: Picture) -> Action:
        """Steer, gas, brake."""
        action: Action = drive(self.numbers[None], picture[None])[0]
        return action


@dataclass
class Idler:
    """Does nothing."""

    def act(self, picture: Picture) -> Action:
        """Nothing, whatever there is to see."""
        return np.zeros(3, np.float32)


class Chancer:
    """Does anything at all, as the environment's own random player."""

    def __init__(self, seed: int) -> None:
        self._chance = np.random.default_rng(seed)

    def act(self, picture: Picture) -> Action:
        """Evenly drawn."""
        return self._chance.uniform((-1, 0, 0), (1, 1, 1)).astype(np.float32)


@dataclass
class Search:
    """The cross-entropy method: a normal distribution of policies, moved to the best of those it gave."""

    mean: Numbers
    deviation: Numbers

    def ask(self, chance: np.random.Generator, count: int) -> Numbers:
        """So many policies (count, 12); the first is the mean itself."""
        drawn = self.mean + self.deviation * chance.standard_normal((count, len(self.mean)))
        drawn[0] = self.mean
        return drawn

    def tell(self, people: Numbers, scores: Numbers, generation: int) -> None:
        """What they were worth (count,)."""
        best = people[np.argsort(scores)[-_ELITE:]]
        self.mean += _SMOOTHING * (best.mean(0) - self.mean)
        # Noise that fades: the best four of sixteen look more alike than they are.
        self.deviation += _SMOOTHING * (best.std(0) + 0.3 * 0.85**generation - self.deviation)


def dreamed_score(dream: Dream, people: Numbers, starts: list[int]) -> Numbers:
    """The mean reward of policies (n, 12) in dreams that begin at each of the starts: (n,). The batch is n dreams."""
    scores = np.zeros(len(people))
    for start in starts:
        dream.reset(start)
        pictures = dream.picture.reshape(-1, 64, 64, 3)
        for _ in range(_STEPS):
            pictures = dream.step(drive(people, pictures)).reshape(-1, 64, 64, 3)
            scores += reward(pictures)
    return scores / (_STEPS * len(starts))


def learn(
    dream: Dream, seconds: float, seed: int, tell: Callable[[str], None], now: Callable[[], float] = time.monotonic
) -> Numbers:
    """The policy (12,) that so much time in the dream leads to, at least one generation."""
    chance = np.random.default_rng(seed)
    search = Search(np.zeros(COUNT), np.full(COUNT, 1.0))
    began, generation = now(), 0
    while generation == 0 or now() - began < seconds:
        starts = [int(start) for start in chance.choice(dream.starts, min(_BEGINNINGS, dream.starts), replace=False)]
        people = search.ask(chance, dream.batch)
        scores = dreamed_score(dream, people, starts)
        search.tell(people, scores, generation)
        generation += 1
        tell(f"generation {generation}: mean reward {scores.mean():+.3f}, best {scores.max():+.3f}, {now() - began:.0f} s")
    return search.mean


def examine(pilot: Pilot, simulator: Simulator, track: int, pictures: int = EXAMINATION_PICTURES) -> tuple[float, float]:
    """The reward of a drive from the start of a track in the real CarRacing-v3, and the share of its pictures on the road."""
    picture, total, on = simulator.reset(track, somewhere=False), 0.0, 0
    for number in range(pictures):
        picture, gained, over = simulator.step(pilot.act(picture))
        total += gained
        on += int(on_road(picture))
        if over:
            return total, on / (number + 1)
    return total, on / pictures


def report(numbers: Numbers, tracks: int, seed: int, tell: Callable[[str], None]) -> dict[str, Any]:
    """Rewards in the real CarRacing-v3 on tracks (seeds 5000 and on), of the policy and of others beside it."""
    simulator = Simulator()
    pilots: dict[str, Callable[[], Pilot]] = {
        "doing nothing": Idler,
        "random": lambda: Chancer(seed),
        "looking driver, by hand": LookingDriver,
        "policy, learnt in the dream": lambda: Policy(numbers),
    }
    found: dict[str, Any] = {}
    for name, make in pilots.items():
        drives = []
        for track in range(5000, 5000 + tracks):
            drives.append(examine(make(), simulator, track))
            tell(f"{name}, track {track}: {drives[-1][0]:.0f}")
        rewards, shares = np.array(drives).T
        found[name] = {"reward": float(rewards.mean()), "deviation": float(rewards.std()), "on_road": float(shares.mean())}
    simulator.close()
    return found


def markdown(found: dict[str, Any]) -> str:
    """A table of :func:`report`."""
    lines = ["| driver | reward in CarRacing-v3 | frames on the road |", "|---|---|---|"]
    lines += [
        f"| {name} | {at['reward']:.0f} ± {at['deviation']:.0f} | {100 * at['on_road']:.0f} % |" for name, at in found.items()
    ]
    return "\n".join(lines)


def through(url: str, numbers: Numbers, pictures: int, tell: Callable[[str], None]) -> dict[str, float]:
    """Drives the dream of a runtime, as a Gymnasium environment over a session: the mean reward of a picture, and its share on
    the road. The observations are what a client sees, made small again."""
    policy, rewards, on = Policy(numbers), [], []
    environment = ReactorEnv(
        "car-racing",
        local=True,
        url=url,
        action_command="set_controls",
        observation_shape=(64, 64),
        reward=lambda before, action, after, info: float(reward(after[None])[0]),
    )
    try:
        picture, _ = environment.reset(seed=0)
        for number in range(pictures):
            picture, worth, terminated, truncated, _ = environment.step(policy.act(picture))
            rewards.append(float(worth))
            on.append(bool(on_road(picture)))
            if number % 100 == 0:
                tell(f"picture {number} of {pictures}")
            if terminated or truncated:
                break
    finally:
        environment.close()
    return {"pictures": len(rewards), "reward": float(np.mean(rewards)), "on_road": float(np.mean(on))}


def _asked(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--weights", type=Path, default=WEIGHTS, help="folder of world.onnx and starts.npz (those of the example)"
    )
    parser.add_argument("--out", type=Path, default=Path("out/car_racing/policy.json"), help="the policy (%(default)s)")
    parser.add_argument("--minutes", type=float, default=12.0, help="of learning in the dream (%(default)s)")
    parser.add_argument("--tracks", type=int, default=5, help="of the real game, for the examination (%(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--examine", action="store_true", help="learn nothing: examine the policy of --out")
    parser.add_argument("--through", metavar="URL", help="learn nothing: drive the dream of a runtime with the policy of --out")
    parser.add_argument("--json", action="store_true", help="print figures as JSON")
    parser.add_argument("--card", action="store_true", help="write the table into MODEL_CARD.md, too")
    return parser.parse_args(argv)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _learnt(asked: argparse.Namespace) -> Numbers:
    if asked.examine or asked.through:
        return np.array(json.loads(asked.out.read_text(encoding="utf-8"))["numbers"], np.float64).reshape(COUNT)
    dream = Dream(asked.weights, batch=_PEOPLE, seed=asked.seed, threads=os.cpu_count() or 1)
    numbers = learn(dream, asked.minutes * 60, asked.seed, _tell)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(json.dumps({"numbers": numbers.tolist()}), encoding="utf-8")
    return numbers


def main(argv: list[str] | None = None) -> None:
    asked = _asked(argv)
    try:
        numbers = _learnt(asked)
        if asked.through:
            print(json.dumps(through(asked.through, numbers, EXAMINATION_PICTURES, _tell), indent=2))
            return
    except (OSError, ValueError, NoWeights, ReactorException) as error:
        raise SystemExit(f"policy: {error}") from None
    found = report(numbers, asked.tracks, asked.seed, _tell)
    table = markdown(found)
    print(json.dumps(found, indent=2) if asked.json else table)
    if asked.card:
        write_card("policy", table)


if __name__ == "__main__":
    main()
