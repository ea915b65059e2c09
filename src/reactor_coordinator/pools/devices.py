"""GPUs of a machine and the shares of them that workers hold."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping

from reactor_protocol.errors import InvalidArgumentError

_UUID = re.compile(r"UUID: ((?:GPU|MIG)-[^)\s]+)")
_ALMOST = 1e-6


def parse_listing(text: str) -> tuple[str, ...]:
    """The devices that ``nvidia-smi -L`` lists, by UUID; a GPU that is divided (MIG) counts as its parts.

    UUIDs mean the same device to everybody, whereas CUDA numbers devices in an order of its own.
    """
    found = _UUID.findall(text)
    divided = {gpu for gpu, following in zip(found, found[1:], strict=False) if following.startswith("MIG-")}
    return tuple(name for name in found if name.startswith("MIG-") or name not in divided)


def parse_visible(value: str) -> tuple[str, ...]:
    """The devices that CUDA_VISIBLE_DEVICES leaves; -1 ends the list, as it does for CUDA."""
    names = [name.strip() for name in value.split(",")]
    end = next((place for place, name in enumerate(names) if name in ("", "-1")), len(names))
    return tuple(names[:end])


def free_shares(devices: Iterable[str], taken: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """How much of each device is left."""
    free = dict.fromkeys(devices, 1.0)
    for shares in taken:
        for name, share in shares.items():
            if name in free:
                free[name] -= share
    return free


def fit(free: Mapping[str, float], gpus: float) -> dict[str, float] | None:
    """The shares for a worker that asks for ``gpus``, or None: whole devices, or the fullest one with room for a fraction."""
    check_gpus(gpus)
    if gpus < 1:
        candidates = [name for name, left in free.items() if left >= gpus - _ALMOST]
        return {min(candidates, key=lambda name: free[name]): gpus} if candidates else None
    whole = [name for name, left in free.items() if left >= 1 - _ALMOST]
    return dict.fromkeys(whole[: round(gpus)], 1.0) if len(whole) >= gpus else None


def capacity(free: Mapping[str, float], gpus: float) -> int:
    """How many workers that ask for ``gpus`` (more than 0) fit."""
    check_gpus(gpus)
    if gpus < 1:
        return sum(math.floor(left / gpus + _ALMOST) for left in free.values())
    return sum(left >= 1 - _ALMOST for left in free.values()) // round(gpus)


def check_gpus(gpus: float) -> None:
    """Raises :class:`InvalidArgumentError` for a number of GPUs that nobody can be given."""
    if gpus > 1 and gpus != round(gpus):
        raise InvalidArgumentError(f"a worker cannot have {gpus:g} GPUs: give a fraction below 1, or a whole number")
