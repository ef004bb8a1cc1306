"""Poses made comparable."""

import math

import pytest
import torch

from augment.sources.random_poses import range_of_motion_poses
from kinematics import DHHuman, Skeleton, bone_lengths
from kinematics.heading import standardize_poses
from kinematics.limb_frames import DIRECTED_LIMBS, limb_directions
from kinematics.rotation import euler_to_matrix
from kinematics.stature import STATURE_M, average_bone_lengths, stature_ratios, statures

BODY = Skeleton("h36m_16")


@pytest.fixture
def people(generator, float_dtype):
    poses = range_of_motion_poses(30, generator, 0.1, float_dtype)
    lengths = average_bone_lengths().to(float_dtype).expand(30, -1)
    return DHHuman()(poses.joint_angles, lengths, poses.global_rotation, torch.zeros(30, 3, dtype=float_dtype))


def turn(x: float, y: float, z: float, like: torch.Tensor) -> torch.Tensor:
    return euler_to_matrix(like.new_tensor([x, y, z]))


def test_place_size_and_heading_do_not_matter(people):
    moved = 1.3 * people @ turn(0, 0, 2.0, people).mT + people.new_tensor([1.0, 2.0, 3.0])
    torch.testing.assert_close(standardize_poses(people, True), standardize_poses(moved, True), atol=1e-4, rtol=0)


def test_lying_is_not_standing_unless_nobody_knows_what_is_up(people):
    lying = people @ turn(math.pi / 2, 0, 0, people).mT
    assert (standardize_poses(people, True) - standardize_poses(lying, True)).norm(dim=-1).mean() > 0.3
    torch.testing.assert_close(standardize_poses(people, False), standardize_poses(lying, False), atol=1e-4, rtol=0)


def test_everybody_has_one_stature_and_the_pelvis_at_the_origin(people):
    poses = standardize_poses(people, True)
    torch.testing.assert_close(statures(bone_lengths(poses)), people.new_full((30,), STATURE_M))
    assert not poses[:, BODY.root].any()


def test_an_average_body_has_its_stature_and_ratios():
    lengths = average_bone_lengths()
    assert 1.6 < float(statures(lengths)) < 1.85
    torch.testing.assert_close(stature_ratios(2 * lengths), stature_ratios(lengths))
    assert float(stature_ratios(lengths).sum()) == pytest.approx(1.38, abs=0.05)


def test_limbs_of_a_mirrored_person_point_the_same_way(people):
    mirrored = people[:, BODY.mirror] * people.new_tensor([-1.0, 1.0, 1.0])
    for limb in DIRECTED_LIMBS:
        right, left = limb_directions(people)[limb].chunk(2)
        torch.testing.assert_close(limb_directions(mirrored)[limb], torch.cat([left, right]), atol=1e-4, rtol=0)
        torch.testing.assert_close(right.norm(dim=-1), torch.ones_like(right[:, 0]))


def test_limbs_at_rest_hang_down():
    joints = DHHuman()(torch.zeros(1, 28), average_bone_lengths()[None], torch.zeros(1, 3), torch.zeros(1, 3))
    for limb in ("thigh", "shin"):
        torch.testing.assert_close(limb_directions(joints)[limb], torch.tensor([[0.0, 0, -1]] * 2), atol=1e-3, rtol=0)
