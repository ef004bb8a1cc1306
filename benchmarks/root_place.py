"""Error of the root's place that predict estimates with a known camera, on CMU-X: the table of docs/predict.md.

    python -m benchmarks.root_place --checkpoint checkpoint/.../last.pt

Every test clip is seen by its first camera in an image 1,000 pixels wide, and its joints are exact or 2 pixels (sd) off
on each axis. The joints about the root are the true ones, and those that the lifter predicts from the same 2D.
"""

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from data import DataSettings, Recording, load_test_set
from data.command_line import read_flags
from data.keypoints.pieces import Piece
from evaluation.predict.lifted import DEPTH_SMOOTHING_S, lift_pieces, root_of_piece
from evaluation.tables import columns
from kinematics import Camera, exit_with_one_sentence, screen_to_pixels
from kinematics.head import from_body
from posenets import Lifter, ScreenLifter, build_posenet, load_lifter

WIDTH = 1000
SMOOTHINGS_S = (0.0, 0.2, DEPTH_SMOOTHING_S, 0.8)


@dataclass
class Benchmark:
    """Compare estimated with true places of the root."""

    checkpoint: Path | None = None
    """A run's last.pt; without one only the true joints are tried."""
    noise: float = 2.0
    """Error of the 2D in the noisy rows, pixels, standard deviation per axis."""
    every: int = 1
    """Only every n-th clip."""


def piece_of(recording: Recording, layout: str, noise: float) -> tuple[Piece, Camera, tuple[int, int]]:
    """Detect the first view's joints in a layout; also its camera and the size of its image."""
    camera = recording.views[0].camera
    assert camera is not None
    size = (WIDTH, round(WIDTH * float(camera.aspect)))
    screen = camera.project(from_body(torch.from_numpy(recording.views[0].joints_3d), layout)).double()
    pixels = screen_to_pixels(screen, *size)
    pixels += noise * torch.randn(pixels.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return Piece(np.arange(len(recording)), pixels.numpy(), np.ones(pixels.shape[:2])), camera, size


def errors(recording: Recording, lifter: ScreenLifter, noise: float, true_joints: bool) -> Tensor:
    """Compute (T, 3 * smoothings) metres: distance, across and along the view, of each of SMOOTHINGS_S."""
    piece, camera, size = piece_of(recording, lifter.input_skeleton.name, noise)
    joints = torch.from_numpy(recording.views[0].joints_3d)
    root, about = joints[:, 0], joints - joints[:, :1]
    if not true_joints:
        about = torch.from_numpy(lift_pieces(lifter, [piece], size, recording.fps, camera=camera).joints_3d)
    place = partial(root_of_piece, about, lifter, piece, camera, size, recording.fps)
    off = [place(seconds) - root for seconds in SMOOTHINGS_S]
    along = [(error * torch.nn.functional.normalize(root, dim=-1)).sum(-1) for error in off]
    distances = [error.norm(dim=-1) for error in off]
    across = [(d.square() - a.square()).clamp_min(0).sqrt() for d, a in zip(distances, along, strict=True)]
    return torch.stack([*distances, *across, *(a.abs() for a in along)], dim=-1)


def table(lifters: dict[str, tuple[ScreenLifter, bool]], settings: Benchmark) -> str:
    """Format mean errors over all frames; of the distance also the median with the default smoothing."""
    rows = [["test set", "2D", "joints", *(f"{s:g} s" for s in SMOOTHINGS_S), "across", "along", "median"]]
    for test_set in ("cmux2_a", "cmux2_b"):
        recordings = load_test_set(test_set, DataSettings())[:: settings.every]
        for noise in (0.0, settings.noise):
            for name, (lifter, true_joints) in lifters.items():
                off = torch.cat([errors(recording, lifter, noise, true_joints) for recording in recordings])
                count, default = len(SMOOTHINGS_S), SMOOTHINGS_S.index(DEPTH_SMOOTHING_S)
                means = off.mean(dim=0).tolist()
                shown = [*means[:count], means[count + default], means[2 * count + default]]
                cells = [f"{value:.3f}" for value in (*shown, float(off[:, default].median()))]
                rows.append([test_set, f"{noise:g} pixels off" if noise else "exact", name, *cells])
    return columns(rows)


def main() -> None:
    """The command."""
    settings = read_flags(Benchmark, "benchmarks.root_place", __doc__, sys.argv[1:])
    body = ScreenLifter(build_posenet("simple_baseline", linear_size=8))  # for its joints' names alone
    lifters = {"true": (body, True)}
    if settings.checkpoint is not None:
        lifter: Lifter = load_lifter(settings.checkpoint)
        assert isinstance(lifter, ScreenLifter), "a lifter of one camera"
        lifters |= {"true, of its layout": (lifter, True)} if lifter.readout is not None else {}
        lifters["lifted"] = (lifter, False)
    print(table(lifters, settings))


if __name__ == "__main__":
    exit_with_one_sentence(main)
