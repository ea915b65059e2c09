# mypy: ignore-errors
"""LeRobot: a data set that is recorded from an environment."""

import tempfile
from pathlib import Path

import numpy as np
from lerobot.datasets.lerobot_dataset import LeRobotDataset

from reactor_sdk.gym import ReactorEnv

FEATURES = {
    "observation.images.world": {"dtype": "video", "shape": (160, 128, 3), "names": ["height", "width", "channels"]},
    "action": {"dtype": "float32", "shape": (1,), "names": ["number"]},
}


def recorded():
    root = Path(tempfile.mkdtemp()) / "set"
    with ReactorEnv("digits", local=True, action_command="show") as env:
        dataset = LeRobotDataset.create("test/digits", fps=int(env.metadata["render_fps"]), features=FEATURES, root=root)
        picture, _ = env.reset(seed=1)
        for action in range(10):
            dataset.add_frame({"observation.images.world": picture, "action": np.array([action], np.float32), "task": "count"})
            picture, *_ = env.step(action)
        dataset.save_episode()
    dataset.finalize()
    again = LeRobotDataset("test/digits", root=root)
    assert len(again) == 10
    assert again[3]["observation.images.world"].shape == (3, 160, 128)


TRIED = {"LeRobotDataset, from steps": recorded}
