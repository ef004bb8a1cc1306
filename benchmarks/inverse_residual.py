"""How well the DH body fits real CMU poses, and how often they leave the anatomical limits.

    python -m benchmarks.inverse_residual --data_root data [--subjects 07 08 35]

Needs data/ prepared with `python -m data.prepare_data_cmu`. Frames are those at 30 Hz that are not marked as glitches.
"""

import argparse
import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from data.cmu import read_prepared
from kinematics import (
    JOINT_ANGLES,
    DHHuman,
    Skeleton,
    exit_with_one_sentence,
    joint_angles_from_joints,
    joint_limits,
)

FPS = 30


@dataclass(frozen=True)
class Residual:
    """millimetres: (N, 16) distance of each joint; outside: (28,) fraction of poses beyond each limit."""

    millimetres: Tensor
    outside: Tensor
    seconds: float


def residual(joints: Tensor) -> Residual:
    """joints: (N, 16, 3) metres."""
    start = time.perf_counter()
    pose = joint_angles_from_joints(joints)
    seconds = time.perf_counter() - start
    distance = (DHHuman()(*pose) - joints).norm(dim=-1) * 1000
    return Residual(distance, joint_limits("anatomical").violation_rate(pose.joint_angles), seconds)


def cmu_joints(data_root: str, subjects: list[str]) -> Tensor:
    """(N, 16, 3) metres, world: all usable frames of the given subjects' clips, of all clips without any."""
    chosen = [clip for name, clip in read_prepared(data_root).items() if not subjects or name.split("_")[0] in subjects]
    if not chosen:
        raise ValueError(f"--subjects {' '.join(subjects)}: no clip of theirs is in {data_root}.")
    thinned = [clip.at_fps(FPS) for clip in chosen]
    frames = np.concatenate([clip.joints_world[clip.usable] for clip in thinned])
    return Skeleton("h36m_17").convert(torch.from_numpy(frames).double(), to="h36m_16")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data_root", default="data")
    parser.add_argument("--subjects", nargs="*", default=[])
    arguments = parser.parse_args()
    joints = cmu_joints(arguments.data_root, arguments.subjects)
    residuals = residual(joints)
    print(f"{len(joints)} poses in {residuals.seconds:.1f} s, mean {residuals.millimetres.mean():.1f} mm")
    for name, millimetres in zip(Skeleton("h36m_16").joints, residuals.millimetres.unbind(1), strict=True):
        print(f"{name:10} mean {millimetres.mean():6.1f} mm, 95 % {millimetres.quantile(0.95):6.1f} mm")
    for name, outside in zip(JOINT_ANGLES, residuals.outside.tolist(), strict=True):
        print(f"{name:26} outside its limits in {100 * outside:4.1f} % of the poses")


if __name__ == "__main__":
    exit_with_one_sentence(main)
