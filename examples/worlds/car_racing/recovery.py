"""Reads the action off two pictures in a row: a small network, trained on real pairs within a minute on one core."""

from typing import Final

import numpy as np
import torch
from eyes import Action, Picture
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

Classes = NDArray[np.int64]

_STEERS: Final = 0.3
_PRESSES: Final = 0.2
_RATE: Final = 3e-3


def steering(actions: Action) -> Classes:
    """0 left, 1 straight, 2 right, by a third of the way: (n, 3) to (n,)."""
    return np.asarray(1 + (actions[:, 0] > _STEERS).astype(np.int64) - (actions[:, 0] < -_STEERS))


def pedals(actions: Action) -> Classes:
    """0 coasts, 1 gas, 2 brake (which wins over gas): (n, 3) to (n,)."""
    return np.where(actions[:, 2] > _PRESSES, 2, (actions[:, 1] > _PRESSES).astype(np.int64))


class Reader(nn.Module):
    """From the newer picture, and what changed since the older, to three classes of steering and three of pedals."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for channels_in, channels in ((6, 12), (12, 24), (24, 32)):
            layers += [nn.Conv2d(channels_in, channels, 4, stride=2, padding=1), nn.ReLU()]
        self.seen = nn.Sequential(*layers, nn.Flatten(), nn.Linear(32 * 8 * 8, 64), nn.ReLU())
        self.steering = nn.Linear(64, 3)
        self.pedals = nn.Linear(64, 3)

    def forward(self, pairs: Tensor) -> tuple[Tensor, Tensor]:
        seen = self.seen(pairs)
        return self.steering(seen), self.pedals(seen)


def _pairs(older: Picture, newer: Picture) -> Tensor:
    before, now = (torch.from_numpy(each).movedim(-1, 1).float() / 255 for each in (older, newer))
    return torch.cat([now - 0.5, 4 * (now - before)], 1)


def _weights(classes: Tensor) -> Tensor:
    """Each class counts the same, however rare it is."""
    return len(classes) / (3 * torch.bincount(classes, minlength=3).clamp(min=1))


def train(older: Picture, newer: Picture, actions: Action, *, steps: int, seed: int = 0) -> Reader:
    """A reader that has learnt from pairs of pictures (n, 64, 64, 3) and the actions (n, 3) that lie between them."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    reader = Reader()
    optimizer = torch.optim.AdamW(reader.parameters(), lr=_RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=steps)
    truths = [torch.from_numpy(kind(actions)) for kind in (steering, pedals)]
    weights = [_weights(each) for each in truths]
    for _ in range(steps):
        chosen = rng.integers(len(newer), size=64)
        found = reader(_pairs(older[chosen], newer[chosen]))
        loss = torch.stack(
            [
                functional.cross_entropy(logits, truth[chosen], weight)
                for logits, truth, weight in zip(found, truths, weights, strict=True)
            ]
        ).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return reader.eval()


@torch.no_grad()
def read(reader: Reader, older: Picture, newer: Picture) -> tuple[Classes, Classes]:
    """The classes of steering and of pedals (n,) that the pictures (n, 64, 64, 3) look like."""
    parts = [reader(_pairs(older[at : at + 256], newer[at : at + 256])) for at in range(0, len(newer), 256)]
    steer, pedal = (torch.cat([part[kind] for part in parts]).argmax(1).numpy() for kind in (0, 1))
    return steer, pedal
