"""Drives, training, weights: repeated exactly, taken up where they stopped, and better than knowing nothing."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from collect import collect
from denoiser import CONTEXT, LEVELS, Batch, UNet, denoise, details, sample, to_network, to_pictures
from dream import Dream
from eyes import shows_kerb
from PIL import Image
from tests.training.conftest import WORLD, Trained, run
from train import ROUNDS, Drives, Plan, Training

pytestmark = pytest.mark.timeout(600)


def _error(net: torch.nn.Module, drives: Drives, level: float) -> float:
    """The mean squared error (pixels are -1..1) of what the network takes a noisy picture of unseen drives for."""
    frames, actions = drives.batch(64, np.random.default_rng(5))
    pictures = to_network(torch.from_numpy(frames))
    batch = Batch(pictures[:, :CONTEXT].flatten(1, 2), torch.from_numpy(actions), torch.zeros(64))
    noise = torch.randn(pictures[:, CONTEXT].shape, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        found = denoise(net, pictures[:, CONTEXT] + noise * level, torch.full((64,), level), batch)
    return float(((found - pictures[:, CONTEXT]) ** 2).mean())


def _averaged(path: Path) -> UNet:
    net = UNet()
    net.load_state_dict(torch.load(path, weights_only=True)["average"])
    net.eval()
    return net


def test_drives_are_the_same_for_the_same_seed(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        assert collect(tmp_path / name, 40, 7) == 40
    with np.load(tmp_path / "one/007_0000.npz") as one, np.load(tmp_path / "other/007_0000.npz") as other:
        assert one["frames"].shape == (40, 64, 64, 3)
        assert one["actions"].dtype == np.float32
        assert one["starts"].tolist() == [0]
        for name in ("frames", "actions"):
            assert np.array_equal(one[name], other[name])


def test_a_training_that_is_taken_up_again_gives_the_same_weights(trained: Trained, tmp_path: Path) -> None:
    drives, plan = Drives(trained.drives), Plan(steps=6, batch=4)
    whole, first, second = (Training(plan, "cpu") for _ in range(3))
    for _ in range(6):
        whole.advance(drives)
    for _ in range(3):
        first.advance(drives)
    first.save(tmp_path / "training.pt")
    second.load(tmp_path / "training.pt")
    for _ in range(3):
        second.advance(drives)
    assert second.step == 6
    for name, weight in whole.average.state_dict().items():
        assert torch.equal(weight, second.average.state_dict()[name]), name


def test_in_every_round_the_learning_rate_falls_to_nothing() -> None:
    plan = Plan(steps=4_600)
    edges = (0, 1_299, 1_300, 1_799, 1_800, 3_099, 3_100, 3_699, 3_700, 4_599)
    assert [plan.at(step)[0] for step in edges] == [each for each in ROUNDS for _ in range(2)]
    rates = [plan.at(step)[1] for step in (0, 299, 390, 1_299, 1_300, 1_424, 1_450, 1_799, 3_099, 3_699, 4_599)]
    assert rates == pytest.approx(
        [1.2e-3 / 300, 1.2e-3, 1.2e-3, 1.2e-3 / 910, 6e-4 / 125, 6e-4, 6e-4, 6e-4 / 350, 6e-4 / 910, 6e-4 / 420, 6e-4 / 630],
        rel=1e-3,
    )


def test_a_share_of_the_pieces_ends_with_the_first_picture_of_a_kerb(trained: Trained) -> None:
    drives = Drives(trained.drives)
    frames, _ = drives.batch(64, np.random.default_rng(0), kerbs=0.5)
    assert shows_kerb(frames[:32, CONTEXT]).all()
    assert not shows_kerb(frames[:32, CONTEXT - 1]).any()
    evenly, _ = drives.batch(64, np.random.default_rng(0))
    assert np.array_equal(frames[32:], evenly[32:])
    assert shows_kerb(evenly[:, CONTEXT]).mean() < 0.8


def test_dials_and_contrast_are_details() -> None:
    picture = np.full((1, 64, 64, 3), 100, np.uint8)
    picture[:, 20:22, 10:12:2] = 255
    found = details(to_network(torch.from_numpy(picture)))
    assert found.shape == (1, 1, 32, 32)
    assert found[0, 0, 10, 5] == 1.0
    assert (found[0, 0, 28:] == 1.0).all()
    assert float(found.sum()) == pytest.approx(1 + 4 * 32)


def test_it_learns_the_next_picture_of_drives_that_it_has_not_seen(trained: Trained) -> None:
    held = Drives(trained.held)
    known, unknown = _averaged(trained.folder / "training.pt"), UNet().eval()
    assert "step    400 of 400" in trained.printed
    # What knows nothing repeats the last picture.
    for level, part in zip(LEVELS, (0.7, 0.7, 0.8), strict=False):
        assert _error(known, held, level) < part * _error(unknown, held, level)
    with Image.open(trained.folder / "dream.png") as sheet:
        assert sheet.size == (8 * 128, 8 * 128)


def test_the_same_command_goes_on_from_where_it_stands(trained: Trained) -> None:
    again = run("train.py", "--data", trained.drives, "--out", trained.folder, "--steps", 400, "--threads", 1)
    assert "from step 400" in again


def test_what_is_exported_dreams_as_the_network_does(trained: Trained, tmp_path: Path) -> None:
    printed = run(
        "export.py", "--training", trained.folder / "training.pt", "--data", trained.drives, "--out", tmp_path, "--starts", 3
    )
    assert "world.onnx: 4." in printed
    dream = Dream(tmp_path, seed=3)
    dream.temperature = 1.0
    assert dream.starts == 3
    dream.reset(1)
    frames = np.load(tmp_path / "starts.npz")["frames"][1]
    actions = np.concatenate([np.load(tmp_path / "starts.npz")["actions"][1], [[1.0, 0.5, 0.0]]]).astype(np.float32)
    # The dream began somewhere when it was made, with noise of its own, and now again: each is drawn from the seed's stream.
    beginnings = np.random.default_rng(3)
    beginnings.integers(2**63)
    beginnings.integers(3, size=1)
    noise = np.random.default_rng(beginnings.integers(2**63))
    seen = dream.step(np.array([1.0, 0.5, 0.0], np.float32))
    given = torch.from_numpy(noise.standard_normal((1, 12, 32, 32), dtype=np.float32))
    context = to_network(torch.from_numpy(frames)).flatten(0, 1)[None]
    with torch.no_grad():
        batch = Batch(context, torch.from_numpy(actions)[None], torch.zeros(1))
        expected = to_pictures(sample(_averaged(trained.folder / "training.pt"), batch, given))[0].numpy()
    # Weights of 16 bits move a few pixels by a few levels of 255.
    assert np.abs(seen.astype(int) - expected.astype(int)).max() <= 6
    assert seen.std() > 20


def test_without_drives_it_says_what_to_do(tmp_path: Path) -> None:
    line = [sys.executable, str(WORLD / "train.py"), "--data", str(tmp_path), "--out", str(tmp_path)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert done.stderr.strip() == f"no drives in {tmp_path}: run collect.py --out {tmp_path} first"
