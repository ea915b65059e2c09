"""The dream: a world made up picture by picture, each from the last four and what the driver did. NumPy and ONNX Runtime."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pictures import SIDE, Rgb, fit

try:
    import onnxruntime as ort
    from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, InvalidGraph, InvalidProtobuf
except ImportError as missing:
    raise ImportError('ONNX Runtime is not installed: pip install "openreactor[worlds]"') from missing

WEIGHTS: Final = Path(__file__).resolve().parent / "weights"
CONTEXT: Final = 4
"""Pictures that the next one is made from."""
LIVELY: Final = 1.9
"""The temperature to play at. At 1 roads grow straight: so few evaluations draw a picture towards the mean of what could come."""
_COMING: Final = 6
"""Rows of the network's 32, from the top, in which what has not been seen yet comes into view: twelve rows of pixels."""

Actions: TypeAlias = NDArray[np.float32]

_CURE: Final = (
    "put world.onnx and starts.npz there, as `python examples/worlds/car_racing/export.py` writes them after a training; "
    "with --untrained it needs none, and its dream stays where it is"
)
_PICTURE: Final = (SIDE, SIDE, 3)
_NOISE: Final = (12, SIDE // 2, SIDE // 2)


class NoWeights(RuntimeError):
    """There is nothing to dream with; the message says what is missing, and the cure."""


class Dream:
    """A batch of dreams in step with each other, each with its own beginning and its own chance.

    ``weights`` is a folder with ``world.onnx`` and ``starts.npz``; ``threads`` is how many the network may use. Raises
    :class:`NoWeights`.
    """

    def __init__(self, weights: Path = WEIGHTS, *, batch: int = 1, seed: int = 0, threads: int = 1) -> None:
        if not 1 <= batch <= 1024:
            raise ValueError(f"batch must be 1 to 1024, not {batch}")
        self.temperature = LIVELY
        """How much chance there is in it, 0 or more: see :func:`tempered`."""
        self.batch = batch
        self._network = _network(weights / "world.onnx", threads)
        self._starts = _starts(weights / "starts.npz")
        self._beginnings = np.random.default_rng(seed)
        self._noise = np.random.default_rng()
        self._frames = np.empty((batch, CONTEXT, *_PICTURE), np.uint8)
        self._actions: Actions = np.zeros((batch, CONTEXT, 3), np.float32)
        self.reset()

    @property
    def starts(self) -> int:
        """How many beginnings there are."""
        return len(self._starts[0])

    @property
    def picture(self) -> Rgb:
        """The newest picture, uint8 (64, 64, 3); of a batch, all of them: (batch, 64, 64, 3)."""
        newest: Rgb = self._frames[:, -1].copy()
        return newest[0] if self.batch == 1 else newest

    def reset(self, start: int | None = None, *, seed: int | None = None) -> list[int]:
        """Begins again, at one of the beginnings or wherever chance says, and tells where: a number for each of the batch.

        With a ``seed``, chance begins again too: what follows is then what followed the last time, for the same actions. It says
        where the resets after it begin, and what follows them, however many pictures were dreamed in between. Raises IndexError
        for a beginning that is not there.
        """
        if seed is not None:
            self._beginnings = np.random.default_rng(seed)
        if start is not None and not 0 <= start < self.starts:
            raise IndexError(f"there are the beginnings 0 to {self.starts - 1}, and no {start}")
        # Each dream draws its noise from a stream of its own: how long the one before it went on changes nothing of the next.
        self._noise = np.random.default_rng(self._beginnings.integers(2**63))
        chosen = self._beginnings.integers(self.starts, size=self.batch) if start is None else np.full(self.batch, start)
        frames, actions = self._starts
        self.begin_after(frames[chosen], actions[chosen])
        return [int(number) for number in chosen]

    def begin_after(self, frames: Rgb, actions: Actions) -> None:
        """Dreams on after the pictures (batch, 4, 64, 64, 3), oldest first, and the actions (batch, 3, 3) between them."""
        self._frames[...] = frames
        self._actions[:, : CONTEXT - 1] = actions

    def begin_with(self, picture: Rgb) -> None:
        """Dreams on from a picture, uint8 (H, W, 3) of any size: as if the car had stood there."""
        self._frames[...] = fit(picture)
        self._actions[...] = 0.0

    def step(self, action: ArrayLike) -> Rgb:
        """The next picture, uint8 (64, 64, 3), for an action (3,) or one for each of the batch (batch, 3): steer, gas, brake.

        Of a batch all pictures: (batch, 64, 64, 3). What is out of bounds is taken as the bound.
        """
        self._actions[:, -1] = np.clip(np.asarray(action, np.float32), (-1.0, 0.0, 0.0), 1.0)
        noise = self._noise.standard_normal((self.batch, *_NOISE), dtype=np.float32)
        given = {"frames": self._frames, "actions": self._actions, "noise": tempered(noise, self.temperature)}
        made = self._network.run(["frame"], given)[0]
        self._frames[:, :-1] = self._frames[:, 1:]
        self._frames[:, -1] = made
        self._actions[:, :-1] = self._actions[:, 1:]
        return self.picture


def tempered(noise: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Noise (B, 12, 32, 32) of a deviation of 1, with that of the temperature; above 1, only in the upper twelve rows of pixels.

    New things come into view there. What is below follows from the last picture, and more noise would only blur it.
    """
    scale = np.full((32, 1), min(temperature, 1.0), np.float32)
    scale[:_COMING] = temperature
    return noise * scale


def _network(file: Path, threads: int) -> ort.InferenceSession:
    if not file.is_file():
        raise NoWeights(f"there is no {file.name} in {file.parent}: {_CURE}")
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # A thread that waits for work must not hold a core that the video encoder needs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        network = ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except (Fail, InvalidArgument, InvalidGraph, InvalidProtobuf) as error:
        raise NoWeights(f"{file} cannot be read: {error}; {_CURE}") from error
    named = ({each.name for each in network.get_inputs()}, {each.name for each in network.get_outputs()})
    if named != ({"frames", "actions", "noise"}, {"frame"}):
        raise NoWeights(f"{file} is another network, with {sorted(named[0])} and {sorted(named[1])}: {_CURE}")
    return network


def _starts(file: Path) -> tuple[Rgb, Actions]:
    """Beginnings: pictures (K, 4, 64, 64, 3) and the actions between them (K, 3, 3)."""
    try:
        with np.load(file) as kept:
            frames, actions = kept["frames"], kept["actions"]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise NoWeights(f"there are no beginnings in {file} ({error}): {_CURE}") from error
    if not len(frames) or frames.shape[1:] != (CONTEXT, *_PICTURE) or actions.shape != (len(frames), CONTEXT - 1, 3):
        raise NoWeights(f"{file} holds {frames.shape} and {actions.shape}, and no beginnings: {_CURE}")
    return frames.astype(np.uint8), actions.astype(np.float32)
