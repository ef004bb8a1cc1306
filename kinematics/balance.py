"""Balance: rotate bodies so that the centre of mass is over the feet (CMU-X leans by 5 degrees in the median)."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from kinematics.constants import constant, indices
from kinematics.joints import J
from kinematics.rotation import rotation_onto_axis

# Mass of each segment over the body's, de Leva (1996), hands with forearms and feet with shins; half at either end.
_SEGMENT_MASSES = {
    (J.HIP, J.SPINE): 0.16, (J.SPINE, J.THORAX): 0.27, (J.THORAX, J.HEAD): 0.07,
    (J.R_SHOULDER, J.R_ELBOW): 0.027, (J.L_SHOULDER, J.L_ELBOW): 0.027,
    (J.R_ELBOW, J.R_WRIST): 0.022, (J.L_ELBOW, J.L_WRIST): 0.022,
    (J.R_HIP, J.R_KNEE): 0.144, (J.L_HIP, J.L_KNEE): 0.144, (J.R_KNEE, J.R_ANKLE): 0.057, (J.L_KNEE, J.L_ANKLE): 0.057,
}  # fmt: skip
BOTH_FEET_M = 0.12  # ankles whose heights differ by less both carry the body
LARGEST_LEAN = 1.0  # rad: bodies that lean more are not standing (they lie, hang or tumble)


def centre_of_mass(joints: Float[Tensor, "*batch 16 3"]) -> Float[Tensor, "*batch 3"]:
    """Estimate the centre of mass of bodies, in the joints' unit and frame."""
    weights = joints.new_zeros(len(J))
    for ends, mass in _SEGMENT_MASSES.items():
        for end in ends:
            weights[end] += mass / 2
    return (weights / weights.sum()) @ joints


def support_point(joints: Float[Tensor, "*batch 16 3"]) -> Float[Tensor, "*batch 3"]:
    """Find what a body stands on: the lower ankle, or the point between both nearest to the centre of mass. z is up."""
    ankles = joints[..., indices((J.R_ANKLE, J.L_ANKLE), joints), :]
    order = ankles[..., 2].argsort(dim=-1)[..., None].expand_as(ankles)
    low, high = ankles.gather(-2, order).unbind(-2)
    across = high - low
    share = ((centre_of_mass(joints) - low) * across).sum(-1) / across.square().sum(-1).clamp_min(1e-6)
    both_carry = across[..., 2] < BOTH_FEET_M
    return low + (share.clamp(0, 1) * both_carry)[..., None] * across


def balancing_rotation(joints: Float[Tensor, "batch 16 3"]) -> tuple[Float[Tensor, "batch 3 3"], Bool[Tensor, "batch"]]:
    """Compute the smallest rotation of the centre of mass over the support point, and who is standing. z is up."""
    upwards = centre_of_mass(joints) - support_point(joints)
    lean = torch.atan2(upwards[:, :2].norm(dim=-1), upwards[:, 2])
    is_standing = lean < LARGEST_LEAN
    upwards = torch.where(is_standing[:, None], upwards, constant((0.0, 0.0, 1.0), upwards))
    return rotation_onto_axis(upwards), is_standing
