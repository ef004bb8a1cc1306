"""Rotate the limbs of bodies back inside the anatomical joint limits.

But for their twist: that of a nearly straight limb is mostly noise of the joints (in a walk of CMU, 12_01, it exceeds
its limits in a fifth of the frames, by up to 15 degrees), and clamping it would move feet by centimetres.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from kinematics.dh import ANGLE_GROUPS
from kinematics.human import DHHuman
from kinematics.inverse import joint_angles_from_joints
from kinematics.limits import FIT_TOLERANCE_RAD, joint_limits

LIMITED = [
    column for group in ("right_leg", "left_leg", "right_arm", "left_arm")
    for column in range(ANGLE_GROUPS[group].start + 1, ANGLE_GROUPS[group].stop)
]  # fmt: skip


def limbs_within_limits(joints: Float[Tensor, "*batch 16 3"]) -> Float[Tensor, "*batch 16 3"]:
    """Clamp abduction, flexion and hinge of arms and legs to their limits; bones keep their lengths, other joints stay.

    joints: metres, any right-handed frame. What is within FIT_TOLERANCE_RAD of the limits stays, to the last bit.
    """
    limits, pose = joint_limits("anatomical"), joint_angles_from_joints(joints)
    angles = limits.wrap(pose.joint_angles)
    lower, upper = (ends[LIMITED] for ends in limits.ends(angles.dtype, angles.device))
    clamped = angles.clone()
    clamped[..., LIMITED] = angles[..., LIMITED].clamp(lower - FIT_TOLERANCE_RAD, upper + FIT_TOLERANCE_RAD)
    given, moved = (DHHuman()(*pose._replace(joint_angles=values)) for values in (angles, clamped))
    return joints + torch.where(given != moved, moved - given, torch.zeros_like(joints))
