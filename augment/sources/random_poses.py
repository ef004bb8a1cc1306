"""Random poses that need no network: the original's method "normal", and the anatomical range of motion."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from augment.sources.pose_source import PoseSource
from augment.sources.retargeting import retarget
from kinematics import JOINT_ANGLES, JointLimits, joint_limits
from kinematics.limb_frames import put_together, take_apart
from kinematics.limits import limits_of_degrees

# DH-AUG's second, narrower table (forward_kinematics_DH_model.py:935-971), degrees, in the order of JOINT_ANGLES.
NORMAL_RANGES_DEG = (
    [(-90, 45), (-90, 45), (-45, 120), (-135, 0)]
    + [(-45, 90), (-45, 90), (-45, 120), (-135, 0)]
    + [(-25, 25), (-10, 90), (-20, 20), (-20, 20), (-10, 45), (-25, 25), (-20, 20), (0, 0), (-20, 20)]
    + [(-90, 90), (-20, 90), (-45, 45)]
    + [(-135, 45), (-135, 45), (-45, 180), (0, 135)]
    + [(-45, 135), (-45, 135), (-45, 180), (0, 135)]
)
NORMAL_GLOBAL_DEG = ((-20, 20), (-20, 20), (-180, 180))
NORMAL_SD_DEG = 60.0


class RandomPoses(NamedTuple):
    joint_angles: Tensor  # (B, 28) rad
    global_rotation: Tensor  # (B, 3) rad, Rx Ry Rz


def normal_limits() -> JointLimits:
    """Return the ranges of the method "normal" as a table of limits."""
    return limits_of_degrees("normal", tuple(NORMAL_RANGES_DEG))


def normal_poses(count: int, generator: torch.Generator, dtype: torch.dtype = torch.float32) -> RandomPoses:
    """Draw as method "normal": a random half of the angles about the middle of its range (clipped), the rest 0."""
    angles = _clipped_normal(normal_limits(), count, generator, dtype)
    angles.mul_(_coins(count, generator))
    turns = _clipped_normal(limits_of_degrees("turns of the body", NORMAL_GLOBAL_DEG), count, generator, dtype)
    return RandomPoses(angles, turns)


def range_of_motion_poses(
    count: int, generator: torch.Generator, tilt_sd: float = 0.3, dtype: torch.dtype = torch.float32
) -> RandomPoses:
    """Draw from the anatomical range towards rest, any heading. tilt_sd: rad, about both level axes."""
    like = {"device": generator.device, "dtype": dtype}
    angles = joint_limits("anatomical").sample_towards_rest(count, generator, dtype)
    rotation = tilt_sd * torch.randn(3, count, generator=generator, **like)
    rotation[2] = math.pi * (2 * torch.rand(count, generator=generator, **like) - 1)
    return RandomPoses(angles, rotation.t())


def _coins(count: int, generator: torch.Generator) -> Bool[Tensor, "count angles"]:
    """Heads or tails for each angle: the bits of one random number per pose."""
    numbers = torch.randint(1 << len(JOINT_ANGLES), (count,), generator=generator, device=generator.device)
    bits = 1 << torch.arange(len(JOINT_ANGLES), dtype=torch.int32, device=generator.device)
    return ((numbers.to(torch.int32) & bits[:, None]) != 0).t()


def _clipped_normal(
    limits: JointLimits, count: int, generator: torch.Generator, dtype: torch.dtype
) -> Float[Tensor, "count angles"]:
    """In rows (kinematics.batch_last), as all that is drawn here."""
    lower, upper = (end[:, None] for end in limits.ends(dtype, generator.device))
    normal = torch.randn(len(lower), count, generator=generator, device=generator.device, dtype=dtype)
    normal.mul_(math.radians(NORMAL_SD_DEG)).add_((lower + upper) / 2)
    torch.minimum(normal, upper, out=normal)  # clamp is four times as slow with limits in tensors
    return torch.maximum(normal, lower, out=normal).t()


class _RandomSource(PoseSource):
    """Random poses on DH bodies; clips of them move as the real ones do."""

    def _moving(self, poses: RandomPoses, indices: Tensor, generator: torch.Generator) -> Tensor:
        angles, rotation = poses.joint_angles[:, None], poses.global_rotation[:, None]
        pose = self.context.on_new_bodies(angles, rotation, indices, generator)
        joints = self.context.forward_kinematics(pose, indices)
        if self.reference.joints_world.shape[1] == 1:
            return joints
        return put_together(retarget(take_apart(joints), self.context.limbs_at(indices)))


class RangeOfMotion(_RandomSource):
    """Draws from the anatomical ranges and leans bodies until they balance."""

    def draw(self, indices: Tensor, generator: torch.Generator) -> Tensor:
        poses = range_of_motion_poses(len(indices), generator, 0.0, self.reference.joints_world.dtype)
        return self.context.tilt(self._moving(poses, indices, generator), generator)


class ClippedNormal(_RandomSource):
    """Draws as the original's method "normal" does."""

    def draw(self, indices: Tensor, generator: torch.Generator) -> Tensor:
        poses = normal_poses(len(indices), generator, self.reference.joints_world.dtype)
        return self._moving(poses, indices, generator)
