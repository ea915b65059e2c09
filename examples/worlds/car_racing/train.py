"""Trains the world model on what `collect.py` has written. Ends and goes on at any step: a run that was broken off and taken up
again gives the weights of one that was not.

    python examples/worlds/car_racing/train.py --data out/car_racing/data --out out/car_racing
"""

import argparse
import copy
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from denoiser import CHANNELS, CONTEXT, LEVELS, SIDE, Batch, UNet, loss, sample, to_network, to_pictures
from eyes import shows_kerb
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

WARM_UP_STEPS = 300
DECAY_SHARE = 0.7
"""The share of a round's steps, at its end, in which the learning rate falls to nothing."""


@dataclass(frozen=True)
class Round:
    """A part of a training: its steps, its highest learning rate, what it looks at, how much more details count in it, and the
    share of its pieces in which a kerb comes into view."""

    steps: int
    rate: float
    levels: tuple[float, ...]
    shares: tuple[float, ...]
    emphasis: float
    kerbs: float = 0.0


ROUNDS = (
    Round(13_000, 1.2e-3, (2.0, 0.3, 0.04), (0.4, 0.35, 0.25), emphasis=0.0),
    Round(5_000, 6e-4, (2.0, 0.3, 0.04), (0.4, 0.35, 0.25), emphasis=3.0),
    Round(13_000, 6e-4, LEVELS, (0.25, 0.25, 0.25, 0.25), emphasis=3.0),
    Round(6_000, 6e-4, LEVELS, (0.25, 0.25, 0.25, 0.25), emphasis=3.0, kerbs=0.25),
    Round(9_000, 6e-4, LEVELS, (0.25, 0.25, 0.25, 0.25), emphasis=3.0, kerbs=0.25),
)
"""Three noise levels teach the most in the time that there is; four are those that pictures are made by. So few evaluations leave
out what is rare: a kerb, the mark of a sharp bend, comes into view in one picture of fifty; in the last rounds, one of four."""


@dataclass(frozen=True)
class Plan:
    """What one training is: the same plan on the same data gives the same weights (on the same kind of machine).

    Of other ``steps`` every round has its share.
    """

    steps: int = sum(each.steps for each in ROUNDS)
    batch: int = 32
    seed: int = 0
    average: float = 0.999

    def at(self, step: int) -> tuple[Round, float]:
        """The round of a step and its learning rate: in each it warms up, holds, and falls in a straight line to nothing."""
        began = 0
        for each in ROUNDS[:-1]:
            long = round(each.steps * self.steps / Plan.steps)
            if step < began + long:
                return each, _rate(each.rate, step - began, long)
            began += long
        return ROUNDS[-1], _rate(ROUNDS[-1].rate, step - began, self.steps - began)


def _rate(most: float, step: int, steps: int) -> float:
    warm = min(WARM_UP_STEPS, max(steps // 4, 1))
    return most * min(1.0, (step + 1) / warm, max((steps - step) / (steps * DECAY_SHARE), 0.0))


class Drives:
    """Recorded drives: every place in them that has four pictures before it, and which of these are the first of a kerb."""

    def __init__(self, folder: Path) -> None:
        self.frames: list[NDArray[np.uint8]] = []
        self.actions: list[NDArray[np.float32]] = []
        places, kerbs = [], []
        for number, path in enumerate(sorted(folder.glob("*.npz"))):
            with np.load(path) as shard:
                frames, actions, starts = shard["frames"], shard["actions"], shard["starts"]
            self.frames.append(frames)
            self.actions.append(actions)
            for start, end in zip(starts, [*starts[1:], len(frames)], strict=True):
                places += [(number, at) for at in range(start + CONTEXT, end)]
                kerb = shows_kerb(frames[start:end])
                kerbs.append(kerb[CONTEXT:] & ~kerb[CONTEXT - 1 : -1])
        if not places:
            raise SystemExit(f"no drives in {folder}: run collect.py --out {folder} first")
        self.places = np.array(places)
        self.kerbs = np.flatnonzero(np.concatenate(kerbs))

    def batch(self, count: int, rng: np.random.Generator, kerbs: float = 0.0) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """So many pieces of drives: pictures (count, 5, 64, 64, 3) and the actions (count, 4, 3) that led to the last four.

        Of ``kerbs`` of them, a share, the last picture is the first that shows a kerb, if there are such.
        """
        numbers = rng.integers(len(self.places), size=count)
        first = round(count * kerbs) if len(self.kerbs) else 0
        if first:
            numbers[:first] = self.kerbs[rng.integers(len(self.kerbs), size=first)]
        chosen = self.places[numbers]
        frames = np.stack([self.frames[shard][at - CONTEXT : at + 1] for shard, at in chosen])
        return frames, np.stack([self.actions[shard][at - CONTEXT + 1 : at + 1] for shard, at in chosen])


class Training:
    """The network, its running average, and the optimiser, at a step."""

    def __init__(self, plan: Plan, device: str) -> None:
        torch.manual_seed(plan.seed)
        self.plan = plan
        self.device = device
        self.step = 0
        self.net = UNet().to(device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.net).eval()
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=0.0, weight_decay=1e-2, betas=(0.9, 0.99), fused=True)

    def advance(self, drives: Drives) -> float:
        """One step. Returns its loss. What it draws depends on the seed and the step alone."""
        rng = np.random.default_rng((self.plan.seed, self.step))
        generator = torch.Generator().manual_seed(int(rng.integers(1 << 62)))
        part, rate = self.plan.at(self.step)
        batch, target = _tensors(*drives.batch(self.plan.batch, rng, part.kerbs), self.device)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast(self.device, dtype=torch.bfloat16):
            found = loss(self.net, batch, target, generator, part.levels, part.shares, part.emphasis)
        self.optimizer.zero_grad()
        found.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        keep = min(self.plan.average, self.step / (9 + self.step))
        with torch.no_grad():
            for averaged, current in zip(self.average.parameters(), self.net.parameters(), strict=True):
                averaged.lerp_(current, 1 - keep)
        return float(found.detach())

    def save(self, path: Path) -> None:
        """Writes all of it, whole or not at all."""
        parts = {"net": self.net, "average": self.average, "optimizer": self.optimizer}
        state: dict[str, Any] = {name: each.state_dict() for name, each in parts.items()}
        beside = path.with_suffix(".part")
        torch.save({**state, "step": self.step, "plan": asdict(self.plan)}, beside)
        os.replace(beside, path)

    def load(self, path: Path) -> None:
        """Goes on where a saved one stood."""
        state = torch.load(path, map_location=self.device, weights_only=True)
        for part, name in ((self.net, "net"), (self.average, "average"), (self.optimizer, "optimizer")):
            part.load_state_dict(state[name])
        self.step = state["step"]


def _tensors(frames: NDArray[np.uint8], actions: NDArray[np.float32], device: str) -> tuple[Batch, Tensor]:
    pictures = to_network(torch.from_numpy(frames).to(device))
    context = pictures[:, :CONTEXT].flatten(1, 2).contiguous(memory_format=torch.channels_last)
    target = pictures[:, CONTEXT].contiguous(memory_format=torch.channels_last)
    return Batch(context, torch.from_numpy(actions).to(device), torch.zeros(len(frames), device=device)), target


def contact_sheet(
    net: nn.Module,
    drives: Drives,
    levels: tuple[float, ...],
    device: str,
    *,
    rows: int = 4,
    columns: int = 8,
    stride: int = 4,
) -> Image.Image:
    """Real drives, and below each of them the dream that begins with its first pictures and takes the same actions."""
    rng = np.random.default_rng(1)
    long = CONTEXT + columns * stride
    fit = [(shard, at) for shard, at in drives.places[:: len(drives.places) // 200 or 1] if at + long < len(drives.frames[shard])]
    chosen = [fit[index] for index in rng.integers(len(fit), size=rows)]
    real = np.stack([drives.frames[shard][at : at + long] for shard, at in chosen])
    actions = np.stack([drives.actions[shard][at : at + long] for shard, at in chosen])
    dreamed = dream(net, real[:, :CONTEXT], actions, levels, device)
    lines = [each[:, ::stride] for each in (real[:, CONTEXT:], dreamed)]
    grid = np.stack(lines, axis=1).transpose(0, 1, 3, 2, 4, 5).reshape(2 * rows * 64, columns * 64, 3)
    return Image.fromarray(grid).resize((grid.shape[1] * 2, grid.shape[0] * 2), Image.Resampling.NEAREST)


@torch.no_grad()
def dream(
    net: nn.Module, frames: NDArray[np.uint8], actions: NDArray[np.float32], levels: tuple[float, ...], device: str
) -> NDArray[np.uint8]:
    """The pictures (B, n - 4, 64, 64, 3) that follow four (B, 4, 64, 64, 3), for the actions (B, n, 3) of all n of them."""
    generator = torch.Generator().manual_seed(0)
    context = to_network(torch.from_numpy(frames).to(device)).flatten(1, 2)
    moves = torch.from_numpy(actions).to(device)
    seen = []
    for at in range(CONTEXT, actions.shape[1]):
        noise = torch.randn((len(frames), CHANNELS, SIDE, SIDE), generator=generator).to(device)
        clean = torch.zeros(len(frames), device=device)
        following = sample(net, Batch(context, moves[:, at - CONTEXT + 1 : at + 1], clean), noise, levels)
        seen.append(to_pictures(following).cpu().numpy())
        context = torch.cat([context[:, CHANNELS:], following], 1)
    return np.stack(seen, axis=1)


def train(training: Training, drives: Drives, out: Path, every_s: float) -> None:
    """Trains to the end of the plan; saves, reports and draws every so many seconds, and at the end or a Ctrl-C."""
    began, first = time.monotonic(), training.step
    last, losses = began, []
    try:
        while training.step < training.plan.steps:
            losses.append(training.advance(drives))
            now = time.monotonic()
            if now - last < every_s and training.step < training.plan.steps:
                continue
            training.save(out / "training.pt")
            levels = training.plan.at(training.step - 1)[0].levels
            contact_sheet(training.average, drives, levels, training.device).save(out / "dream.png")
            pace = (training.step - first) / (now - began)
            left = (training.plan.steps - training.step) / pace / 60
            mean = float(np.mean(losses))
            print(
                f"step {training.step:>6} of {training.plan.steps}  loss {mean:.4f}  {pace:.1f} steps/s  {left:.0f} min left",
                flush=True,
            )
            last, losses = now, []
    except KeyboardInterrupt:
        training.save(out / "training.pt")
        print(f"stopped at step {training.step}; the same command goes on from there", file=sys.stderr)
        raise SystemExit(130) from None


def main() -> None:
    plan = Plan()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, default=Path("out/car_racing/data"), help="where collect.py has written (%(default)s)"
    )
    parser.add_argument("--out", type=Path, default=Path("out/car_racing"), help="for training.pt and dream.png (%(default)s)")
    parser.add_argument("--steps", type=int, default=plan.steps, help="(%(default)s)")
    parser.add_argument("--batch", type=int, default=plan.batch, help="pieces of drives in a step (%(default)s)")
    parser.add_argument("--seed", type=int, default=plan.seed)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="(%(default)s)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of the CPU (%(default)s)")
    parser.add_argument("--every", type=float, default=120.0, metavar="SECONDS", help="between reports (%(default)s)")
    parser.add_argument("--anew", action="store_true", help="do not go on from training.pt")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    asked.out.mkdir(parents=True, exist_ok=True)
    drives = Drives(asked.data)
    training = Training(Plan(steps=asked.steps, batch=asked.batch, seed=asked.seed), asked.device)
    saved = asked.out / "training.pt"
    if saved.exists() and not asked.anew:
        training.load(saved)
    count = sum(each.numel() for each in training.net.parameters())
    print(f"{count:,} parameters, {len(drives.places):,} pictures, from step {training.step}, on {asked.device}", flush=True)
    train(training, drives, asked.out, asked.every)


if __name__ == "__main__":
    main()
