"""Checks of a set by itself."""

import math

import pytest
import torch

from data import PoseBatch
from evaluation.synthetic_quality.checks import bone_sanity, limit_violations, view_statistics
from kinematics import BONES, JOINT_ANGLES, Camera, DHHuman, joint_limits, look_at
from kinematics.stature import average_bone_lengths


def test_no_pose_inside_the_limits_violates_them(generator, float_dtype):
    found = limit_violations(joint_limits("anatomical").sample_uniform(500, generator, float_dtype))
    assert found["any_angle_percent"] == found["any_angle_by_15_deg_percent"] == 0
    assert set(found["per_angle_percent"]) == set(JOINT_ANGLES) and not any(found["per_angle_percent"].values())


def test_a_knee_bent_the_wrong_way_is_a_violation(generator):
    limits = joint_limits("anatomical")
    angles, knee = limits.sample_uniform(100, generator), JOINT_ANGLES.index("left_knee")
    angles[:25, knee] = float(limits.upper[knee]) + math.radians(20)
    angles[25:50, knee] = float(limits.upper[knee]) + math.radians(5)
    angles[50:75, knee] = float(limits.upper[knee]) + math.radians(0.5)  # the fit of real shoulders is no better
    found = limit_violations(angles)
    assert found["any_angle_percent"] == found["per_angle_percent"]["left_knee"] == 50
    assert found["any_angle_by_15_deg_percent"] == 25


def test_bodies_scaled_as_a_whole_are_alike_and_symmetrical(float_dtype):
    lengths = average_bone_lengths().to(float_dtype) * torch.linspace(0.8, 1.2, 9, dtype=float_dtype)[:, None]
    found = bone_sanity(lengths)
    assert found["left_right_difference_percent"]["largest"] == pytest.approx(0, abs=1e-5)
    for segment in found["segments"].values():
        assert segment["variation_percent"] == pytest.approx(0, abs=1e-3)
        assert segment["ratio"] == pytest.approx(segment["usual_ratio"], rel=0.1)


def test_a_longer_left_thigh_is_unequal(float_dtype):
    lengths = average_bone_lengths().to(float_dtype).repeat(4, 1)
    lengths[:, BONES.index("left_thigh")] *= 1.1
    found = bone_sanity(lengths)["left_right_difference_percent"]
    assert found["largest"] == pytest.approx(100 * 0.1 / 1.05, rel=1e-4)
    assert found["mean"] == pytest.approx(found["largest"] / 6, rel=1e-4)  # of six pairs


def seen_from(places: torch.Tensor) -> PoseBatch:
    """An average person at rest (facing +y, hips 0.9 m up) seen from places in the world."""
    body = DHHuman()(torch.zeros(28), average_bone_lengths(), torch.zeros(3), torch.tensor([0.0, 0.0, 0.9]))
    world, count = body.expand(len(places), 1, -1, -1), len(places)
    intrinsics = torch.tensor([2.0, 2.0, *[0.0] * 7]).expand(count, -1)
    hips = torch.tensor([0.0, 0.0, 0.9]).expand(count, -1)
    camera = Camera(look_at(places, hips), places, intrinsics, torch.ones(count))
    joints = camera.world_to_camera(world)
    return PoseBatch.of(joints, camera.project(joints), camera)


def test_views_are_where_the_cameras_stand():
    ahead, behind, right, above = [0.0, 4.0, 0.9], [0.0, -4.0, 0.9], [4.0, 0.0, 0.9], [0.0, 2.0, 2.9]
    front = view_statistics(seen_from(torch.tensor([ahead, above])))
    assert front["from_the_front_percent"] == 100 and front["from_behind_percent"] == 0
    back = view_statistics(seen_from(torch.tensor([behind, right])))
    assert back["from_behind_percent"] == 50 and back["from_the_front_percent"] == 0
    assert view_statistics(seen_from(torch.tensor([above])))["elevation_deg"] == pytest.approx([45.0] * 3, abs=0.1)
    assert back["distance_m"] == pytest.approx([4.0] * 3, rel=1e-4)
    assert back["focal_half_widths"] == pytest.approx([2.0] * 3)
    assert back["joints_in_image_percent"] == 100 and back["poses_behind_camera_percent"] == 0


def test_people_at_the_lens_are_behind_the_camera_and_out_of_the_image():
    near = view_statistics(seen_from(torch.tensor([[0.0, 0.45, 0.9]])))
    assert near["poses_behind_camera_percent"] == 100 and near["joints_in_image_percent"] < 60


def test_without_cameras_only_the_screen_is_judged():
    batch = seen_from(torch.tensor([[0.0, 4.0, 0.9]]))
    blind = view_statistics(PoseBatch.of(batch.joints_3d, batch.joints_2d, None))
    assert set(blind) == {"box_half_widths", "joints_in_image_percent"}
