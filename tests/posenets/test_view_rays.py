"""What cameras say of a pose as points in space."""

import math

import pytest
import torch

from data import PoseBatch
from data.h36m.cameras import H36M_CAMERAS
from kinematics import Camera, Skeleton
from kinematics.rotation import euler_to_matrix
from posenets.views.rays import ray_points, triangulated, turn_to_person

SKELETON = Skeleton("h36m_16")


def seen_by_rig(joints_world: torch.Tensor, cameras: list[Camera]) -> PoseBatch:
    """(B, T, J, 3) world joints as a rig sees them."""
    rig = Camera.stack(cameras).to(joints_world.dtype)
    many = Camera(*(values.expand(len(joints_world), *values.shape) for values in vars(rig).values()))
    seen = many.world_to_camera(joints_world[:, None].expand(-1, len(cameras), -1, -1, -1))
    return PoseBatch.of(seen, many.project(seen), many)


@pytest.fixture
def people(generator: torch.Generator) -> torch.Tensor:
    """Four clips of three frames in Human3.6M's room, float64: bodies of no particular shape."""
    body = 0.3 * torch.randn(4, 1, 16, 3, generator=generator, dtype=torch.float64)
    moved = 0.05 * torch.randn(4, 3, 16, 3, generator=generator, dtype=torch.float64)
    return body + moved + torch.tensor([0.0, 0.5, 1.0])


def points_of(batch: PoseBatch):
    return ray_points(batch.joints_2d, batch.certainty(), batch.camera, SKELETON, 1)


def test_cameras_that_agree_all_give_the_joints_themselves(people: torch.Tensor):
    points = points_of(seen_by_rig(people, H36M_CAMERAS["S1"]))
    about = people - people[:, :, :1]
    torch.testing.assert_close(points.joints @ points.turn[:, None], about, atol=1e-6, rtol=0)
    torch.testing.assert_close(
        points.features[..., :3], points.joints[:, None].expand(-1, 4, -1, -1, -1), atol=1e-6, rtol=0
    )
    assert (points.features[..., 3] == 1).all()


def test_another_rig_and_another_heading_look_the_same(people: torch.Tensor):
    angle = torch.tensor([0.0, 0.0, 1.1], dtype=torch.float64)
    turned = people @ euler_to_matrix(angle).mT
    one = points_of(seen_by_rig(people, H36M_CAMERAS["S1"]))
    other = points_of(seen_by_rig(turned, H36M_CAMERAS["S7"]))
    torch.testing.assert_close(one.features, other.features, atol=1e-6, rtol=0)


def test_a_camera_that_errs_is_the_one_whose_point_lies_apart(people: torch.Tensor):
    batch = seen_by_rig(people, H36M_CAMERAS["S1"])
    batch.joints_2d[0, 2, 1, 5] += 0.05
    features = points_of(batch).features
    spread = (features - features.median(dim=1, keepdim=True).values).norm(dim=-1)
    assert int(spread[0, :, 1, 5].argmax()) == 2 and float(spread[0, 2, 1, 5]) > 0.02
    others = torch.ones(4, 3, 16, dtype=torch.bool)
    others[0, 1, 5] = False
    assert float(spread.movedim(1, -1)[others].max()) < 1e-6


def test_what_a_camera_has_not_seen_changes_nothing(people: torch.Tensor):
    batch = seen_by_rig(people, H36M_CAMERAS["S1"])
    confidence = batch.certainty().clone()
    confidence[:, 3, :, 7] = 0
    one = ray_points(batch.joints_2d, confidence, batch.camera, SKELETON, 1)
    batch.joints_2d[:, 3, :, 7] = 0.9
    other = ray_points(batch.joints_2d, confidence, batch.camera, SKELETON, 1)
    torch.testing.assert_close(one.features, other.features)


def test_a_joint_of_one_camera_lies_on_its_ray_beside_the_body(people: torch.Tensor):
    batch = seen_by_rig(people, H36M_CAMERAS["S1"][:2])
    confidence = batch.certainty().clone()
    confidence[:, 1, :, 15] = 0
    found = triangulated(batch.joints_2d, confidence, batch.camera)
    known = [joint for joint in range(16) if joint != 15]
    torch.testing.assert_close(found[:, :, known], people[:, :, known], atol=1e-6, rtol=0)
    back = batch.camera.project(batch.camera.world_to_camera(found[:, None].expand(-1, 2, -1, -1, -1)))
    torch.testing.assert_close(back[:, 0, :, 15], batch.joints_2d[:, 0, :, 15], atol=1e-6, rtol=0)
    reach = (people[:, :, known] - people[:, :, :1]).norm(dim=-1).amax()
    assert float((found[:, :, 15] - people[:, :, 0]).norm(dim=-1).max()) < 2 * float(reach)


def test_a_joint_nobody_sees_is_put_in_the_middle_of_the_others(people: torch.Tensor):
    batch = seen_by_rig(people, H36M_CAMERAS["S1"])
    confidence = batch.certainty().clone()
    confidence[:, :, :, 4] = 0
    found = triangulated(batch.joints_2d, confidence, batch.camera)
    middle = people[:, :, [joint for joint in range(16) if joint != 4]].mean(2)
    torch.testing.assert_close(found[:, :, 4], middle, atol=1e-6, rtol=0)


def test_the_turn_brings_a_person_s_left_to_x_and_keeps_the_vertical(people: torch.Tensor):
    turn = turn_to_person(people[:, 0], SKELETON)
    turned = people[:, 0] @ turn.mT
    left, right = ([SKELETON.joints.index(side + name) for name in ("Hip", "Shoulder")] for side in "LR")
    left = (turned[:, left] - turned[:, right]).sum(1)
    assert (left[:, 0] > 0).all() and float(left[:, 1].abs().max()) < 1e-9
    torch.testing.assert_close(turned[..., 2], people[:, 0, :, 2])
    assert math.isclose(float(torch.linalg.det(turn).min()), 1.0, abs_tol=1e-9)
