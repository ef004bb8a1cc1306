"""Distance between joints_world and the BVH that predict writes of it, on CMU-X: the table of docs/predict.md.

    python -m benchmarks.bvh_agreement --checkpoint coco_17_video --every 9

A file has one length per bone, so it is the nearest rigid body (data/files/bvh/clip.py). Test clips are seen by their
first camera in an image 1,000 pixels wide, the joints 2 pixels (sd) off on each axis.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.root_place import piece_of
from data import DataSettings, load_test_set
from data.command_line import read_flags
from evaluation.predict.lifted import lift_pieces
from evaluation.tables import columns
from kinematics import exit_with_one_sentence
from kinematics.bones import BODY_JOINTS, bone_lengths, with_rigid_bones
from posenets import ScreenLifter, load_lifter


@dataclass
class Benchmark:
    """Compare the joints of BVH files with those they were written of."""

    checkpoint: Path | None = None
    """A lifter's checkpoint; without one only recorded joints are tried."""
    noise: float = 2.0
    """Error of the 2D, pixels, standard deviation per axis."""
    every: int = 1
    """Only every n-th clip."""


def row(test_set: str, name: str, clips: list[Tensor]) -> list[str]:
    """Format millimetres: how far bones vary, how far joints are; the mean over clips, the median, the worst joint."""
    varied = torch.stack([bone_lengths(joints).std(dim=0, correction=0).mean() for joints in clips])
    apart = torch.stack([(with_rigid_bones(joints) - joints).norm(dim=-1).mean(dim=0) for joints in clips])
    of_clips, of_joints = apart.mean(dim=1), apart.median(dim=0).values
    numbers = (varied.median(), of_clips.mean(), of_clips.median(), of_joints.max())
    under = f"{100 * (of_clips < 0.005).double().mean():.0f} %"
    cells = [f"{1000 * float(number):.1f}" for number in numbers]
    return [test_set, name, str(len(clips)), *cells, BODY_JOINTS[int(of_joints.argmax())], under]


def main() -> None:
    """The command."""
    settings = read_flags(Benchmark, "benchmarks.bvh_agreement", __doc__, sys.argv[1:])
    lifter = None if settings.checkpoint is None else load_lifter(settings.checkpoint)
    rows = [["test set", "joints", "clips", "bones' sd", "mean", "median", "worst joint's median", "", "under 5 mm"]]
    for test_set in ("cmux2_a", "cmux2_b"):
        recordings = load_test_set(test_set, DataSettings())[:: settings.every]
        recorded = [torch.from_numpy(recording.views[0].joints_3d).double() for recording in recordings]
        rows.append(row(test_set, "recorded", recorded))
        if isinstance(lifter, ScreenLifter):
            lifted = []
            for recording in recordings:
                piece, _, size = piece_of(recording, lifter.input_skeleton.name, settings.noise)
                clip = lift_pieces(lifter, [piece], size, recording.fps)
                lifted.append(torch.from_numpy(clip.skeleton.convert(clip.joints_world, "h36m_16")).double())
            rows.append(row(test_set, "lifted", lifted))
    print(columns(rows))


if __name__ == "__main__":
    exit_with_one_sentence(main)
