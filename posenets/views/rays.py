"""Ray points: the 2D joints of calibrated cameras as 3D points that do not depend on where the cameras stand.

A 2D joint defines a ray. All rays of a joint pass near its triangulated point, and on each ray the point nearest to it
is that camera's estimate of the joint. Relative to the triangulated hip, and rotated about the vertical to a common
heading of the centre frame, these estimates look alike for any rig: a network that learnt to weigh them for one rig can
do so for another.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from kinematics.camera import Camera
from kinematics.rotation import quaternion_to_matrix, yaw_to_matrix
from kinematics.skeleton import Skeleton
from kinematics.triangulation import triangulate

REACH = 1.5  # metres from the middle of a body to its farthest joint, with a margin
FARTHEST = 1.0  # metres: clips rays that miss by more


class RayPoints(NamedTuple):
    """Input of the network of a RayLifter, in the person's axes about the hip (x towards the left, z up).

    features: (B, V, T, J, 4) ray points in metres, and the confidence; joints: (B, T, J, 3) triangulated, metres; turn:
    (B, 3, 3) from world axes to the person's.
    """

    features: Tensor
    joints: Tensor
    turn: Tensor


def ray_points(
    joints_2d: Float[Tensor, "batch views frames joints 2"], confidence: Float[Tensor, "batch views frames joints"],
    camera: Camera, skeleton: Skeleton, target_frame: int,
) -> RayPoints:  # fmt: skip
    """Compute ray points. joints_2d: screen; confidence: 0 for joints a camera has not seen; camera: (B, V)."""
    points = triangulated(joints_2d, confidence, camera)
    direction = _directions(joints_2d, camera)
    centre = camera.translation[:, :, None, None]
    nearest = centre + direction * ((points[:, None] - centre) * direction).sum(-1, keepdim=True)
    missed = (nearest - points[:, None]).clamp(-FARTHEST, FARTHEST) * (confidence > 0)[..., None]
    turn = turn_to_person(points[:, target_frame], skeleton)
    about = (points - points[:, :, skeleton.root, None]) @ turn.mT[:, None]
    features = about[:, None] + missed @ turn.mT[:, None, None]
    return RayPoints(torch.cat([features, confidence[..., None].to(features.dtype)], dim=-1), about, turn)


def triangulated(
    joints_2d: Float[Tensor, "batch views frames joints 2"],
    confidence: Float[Tensor, "batch views frames joints"],
    camera: Camera,
) -> Float[Tensor, "batch frames joints 3"]:
    """Triangulate world joints, metres; those seen once or out of reach go where their rays pass the body's middle."""
    points = triangulate(joints_2d, camera, confidence)
    seen_twice = (confidence > 0).sum(1) > 1  # (B, T, J)
    usual = torch.where(seen_twice[..., None], points, torch.nan).nanmedian(dim=2, keepdim=True).values
    known = seen_twice & ~((points - usual).norm(dim=-1) > REACH)
    if known.device.type == "cpu" and bool(known.all()):  # on a GPU the check costs more than it saves
        return points
    weight = known[..., None].to(points.dtype)
    middle = (points * weight).sum(2, keepdim=True) / weight.sum(2, keepdim=True).clamp_min(1)
    direction, centre = _directions(joints_2d, camera), camera.translation[:, :, None, None]
    nearest = centre + direction * ((middle[:, None] - centre) * direction).sum(-1, keepdim=True)
    seen = (confidence > 0)[..., None].to(points.dtype)
    alone = torch.where(seen.sum(1) > 0, (nearest * seen).sum(1) / seen.sum(1).clamp_min(1), middle)
    located = known[..., None] | ~known.any(dim=2)[..., None, None]  # a frame with none stays as triangulated
    return torch.where(located, points, alone)


def turn_to_person(joints_world: Float[Tensor, "batch joints 3"], skeleton: Skeleton) -> Float[Tensor, "batch 3 3"]:
    """Compute the rotation about z from world axes to the person's, x to the left along hips and shoulders."""
    at = {name: joints_world[:, skeleton.joints.index(name)] for name in ("LHip", "RHip", "LShoulder", "RShoulder")}
    left = at["LHip"] - at["RHip"] + at["LShoulder"] - at["RShoulder"]
    return yaw_to_matrix(-torch.atan2(left[:, 1], left[:, 0]))


def _directions(joints_2d: Tensor, camera: Camera) -> Tensor:
    """Compute unit vectors (B, V, T, J, 3) along the rays of screen points, world axes."""
    rays = camera.rays(joints_2d)
    ahead = torch.cat([rays, torch.ones_like(rays[..., :1])], dim=-1)
    matrix = quaternion_to_matrix(camera.orientation_wxyz)[:, :, None]  # (B, V, 1, 3, 3)
    return torch.nn.functional.normalize(ahead @ matrix.mT, dim=-1)
