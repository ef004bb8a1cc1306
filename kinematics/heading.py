"""Pose alignment: hip at the origin, one heading, one stature."""

from jaxtyping import Float
from torch import Tensor

from kinematics.bones import bone_lengths
from kinematics.joints import J
from kinematics.limb_frames import trunk_frames
from kinematics.rotation import rotate_about_z
from kinematics.stature import STATURE_M, statures


def align_heading(joints: Float[Tensor, "poses 16 3"]) -> Float[Tensor, "poses 16 3"]:
    """Centre poses on the hip and rotate them about the vertical so that the right hip lies towards +x; z is up."""
    joints = joints - joints[:, J.HIP, None]
    across = joints[:, J.R_HIP, :2]
    cos, sin = (across / across.norm(dim=-1, keepdim=True).clamp_min(1e-6)).unbind(-1)
    return rotate_about_z(joints, cos[:, None], -sin[:, None])


def standardize_poses(joints: Float[Tensor, "poses 16 3"], upright: bool) -> Float[Tensor, "poses 16 3"]:
    """Align poses in hip, stature (STATURE_M) and heading, metres. upright: z is up; else align the pelvis axes."""
    scale = STATURE_M / statures(bone_lengths(joints))
    centred = (joints - joints[:, J.HIP, None]) * scale[:, None, None]
    return align_heading(centred) if upright else centred @ trunk_frames(joints)[0]
