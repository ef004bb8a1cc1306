"""Poses that a person could hold: leaned until the centre of mass is over the feet.

Limbs put together at random make bodies that would fall over. People hardly ever do: the line from the supporting foot
to the centre of mass is 5 degrees off the vertical in the middle of CMU-X's training poses, under 12 in nine of ten.
Balance says more about how deep a limb lies than a single view does: who lifts a leg to the front leans back.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from kinematics import Skeleton
from kinematics.constants import constant, indices
from kinematics.rotation import rotation_onto_axis

_JOINTS = Skeleton("h36m_16").joints
_ANKLES = [_JOINTS.index("RAnkle"), _JOINTS.index("LAnkle")]
# Mass of each segment over the body's, de Leva (1996), hands with forearms and feet with shins; half at either end.
_SEGMENT_MASSES = {
    ("Hip", "Spine"): 0.16, ("Spine", "Thorax"): 0.27, ("Thorax", "Head"): 0.07,
    ("RShoulder", "RElbow"): 0.027, ("LShoulder", "LElbow"): 0.027,
    ("RElbow", "RWrist"): 0.022, ("LElbow", "LWrist"): 0.022,
    ("RHip", "RKnee"): 0.144, ("LHip", "LKnee"): 0.144, ("RKnee", "RAnkle"): 0.057, ("LKnee", "LAnkle"): 0.057,
}  # fmt: skip
BOTH_FEET_M = 0.12  # ankles whose heights differ by less both carry
LARGEST_LEAN = 1.0  # rad: who is farther off does not stand (lies, hangs, tumbles)


def centre_of_mass(joints: Float[Tensor, "*batch 16 3"]) -> Float[Tensor, "*batch 3"]:
    """Of bodies given by their joints, in the joints' unit and frame."""
    weights = joints.new_zeros(len(_JOINTS))
    for ends, mass in _SEGMENT_MASSES.items():
        for end in ends:
            weights[_JOINTS.index(end)] += mass / 2
    return (weights / weights.sum()) @ joints


def support(joints: Float[Tensor, "*batch 16 3"]) -> Float[Tensor, "*batch 3"]:
    """Where a body stands: the lower ankle, or the point between both nearest to the centre of mass. z is up."""
    ankles = joints[..., indices(_ANKLES, joints), :]
    order = ankles[..., 2].argsort(dim=-1)[..., None].expand_as(ankles)
    low, high = ankles.gather(-2, order).unbind(-2)
    across = high - low
    share = ((centre_of_mass(joints) - low) * across).sum(-1) / across.square().sum(-1).clamp_min(1e-6)
    both_carry = across[..., 2] < BOTH_FEET_M
    return low + (share.clamp(0, 1) * both_carry)[..., None] * across


def balancing_rotation(
    joints: Float[Tensor, "batch 16 3"],
) -> tuple[Float[Tensor, "batch 3 3"], Bool[Tensor, "batch"]]:
    """The smallest turn that puts the centre of mass over the support; and who stands at all (z is up)."""
    upwards = centre_of_mass(joints) - support(joints)
    lean = torch.atan2(upwards[:, :2].norm(dim=-1), upwards[:, 2])
    stands = lean < LARGEST_LEAN
    upwards = torch.where(stands[:, None], upwards, constant((0.0, 0.0, 1.0), upwards))
    return rotation_onto_axis(upwards), stands
