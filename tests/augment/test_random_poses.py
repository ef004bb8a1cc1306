import math

import torch

from augment.sources.random_poses import normal_limits, normal_poses, range_of_motion_poses
from kinematics import JOINT_ANGLES, joint_limits
from kinematics.dh import ANGLE_GROUPS


def test_limbs_cover_every_angle_once():
    covered = [index for part in ANGLE_GROUPS.values() for index in range(part.start, part.stop)]
    assert sorted(covered) == list(range(len(JOINT_ANGLES)))
    assert all("right_" in name for name in JOINT_ANGLES[ANGLE_GROUPS["right_arm"]])
    assert all("neck_" in name for name in JOINT_ANGLES[ANGLE_GROUPS["neck"]])


def test_normal_poses_move_about_half_of_the_angles_inside_their_ranges(generator, float_dtype):
    poses = normal_poses(2000, generator, float_dtype)
    limits = normal_limits()
    assert poses.joint_angles.dtype == float_dtype
    assert (limits.violation_rate(poses.joint_angles, 1e-6) == 0).all()
    moved = (poses.joint_angles != 0).to(float_dtype).mean(dim=0)
    free = (limits.upper - limits.lower) > 0
    # Ranges that end at 0, knees and elbows, lose what is clipped there.
    assert ((moved[free] > 0.38) & (moved[free] < 0.55)).all() and (moved[~free] == 0).all()
    assert poses.global_rotation[:, :2].abs().max() <= math.radians(20) + 1e-6


def test_which_angles_move_is_drawn_for_each_by_itself(generator):
    moved = (normal_poses(4000, generator).joint_angles != 0).to(torch.float64)
    together = torch.corrcoef(moved.t()).nan_to_num()  # the angle without a range never moves
    assert together.fill_diagonal_(0).abs().max() < 0.09


def test_range_of_motion_poses_stay_anatomical_and_differ_in_vigour(generator, float_dtype):
    poses = range_of_motion_poses(2000, generator, dtype=float_dtype)
    assert (joint_limits("anatomical").violation_rate(poses.joint_angles, 1e-6) == 0).all()
    vigour = poses.joint_angles[:, ANGLE_GROUPS["right_arm"]].abs().amax(dim=1)
    assert (vigour < 0.3).any() and (vigour > 2.5).any()


def test_same_seed_same_poses():
    first, second = (range_of_motion_poses(5, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first.joint_angles, second.joint_angles)
    assert torch.equal(first.global_rotation, second.global_rotation)
