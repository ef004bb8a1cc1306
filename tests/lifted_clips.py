"""Lifted clips made of a moving DH body, for tests of what reads and shows them."""

import numpy as np
import torch

from evaluation.predict.lifted import LiftedClip
from kinematics import JOINT_ANGLES, DHHuman, Skeleton
from kinematics.head import from_body
from kinematics.stature import average_bone_lengths

SIZE = (640, 480)


def body_angles(frames: int, seed: int = 0) -> torch.Tensor:
    """(F, 28) radians: hips, knees, elbows and shoulders swing, within all limits and far from straight."""
    phase = torch.linspace(0, 6, frames) + seed
    angles = torch.zeros(frames, len(JOINT_ANGLES))
    for place, (joint, middle) in enumerate(
        {"hip_flexion": 0.3, "knee": -0.8, "elbow": 0.9, "shoulder_flexion": 0.2}.items()
    ):
        for side in ("right", "left"):
            angles[:, JOINT_ANGLES.index(f"{side}_{joint}")] = middle + 0.3 * torch.sin(phase + place)
    return angles


def made_clip(
    frames: int = 8, layout: str = "h36m_16", first: int = 0, cut: int | None = None, camera: bool = False,
    seed: int = 0,
) -> LiftedClip:  # fmt: skip
    """A clip of one moving person. first: its first frame's number; cut: row before which ten frames are missing."""
    zero = torch.zeros(frames, 3)
    body = DHHuman()(body_angles(frames, seed), average_bone_lengths().expand(frames, -1), zero, zero)
    skeleton = Skeleton(layout)
    world = from_body(body + torch.tensor([0.1 * seed, 3.0, 1.0]), skeleton).numpy()
    joints_3d = (world - world[:, :1])[..., [0, 2, 1]] * np.float32([1, -1, 1])
    pixels = 300 + 100 * joints_3d[..., :2].astype(np.float64)
    rows = np.arange(frames)
    pieces = (rows >= (frames if cut is None else cut)).astype(np.int64)
    return LiftedClip(
        joints_3d, world, pixels, np.ones(pixels.shape[:2]), first + rows + 10 * pieces, pieces, 25.0, SIZE, skeleton,
        skeleton, np.tile(np.float32([0, 0, 4]), (frames, 1)) if camera else None,
    )  # fmt: skip
