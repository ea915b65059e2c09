"""The network that dreams: from four pictures, their actions and a noisy next picture to a cleaner next picture.

What it finds is the change from the last picture, so that what stands still is there from the first step of a training on.

Preconditioning, loss weights and noise levels follow Karras et al., "Elucidating the Design Space of Diffusion-Based
Generative Models" (2022); the use for worlds, with few steps per frame, follows Alonso et al., "Diffusion for World Modeling:
Visual Details Matter in Atari" (2024); the noise on the context, told to the network, follows Valevski et al., "Diffusion
Models Are Real-Time Game Engines" (2024). Pictures are -1..1 here, 12 channels at 32x32: every 2x2 block of pixels is one place.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

CONTEXT = 4
CHANNELS = 12
SIDE = 32
DIALS = 28
"""The first row of the dials, which say how fast the car is and where its wheels stand."""
PICTURE_DEVIATION = 0.5
CHANGE_DEVIATION = 0.15
"""The standard deviation of pictures, and of the change from one to the next; a little more than is measured."""
CONTEXT_NOISE = 0.25
"""The most noise that training puts on the context, as a standard deviation; little is more frequent than much."""

LEVELS = (3.0, 1.0, 0.25, 0.05)
"""The noise levels that a picture is made by, one evaluation of the network at each."""


class Batch(NamedTuple):
    """What a frame is made from: context (B, 48, 32, 32) oldest first, actions (B, 4, 3), noise on the context (B,)."""

    context: Tensor
    actions: Tensor
    context_noise: Tensor


class Block(nn.Module):
    """Two convolutions, led by a condition."""

    def __init__(self, channels_in: int, channels_out: int, condition: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(8, channels_in)
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.norm2 = nn.GroupNorm(8, channels_out, affine=False)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1)
        self.modulation = nn.Linear(condition, 2 * channels_out)
        self.skip = nn.Conv2d(channels_in, channels_out, 1) if channels_in != channels_out else nn.Identity()
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        scale, shift = self.modulation(condition)[..., None, None].chunk(2, 1)
        hidden = self.conv1(functional.silu(self.norm1(x)))
        hidden = self.conv2(functional.silu(self.norm2(hidden) * (1 + scale) + shift))
        return self.skip(x) + hidden


class UNet(nn.Module):
    """Four scales, 32x32 to 4x4."""

    def __init__(self, widths: tuple[int, int, int, int] = (32, 48, 96, 160), condition: int = 128) -> None:
        super().__init__()
        a, b, c, d = widths
        self.register_buffer("frequencies", torch.exp(torch.linspace(0, math.log(200.0), 16)))
        self.condition = nn.Sequential(
            nn.Linear(64 + 3 * CONTEXT, condition), nn.SiLU(), nn.Linear(condition, condition), nn.SiLU()
        )
        self.enter = nn.Conv2d(CHANNELS * (CONTEXT + 1), a, 3, padding=1)
        self.down = nn.ModuleList([Block(a, a, condition), Block(b, b, condition), Block(c, c, condition)])
        self.shrink = nn.ModuleList([nn.Conv2d(i, o, 3, stride=2, padding=1) for i, o in ((a, b), (b, c), (c, d))])
        self.middle = nn.ModuleList([Block(d, d, condition), Block(d, d, condition)])
        self.up = nn.ModuleList([Block(d + c, c, condition), Block(c + b, b, condition), Block(b + a, a, condition)])
        self.leave = nn.Sequential(nn.GroupNorm(8, a), nn.SiLU(), nn.Conv2d(a, CHANNELS, 3, padding=1))
        nn.init.zeros_(self.leave[-1].weight)
        nn.init.zeros_(self.leave[-1].bias)

    def forward(self, noisy: Tensor, level: Tensor, batch: Batch) -> Tensor:
        waves = [
            wave(each[:, None] * self.frequencies) for each in (level, batch.context_noise) for wave in (torch.sin, torch.cos)
        ]
        condition = self.condition(torch.cat([*waves, batch.actions.flatten(1)], 1))
        x = self.enter(torch.cat([noisy, batch.context], 1))
        kept = []
        for block, shrink in zip(self.down, self.shrink, strict=True):
            kept.append(block(x, condition))
            x = shrink(kept[-1])
        for block in self.middle:
            x = block(x, condition)
        for block in self.up:
            x = block(torch.cat([functional.interpolate(x, scale_factor=2.0), kept.pop()], 1), condition)
        out: Tensor = self.leave(x)
        return out


def to_network(pictures: Tensor) -> Tensor:
    """uint8 (..., 64, 64, 3) to float32 (..., 12, 32, 32)."""
    return functional.pixel_unshuffle(pictures.movedim(-1, -3).float() / 127.5 - 1, 2)


def to_pictures(x: Tensor) -> Tensor:
    """float32 (B, 12, 32, 32) to uint8 (B, 64, 64, 3)."""
    levels = (functional.pixel_shuffle(x, 2).permute(0, 2, 3, 1) + 1) * 127.5
    return levels.round().clamp(0, 255).to(torch.uint8)


def denoise(net: nn.Module, noisy: Tensor, level: Tensor, batch: Batch) -> Tensor:
    """What the network takes a picture with noise of so much deviation (B,) for."""
    deviation = level[:, None, None, None]
    total = (deviation**2 + CHANGE_DEVIATION**2).sqrt()
    last = batch.context[:, -CHANNELS:]
    scaled = Batch(batch.context / PICTURE_DEVIATION, batch.actions, batch.context_noise)
    seen = net((noisy - last) / total, level.log() / 4, scaled)
    change = (noisy - last) * (CHANGE_DEVIATION / total) ** 2 + seen.float() * deviation * CHANGE_DEVIATION / total
    return last + change


def details(target: Tensor) -> Tensor:
    """How much of a detail each place is, 0..1: all of the dials, and what has contrast. (B, 12, 32, 32) to (B, 1, 32, 32)."""
    contrast = 4 * target.unflatten(1, (3, 4)).std(2).mean(1, keepdim=True)
    contrast[..., DIALS:, :] = 1.0
    return contrast.clamp(max=1.0)


def loss(
    net: nn.Module,
    batch: Batch,
    target: Tensor,
    generator: torch.Generator,
    levels: tuple[float, ...] = LEVELS,
    shares: tuple[float, ...] = (1.0,) * len(LEVELS),
    emphasis: float = 0.0,
) -> Tensor:
    """The weighted squared error, with a random noise on the context, at noise levels that are about ``levels``.

    How often it looks at each of them say the ``shares``: a network learns these few alone, give or take a quarter. Details count
    ``1 + emphasis``.
    """
    count = len(target)
    amount = CONTEXT_NOISE * torch.rand(count, generator=generator) ** 2
    context_noise = torch.randn(batch.context.shape, generator=generator).to(target.device)
    chosen = torch.multinomial(torch.tensor(shares), count, replacement=True, generator=generator)
    level = (torch.tensor(levels)[chosen] * (torch.randn(count, generator=generator) * 0.25).exp()).to(target.device)
    noise = torch.randn(target.shape, generator=generator).to(target.device)
    amount = amount.to(target.device)
    seen = Batch(batch.context + context_noise * amount[:, None, None, None], batch.actions, amount)
    found = denoise(net, target + noise * level[:, None, None, None], level, seen)
    weight = (level**2 + CHANGE_DEVIATION**2) / (level * CHANGE_DEVIATION) ** 2
    return (weight[:, None, None, None] * (1 + emphasis * details(target)) * (found - target) ** 2).mean()


def sample(net: nn.Module, batch: Batch, noise: Tensor, levels: tuple[float, ...] = LEVELS) -> Tensor:
    """The next picture (B, 12, 32, 32), from standard normal noise of that shape, in one Euler step for each level."""
    x = batch.context[:, -CHANNELS:] + noise * levels[0]
    for level, following in zip(levels, (*levels[1:], 0.0), strict=True):
        found = denoise(net, x, torch.full_like(batch.context_noise, level), batch)
        x = found + (x - found) * (following / level)
    return x.clamp(-1, 1)
