"""GPUs and the shares that workers hold of them."""

from __future__ import annotations

import pytest

from reactor_coordinator.pools.devices import capacity, fit, free_shares, parse_listing, parse_visible
from reactor_protocol.errors import InvalidArgumentError

LISTING = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-aaaa)
  MIG 3g.20gb     Device  0: (UUID: MIG-1111)
  MIG 3g.20gb     Device  1: (UUID: MIG-2222)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-bbbb)
GPU 2: NVIDIA A100-SXM4-40GB (UUID: GPU-cccc)
"""


def test_a_divided_gpu_counts_as_its_parts() -> None:
    assert parse_listing(LISTING) == ("MIG-1111", "MIG-2222", "GPU-bbbb", "GPU-cccc")


@pytest.mark.parametrize("text", ["", "No devices found.\n", "Failed to initialize NVML: Driver/library version mismatch\n"])
def test_no_gpus(text: str) -> None:
    assert parse_listing(text) == ()


@pytest.mark.parametrize(
    ("value", "devices"),
    [
        ("0,2", ("0", "2")),
        (" GPU-a , GPU-b ", ("GPU-a", "GPU-b")),
        ("", ()),
        ("-1", ()),
        ("0,-1,1", ("0",)),
        ("NoDevFiles", ("NoDevFiles",)),
    ],
)
def test_visible_devices(value: str, devices: tuple[str, ...]) -> None:
    assert parse_visible(value) == devices


def test_free_shares() -> None:
    taken = [{"a": 0.25}, {"a": 0.5}, {"b": 1.0}, {"unplugged": 1.0}, {}]
    assert free_shares(("a", "b", "c"), taken) == {"a": 0.25, "b": 0.0, "c": 1.0}


@pytest.mark.parametrize(
    ("free", "gpus", "shares"),
    [
        ({"a": 1.0, "b": 1.0}, 1, {"a": 1.0}),
        ({"a": 0.5, "b": 1.0}, 1, {"b": 1.0}),
        ({"a": 1.0, "b": 0.5, "c": 1.0}, 2, {"a": 1.0, "c": 1.0}),
        ({"a": 0.5, "b": 1.0}, 2, None),
        ({"a": 1.0, "b": 0.5}, 0.5, {"b": 0.5}),
        ({"a": 1.0, "b": 0.4}, 0.5, {"a": 0.5}),
        ({"a": 0.3, "b": 0.4}, 0.5, None),
        ({"a": 1.0 - 0.1 - 0.2}, 0.7, {"a": 0.7}),
        ({}, 1, None),
    ],
)
def test_fit(free: dict[str, float], gpus: float, shares: dict[str, float] | None) -> None:
    assert fit(free, gpus) == shares


@pytest.mark.parametrize(
    ("free", "gpus", "workers"),
    [
        ({"a": 1.0, "b": 1.0, "c": 0.5}, 1, 2),
        ({"a": 1.0, "b": 1.0, "c": 1.0}, 2, 1),
        ({"a": 1.0, "b": 0.5}, 0.5, 3),
        ({"a": 0.9, "b": 0.9}, 0.5, 2),
        ({"a": 1.0}, 0.1, 10),
        ({}, 0.5, 0),
    ],
)
def test_capacity(free: dict[str, float], gpus: float, workers: int) -> None:
    assert capacity(free, gpus) == workers


@pytest.mark.parametrize("ask", [fit, capacity])
def test_one_and_a_half_gpus_are_refused(ask: object) -> None:
    assert callable(ask)
    with pytest.raises(InvalidArgumentError, match="cannot have 1.5 GPUs: give a fraction below 1, or a whole number"):
        ask({"a": 1.0, "b": 1.0}, 1.5)
