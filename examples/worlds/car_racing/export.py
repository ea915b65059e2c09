"""Writes what the dream is played from: the network as one ONNX graph for one picture, and beginnings to dream on from.

    python examples/worlds/car_racing/export.py --training out/car_racing/training.pt --data out/car_racing/data --out weights

All noise levels are inside the graph, and the weights are kept in 16 bits: half the size, the same pictures.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import torch
from denoiser import CHANNELS, CONTEXT, LEVELS, SIDE, Batch, UNet, sample, to_pictures
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional

OPSET: Final = 17
LARGE: Final = 1024
"""Weights of so many numbers are kept in 16 bits."""


class Step(nn.Module):
    """One picture: pictures and actions in, a picture out, all noise levels between them."""

    def __init__(self, net: nn.Module, levels: tuple[float, ...]) -> None:
        super().__init__()
        self.net = net
        self.levels = levels

    def forward(self, frames: Tensor, actions: Tensor, noise: Tensor) -> Tensor:
        # All pictures at once, as channels: the exporter takes no other way, and the order is the same.
        channels = frames.permute(0, 1, 4, 2, 3).flatten(1, 2)
        context = functional.pixel_unshuffle(channels.float() / 127.5 - 1, 2)
        return to_pictures(sample(self.net, Batch(context, actions, torch.zeros_like(actions[:, 0, 0])), noise, self.levels))


def export(net: nn.Module, file: Path, levels: tuple[float, ...] = LEVELS) -> None:
    """Writes the graph: frames (B, 4, 64, 64, 3) uint8, actions (B, 4, 3) and noise (B, 12, 32, 32) to frame (B, 64, 64, 3)."""
    frames = torch.zeros(2, CONTEXT, 2 * SIDE, 2 * SIDE, 3, dtype=torch.uint8)
    given = (frames, torch.zeros(2, CONTEXT, 3), torch.zeros(2, CHANNELS, SIDE, SIDE))
    names = ["frames", "actions", "noise"]
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw.onnx"
        torch.onnx.export(
            Step(net, levels).eval(),
            given,
            str(raw),
            input_names=names,
            output_names=["frame"],
            dynamic_axes={name: {0: "batch"} for name in [*names, "frame"]},
            opset_version=OPSET,
            dynamo=False,
        )
        model = onnx.load(raw)
    halve(model)
    onnx.checker.check_model(model)
    file.write_bytes(model.SerializeToString())


def halve(model: onnx.ModelProto) -> None:
    """Keeps large weights in 16 bits, with a cast before their use, which ONNX Runtime does once, when it loads them."""
    graph = model.graph
    casts = []
    for weight in graph.initializer:
        if weight.data_type != TensorProto.FLOAT or np.prod(weight.dims) < LARGE:
            continue
        name = weight.name
        half = numpy_helper.from_array(numpy_helper.to_array(weight).astype(np.float16), f"{name}_half")
        weight.CopyFrom(half)
        casts.append(helper.make_node("Cast", [half.name], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def beginnings(folder: Path, count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Pieces of recorded drives to dream on from: pictures (count, 4, 64, 64, 3), and the actions (count, 3, 3) between them.

    From the first second of drives, in which the car is on the road.
    """
    chance = np.random.default_rng(seed)
    frames, actions = [], []
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as shard:
            pictures, moves = shard["frames"], shard["actions"]
            for start in shard["starts"]:
                at = int(start) + 20
                frames.append(pictures[at : at + CONTEXT])
                actions.append(moves[at + 1 : at + CONTEXT])
    if len(frames) < count:
        raise SystemExit(f"{len(frames)} drives in {folder}, and {count} are needed: run collect.py --out {folder} first")
    chosen = chance.choice(len(frames), count, replace=False)
    return np.stack([frames[each] for each in chosen]), np.stack([actions[each] for each in chosen])


def placeholder(count: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Beginnings that nobody drove: a grey road on green."""
    frames = np.empty((count, CONTEXT, 2 * SIDE, 2 * SIDE, 3), np.uint8)
    frames[...] = (100, 203, 100)
    frames[..., 26:38, :] = 104
    frames[:, :, 56:] = 0
    return frames, np.zeros((count, CONTEXT - 1, 3), np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--training", type=Path, default=Path("out/car_racing/training.pt"), help="by train.py (%(default)s)")
    parser.add_argument("--data", type=Path, default=Path("out/car_racing/data"), help="drives to begin with (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent / "weights", help="(%(default)s)")
    parser.add_argument("--starts", type=int, default=12, help="beginnings (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="chooses the beginnings (%(default)s)")
    parser.add_argument("--untrained", action="store_true", help="a network that knows nothing, to try the rest with")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    net = UNet()
    if asked.untrained:
        frames, actions = placeholder(asked.starts)
    else:
        net.load_state_dict(torch.load(asked.training, map_location="cpu", weights_only=True)["average"])
        frames, actions = beginnings(asked.data, asked.starts, asked.seed)
    export(net, asked.out / "world.onnx")
    np.savez_compressed(asked.out / "starts.npz", frames=frames, actions=actions)
    for name in ("world.onnx", "starts.npz"):
        print(f"{asked.out / name}: {(asked.out / name).stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
