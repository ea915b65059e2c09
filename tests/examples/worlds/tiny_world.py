"""Weights of a world that is known exactly: it turns the last picture about by the steering, and lights a corner by chance.

In that corner it also tells of the oldest picture and action that it was given: blue is brighter by that picture's red, times
that action's gas.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

COLUMNS = 8
"""Columns that a full turn of the wheel moves the picture by, in one step, and round: 64 of them are the whole picture."""


def write_weights(folder: Path, gas: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Path:
    """``world.onnx`` and ``starts.npz``, with three beginnings at which the car had that gas; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    # Written by a newer onnx, read by whatever ONNX Runtime is there: an old version of the format is read by all.
    model = helper.make_model(_graph(), ir_version=9, opset_imports=[helper.make_opsetid("", 17)])
    onnx.checker.check_model(model)
    onnx.save(model, folder / "world.onnx")
    actions = np.zeros((3, 3, 3), np.float32)
    actions[:, :, 1] = gas
    np.savez(folder / "starts.npz", frames=np.stack([np.stack([start(number)] * 4) for number in range(3)]), actions=actions)
    return folder


def start(number: int) -> NDArray[np.uint8]:
    """A beginning, (64, 64, 3): each column is of another grey, 100 + its number; a row says which beginning it is."""
    picture = np.repeat(np.arange(100, 164, dtype=np.uint8), 3).reshape(1, 64, 3).repeat(64, axis=0)
    picture[32] = 10 * (number + 1)
    return picture


def _graph() -> onnx.GraphProto:
    """Inputs, outputs and types as the agreed interface has them."""
    constants = {
        "first": np.int64(0),
        "last": np.int64(-1),
        "full": np.float32(COLUMNS),
        "columns": np.arange(64, dtype=np.int64).reshape(1, 1, 64, 1),
        "side": np.int64(64),
        "nothing": np.float32(0),
        "white": np.float32(255),
        "lamp": np.float32(32),
        "whole": np.array([1, 64, 64, 3], np.int64),
        "begin": np.array([0, 0, 0], np.int64),
        "one": np.array([1, 1, 1], np.int64),
        "axes": np.array([1, 2, 3], np.int64),
        "corner": np.array([0, 0, 0, 0, 0, 63, 63, 2], np.int64),
        "blue corner": np.array([0, 0, 0, 2, 0, 63, 63, 0], np.int64),
        "at0": np.array([0]),
        "at1": np.array([1]),
        "at2": np.array([2]),
        "axis1": np.array([1]),
        "per_dream": np.array([-1, 1, 1, 1]),
    }
    steps: list[tuple[str, list[str], str, dict[str, Any]]] = [
        ("Gather", ["frames", "last"], "newest", {"axis": 1}),
        ("Gather", ["actions", "last"], "action", {"axis": 1}),
        ("Slice", ["action", "at0", "at1", "axis1"], "wheel", {}),
        ("Mul", ["wheel", "full"], "far", {}),
        ("Round", ["far"], "even", {}),
        ("Cast", ["even"], "shift", {"to": TensorProto.INT64}),
        ("Reshape", ["shift", "per_dream"], "shifts", {}),
        ("Add", ["columns", "shifts"], "from", {}),
        ("Mod", ["from", "side"], "within", {}),
        ("Expand", ["within", "whole"], "places", {}),
        ("GatherElements", ["newest", "places"], "turned", {"axis": 2}),
        ("Cast", ["turned"], "light", {"to": TensorProto.FLOAT}),
        ("Slice", ["noise", "begin", "one", "axes"], "chance", {}),
        ("Mul", ["chance", "lamp"], "glow", {}),
        ("Pad", ["glow", "corner"], "lit", {}),
        ("Add", ["light", "lit"], "bright0", {}),
        ("Gather", ["frames", "first"], "oldest", {"axis": 1}),
        ("Slice", ["oldest", "begin", "one", "axes"], "red", {}),
        ("Cast", ["red"], "redness", {"to": TensorProto.FLOAT}),
        ("Gather", ["actions", "first"], "old action", {"axis": 1}),
        ("Slice", ["old action", "at1", "at2", "axis1"], "gas", {}),
        ("Reshape", ["gas", "per_dream"], "gases", {}),
        ("Mul", ["redness", "gases"], "memory", {}),
        ("Pad", ["memory", "blue corner"], "remembered", {}),
        ("Add", ["bright0", "remembered"], "bright", {}),
        ("Clip", ["bright", "nothing", "white"], "bounded", {}),
        ("Cast", ["bounded"], "frame", {"to": TensorProto.UINT8}),
    ]
    return helper.make_graph(
        [helper.make_node(kind, given, [made], **how) for kind, given, made, how in steps],
        "tiny",
        [
            helper.make_tensor_value_info("frames", TensorProto.UINT8, ["B", 4, 64, 64, 3]),
            helper.make_tensor_value_info("actions", TensorProto.FLOAT, ["B", 4, 3]),
            helper.make_tensor_value_info("noise", TensorProto.FLOAT, ["B", 12, 32, 32]),
        ],
        [helper.make_tensor_value_info("frame", TensorProto.UINT8, ["B", 64, 64, 3])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
