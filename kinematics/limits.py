"""Ranges of the 28 joint angles, and the map between them and a network's [-1, 1].

"dh-aug": the original project's ranges, each on the angle it was meant for (as shipped, a shifted column gave the
arms' ranges to their neighbours).
"anatomical": range-of-motion tables from the literature, measured with all other angles at zero:
AAOS = American Academy of Orthopaedic Surgeons, Joint Motion (1965); CDC = Soucie et al., Haemophilia 2011;17:500,
ages 20-44; Kurz = Kurz, Stretching Scientifically. `ANATOMICAL` names the motion and the source of every number.

Away from that pose an angle can mean another motion: a limb's twist comes first in its chain, so for a horizontal
thigh or upper arm it swings the limb sideways, and the abduction angle rotates the limb about its own axis.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from kinematics.batch_last import to_batch_last
from kinematics.dh import ANGLE_GROUPS, JOINT_ANGLES
from kinematics.errors import choose

FIT_TOLERANCE_RAD = 0.0175  # one degree: fits of real shoulders exceed limits by as much


class Motion(NamedTuple):
    """The two motions of an angle, positive and negative: name (of a right limb or the trunk) and limit in degrees."""

    angle: str
    positive: str
    upper_deg: float | int
    negative: str
    lower_deg: float | int
    source: str


# Limbs are given for the right side; on the left, twist and abduction change sign.
ANATOMICAL_LIMBS = (
    Motion("hip_twist", "internal rotation", 45, "external rotation", -45, "AAOS 45 / 45"),
    Motion("hip_abduction", "adduction", 30, "abduction", -45, "AAOS 30 / 45"),
    Motion("hip_flexion", "flexion", 135, "extension", -40,
           "CDC 134, AAOS 30 and 10 for the pelvis, which the lower spine, measured from here, leans over"),
    Motion("knee", "hyperextension", 5, "flexion", -150, "CDC 1.6 / 142 and their spread; kneeling reaches 150"),
    Motion("shoulder_twist", "internal rotation", 90, "external rotation", -90,
           "AAOS 70 / 90; 90 as arms folded behind the back need"),
    Motion("shoulder_abduction", "adduction", 45, "abduction", -180, "Kurz 45, AAOS 180"),
    Motion("shoulder_flexion", "flexion", 180, "extension", -60, "AAOS 180 / 60"),
    Motion("elbow", "flexion", 150, "hyperextension", -5, "CDC 150 / 4.7"),
)  # fmt: skip
# AAOS thoraco-lumbar: flexion 80, extension 25, lateral 35, rotation 45. Three joints share them: flexion mostly at the
# lower ones, lateral bending and rotation at the upper ones; the chest also has the shoulder blades' asymmetric motion.
ANATOMICAL_TRUNK = (
    Motion("waist_twist", "rotation to the left", 10, "to the right", -10, "lumbar share of AAOS 45"),
    Motion("waist_flexion", "flexion", 40, "extension", -15, "half of AAOS 80 / 25"),
    Motion("waist_lean", "lean to the right", 15, "to the left", -15, "low share of AAOS 35"),
    Motion("spine_twist", "rotation to the left", 20, "to the right", -20, "half of the rest of AAOS 45"),
    Motion("spine_flexion", "flexion", 35, "extension", -15, "most of the rest of AAOS 80 / 25"),
    Motion("spine_lean", "lean to the right", 20, "to the left", -20, "the rest of AAOS 35"),
    Motion("chest_twist", "rotation to the left", 25, "to the right", -25, "the rest of AAOS 45, shoulder blades"),
    Motion("chest_flexion", "flexion", 10, "extension", -5, "the rest of AAOS 80 / 25"),
    Motion("chest_lean", "right shoulder down", 20, "left shoulder down", -20, "shoulder blades"),
    Motion("neck_twist", "rotation to the left", 80, "to the right", -80, "AAOS 80"),
    Motion("neck_flexion", "flexion", 60, "extension", -60, "Kurz 70-90 / 55, AAOS 45 / 45"),
    Motion("neck_lean", "lean to the right", 45, "to the left", -45, "AAOS 45"),
)  # fmt: skip

_MOTIONS = {motion.angle: motion for motion in ANATOMICAL_LIMBS + ANATOMICAL_TRUNK}


def motion_of(angle: str) -> tuple[str, str]:
    """Name the positive and the negative motion of a joint angle, one of JOINT_ANGLES."""
    left, name = angle.startswith("left_"), angle.removeprefix("left_").removeprefix("right_")
    positive, negative = _MOTIONS[name].positive, _MOTIONS[name].negative
    changes_sign = left and name.endswith(("twist", "abduction"))
    return (negative, positive) if changes_sign else (positive, negative)


def limits_source(angle: str) -> str:
    """Name the table that an angle's anatomical limits are from."""
    return _MOTIONS[angle.removeprefix("left_").removeprefix("right_")].source


# The original's degrees in the order of JOINT_ANGLES.
_DH_AUG_DEG = (
    [(-110, 65), (-110, 65), (-110, 180), (-180, 0)]
    + [(-65, 110), (-65, 110), (-110, 180), (-180, 0)]
    + [(-180, 180)] * 12
    + [(-155, 65), (-155, 65), (-100, 180), (0, 180)]
    + [(-65, 155), (-65, 155), (-100, 180), (0, 180)]
)


def _anatomical_deg() -> list[tuple[float | int, float | int]]:
    limbs = {row.angle: (row.lower_deg, row.upper_deg) for row in ANATOMICAL_LIMBS}
    table = {row.angle: (row.lower_deg, row.upper_deg) for row in ANATOMICAL_TRUNK}
    for name, (lower, upper) in limbs.items():
        turns_over = name.endswith(("twist", "abduction"))
        table["right_" + name] = (lower, upper)
        table["left_" + name] = (-upper, -lower) if turns_over else (lower, upper)
    return [table[name] for name in JOINT_ANGLES]


@dataclass(frozen=True, eq=False)
class JointLimits:
    """lower, upper: (28,) radians, in the order of JOINT_ANGLES."""

    name: str
    lower: Tensor
    upper: Tensor

    def _middle_and_half(self, like: Tensor) -> tuple[Tensor, Tensor]:
        return _on_device(self, like.dtype, like.device)[2:]

    def ends(self, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
        """Return lower and upper in a float type and on a device. Do not write to them."""
        return _on_device(self, dtype, device)[:2]

    def to_radians(self, raw: Float[Tensor, "*batch 28"]) -> Float[Tensor, "*batch 28"]:
        """Map [-1, 1] to radians; -1 is the lower limit."""
        middle, half = self._middle_and_half(raw)
        return raw * half + middle

    def to_raw(self, angles: Float[Tensor, "*batch 28"]) -> Float[Tensor, "*batch 28"]:
        """Map radians to [-1, 1]; angles outside their limits land outside."""
        middle, half = self._middle_and_half(angles)
        return (angles - middle) / half

    def wrap(self, angles: Float[Tensor, "*batch 28"]) -> Float[Tensor, "*batch 28"]:
        """Add multiples of 2 pi to bring angles as near to the middle of their range as possible."""
        middle, _ = self._middle_and_half(angles)
        return angles - 2 * math.pi * torch.round((angles - middle) / (2 * math.pi))

    def excess(self, angles: Float[Tensor, "*batch 28"]) -> Float[Tensor, "*batch 28"]:
        """Compute how far each angle is outside its range, radians; 0 inside."""
        middle, half = self._middle_and_half(angles)
        return ((self.wrap(angles) - middle).abs() - half).clamp_min(0)

    def violation_rate(self, angles: Float[Tensor, "*batch 28"], tolerance: float | int = 0.0) -> Float[Tensor, "28"]:
        """Compute the fraction of each angle's values that exceed the limits by more than `tolerance` radians."""
        outside = self.excess(angles) > tolerance
        return outside.reshape(-1, len(JOINT_ANGLES)).to(angles.dtype).mean(dim=0)

    def sample_uniform(
        self, count: int, generator: torch.Generator, dtype: torch.dtype = torch.float32
    ) -> Float[Tensor, "count 28"]:
        """Sample angles uniformly from their ranges, radians, on the generator's device."""
        raw = torch.rand(count, len(JOINT_ANGLES), generator=generator, device=generator.device, dtype=dtype)
        return self.to_radians(raw * 2 - 1)

    def sample_towards_rest(
        self, count: int, generator: torch.Generator, dtype: torch.dtype = torch.float32
    ) -> Float[Tensor, "count 28"]:
        """Sample uniform angles, radians, each limb drawn towards rest by a random amount; batch last in memory."""
        angles = to_batch_last(self.sample_uniform(count, generator, dtype))
        for group in ANGLE_GROUPS.values():
            angles[:, group] *= torch.rand(count, 1, generator=generator, device=generator.device, dtype=dtype)
        return angles


@lru_cache(maxsize=64)
def _on_device(limits: JointLimits, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return lower, upper, middle and half the range, copied once per device, since copies synchronize."""
    lower, upper = limits.lower, limits.upper
    with torch.inference_mode(False):
        lower, upper, middle, half = (
            values.to(device, dtype) for values in (lower, upper, (upper + lower) / 2, (upper - lower) / 2)
        )
    return lower, upper, middle, half


_TABLES_DEG = {"dh-aug": _DH_AUG_DEG, "anatomical": _anatomical_deg()}


def joint_limits(name: str) -> JointLimits:
    """Return the table "dh-aug" or "anatomical"."""
    return limits_of_degrees(name, tuple(_TABLES_DEG[choose("joint limits", name, _TABLES_DEG)]))


@lru_cache
def limits_of_degrees(name: str, ranges_deg: tuple[tuple[float | int, float | int], ...]) -> JointLimits:
    """Make limits of a table of (lower, upper) degrees."""
    with torch.inference_mode(False):  # the tensors are cached, and training uses them too
        lower, upper = torch.deg2rad(torch.tensor(ranges_deg, dtype=torch.float64)).unbind(-1)
    return JointLimits(name, lower, upper)
