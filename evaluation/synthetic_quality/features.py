"""Poses made comparable: about the pelvis, facing the same way, of one stature; and where their limbs point.

A stature is estimated from the bones: their sum over the sum of augment.bodies.STATURE_RATIOS, so that a bone that is
off counts as little as its length.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from augment.bodies import STATURE_RATIOS
from augment.export.poses import at_same_heading
from kinematics import BONES, bone_lengths
from kinematics.bones import BODY_JOINTS
from kinematics.limb_frames import take_apart, trunk_frames

STATURE_M = 1.75  # everybody's, once standardised
SEGMENTS = tuple(STATURE_RATIOS)
LIMBS = {"upper arm": "upper_arm", "forearm": "forearm", "thigh": "thigh", "shin": "shin"}
_HIP = BODY_JOINTS.index("Hip")
_SEGMENT_OF_BONE = [SEGMENTS.index(bone.removeprefix("left_").removeprefix("right_")) for bone in BONES]
_OUTWARD_ON_THE_RIGHT = (-1.0, 1.0, 1.0)


def statures(lengths: Float[Tensor, "*batch 15"]) -> Float[Tensor, "*batch"]:
    """Standing height of the people these bones are of, metres. lengths: order of BONES, metres."""
    return lengths.sum(dim=-1) / sum(list(STATURE_RATIOS.values())[segment] for segment in _SEGMENT_OF_BONE)


def stature_ratios(lengths: Float[Tensor, "*batch 15"]) -> Float[Tensor, "*batch 9"]:
    """Length of each of SEGMENTS over the stature, left and right averaged."""
    relative = lengths / statures(lengths)[..., None]
    index = torch.tensor(_SEGMENT_OF_BONE, device=lengths.device)
    ratios = [relative[..., index == segment].mean(dim=-1) for segment in range(len(SEGMENTS))]
    return torch.stack(ratios, dim=-1)


def standard_poses(joints: Float[Tensor, "poses 16 3"], upright: bool) -> Float[Tensor, "poses 16 3"]:
    """Poses about the pelvis, of a stature of STATURE_M, without their heading, metres.

    upright: the joints are in a frame whose z is up, and the right hip is turned to +x about it, so lying people stay
    lying. Otherwise nobody knows what is up, and the whole turn of the pelvis is taken out: +x right, +y forward.
    """
    scale = STATURE_M / statures(bone_lengths(joints))
    centred = (joints - joints[:, _HIP, None]) * scale[:, None, None]
    return at_same_heading(centred) if upright else centred @ trunk_frames(joints)[0]


def limb_directions(joints: Float[Tensor, "poses 16 3"]) -> dict[str, Float[Tensor, "limbs 3"]]:
    """Unit directions of upper arms and forearms in the chest's frame, of thighs and shins in the pelvis's.

    +x outward, +y forward, +z up the trunk: left limbs are mirrored, so a pose gives two directions of each of LIMBS.
    """
    local = torch.nn.functional.normalize(take_apart(joints).bones, dim=-1)
    mirror = joints.new_tensor(_OUTWARD_ON_THE_RIGHT)
    return {
        title: torch.cat([local[:, BONES.index("right_" + name)], local[:, BONES.index("left_" + name)] * mirror])
        for title, name in LIMBS.items()
    }
