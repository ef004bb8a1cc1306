"""Rotate the limbs of bodies back inside the anatomical joint limits."""

import torch
from jaxtyping import Float
from torch import Tensor

from kinematics.dh import ANGLE_GROUPS
from kinematics.human import DHHuman
from kinematics.inverse import joint_angles_from_joints
from kinematics.limits import joint_limits

_TRUNK = slice(ANGLE_GROUPS["trunk"].start, ANGLE_GROUPS["neck"].stop)


def limbs_within_limits(joints: Float[Tensor, "*batch 16 3"]) -> Float[Tensor, "*batch 16 3"]:
    """Clamp the angles of arms and legs to their anatomical limits; bones keep their lengths, other joints stay.

    joints: metres, any right-handed frame. A limb inside its limits is returned as it is, to the last bit.
    """
    limits, pose = joint_limits("anatomical"), joint_angles_from_joints(joints)
    angles = limits.wrap(pose.joint_angles)
    clamped = angles.clamp(*limits.ends(angles.dtype, angles.device))
    clamped[..., _TRUNK] = angles[..., _TRUNK]
    given, moved = (DHHuman()(*pose._replace(joint_angles=values)) for values in (angles, clamped))
    return joints + torch.where((given != moved), moved - given, torch.zeros_like(joints))
