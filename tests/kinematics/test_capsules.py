"""Capsules around bones, against segments cut into many points."""

import pytest
import torch

from kinematics import BONE_JOINTS, BONES, JOINT_ANGLES, DHHuman, joint_limits
from kinematics.capsules import (
    DEPTH_M,
    FREQUENT_PAIRS,
    PAIRS,
    overlap_depths,
    overlaps,
    segment_distances,
    self_intersects,
)
from kinematics.joints import J

BODY = torch.tensor([0.43, 0.43, 0.43, 0.43, 0.13, 0.13, 0.24, 0.25, 0.15, 0.15, 0.32, 0.32, 0.25, 0.25, 0.19])


def posed(**angles_deg: float) -> torch.Tensor:
    """(1, 16, 3): a body of 1.75 m at rest but for some angles."""
    angles = torch.zeros(28)
    for name, value in angles_deg.items():
        angles[JOINT_ANGLES.index(name)] = torch.tensor(value).deg2rad()
    return DHHuman()(angles, BODY, torch.zeros(3), torch.zeros(3))[None]


def distance_by_points(first: tuple, second: tuple, points: int = 400) -> torch.Tensor:
    share = torch.linspace(0, 1, points, dtype=first[0].dtype)[:, None]
    clouds = [start[..., None, :] + share * (end - start)[..., None, :] for start, end in (first, second)]
    return torch.cdist(*clouds).amin(dim=(-2, -1))


def test_distance_is_that_of_the_nearest_of_many_points(generator, float_dtype):
    ends = torch.randn(4, 60, 3, generator=generator, dtype=float_dtype)
    found = segment_distances((ends[0], ends[1]), (ends[2], ends[3]))
    torch.testing.assert_close(found, distance_by_points((ends[0], ends[1]), (ends[2], ends[3])), atol=5e-3, rtol=0)


def test_parallel_touching_and_vanishing_segments_have_their_distance(float_dtype):
    def apart(*ends: list) -> float:
        a, b, c, d = (torch.tensor(end, dtype=float_dtype) for end in ends)
        return float(segment_distances((a, b), (c, d)))

    o, x, y = [0.0, 0, 0], [1.0, 0, 0], [0.0, 1, 0]
    assert apart(o, x, y, [1.0, 1, 0]) == pytest.approx(1)  # side by side
    assert apart(o, x, [3.0, 0, 0], [5.0, 0, 0]) == pytest.approx(2)  # one behind the other
    assert apart(o, x, [0.5, -1, 0], [0.5, 1, 0]) == pytest.approx(0, abs=1e-6)  # crossing
    assert apart(o, o, y, y) == pytest.approx(1)  # points
    assert apart(o, x, [0.5, 2, 0], [0.5, 2, 0]) == pytest.approx(2)
    assert apart([0.5, 2, 0], [0.5, 2, 0], o, x) == pytest.approx(2)


def test_compared_bones_are_never_neighbours():
    joined = {frozenset(bone) for bone in BONE_JOINTS}
    for i, j in PAIRS:
        assert not set(BONE_JOINTS[i]) & set(BONE_JOINTS[j])
        assert not any(frozenset((a, b)) in joined for a in BONE_JOINTS[i] for b in BONE_JOINTS[j])
    assert (BONES.index("left_thigh"), BONES.index("right_thigh")) in PAIRS


def test_standing_and_sitting_are_free_but_arms_hanging_dead_straight_are_in_the_hips():
    arms = {"left_shoulder_abduction": 15.0, "right_shoulder_abduction": -15.0}
    sitting = posed(left_hip_flexion=90.0, right_hip_flexion=90.0, left_knee=-90.0, right_knee=-90.0, **arms)
    for joints in (posed(**arms), sitting, posed(left_elbow=90.0, right_elbow=90.0)):
        assert overlaps(joints)[0] == 0
    assert all("forearm" in pair for pair in overlaps(posed())[1])


def test_an_arm_through_the_trunk_is_found_and_named():
    joints = posed()
    joints[0, J.R_WRIST] = joints[0, J.L_HIP]
    joints[0, J.R_ELBOW] = joints[0, J.SPINE] + torch.tensor([0.2, 0.0, 0.0])
    percent, pairs = overlaps(joints)
    assert percent == 100 and any("right forearm" in pair for pair in pairs)


def test_depths_do_not_change_with_size_place_or_turn(generator):
    joints = torch.randn(20, 16, 3, generator=generator).double()
    turn = torch.linalg.qr(torch.randn(3, 3, generator=generator).double()).Q
    torch.testing.assert_close(overlap_depths(joints), overlap_depths(1.7 * joints @ turn + 3))
    assert DEPTH_M < 0.03


def test_the_fast_check_agrees_with_the_depths_of_the_same_pairs(generator, float_dtype):
    joints = _crumpled(500, generator).to(float_dtype)
    for pairs in (PAIRS, FREQUENT_PAIRS):
        columns = [PAIRS.index(pair) for pair in pairs]
        plain = (overlap_depths(joints)[:, columns] > DEPTH_M).any(dim=1)
        assert 0.05 < float(plain.double().mean()) < 0.99
        assert float((self_intersects(joints, pairs) != plain).double().mean()) < 0.005  # of depths at the bound


def test_nan_overlaps_nothing():
    assert not self_intersects(torch.full((2, 16, 3), float("nan"))).any()


def _crumpled(count: int, generator: torch.Generator) -> torch.Tensor:
    """Bodies in any pose of the range-of-motion table."""
    angles = joint_limits("anatomical").sample_towards_rest(count, generator, torch.float32)
    return DHHuman()(angles, BODY, torch.zeros(3), torch.zeros(3))
