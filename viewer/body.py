"""The body that sliders pose: joint angles and bone lengths, and the joints that come of them."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from kinematics import JOINT_ANGLES, DHHuman, joint_limits
from kinematics.limits import ANATOMICAL_LIMBS, ANATOMICAL_TRUNK, Motion
from kinematics.stature import average_bone_lengths, sample_population

BONE_RANGE = (0.5, 1.5)  # of the average adult's
_HUMAN = DHHuman()
_MOTIONS = {motion.angle: motion for motion in ANATOMICAL_LIMBS + ANATOMICAL_TRUNK}


@dataclass(frozen=True)
class Body:
    """joint_angles: (28,) radians, order of JOINT_ANGLES; bone_lengths: (15,) metres, order of BONES."""

    joint_angles: Tensor
    bone_lengths: Tensor

    def joints_world(self) -> Float[Tensor, "16 3"]:
        """Metres; facing +y, the hip over the origin, the lowest joint on the floor."""
        zero = torch.zeros(3)
        return on_the_floor(_HUMAN(self.joint_angles, self.bone_lengths, zero, zero))

    def towards(self, other: "Body", share: float) -> "Body":
        """A share (0 to 1) of the way to another body."""
        return Body(
            torch.lerp(self.joint_angles, other.joint_angles, share),
            torch.lerp(self.bone_lengths, other.bone_lengths, share),
        )

    def is_near(self, other: "Body") -> bool:
        """Whether nobody could see the difference."""
        return torch.allclose(self.joint_angles, other.joint_angles, atol=2e-3) and torch.allclose(
            self.bone_lengths, other.bone_lengths, atol=1e-3
        )


def body_at_rest() -> Body:
    """An average adult with all angles zero: standing, arms hanging."""
    return Body(torch.zeros(len(JOINT_ANGLES)), average_bone_lengths())


def random_angles(generator: torch.Generator) -> Float[Tensor, "28"]:
    """Radians, from the anatomical range of motion."""
    return joint_limits("anatomical").sample_towards_rest(1, generator)[0]


def random_bones(generator: torch.Generator) -> Float[Tensor, "15"]:
    """Metres, of somebody drawn from the population."""
    return sample_population(average_bone_lengths(), torch.zeros(1), generator)[0]


def on_the_floor(joints_world: Float[Tensor, "*frames joints 3"]) -> Float[Tensor, "*frames joints 3"]:
    """The same joints, all moved up or down by one height: the lowest of all frames comes to z = 0."""
    return joints_world - joints_world.new_tensor([0.0, 0.0, 1.0]) * joints_world[..., 2].amin()


def motions_of(angle: str) -> str:
    """What a joint angle does, in words: which motion is positive and which negative, and whose limits they are."""
    left, name = angle.startswith("left_"), angle.removeprefix("left_").removeprefix("right_")
    motion: Motion = _MOTIONS[name]
    words = (motion.positive, motion.negative)
    if left and name.endswith(("twist", "abduction")):  # on the left these two change sign
        words = words[::-1]
    return f"+ {words[0]}, - {words[1]} ({motion.source})"
