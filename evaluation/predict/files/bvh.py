"""BVH files of a lifted clip."""

from pathlib import Path

import torch

from data.files.bvh.clip import write_bvh
from evaluation.predict.files.pieces import piece_files
from evaluation.predict.lifted import LiftedClip
from kinematics.skeleton import Skeleton

BVH_LAYOUT = Skeleton("h36m_16")


def write_bvh_files(clip: LiftedClip, folder: Path, units: str = "m") -> list[str]:
    """pose.bvh, or one per piece; their names. Prints how far its rigid body is from the joints."""
    joints = clip.skeleton.convert(torch.from_numpy(clip.joints_world), BVH_LAYOUT)
    names, apart = [], []
    for name, frames in piece_files(clip, "bvh"):
        piece = joints[torch.from_numpy(frames)]
        apart.append((write_bvh(folder / name, piece, clip.fps, units) - piece).norm(dim=-1))
        names.append(name)
    by_joint = 1000 * torch.cat(apart).mean(dim=0)
    worst = int(by_joint.argmax())
    print(f"The BVH's bones keep their length: its joints are {by_joint.mean():.1f} mm from joints_world on average, "
          f"the {BVH_LAYOUT.joints[worst]} {by_joint[worst]:.1f} mm.")  # fmt: skip
    return names
