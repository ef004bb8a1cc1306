"""Decompose poses into limbs and reassemble them, on the joints themselves.

A pose is the orientation of the pelvis, that of the chest relative to it, and 15 bone vectors in the frame of pelvis or
chest. Unlike the joint angles of the DH body this represents real shoulders exactly.
Frames: +x to the subject's right, +y forward, +z up along the spine.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from kinematics.bones import BONE_JOINTS, BONES, bone_vectors
from kinematics.constants import constant, indices
from kinematics.joints import J
from kinematics.rotation import rotvec_to_matrix

_BONE = {name: index for index, name in enumerate(BONES)}
_IN_CHEST = slice(8, 15)  # shoulders, arms and neck hang from the chest, bones 0-7 from the pelvis
_BY_CHILD = sorted(range(len(BONES)), key=lambda bone: BONE_JOINTS[bone][1])  # parents come before children
# Left leg, right leg, left arm, right arm: upper and lower bone, and the sign of a straight limb's hinge axis along the
# parent's right axis.
UPPER = [_BONE[name] for name in ("left_thigh", "right_thigh", "left_upper_arm", "right_upper_arm")]
LOWER = [_BONE[name] for name in ("left_shin", "right_shin", "left_forearm", "right_forearm")]
_HINGE_SIDES = (-1.0, -1.0, 1.0, 1.0)
DIRECTED_LIMBS = {"upper arm": "upper_arm", "forearm": "forearm", "thigh": "thigh", "shin": "shin"}
LARGEST_BEND = math.radians(150)
_STRAIGHT = 0.05  # sine of the bend below which a limb's plane is undetermined
TRUNK_SHARE = 0.4  # of the limbs' rotation: trunk and neck rotate less


class LimbPose(NamedTuple):
    """T_world_pelvis (..., 3, 3), T_pelvis_chest (..., 3, 3), bones (..., 15, 3) metres, hip (..., 3) metres."""

    pelvis: Tensor
    chest: Tensor
    bones: Tensor
    hip: Tensor


def _frame(right: Tensor, up: Tensor) -> Tensor:
    """Compute the columns right, forward, up; right is kept, up is made perpendicular to it."""
    right = normalize(right, dim=-1)
    forward = normalize(torch.linalg.cross(up, right, dim=-1), dim=-1)
    return torch.stack([right, forward, torch.linalg.cross(right, forward, dim=-1)], dim=-1)


def trunk_frames(
    joints: Float[Tensor, "*batch 16 3"],
) -> tuple[Float[Tensor, "*batch 3 3"], Float[Tensor, "*batch 3 3"]]:
    """Compute T_world_pelvis and T_world_chest of world joints."""
    at = joints.unbind(-2)
    pelvis = _frame(at[J.R_HIP] - at[J.L_HIP], at[J.SPINE] - at[J.HIP])
    chest = _frame(at[J.R_SHOULDER] - at[J.L_SHOULDER], at[J.THORAX] - at[J.SPINE])
    return pelvis, chest


def take_apart(joints: Float[Tensor, "*batch 16 3"]) -> LimbPose:
    """Decompose world joints into a LimbPose."""
    pelvis, chest = trunk_frames(joints)
    vectors = bone_vectors(joints)
    local = torch.cat([vectors[..., : _IN_CHEST.start, :] @ pelvis, vectors[..., _IN_CHEST, :] @ chest], dim=-2)
    return LimbPose(pelvis, pelvis.mT @ chest, local, joints[..., J.HIP, :])


def put_together(pose: LimbPose) -> Float[Tensor, "*batch 16 3"]:
    """Reassemble world joints from a LimbPose."""
    below = pose.bones[..., : _IN_CHEST.start, :] @ pose.pelvis.mT
    above = pose.bones[..., _IN_CHEST, :] @ (pose.pelvis @ pose.chest).mT
    vectors = torch.cat([below, above], dim=-2)
    joints = {0: pose.hip}
    for bone in _BY_CHILD:
        parent, child = BONE_JOINTS[bone]
        joints[child] = joints[parent] + vectors[..., bone, :]
    return torch.stack([joints[index] for index in range(len(joints))], dim=-2)


def limb_directions(joints: Float[Tensor, "poses 16 3"]) -> dict[str, Float[Tensor, "limbs 3"]]:
    """Compute unit directions of DIRECTED_LIMBS in chest or pelvis: outward, forward, up; both sides of a pose."""
    local = normalize(take_apart(joints).bones, dim=-1)
    mirror = joints.new_tensor([-1.0, 1.0, 1.0])
    return {
        name: torch.cat([local[:, _BONE[f"right_{segment}"]], local[:, _BONE[f"left_{segment}"]] * mirror])
        for name, segment in DIRECTED_LIMBS.items()
    }


def with_lengths(pose: LimbPose, lengths: Float[Tensor, "*batch 15"]) -> LimbPose:
    """Set bone lengths, metres, and keep the directions."""
    return pose._replace(bones=normalize(pose.bones, dim=-1) * lengths[..., None])


def exchange_limbs(pose: LimbPose, others: LimbPose, probability: float, generator: torch.Generator) -> LimbPose:
    """Replace each limb, the neck and the trunk by another pose's with a probability; bone lengths stay."""
    lengths = pose.bones.norm(dim=-1)
    parts = [list(limb) for limb in zip(UPPER, LOWER, strict=True)] + [[_BONE["neck"]]]
    trunk = [_BONE[name] for name in ("waist", "thorax", "left_shoulder", "right_shoulder")]
    bones, count = pose.bones.clone(), len(pose.bones)
    for part in (indices(names, pose.bones) for names in [*parts, trunk]):
        partners, given = _partners(count, probability, generator, pose.bones)
        given = given.reshape(-1, *(1,) * (pose.bones.ndim - 1))
        partner = others.bones[..., part, :].index_select(0, partners)
        bones[..., part, :] = torch.where(given, partner, bones[..., part, :])
    chest = torch.where(given, others.chest.index_select(0, partners), pose.chest)  # the trunk came last
    return with_lengths(pose._replace(bones=bones, chest=chest), lengths)


def _partners(count: int, probability: float, generator: torch.Generator, like: Tensor) -> tuple[Tensor, Tensor]:
    """Draw a partner for each pose, and whether the part is replaced."""
    partners = torch.randint(count, (count,), generator=generator, device=like.device)
    return partners, torch.rand(count, generator=generator, device=like.device) < probability


def turn_limbs(pose: LimbPose, sd: float, generator: torch.Generator) -> LimbPose:
    """Rotate limbs, trunk and neck, and bend hinges up to LARGEST_BEND. sd: rad per axis; one draw per clip."""
    if sd == 0 or len(pose.bones) == 0:
        return pose
    turns = sd * _normal(pose, (6, 3), generator)  # (6, B, 1.., 3)
    bends = sd * _normal(pose, (4,), generator)[..., 0]
    bones = pose.bones.clone()
    move_limbs(bones, rotvec_to_matrix(turns[:4].movedim(0, -2)), bends.movedim(0, -1))
    neck = _BONE["neck"]
    bones[..., neck, :] = _rotated(bones[..., neck, :], TRUNK_SHARE * turns[4])
    trunk = TRUNK_SHARE * turns[5]
    for bone, share in ((_BONE["waist"], 0.3), (_BONE["thorax"], 0.7)):  # the bend is spread over the spine
        bones[..., bone, :] = _rotated(bones[..., bone, :], share * trunk)
    return pose._replace(bones=bones, chest=rotvec_to_matrix(trunk) @ pose.chest)


def bends_of(bones: Float[Tensor, "*batch 15 3"]) -> Float[Tensor, "*batch 4"]:
    """Compute the bend of each limb at its hinge, radians, 0 when straight."""
    upper, lower = (bones[..., indices(part, bones), :] for part in (UPPER, LOWER))
    return torch.atan2(torch.linalg.cross(upper, lower, dim=-1).norm(dim=-1), (upper * lower).sum(-1))


def move_limbs(bones: Tensor, turns: Tensor, bends: Tensor) -> None:
    """Bend the limbs of bones (..., 15, 3) by `bends` (..., 4) rad, then rotate them by (..., 4, 3, 3), in place."""
    uppers, lowers = indices(UPPER, bones), indices(LOWER, bones)
    upper, lower = bones[..., uppers, :], bones[..., lowers, :]
    along, below = normalize(upper, dim=-1), normalize(lower, dim=-1)
    normal = torch.linalg.cross(along, below, dim=-1)
    sine = normal.norm(dim=-1, keepdim=True)
    fallback = torch.zeros_like(along)
    fallback[..., 0] = constant(_HINGE_SIDES, along)
    axis = torch.where(sine < _STRAIGHT, fallback, normal)
    axis = normalize(axis - (axis * along).sum(-1, keepdim=True) * along, dim=-1)
    angle = torch.atan2(sine[..., 0], (along * below).sum(-1)) + bends
    angle = reflect(angle, 0.0, LARGEST_BEND)[..., None]
    bent = along * angle.cos() + torch.linalg.cross(axis, along, dim=-1) * angle.sin()
    both = torch.stack([upper, bent * lower.norm(dim=-1, keepdim=True)], dim=-2)
    bones[..., uppers, :], bones[..., lowers, :] = (both @ turns.mT).unbind(-2)


def reflect(
    values: Float[Tensor, "*shape"], lower: float | Float[Tensor, "*#shape"], upper: float | Float[Tensor, "*#shape"]
) -> Float[Tensor, "*shape"]:
    """Reflect values beyond a limit back inside, once; what is still beyond is clipped."""
    lower, upper = (e.to(values) if isinstance(e, Tensor) else constant((e,), values)[0] for e in (lower, upper))
    values = torch.where(values > upper, 2 * upper - values, values)
    values = torch.where(values < lower, 2 * lower - values, values)
    return torch.minimum(torch.maximum(values, lower), upper)


def _normal(pose: LimbPose, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Draw standard normal numbers (parts, B, 1.., size), the same for all frames of a clip."""
    parts, size = shape[0], shape[1] if len(shape) > 1 else 1
    like = pose.hip
    drawn = torch.randn(parts, len(like), size, generator=generator, device=like.device, dtype=like.dtype)
    return drawn.reshape(parts, len(like), *(1,) * (like.ndim - 2), size)


def _rotated(points: Tensor, vectors: Tensor) -> Tensor:
    return (rotvec_to_matrix(vectors) @ points[..., None])[..., 0]
