import math

import pytest
import torch
from scipy.spatial.transform import Rotation

from kinematics.rotation import (
    euler_to_matrix,
    fit_similarity,
    matrix_to_euler,
    matrix_to_euler_zyx,
    matrix_to_quaternion,
    quaternion_to_matrix,
    random_rotations,
    random_tilt,
    rotate_about_z,
    rotation_onto_axis,
    rotvec_to_matrix,
    yaw_to_matrix,
)


def scipy_matrix(quaternion_wxyz: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(Rotation.from_quat(quaternion_wxyz[..., [1, 2, 3, 0]].numpy()).as_matrix())


@pytest.fixture
def quaternions(generator) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.randn(50, 4, generator=generator, dtype=torch.float64), dim=-1)


def test_euler_angles_are_scipy_s_intrinsic_xyz(generator):
    euler = torch.randn(50, 3, generator=generator, dtype=torch.float64) * 2
    expected = Rotation.from_euler("XYZ", euler.numpy()).as_matrix()
    torch.testing.assert_close(euler_to_matrix(euler), torch.from_numpy(expected))


def test_euler_angles_give_their_matrix_back(generator, float_dtype):
    quaternions = torch.randn(4, 50, 4, generator=generator, dtype=float_dtype)
    matrix = quaternion_to_matrix(torch.nn.functional.normalize(quaternions, dim=-1))
    euler = matrix_to_euler(matrix)
    assert bool((euler[..., 1].abs() <= math.pi / 2 + 1e-6).all())
    torch.testing.assert_close(
        euler_to_matrix(euler), matrix, rtol=0, atol=1e-12 if matrix.dtype == torch.float64 else 1e-5
    )


@pytest.mark.parametrize("y", [math.pi / 2, -math.pi / 2, math.pi / 2 - 1e-9])
def test_euler_angles_give_their_matrix_back_where_two_axes_coincide(y):
    matrix = euler_to_matrix(torch.tensor([0.4, y, -1.1], dtype=torch.float64))
    torch.testing.assert_close(euler_to_matrix(matrix_to_euler(matrix)), matrix, rtol=0, atol=1e-12)


def test_quaternions_are_scipy_s_with_w_first(quaternions):
    torch.testing.assert_close(quaternion_to_matrix(quaternions), scipy_matrix(quaternions))
    back = matrix_to_quaternion(scipy_matrix(quaternions))
    torch.testing.assert_close(back, quaternions * quaternions[:, :1].sign())


def test_rotation_vectors_are_scipy_s(generator):
    vectors = torch.randn(20, 3, generator=generator, dtype=torch.float64)
    expected = Rotation.from_rotvec(vectors.numpy()).as_matrix()
    torch.testing.assert_close(rotvec_to_matrix(vectors), torch.from_numpy(expected))


def test_euler_angles_zyx_are_scipy_s(quaternions):
    expected = Rotation.from_quat(quaternions[:, [1, 2, 3, 0]].numpy()).as_euler("ZYX")
    torch.testing.assert_close(matrix_to_euler_zyx(scipy_matrix(quaternions)), torch.from_numpy(expected.copy()))


def test_turns_about_z_are_scipy_s(generator):
    angle = torch.randn(20, generator=generator, dtype=torch.float64)
    points = torch.randn(20, 3, generator=generator, dtype=torch.float64)
    expected = torch.from_numpy(Rotation.from_euler("z", angle.numpy()[:, None]).as_matrix())
    torch.testing.assert_close(yaw_to_matrix(angle), expected)
    turned = rotate_about_z(points, angle.cos(), angle.sin())
    torch.testing.assert_close(turned, (expected @ points[..., None])[..., 0])


def test_fit_similarity_finds_the_similarity(quaternions, generator):
    source = torch.randn(50, 9, 3, generator=generator, dtype=torch.float64)
    matrix = scipy_matrix(quaternions)
    rotation, translation, scale = fit_similarity(source, 1.7 * source @ matrix.mT + 3.0)
    torch.testing.assert_close(rotation, matrix)
    torch.testing.assert_close(translation, torch.full((50, 3), 3.0, dtype=torch.float64))
    torch.testing.assert_close(scale, torch.full((50,), 1.7, dtype=torch.float64))


def test_gradients_are_right_at_zero_and_at_identity():
    zero = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    identity = torch.tensor([1.0, 0.0, 0.0, 0.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(euler_to_matrix, [zero])
    assert torch.autograd.gradcheck(rotvec_to_matrix, [zero])
    assert torch.autograd.gradcheck(quaternion_to_matrix, [identity])
    assert torch.autograd.gradcheck(lambda euler: matrix_to_euler(euler_to_matrix(euler)), [zero])
    (gradient,) = torch.autograd.grad(matrix_to_quaternion(euler_to_matrix(zero))[1], zero)
    torch.testing.assert_close(gradient, torch.tensor([0.5, 0.0, 0.0], dtype=torch.float64))


def test_random_tilt_has_a_level_axis_and_the_spread_asked_for(generator):
    matrix = random_tilt(4000, 0.3, generator, torch.zeros((), dtype=torch.float64))
    torch.testing.assert_close(matrix[:, 0, 1], matrix[:, 1, 0])  # no turn about z
    angle = matrix[:, 2, 2].clamp(-1, 1).arccos()
    assert angle.square().mean().sqrt() == pytest.approx(0.3 * math.sqrt(2), rel=0.05)


def test_the_same_seed_gives_the_same_rotations():
    draws = [random_tilt(5, 1.0, torch.Generator().manual_seed(3), torch.zeros(())) for _ in range(2)]
    assert torch.equal(*draws)


def test_rotation_onto_axis_is_the_smallest_that_takes_a_direction_to_z(generator, float_dtype):
    direction = torch.randn(200, 3, generator=generator, dtype=float_dtype)
    direction[:, 2] = direction[:, 2].abs()
    rotation = rotation_onto_axis(direction)
    length = direction.norm(dim=-1, keepdim=True)
    onto = (rotation @ direction[..., None])[..., 0] / length
    torch.testing.assert_close(onto, torch.tensor([0.0, 0.0, 1.0], dtype=float_dtype).expand(200, 3))
    torch.testing.assert_close(rotation @ rotation.mT, torch.eye(3, dtype=float_dtype).expand(200, 3, 3))
    angle = ((rotation.diagonal(dim1=-2, dim2=-1).sum(-1) - 1) / 2).clamp(-1, 1).acos()
    torch.testing.assert_close(angle, (direction[:, 2] / length[:, 0]).acos(), atol=2e-3, rtol=1e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_random_rotations_are_rotations_and_prefer_no_direction(dtype: torch.dtype):
    rotations = random_rotations(20_000, torch.Generator().manual_seed(0), torch.zeros(1, dtype=dtype))
    assert rotations.dtype == dtype
    torch.testing.assert_close(
        rotations @ rotations.mT, torch.eye(3, dtype=dtype).expand_as(rotations), atol=1e-5, rtol=0
    )
    torch.testing.assert_close(torch.linalg.det(rotations), torch.ones(20_000, dtype=dtype), atol=1e-5, rtol=0)
    up = rotations[:, 2, 2]  # uniform on the sphere: every height is as likely (Archimedes)
    parts = torch.histc(up, 10, -1, 1) / len(up)
    torch.testing.assert_close(parts, torch.full_like(parts, 0.1), atol=0.01, rtol=0)
