"""Records drives in the real CarRacing-v3: some 100 pictures a second and core, the same ones for the same seed.

python examples/worlds/car_racing/collect.py --out out/car_racing/data --frames 36000 --seed 1 --workers 2
"""

import argparse
import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from simulator import Action, Driver, Picture, Simulator

SHARD: Final = 10_000
"""About so many pictures are in one file; a drive is never divided."""
SHORTEST: Final = 300
LONGEST: Final = 700


@dataclass
class Shard:
    """Drives, one after the other."""

    frames: list[Picture] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)

    def save(self, path: Path) -> None:
        """Writes it, whole or not at all."""
        beside = path.with_suffix(".part")
        with beside.open("wb") as file:
            np.savez(file, frames=np.stack(self.frames), actions=np.stack(self.actions), starts=np.array(self.starts, np.int64))
        os.replace(beside, path)


def drive(simulator: Simulator, chance: np.random.Generator, shard: Shard, most: int) -> int:
    """Adds one drive of some seconds, of at most so many pictures; returns of how many."""
    simulator.reset(int(chance.integers(1 << 30)), somewhere=bool(chance.random() < 0.8))
    driver = Driver(chance)
    shard.starts.append(len(shard.frames))
    for number in range(min(most, int(chance.integers(SHORTEST, LONGEST)))):
        action = driver.act(simulator)
        picture, _, over = simulator.step(action)
        shard.frames.append(picture)
        shard.actions.append(action)
        if over:
            return number + 1
    return len(shard.frames) - shard.starts[-1]


def collect(out: Path, frames: int, seed: int) -> int:
    """Writes SEED_NNNN.npz until there are so many pictures. Returns how many."""
    chance = np.random.default_rng(seed)
    simulator, shard, done, number, began = Simulator(), Shard(), 0, 0, time.monotonic()
    while done < frames:
        done += drive(simulator, chance, shard, frames - done)
        if len(shard.frames) >= SHARD or done >= frames:
            shard.save(out / f"{seed:03d}_{number:04d}.npz")
            print(f"seed {seed}: {done} of {frames} pictures, {done / (time.monotonic() - began):.0f} a second", flush=True)
            shard, number = Shard(), number + 1
    simulator.close()
    return done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out/car_racing/data"), help="folder for the drives (%(default)s)")
    parser.add_argument("--frames", type=int, default=36_000, help="pictures of each worker (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the first worker; the others count on (%(default)s)")
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1), help="processes (%(default)s)")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    count = asked.workers
    with ProcessPoolExecutor(count) as pool:
        done = pool.map(collect, [asked.out] * count, [asked.frames] * count, range(asked.seed, asked.seed + count))
        print(f"{sum(done)} pictures in {asked.out}")


if __name__ == "__main__":
    main()
