"""Rotations: Euler angles, matrices and quaternions, over roma.

Quaternions are (w, x, y, z); roma's are (x, y, z, w), and are turned round here and nowhere else. Euler angles are
(x, y, z) radians of R = Rx Ry Rz, the body's global rotation. Matrices take column vectors.

roma is imported where it is used: that takes more than a second, which only who turns something should pay.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor


def euler_to_matrix(euler: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3 3"]:
    """Rx Ry Rz. euler: (..., 3) radians x, y, z."""
    import roma

    matrices = roma.euler_to_rotmat("XYZ", list(euler.unbind(-1)))
    assert isinstance(matrices, Tensor)  # roma returns what it was given: tensors
    return matrices


def matrix_to_euler(matrix: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 3"]:
    """Angles x, y, z of Rx Ry Rz, radians, |y| <= pi/2.

    y and z are read off after the turn about x is undone, so that the angles give the matrix back to rounding also
    where x and z turn about the same axis (y = +-pi/2) and neither of them is determined.
    """
    x = torch.atan2(-matrix[..., 1, 2], matrix[..., 2, 2])
    sin, cos = x.sin()[..., None], x.cos()[..., None]
    second = cos * matrix[..., 1, :] + sin * matrix[..., 2, :]  # of Ry Rz: (sin z, cos z, 0)
    third = cos * matrix[..., 2, :] - sin * matrix[..., 1, :]  # its last entry is cos y
    y = torch.atan2(matrix[..., 0, 2], third[..., 2])
    z = torch.atan2(second[..., 0], second[..., 1])
    return torch.stack([x, y, z], dim=-1)


def quaternion_to_matrix(quaternion_wxyz: Float[Tensor, "*batch 4"]) -> Float[Tensor, "*batch 3 3"]:
    """The matrix of a unit quaternion."""
    import roma

    return roma.unitquat_to_rotmat(roma.quat_wxyz_to_xyzw(quaternion_wxyz))


def matrix_to_quaternion(matrix: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 4"]:
    """The unit quaternion (w, x, y, z) of a rotation with w >= 0."""
    import roma

    quaternion = roma.quat_xyzw_to_wxyz(roma.rotmat_to_unitquat(matrix))
    return torch.where(quaternion[..., :1] < 0, -quaternion, quaternion)


def quaternion_multiply(
    first_wxyz: Float[Tensor, "*batch 4"], second_wxyz: Float[Tensor, "*batch 4"]
) -> Float[Tensor, "*batch 4"]:
    """The rotation `second`, then the rotation `first`."""
    import roma

    product = roma.quat_product(roma.quat_wxyz_to_xyzw(first_wxyz), roma.quat_wxyz_to_xyzw(second_wxyz))
    return roma.quat_xyzw_to_wxyz(product)


def axis_angle_to_matrix(
    axis: Float[Tensor, "*batch 3"], angle: Float[Tensor, "*batch"]
) -> Float[Tensor, "*batch 3 3"]:
    """A turn by `angle` radians about the unit vector `axis`."""
    import roma

    return roma.rotvec_to_rotmat(axis * angle[..., None])


def random_yaw(
    count: int, generator: torch.Generator, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "count 3 3"]:
    """Turns about the world's z axis, uniform over the circle, on the generator's device."""
    angle = torch.rand(count, generator=generator, device=generator.device, dtype=dtype) * (2 * math.pi)
    up = torch.tensor([0.0, 0.0, 1.0], dtype=dtype, device=generator.device).expand(count, 3)
    return axis_angle_to_matrix(up, angle)


def random_tilt(
    count: int, standard_deviation: float | int, generator: torch.Generator, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "count 3 3"]:
    """Turns about level axes of uniform direction, by normal angles of the given standard deviation in radians."""
    like = {"generator": generator, "device": generator.device, "dtype": dtype}
    direction = torch.rand(count, **like) * (2 * math.pi)
    axis = torch.stack([direction.cos(), direction.sin(), torch.zeros_like(direction)], dim=-1)
    return axis_angle_to_matrix(axis, torch.randn(count, **like) * standard_deviation)


def random_rotation(
    count: int, generator: torch.Generator, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "count 3 3"]:
    """Rotations uniform over SO(3): the direction of a normal 4-vector as quaternion."""
    quaternion = torch.randn(count, 4, generator=generator, device=generator.device, dtype=dtype)
    return quaternion_to_matrix(torch.nn.functional.normalize(quaternion, dim=-1))


def rotation_onto_axis(direction: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3 3"]:
    """The smallest rotation that takes `direction` (any length) to the z axis. Not defined for the direction -z."""
    x, y, z = torch.nn.functional.normalize(direction, dim=-1).unbind(-1)
    mixed = -x * y / (1 + z)
    entries = [1 - x.square() / (1 + z), mixed, -x, mixed, 1 - y.square() / (1 + z), -y, x, y, z]
    return torch.stack(entries, dim=-1).unflatten(-1, (3, 3))
