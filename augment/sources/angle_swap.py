"""New poses from real ones in joint-angle space: limbs of one person on another, turned within what joints allow."""

import torch
from jaxtyping import Float
from torch import Tensor

from augment.sources.pose_source import PoseSource
from kinematics import JointLimits, joint_limits
from kinematics.dh import ANGLE_GROUPS
from kinematics.limb_frames import reflect

# Trunk and neck turn less than limbs.
TURN_SHARE = {"trunk": 0.25, "neck": 0.5}


class AngleSwap(PoseSource):
    """Exchanges limbs between real poses as joint angles and turns them inside anatomical limits, on DH bodies."""

    def draw(self, indices: Tensor, generator: torch.Generator) -> Tensor:
        real = self.reference.dh_pose
        partners = real.joint_angles[self.reference.random_indices(len(indices), generator)]
        angles = exchange_angles(real.joint_angles[indices], partners, self.settings.exchange, generator)
        angles = turn_angles(angles, joint_limits("anatomical"), self.settings.turn_sd, generator)
        pose = self.context.on_new_bodies(angles, real.global_rotation[indices], indices, generator)
        joints = self.context.forward_kinematics(pose, indices)
        return self.context.tilt(joints, generator)


def exchange_angles(
    angles: Float[Tensor, "batch *frames 28"], others: Float[Tensor, "batch *frames 28"], probability: float,
    generator: torch.Generator,
) -> Float[Tensor, "batch *frames 28"]:  # fmt: skip
    """Take each limb, the trunk and the neck from another pose with a probability; each part draws its donor."""
    mixed, count = angles.clone(), len(angles)
    for part in ANGLE_GROUPS.values():
        donors = torch.randint(count, (count,), generator=generator, device=angles.device)
        given = torch.rand(count, generator=generator, device=angles.device) < probability
        given = given.reshape(-1, *(1,) * (angles.ndim - 1))
        mixed[..., part] = torch.where(given, others[donors][..., part], mixed[..., part])
    return mixed


def turn_angles(
    angles: Float[Tensor, "batch *frames 28"], limits: JointLimits, sd: float, generator: torch.Generator
) -> Float[Tensor, "batch *frames 28"]:
    """Add noise of `sd` rad (TURN_SHARE for trunk and neck), reflected at the limits; one turn for all frames."""
    if sd == 0:
        return angles
    share = torch.ones(angles.shape[-1], dtype=angles.dtype, device=angles.device)
    for part, factor in TURN_SHARE.items():
        share[ANGLE_GROUPS[part]] = factor
    shape = (len(angles), *(1,) * (angles.ndim - 2), angles.shape[-1])
    noise = torch.randn(shape, generator=generator, device=angles.device, dtype=angles.dtype)
    angles = limits.wrap(angles)
    lower, upper = limits.ends(angles.dtype, angles.device)
    lower, upper = torch.minimum(lower, angles), torch.maximum(upper, angles)
    return reflect(angles + sd * share * noise, lower, upper)
