from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from data.h36m.cameras import CAMERA_RESOLUTIONS, H36M_CAMERAS
from kinematics.camera import (
    Camera,
    camera_to_world,
    in_front,
    in_image,
    intrinsics_in_pixels,
    look_at,
    pixels_to_screen,
    project_pinhole,
    project_to_2d,
    screen_to_pixels,
    world_to_camera,
)

ORACLE = Path(__file__).parents[1] / "oracles" / "camera_reference.npz"


@pytest.fixture(scope="module")
def oracle() -> dict[str, torch.Tensor]:
    with np.load(ORACLE) as file:
        return {key: torch.from_numpy(file[key]) for key in file if file[key].dtype.kind == "f"}


def test_bfloat16_never_reaches_a_camera(oracle):
    one = {name: oracle[name][0, 0].float() for name in ("orientation", "translation")}
    many = {name: oracle[name][0].float()[:, None] for name in ("orientation", "translation")}
    points = oracle["world"].float().reshape(1, -1, 3)
    for places in (one, many):
        wanted = world_to_camera(points, *places.values())
        with torch.autocast("cpu", dtype=torch.bfloat16):
            seen = world_to_camera(points, *places.values())
            assert torch.equal(seen, wanted)
            assert camera_to_world(seen, *places.values()).dtype == torch.float32
        torch.testing.assert_close(camera_to_world(seen, *places.values()), points.expand_as(seen), atol=1e-4, rtol=0)


def test_world_to_camera_agrees_with_the_reference(oracle):
    for subject in range(2):
        for camera in range(4):
            found = world_to_camera(
                oracle["world"], oracle["orientation"][subject, camera], oracle["translation"][subject, camera]
            )
            torch.testing.assert_close(found, oracle["camera"][subject, camera], rtol=0, atol=1e-12)


def test_projection_agrees_with_the_reference_inside_the_image(oracle):
    intrinsics = oracle["intrinsics"].expand(2, 4, 9)
    torch.testing.assert_close(project_to_2d(oracle["camera"], intrinsics), oracle["screen"], rtol=0, atol=1e-12)
    linear = project_pinhole(oracle["camera"], intrinsics)
    torch.testing.assert_close(linear, oracle["screen_linear"], rtol=0, atol=1e-12)


def test_our_calibration_table_is_the_reference_s(oracle):
    for subject, name in enumerate(("S1", "S5")):
        camera = Camera.stack(H36M_CAMERAS[name])
        torch.testing.assert_close(camera.orientation_wxyz, oracle["orientation"][subject], rtol=0, atol=1e-7)
        torch.testing.assert_close(camera.translation, oracle["translation"][subject], rtol=0, atol=1e-6)
        torch.testing.assert_close(camera.intrinsics, oracle["intrinsics"], rtol=0, atol=1e-6)


def test_camera_and_world_are_inverse_of_each_other(float_dtype, generator):
    points = torch.randn(5, 3, 7, 3, generator=generator, dtype=float_dtype)
    orientation = torch.nn.functional.normalize(torch.randn(5, 4, generator=generator, dtype=float_dtype), dim=-1)
    translation = torch.randn(5, 3, generator=generator, dtype=float_dtype)
    there = world_to_camera(points, orientation, translation)
    torch.testing.assert_close(camera_to_world(there, orientation, translation), points)
    assert there.dtype == float_dtype


def test_world_to_camera_agrees_with_scipy(generator):
    points = torch.randn(6, 3, generator=generator, dtype=torch.float64)
    orientation = torch.nn.functional.normalize(torch.randn(4, generator=generator, dtype=torch.float64), dim=-1)
    translation = torch.randn(3, generator=generator, dtype=torch.float64)
    rotation = Rotation.from_quat(orientation[[1, 2, 3, 0]].numpy())
    expected = rotation.inv().apply((points - translation).numpy())
    np.testing.assert_allclose(world_to_camera(points, orientation, translation).numpy(), expected, atol=1e-12)


def test_one_camera_a_camera_per_pose_and_a_camera_per_point_broadcast(generator):
    points = torch.randn(4, 5, 3, generator=generator)
    orientation = torch.nn.functional.normalize(torch.randn(4, 4, generator=generator), dim=-1)
    translation = torch.randn(4, 3, generator=generator)
    together = world_to_camera(points, orientation, translation)
    for i in range(4):
        torch.testing.assert_close(world_to_camera(points[i], orientation[i], translation[i]), together[i])
    spread = world_to_camera(points, orientation[:, None].expand(4, 5, 4), translation[:, None].expand(4, 5, 3))
    torch.testing.assert_close(spread, together)


def test_wide_rays_are_not_clamped():
    intrinsics = torch.tensor([1.2, 1.2, 0, 0, 0, 0, 0, 0, 0])
    screen = project_to_2d(torch.tensor([[3.0, 0.0, 1.0]]), intrinsics)
    torch.testing.assert_close(screen, torch.tensor([[3.6, 0.0]]))


def test_projection_of_scaled_body_is_unchanged(generator):
    intrinsics = H36M_CAMERAS["S1"][0].intrinsics
    points = torch.randn(8, 3, generator=generator, dtype=torch.float64) * 0.5 + torch.tensor([0.0, 0.0, 4.0])
    torch.testing.assert_close(project_to_2d(points * 1.7, intrinsics), project_to_2d(points, intrinsics))


@pytest.mark.parametrize("width, height", CAMERA_RESOLUTIONS + ((1920, 1080),))
def test_pixels_and_screen_are_inverse_and_keep_the_aspect(width, height, generator):
    pixels = torch.rand(10, 2, generator=generator, dtype=torch.float64) * torch.tensor([width, height])
    screen = pixels_to_screen(pixels, width, height)
    torch.testing.assert_close(screen_to_pixels(screen, width, height), pixels)
    assert screen[:, 0].abs().max() <= 1 and screen[:, 1].abs().max() <= height / width


def test_a_camera_looking_at_a_target_sees_it_in_the_centre_and_upright(generator):
    position = torch.randn(20, 3, generator=generator, dtype=torch.float64) * 3
    target = torch.randn(20, 3, generator=generator, dtype=torch.float64)
    orientation = look_at(position, target)
    seen = world_to_camera(target[:, None], orientation, position)[:, 0]
    torch.testing.assert_close(seen[:, :2], torch.zeros_like(seen[:, :2]))
    torch.testing.assert_close(seen[:, 2], (target - position).norm(dim=-1))
    above = world_to_camera((target + torch.tensor([0.0, 0.0, 0.1]))[:, None], orientation, position)[:, 0]
    assert (above[:, 1] < seen[:, 1]).all() and above[:, 0].abs().max() < 1e-9


def test_roll_turns_the_image_and_straight_down_is_defined():
    position, target = torch.tensor([0.0, 0.0, 3.0]), torch.zeros(3)
    assert torch.isfinite(look_at(position, target)).all()
    level, rolled = (look_at(torch.tensor([0.0, -3.0, 0.0]), target, roll) for roll in (0.0, 0.3))
    up = torch.tensor([[0.0, 0.0, 1.0]])
    eye = torch.tensor([0.0, -3.0, 0.0])
    tilted = world_to_camera(up, rolled, eye) - world_to_camera(up, level, eye)
    assert tilted.norm() > 0.2


def test_in_front_and_in_image_tell_a_point_from_its_mirror_image_behind():
    intrinsics = torch.tensor([2.0, 2.0, 0, 0, 0, 0, 0, 0, 0])
    points = torch.tensor([[0.1, 0.1, 2.0], [-0.1, -0.1, -2.0], [2.0, 0.0, 2.0], [0.0, 0.9, 2.0]])
    screen = project_to_2d(points, intrinsics)
    torch.testing.assert_close(screen[0], screen[1])
    assert in_front(points).tolist() == [True, False, True, True]
    assert in_image(screen, 0.5625).tolist() == [True, True, False, False]


def test_gradients_are_finite_at_the_optical_axis():
    points = torch.tensor([[0.0, 0.0, 2.0]], requires_grad=True)
    project_to_2d(points, H36M_CAMERAS["S1"][0].intrinsics.float()).sum().backward()
    assert torch.isfinite(points.grad).all()


def test_a_camera_of_the_wrong_shape_is_refused():
    with pytest.raises(ValueError, match=r"intrinsics has shape \(4,\), expected \(9,\)"):
        Camera(torch.zeros(4), torch.zeros(3), torch.zeros(4), torch.tensor(1.0))


def test_cameras_index_and_concatenate():
    cameras = Camera.stack(H36M_CAMERAS["S1"])
    again = Camera.cat([cameras[:1], cameras[1:]])
    torch.testing.assert_close(again.intrinsics, cameras.intrinsics)
    assert len(cameras[torch.tensor([0, 0, 3])]) == 3


def test_cameras_that_see_the_same_points_see_what_each_sees_alone(generator, float_dtype):
    cameras = Camera.stack(H36M_CAMERAS["S1"]).to(float_dtype)
    points = torch.randn(1, 6, 17, 3, generator=generator, dtype=float_dtype)
    rig = cameras.reshape(4, 1, 1)
    seen = rig.world_to_camera(points)
    tolerance = {"rtol": 1e-4, "atol": 1e-5 if float_dtype == torch.float32 else 1e-12}
    for index in range(4):
        alone = cameras[index].world_to_camera(points[0])
        torch.testing.assert_close(seen[index], alone, **tolerance)
        torch.testing.assert_close(rig.project(seen)[index], cameras[index].project(alone), **tolerance)


def test_intrinsics_in_pixels_project_to_pixels(generator):
    camera, (width, height) = H36M_CAMERAS["S1"][1], CAMERA_RESOLUTIONS[1]
    points = torch.randn(20, 3, generator=generator, dtype=torch.float64) + torch.tensor([0.0, 0.0, 5.0])
    pixels = project_to_2d(points, intrinsics_in_pixels(camera.intrinsics, width, height))
    torch.testing.assert_close(pixels, screen_to_pixels(camera.project(points), width, height))


def test_look_at_has_the_axes_that_cross_products_give(generator):
    position, target = torch.randn(2, 50, 3, generator=generator, dtype=torch.float64)
    roll = torch.randn(50, generator=generator, dtype=torch.float64)
    forward = torch.nn.functional.normalize(target - position, dim=-1)
    up = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64).expand_as(forward)
    right = torch.nn.functional.normalize(torch.linalg.cross(forward, up), dim=-1)
    down = torch.linalg.cross(forward, right)
    cos, sin = roll.cos()[:, None], roll.sin()[:, None]
    axes = torch.stack([cos * right + sin * down, cos * down - sin * right, forward], dim=-1)
    orientation = look_at(position, target, roll)
    assert (orientation.amax(dim=-1) == orientation.abs().amax(dim=-1)).all()
    basis = torch.eye(3, dtype=torch.float64).expand(50, 3, 3)
    found = camera_to_world(basis, orientation, torch.zeros(50, 3, dtype=torch.float64))
    torch.testing.assert_close(found.mT, axes)


def test_a_camera_looking_straight_down_has_the_world_s_x_axis_and_finite_gradients():
    position = torch.tensor([[0.0, 0.0, 3.0], [0.0, 0.0, -3.0]], dtype=torch.float64, requires_grad=True)
    orientation = look_at(position, torch.zeros(2, 3, dtype=torch.float64))
    x_axis = camera_to_world(torch.tensor([[1.0, 0.0, 0.0]] * 2, dtype=torch.float64), orientation, position * 0)
    torch.testing.assert_close(x_axis, torch.tensor([[1.0, 0.0, 0.0]] * 2, dtype=torch.float64))
    orientation.sum().backward()
    assert torch.isfinite(position.grad).all()
