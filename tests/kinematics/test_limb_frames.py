import math

import pytest
import torch

from kinematics import BONES, DHHuman, bone_lengths, joint_limits
from kinematics.bones import bone_vectors
from kinematics.limb_frames import (
    LARGEST_BEND,
    LimbPose,
    exchange_limbs,
    put_together,
    reflect,
    take_apart,
    turn_limbs,
    with_lengths,
)
from kinematics.rotation import random_tilt
from kinematics.stature import average_bone_lengths, sample_population


def people_of(count: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Single frames (count, 1, 16, 3) of people in any pose, metres."""
    generator = torch.Generator().manual_seed(0)
    angles = joint_limits("anatomical").sample_towards_rest(count, generator, dtype)
    turns = torch.randn(count, 3, generator=generator, dtype=dtype)
    lengths = sample_population(average_bone_lengths(), angles, generator)
    return DHHuman()(angles, lengths, turns, turns.flip(-1))[:, None].contiguous()


@pytest.fixture
def joints(float_dtype):
    return people_of(150, float_dtype)


def rows_of(pose: LimbPose, rows: torch.Tensor) -> LimbPose:
    return LimbPose(*(part[rows] for part in pose))


def test_taking_apart_and_putting_together_is_exact(joints):
    tolerance = 1e-5 if joints.dtype == torch.float32 else 1e-12
    torch.testing.assert_close(put_together(take_apart(joints)), joints, atol=tolerance, rtol=0)


def test_limb_poses_do_not_see_where_the_body_is(joints, generator):
    turn = random_tilt(len(joints), 1.0, generator, joints)
    moved = joints @ turn[:, None].mT + 3
    here, there = take_apart(joints), take_apart(moved)
    torch.testing.assert_close(here.bones, there.bones, atol=1e-5, rtol=0)
    torch.testing.assert_close(here.chest, there.chest, atol=1e-5, rtol=0)


def test_bone_lengths_survive_exchange_and_turning(joints, generator):
    pose = take_apart(joints)
    others = rows_of(pose, torch.randperm(len(joints), generator=generator))
    new = turn_limbs(exchange_limbs(pose, others, 0.5, generator), 0.8, generator)
    torch.testing.assert_close(bone_lengths(put_together(new)), bone_lengths(joints), atol=1e-5, rtol=0)
    assert (put_together(new) - joints).norm(dim=-1).mean() > 0.1


def test_new_lengths_keep_directions(joints):
    lengths = torch.linspace(0.1, 0.5, 15, dtype=joints.dtype).expand(len(joints), 1, 15)
    made = put_together(with_lengths(take_apart(joints), lengths))
    torch.testing.assert_close(bone_lengths(made), lengths, atol=1e-5, rtol=0)
    cosines = torch.cosine_similarity(bone_vectors(made), bone_vectors(joints), dim=-1)
    torch.testing.assert_close(cosines, torch.ones_like(cosines), atol=1e-4, rtol=0)


def test_exchange_gives_whole_limbs_of_others(generator):
    """With probability 1 every leg is one of the partners', thigh and shin together."""
    pose = take_apart(people_of(30))
    mixed = exchange_limbs(pose, pose, 1.0, generator)
    leg = [BONES.index("left_thigh"), BONES.index("left_shin")]
    given = torch.nn.functional.normalize(pose.bones[:, 0, leg], dim=-1).flatten(1)
    got = torch.nn.functional.normalize(mixed.bones[:, 0, leg], dim=-1).flatten(1)
    nearest = torch.cdist(got, given).min(dim=1)
    assert nearest.values.max() < 1e-3
    assert len(nearest.indices.unique()) > 10


def test_exchange_and_turning_by_nothing_change_nothing(joints, generator):
    pose = take_apart(joints)
    unchanged = turn_limbs(exchange_limbs(pose, pose, 0.0, generator), 0.0, generator)
    torch.testing.assert_close(put_together(unchanged), joints, atol=1e-5, rtol=0)


def test_knees_and_elbows_never_bend_beyond_their_limit_or_backwards(generator):
    joints = people_of(500)
    vectors = bone_vectors(put_together(turn_limbs(take_apart(joints), 1.5, generator)))
    pelvis_right = take_apart(joints).pelvis[..., 0]
    for upper, lower in (("left_thigh", "left_shin"), ("right_upper_arm", "right_forearm")):
        first, second = vectors[..., BONES.index(upper), :], vectors[..., BONES.index(lower), :]
        bend = torch.acos(torch.cosine_similarity(first, second, dim=-1).clamp(-1, 1))
        assert bend.max() <= LARGEST_BEND + 1e-3 and bend.max() > 1.5
    assert torch.isfinite(pelvis_right).all()


def test_straight_knees_bend_backwards_and_straight_elbows_forwards(generator):
    from kinematics import DHHuman

    body = torch.full((1, 15), 0.3)
    standing = DHHuman()(torch.zeros(50, 28), body, torch.zeros(50, 3), torch.zeros(50, 3))[:, None]
    pose = take_apart(standing)
    turned = turn_limbs(pose, 0.3, generator)
    for upper, lower, sign in (("right_thigh", "right_shin", -1), ("left_upper_arm", "left_forearm", 1)):
        along, below = (turned.bones[:, 0, BONES.index(name)] for name in (upper, lower))
        # The bend's axis points to the left for a knee, to the right for an elbow (limbs still hang about straight).
        axis = torch.linalg.cross(along, below, dim=-1)[:, 0] * sign
        assert (axis > 0).float().mean() > 0.9


def test_clips_are_turned_as_one(generator):
    clip = people_of(10).expand(-1, 4, -1, -1)
    made = put_together(turn_limbs(take_apart(clip), 0.5, generator))
    torch.testing.assert_close(made, made[:, :1].expand_as(made))


def test_reflection_stays_inside_and_keeps_what_is_inside(float_dtype):
    values = torch.linspace(-10, 10, 101, dtype=float_dtype)
    reflected = reflect(values, -1.0, 2.0)
    assert reflected.min() >= -1 and reflected.max() <= 2
    inside = (values >= -1) & (values <= 2)
    assert torch.equal(reflected[inside], values[inside])
    torch.testing.assert_close(reflect(torch.tensor([2.5]), -1.0, 2.0), torch.tensor([1.5]))


def test_tilts_have_the_given_spread(generator):
    matrices = random_tilt(4000, 0.2, generator, torch.zeros(1, dtype=torch.float64))
    lean = torch.acos(matrices[:, 2, 2])
    # Two normal angles of sd 0.2: their length is Rayleigh distributed with mean 0.2 sqrt(pi / 2).
    assert abs(lean.mean() - 0.2 * math.sqrt(math.pi / 2)) < 0.01
