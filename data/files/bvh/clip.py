"""BVH files of clips of joints: a skeleton with one length per bone, as near to the joints as such a one can be.

Every bone has its direction from the joints, so hips and shoulders hang on joints of their own (names as in CMU's
database). Pelvis and chest are turned as their joints are; thighs and upper arms by the plane in which the limb bends,
averaged over a moment, since a nearly straight limb does not show it; the chest's right axis decides where none bends.
"""

import warnings
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation
from torch import Tensor

from data.files.bvh.writer import CHANNELS, SKELETON, BvhPart, file_text, without_jumps, y_up
from data.files.writing import atomic_write
from kinematics.bones import BONES, bone_lengths, bone_vectors, with_rigid_bones
from kinematics.inverse import normal_direction, unit
from kinematics.joints import J

UNITS_PER_METRE = {"m": 1.0, "cm": 100.0}
_ADDED = {"RightUpLeg": "RHipJoint", "LeftUpLeg": "LHipJoint", "LeftArm": "LeftShoulder", "RightArm": "RightShoulder"}
HINGE_SMOOTHING_S = 0.1  # standard deviation
_PARENT_SHARE = 0.1  # weight of the parent's right axis, against the sine of a limb's bend


def _with_added_joints() -> tuple[BvhPart, ...]:
    """Put a joint at the parent's place above each thigh and upper arm: it carries the bone from there to the limb."""
    parts = []
    for part in SKELETON:
        if added := _ADDED.get(part.name):
            parts.append(BvhPart(added, part.parent, None, (0, 0, 0), part.axes, (None, None, None)))
            part = part._replace(parent=added)
        parts.append(part)
    return tuple(parts)


CLIP_SKELETON = _with_added_joints()
"""The file's joints, parents first."""


def write_bvh(
    path: Path, joints_world: Float[Tensor, "frames 16 3"], fps: float, units: str = "m"
) -> Float[Tensor, "frames 16 3"]:
    """Write one clip, whole or not at all; return the joints that the file has, in metres as joints_world.

    joints_world: z up, layout h36m_16; units: of the file, m or cm.
    """
    joints = with_rigid_bones(joints_world.double())
    frames, scale = _frames(joints, fps), UNITS_PER_METRE[units]
    lengths = dict(zip(BONES, (scale * bone_lengths(joints).mean(dim=0)).tolist(), strict=True))
    values = np.concatenate([y_up(scale * joints[:, 0].numpy()), *_channels(frames)], axis=1)
    with atomic_write(path) as part:
        part.write_text(file_text(CLIP_SKELETON, lengths, values, fps))
    return joints


def _frames(joints: Float[Tensor, "frames 16 3"], fps: float) -> dict[str, Float[Tensor, "frames 3 3"]]:
    """Compute the axes of every joint of the file in the world: columns right, forward, up, each along its bone."""
    level, upright = joints.new_tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]).expand(len(joints), 2, 3).unbind(1)
    vectors = bone_vectors(joints)
    directions = dict(zip(BONES, unit(vectors, upright[:, None].expand_as(vectors)).unbind(1), strict=True))
    across = (joints[:, [J.R_HIP, J.R_SHOULDER]] - joints[:, [J.L_HIP, J.L_SHOULDER]]).unbind(1)
    pelvis, chest = (
        _right_along(unit(right, level), directions[bone])
        for right, bone in zip(across, ("waist", "thorax"), strict=True)
    )
    right = {"Hips": pelvis[..., 0], "Spine1": chest[..., 0]}
    frames = {"Hips": pelvis, "Spine1": chest, "LowerBack": _up_along(directions["waist"], right["Hips"])}
    frames["Spine"] = _up_along(directions["thorax"], right["Hips"] + right["Spine1"])
    frames["Neck"] = _up_along(directions["neck"], right["Spine1"])
    for side, sign in (("right", 1), ("left", -1)):
        for trunk, names, bones, bend in (
            ("Hips", ("UpLeg", "Leg"), ("hip", "thigh", "shin"), -1),
            ("Spine1", ("Arm", "ForeArm"), ("shoulder", "upper_arm", "forearm"), 1),
        ):
            first, upper, lower = (directions[f"{side}_{bone}"] for bone in bones)
            plane = bend * torch.linalg.cross(upper, lower) + _PARENT_SHARE * right[trunk]
            hinge = torch.from_numpy(gaussian_filter1d(plane.numpy(), HINGE_SMOOTHING_S * fps, axis=0))
            above, below = (side.capitalize() + name for name in names)
            frames[_ADDED[above]] = _right_along(sign * first, frames[trunk][..., 2])
            frames[above], frames[below] = _up_along(-upper, hinge), _up_along(-lower, hinge)
    return frames


def _up_along(up: Tensor, right: Tensor) -> Tensor:
    """Build axes (..., 3, 3) with this unit up axis, and right as near as can be."""
    right = normal_direction(right, up)
    return torch.stack([right, torch.linalg.cross(up, right), up], dim=-1)


def _right_along(right: Tensor, up: Tensor) -> Tensor:
    """Build axes (..., 3, 3) with this unit right axis, and up as near as can be."""
    up = normal_direction(up, right)
    return torch.stack([right, torch.linalg.cross(up, right), up], dim=-1)


def _channels(frames: dict[str, Float[Tensor, "frames 3 3"]]) -> list[Float[np.ndarray, "frames 3"]]:
    """Compute the rotation channels of every joint in the order of the file, degrees, without jumps."""
    channels = []
    for part in CLIP_SKELETON:
        local = frames[part.name] if part.parent is None else frames[part.parent].mT @ frames[part.name]
        turned = y_up(y_up(local.numpy()).swapaxes(-1, -2)).swapaxes(-1, -2)  # rows and columns in the file's axes
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Gimbal lock")  # then two of the angles are one: any split will do
            euler = Rotation.from_matrix(turned).as_euler("".join(CHANNELS[axis][0] for axis in part.axes))
        channels.append(np.rad2deg(without_jumps(euler)))
    return channels
