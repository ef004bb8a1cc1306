"""Poses made comparable: about the hip, facing the same way, of one stature."""

from jaxtyping import Float
from torch import Tensor

from kinematics.bones import bone_lengths
from kinematics.joints import J
from kinematics.limb_frames import trunk_frames
from kinematics.rotation import rotate_about_z
from kinematics.stature import STATURE_M, statures


def align_heading(joints: Float[Tensor, "poses 16 3"]) -> Float[Tensor, "poses 16 3"]:
    """Turn poses about the vertical so that the right hip lies on +x of the hip, which becomes the origin; z is up."""
    joints = joints - joints[:, J.HIP, None]
    across = joints[:, J.R_HIP, :2]
    cos, sin = (across / across.norm(dim=-1, keepdim=True).clamp_min(1e-6)).unbind(-1)
    return rotate_about_z(joints, cos[:, None], -sin[:, None])


def standardize_poses(joints: Float[Tensor, "poses 16 3"], upright: bool) -> Float[Tensor, "poses 16 3"]:
    """Bring poses to one hip, stature (STATURE_M) and heading, metres. upright: z is up; else by the pelvis's axes."""
    scale = STATURE_M / statures(bone_lengths(joints))
    centred = (joints - joints[:, J.HIP, None]) * scale[:, None, None]
    return align_heading(centred) if upright else centred @ trunk_frames(joints)[0]
