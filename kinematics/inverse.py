"""Inverse kinematics: joints -> joint angles, bone lengths, global rotation and root, in closed form, chain by chain.

Sixteen points do not determine 28 angles. The ambiguities are resolved so that the angles of each limb keep their
anatomical meaning:
* Pelvis: its right axis runs through the hips and its up axis leans with the waist, so waist_twist and waist_flexion
  are 0; the tilt of the pelvis under the trunk cannot be seen in these joints.
* The rotation of the shoulders against the hips is split between spine_twist and chest_twist. chest_flexion and
  neck_twist are 0: the angles next to them can reach the same joints.
* A limb has two solutions for the sign of its hinge and two for its Euler angles. The one that violates the anatomical
  limits least is chosen; of those within the limits, the one nearest to the middle of the range.
* The twist of a straight limb is undetermined and set to 0. Of a nearly straight arm it follows the elbow, noisily.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from kinematics.bones import BODY_JOINTS, bone_lengths
from kinematics.constants import constant, indices
from kinematics.dh import JOINT_ANGLES
from kinematics.human import BodyPose
from kinematics.limits import joint_limits
from kinematics.rotation import matrix_to_euler, matrix_to_euler_zyx, stack_rows

# The order of limbs everywhere in this file: right leg, left leg, right arm, left arm.
_LIMB_JOINTS = (
    ("RHip", "RKnee", "RAnkle"),
    ("LHip", "LKnee", "LAnkle"),
    ("RShoulder", "RElbow", "RWrist"),
    ("LShoulder", "LElbow", "LWrist"),
)
_FIRST_ANGLES = ("right_hip_twist", "left_hip_twist", "right_shoulder_twist", "left_shoulder_twist")
_LIMB_COLUMNS = tuple(tuple(JOINT_ANGLES.index(name) + i for i in range(4)) for name in _FIRST_ANGLES)
_NATURAL_BEND = (-1.0, -1.0, 1.0, 1.0)  # sign of a bent knee or elbow
# Sines below which a bend is rounding error: of float32 poses near the origin (absolute), and ours (in eps).
_STRAIGHT, _ROUNDINGS = 2e-6, 50
_NEAREST = 1e-4  # weight of the distance to the middle of the limits, against that of violating them


def unit(vectors: Tensor, otherwise: Tensor) -> Tensor:
    """Normalize vectors; where one is (almost) zero, return `otherwise`."""
    lengths = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
    tiny = lengths < 100 * torch.finfo(vectors.dtype).tiny ** 0.5
    return torch.where(tiny, otherwise, vectors / torch.where(tiny, torch.ones_like(lengths), lengths))


def _across(vectors: Tensor, axis: Tensor) -> Tensor:
    """Project vectors onto the plane perpendicular to a unit axis."""
    return vectors - (vectors * axis).sum(-1, keepdim=True) * axis


def normal_direction(vectors: Tensor, axis: Tensor, otherwise: Tensor | None = None) -> Tensor:
    """Find unit normals to unit axes, towards `vectors`; where these are parallel, `otherwise` or any normal."""
    lengths = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
    normal = _across(vectors, axis)
    parallel = torch.linalg.vector_norm(normal, dim=-1, keepdim=True) <= _straight(axis) * lengths
    if otherwise is None:
        otherwise = torch.nn.functional.one_hot(axis.abs().argmin(-1), 3).to(axis.dtype)
    normal = torch.where(parallel, otherwise, unit(normal, otherwise))
    return unit(_across(normal, axis), normal)  # again: a small remainder is mostly rounding error


def _straight(like: Tensor) -> float:
    return max(_STRAIGHT, _ROUNDINGS * torch.finfo(like.dtype).eps)


def _local(frame: Tensor, vectors: Tensor) -> Tensor:
    """Express world vectors (..., 3) in a frame whose axes are the columns of (..., 3, 3)."""
    return (frame * vectors[..., :, None]).sum(-2)


def _between(right: Tensor, left: Tensor, parent: Tensor, otherwise: Tensor) -> tuple[Tensor, Tensor]:
    """Compute the unit direction through two opposite joints, and the point between them nearest to their parent."""
    axis = unit(right - left, otherwise)
    width = ((right - left) * axis).sum(-1)
    place = torch.minimum(((parent - left) * axis).sum(-1).clamp_min(0), width)
    return axis, left + place[..., None] * axis


def _spine_matrix(twist: Tensor, flexion: Tensor, lean: Tensor) -> Tensor:
    """Compute Rz(twist) Rx(-flexion) Ry(lean), (..., 3, 3)."""
    (sa, sb, sc), (ca, cb, cc) = (tuple(f(x) for x in (twist, flexion, lean)) for f in (torch.sin, torch.cos))
    rows = (
        (ca * cc + sa * sb * sc, -sa * cb, ca * sc - sa * sb * cc),
        (sa * cc - ca * sb * sc, ca * cb, sa * sc + ca * sb * cc),
        (-cb * sc, -sb, cb * cc),
    )
    return stack_rows(rows)


def _point_up_axis(frame: Tensor, direction: Tensor, twist: Tensor) -> tuple[Tensor, Tensor]:
    """Solve a spine joint of given twist for an up axis along `direction`: its angles (..., 3), and the new frame."""
    x, y, z = _local(frame, direction).unbind(-1)
    x, y = twist.cos() * x + twist.sin() * y, twist.cos() * y - twist.sin() * x
    flexion, lean = torch.atan2(y, z), torch.atan2(x, torch.hypot(y, z))
    return torch.stack([twist, flexion, lean], dim=-1), frame @ _spine_matrix(twist, flexion, lean)


def _point_right_axis(frame: Tensor, direction: Tensor) -> tuple[Tensor, Tensor]:
    """Solve a spine joint without flexion for a right axis along `direction`: its angles (..., 3), and the frame."""
    x, y, z = _local(frame, direction).unbind(-1)
    twist, lean = torch.atan2(y, x), torch.atan2(-z, torch.hypot(x, y))
    flexion = torch.zeros_like(twist)
    return torch.stack([twist, flexion, lean], dim=-1), frame @ _spine_matrix(twist, flexion, lean)


def _pelvis(hips_axis: Tensor, waist: Tensor) -> Tensor:
    """Compute the columns right, forward, up; up is the part of the waist's direction perpendicular to the hips."""
    up = normal_direction(waist, hips_axis)
    return torch.stack([hips_axis, torch.linalg.cross(up, hips_axis), up], dim=-1)


def _hinge_frames(upper: Tensor, lower: Tensor, bend: Tensor) -> tuple[Tensor, Tensor]:
    """Compute frames (..., 3, 3), upper bone along -up and hinge along right, and hinge angles of sign `bend`."""
    x, y, z = upper.unbind(-1)
    untwisted = torch.stack([-x * y, x * x + z * z, -z * y], dim=-1)  # along the forward axis of Ry Rx
    swing = normal_direction(lower, upper, otherwise=normal_direction(untwisted, upper))
    along, sin_hinge = ((lower * axis).sum(-1) for axis in (upper, swing))
    forward = swing * bend[..., None]
    frame = torch.stack([torch.linalg.cross(upper, forward), forward, -upper], dim=-1)
    return frame, torch.atan2(sin_hinge * bend, along)


def _limb_angles(upper: Tensor, lower: Tensor) -> Tensor:
    """Solve limbs for twist, abduction, flexion, hinge (..., 4, 4); bone directions (..., 4, 3) in the parent frame."""
    solutions = []
    natural = constant(_NATURAL_BEND, upper)
    for bend in (natural, -natural):
        frame, hinge = _hinge_frames(upper, lower, bend.expand(upper.shape[:-1]))
        z, y, x = matrix_to_euler_zyx(frame).unbind(-1)
        solutions.append(torch.stack([z, y, x, hinge], dim=-1))
        solutions.append(torch.stack([z + math.pi, math.pi - y, x + math.pi, hinge], dim=-1))
    angles = torch.stack(solutions, dim=-2)  # (..., limbs 4, solutions 4, angles 4)

    limits, columns = joint_limits("anatomical").ends(angles.dtype, angles.device), indices(_LIMB_COLUMNS, angles)
    lowest, highest = (limit[columns][:, None] for limit in limits)
    middle, half = (highest + lowest) / 2, (highest - lowest) / 2
    angles = angles - 2 * math.pi * torch.round((angles - middle) / (2 * math.pi))
    away = (angles - middle).abs()
    cost = ((away - half).clamp_min(0) ** 2 + _NEAREST * (away / half) ** 2).sum(-1)
    best = cost.argmin(-1)[..., None, None].expand(*cost.shape[:-1], 1, 4)
    return angles.gather(-2, best).squeeze(-2)


def joint_angles_from_joints(joints: Float[Tensor, "*batch 16 3"]) -> BodyPose:
    """Fit the pose of a DH human that has its joints there, or nearly so.

    joints: (..., 16, 3) metres, world frame. DHHuman()(*pose) gives the joints back exactly if a DH human has been
    there. Its hips are on one line with the hip centre, its shoulders with the thorax; a real one's are not. There the
    two centres give way: they move to the nearest point of the line, the other 14 joints stay exact, and every bone
    of a limb keeps its length and direction. Not meant to be differentiated.
    """
    at = {name: joints[..., index, :] for index, name in enumerate(BODY_JOINTS)}
    level = constant((1.0, 0.0, 0.0), joints).expand_as(at["Hip"])
    hips, at["Hip"] = _between(at["RHip"], at["LHip"], at["Hip"], level)
    shoulders, at["Thorax"] = _between(at["RShoulder"], at["LShoulder"], at["Thorax"], hips)
    pelvis = _pelvis(hips, at["Spine"] - at["Hip"])
    trunk, chest = _trunk_angles(at, pelvis, shoulders)
    right_leg, left_leg, right_arm, left_arm = _limb_angles(*_limb_directions(at, pelvis, chest)).unbind(-2)
    angles = torch.cat([right_leg, left_leg, trunk, right_arm, left_arm], dim=-1)
    lengths = bone_lengths(torch.stack([at[name] for name in BODY_JOINTS], dim=-2))
    return BodyPose(angles, lengths, matrix_to_euler(pelvis), at["Hip"])


def _trunk_angles(at: dict[str, Tensor], pelvis: Tensor, shoulders: Tensor) -> tuple[Tensor, Tensor]:
    """Solve the trunk: angles (..., 12) of waist, spine, chest and neck, and the chest's frame (..., 3, 3)."""
    up = pelvis[..., 2]
    untwisted = torch.zeros_like(up[..., 0])
    waist_direction = unit(at["Spine"] - at["Hip"], up)
    waist, frame = _point_up_axis(pelvis, waist_direction, untwisted)
    thorax_direction = unit(at["Thorax"] - at["Spine"], waist_direction)
    _, without_twist = _point_up_axis(frame, thorax_direction, untwisted)
    whole_twist = _point_right_axis(without_twist, shoulders)[0][..., 0]
    spine, frame = _point_up_axis(frame, thorax_direction, whole_twist / 2)
    chest, frame = _point_right_axis(frame, shoulders)
    neck, _ = _point_up_axis(frame, unit(at["Head"] - at["Thorax"], thorax_direction), untwisted)
    return torch.cat([waist, spine, chest, neck], dim=-1), frame


def _limb_directions(at: dict[str, Tensor], pelvis: Tensor, chest: Tensor) -> tuple[Tensor, Tensor]:
    """Compute unit directions (..., limbs 4, 3) of the upper and lower bones, in the frames of pelvis and chest."""
    uppers, lowers = [], []
    for first, middle, last in _LIMB_JOINTS:
        frame = pelvis if first.endswith("Hip") else chest
        upper = unit(at[middle] - at[first], -frame[..., 2])
        lower = unit(at[last] - at[middle], upper)
        uppers.append(_local(frame, upper))
        lowers.append(_local(frame, lower))
    return torch.stack(uppers, dim=-2), torch.stack(lowers, dim=-2)
