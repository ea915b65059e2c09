"""Recorded drives that no training has seen, and pieces of them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from eyes import Action, Picture
from numpy.typing import NDArray

CONTEXT = 4

Places = NDArray[np.int64]


@dataclass(frozen=True)
class HeldOut:
    """Pictures (n, 64, 64, 3), the action (n, 3) that led to each, and which drive (n,) each belongs to."""

    frames: Picture
    actions: Action
    drives: NDArray[np.int64]

    def places(self, count: int, length: int, *, odd: bool, seed: int) -> Places:
        """So many places, in every other drive, each with four pictures of its drive before it and ``length`` from it on.

        Raises ValueError where there are not so many.
        """
        fit = self.fitting(length, odd=odd)
        if len(fit) < count:
            raise ValueError(
                f"the drives have {len(fit)} places for a dream of {length} pictures, not {count}: record more of them"
            )
        chosen: Places = np.sort(np.random.default_rng(seed).choice(fit, count, replace=False))
        return chosen

    def fitting(self, length: int, *, odd: bool) -> Places:
        """All such places."""
        at = np.arange(CONTEXT, len(self.frames) - length + 1)
        whole = self.drives[at - CONTEXT] == self.drives[at + length - 1]
        return np.asarray(at[whole & (self.drives[at] % 2 == int(odd))])

    def pieces(self, places: Places, length: int) -> tuple[Picture, Action]:
        """Pictures (k, 4 + length, 64, 64, 3) and actions (k, 4 + length, 3): four before each place, the rest from it on."""
        index = places[:, None] + np.arange(-CONTEXT, length)
        return self.frames[index], self.actions[index]


def read(folder: Path) -> HeldOut:
    """All shards of a folder, as ``collect.py`` writes them. Raises FileNotFoundError."""
    shards = []
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as shard:
            shards.append((shard["frames"], shard["actions"], shard["starts"]))
    if not shards:
        raise FileNotFoundError(
            f"no drives in {folder}: record some, with a seed of their own (collect.py --out {folder} --seed 900)"
        )
    drives, first = [], 0
    for frames, _, starts in shards:
        drives.append(first + np.searchsorted(starts, np.arange(len(frames)), side="right") - 1)
        first += len(starts)
    return HeldOut(np.concatenate([s[0] for s in shards]), np.concatenate([s[1] for s in shards]), np.concatenate(drives))
