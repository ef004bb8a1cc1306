"""BVH files of a lifted clip."""

from pathlib import Path

import torch

from data.files.bvh.writer import write_bvh
from evaluation.predict.lifted import LiftedClip

BVH_LAYOUT = "h36m_16"


def write_bvh_files(clip: LiftedClip, folder: Path, units: str = "m") -> list[str]:
    """pose.bvh, or pose_1.bvh, pose_2.bvh, ... where the clip was cut: BVH has no gaps. Their names."""
    joints = clip.skeleton.convert(torch.from_numpy(clip.joints_world), BVH_LAYOUT)
    count, names = int(clip.pieces[-1]) + 1, []
    for piece in range(count):
        names.append("pose.bvh" if count == 1 else f"pose_{piece + 1}.bvh")
        write_bvh(folder / names[-1], joints[torch.from_numpy(clip.pieces == piece)], clip.fps, units)
    return names
