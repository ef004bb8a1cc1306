"""Rotations: Euler angles (rad), quaternions (w, x, y, z), rotation vectors, matrices for column vectors."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

Rows = tuple[tuple[Tensor, Tensor, Tensor], ...]  # three rows of three entries, each (...)


def _roma() -> Any:
    import roma  # slow to import, a second or more

    return roma


def stack_rows(rows: Sequence[Sequence[Tensor]]) -> Float[Tensor, "*batch 3 3"]:
    """Stack entries (...) into matrices (..., 3, 3)."""
    return torch.stack([torch.stack(list(row), dim=-1) for row in rows], dim=-2)


def quaternion_to_rows(quaternion_wxyz: Float[Tensor, "*batch 4"]) -> Rows:
    """Convert quaternions of any length near 1 to the entries of rotation matrices, not stacked."""
    w, x, y, z = (2 * quaternion_wxyz).unbind(-1)
    _, i, j, k = quaternion_wxyz.unbind(-1)
    xi, yj, zk, xj, xk, yk, wi, wj, wk = x * i, y * j, z * k, x * j, x * k, y * k, w * i, w * j, w * k
    return ((1 - (yj + zk), xj - wk, xk + wj), (xj + wk, 1 - (xi + zk), yk - wi), (xk - wj, yk + wi, 1 - (xi + yj)))


def quaternion_to_matrix(quaternion_wxyz: Float[Tensor, "*batch 4"]) -> Float[Tensor, "*batch 3 3"]:
    """Convert unit quaternions to rotation matrices."""
    return _roma().unitquat_to_rotmat(_roma().quat_wxyz_to_xyzw(quaternion_wxyz))


def matrix_to_quaternion(matrix: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 4"]:
    """Convert rotation matrices to unit quaternions (w, x, y, z) with w >= 0."""
    quaternion = _roma().quat_xyzw_to_wxyz(_roma().rotmat_to_unitquat(matrix))
    return torch.where(quaternion[..., :1] < 0, -quaternion, quaternion)


def rotvec_to_matrix(vector: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3 3"]:
    """Convert rotation vectors, radians, to rotation matrices."""
    return _roma().rotvec_to_rotmat(vector)


def euler_to_matrix(euler: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3 3"]:
    """Convert angles x, y, z of Rx Ry Rz, the body's global rotation, to rotation matrices."""
    return _roma().euler_to_rotmat("XYZ", list(euler.unbind(-1)))


def matrix_to_euler(matrix: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 3"]:
    """Convert matrices to angles x, y, z of Rx Ry Rz, |y| <= pi/2; at +-pi/2 they still reproduce the matrix."""
    x = torch.atan2(-matrix[..., 1, 2], matrix[..., 2, 2])
    sin, cos = x.sin()[..., None], x.cos()[..., None]
    second = cos * matrix[..., 1, :] + sin * matrix[..., 2, :]  # of Ry Rz: (sin z, cos z, 0)
    third = cos * matrix[..., 2, :] - sin * matrix[..., 1, :]  # its last entry is cos y
    y = torch.atan2(matrix[..., 0, 2], third[..., 2])
    z = torch.atan2(second[..., 0], second[..., 1])
    return torch.stack([x, y, z], dim=-1)


def matrix_to_euler_zyx(matrix: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 3"]:
    """Convert rotation matrices to angles z, y, x of Rz Ry Rx, |y| <= pi/2."""
    z = torch.atan2(matrix[..., 1, 0], matrix[..., 0, 0])
    sin, cos = z.sin()[..., None], z.cos()[..., None]
    first = cos * matrix[..., 0, :] + sin * matrix[..., 1, :]  # of Ry Rx: (cos y, ...)
    second = cos * matrix[..., 1, :] - sin * matrix[..., 0, :]  # (0, cos x, -sin x)
    y = torch.atan2(-matrix[..., 2, 0], first[..., 0])
    x = torch.atan2(-second[..., 2], second[..., 1])
    return torch.stack([z, y, x], dim=-1)


def rotate_about_z(points: Float[Tensor, "*batch 3"], cos: Tensor, sin: Tensor) -> Float[Tensor, "*batch 3"]:
    """Rotate points about the z axis by an angle of given cosine and sine, which broadcast over the points."""
    x, y, z = points.unbind(-1)
    return torch.stack([cos * x - sin * y, sin * x + cos * y, z], dim=-1)


def yaw_to_matrix(angle: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch 3 3"]:
    """Convert angles about the z axis, radians, to rotation matrices."""
    cos, sin, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    return stack_rows([[cos, -sin, zero], [sin, cos, zero], [zero, zero, zero + 1]])


def random_tilt(count: int, sd: float, generator: torch.Generator, like: Tensor) -> Float[Tensor, "count 3 3"]:
    """Sample rotations about both horizontal axes (x and y), sd radians each."""
    vectors = torch.zeros(count, 3, device=like.device, dtype=like.dtype)
    vectors[:, :2] = sd * torch.randn(count, 2, generator=generator, device=like.device, dtype=like.dtype)
    return rotvec_to_matrix(vectors)


def random_rotations(count: int, generator: torch.Generator, like: Tensor) -> Float[Tensor, "count 3 3"]:
    """Sample rotations uniformly: a normal quaternion has no preferred direction."""
    quaternion = torch.randn(count, 4, generator=generator, device=like.device, dtype=like.dtype)
    return quaternion_to_matrix(normalize(quaternion, dim=-1))


def rotation_onto_axis(direction: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3 3"]:
    """Compute the smallest rotation that takes `direction` (any length) to the z axis. Not defined for -z."""
    x, y, z = torch.nn.functional.normalize(direction, dim=-1).unbind(-1)
    mixed = -x * y / (1 + z)
    entries = [1 - x.square() / (1 + z), mixed, -x, mixed, 1 - y.square() / (1 + z), -y, x, y, z]
    return torch.stack(entries, dim=-1).unflatten(-1, (3, 3))


def fit_similarity(
    source: Float[Tensor, "*batch points 3"], target: Float[Tensor, "*batch points 3"]
) -> tuple[Float[Tensor, "*batch 3 3"], Float[Tensor, "*batch 3"], Float[Tensor, "*batch"]]:
    """Fit rotation (no reflection), translation and scale that take the source points nearest to the target points."""
    return _roma().rigid_points_registration(source, target, compute_scaling=True)
