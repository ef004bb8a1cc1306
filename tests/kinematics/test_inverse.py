import pytest
import torch
from torch import Tensor

from kinematics import BONES, JOINT_ANGLES, DHHuman, bone_lengths, joint_angles_from_joints, joint_limits
from kinematics.joints import J


def body(angles: Tensor, generator: torch.Generator) -> Tensor:
    """Joints of bodies of random size, place and direction."""
    like = {"generator": generator, "dtype": angles.dtype}
    lengths = torch.rand(len(angles), 15, **like) * 0.4 + 0.1
    rotation, root = torch.randn(2, len(angles), 3, **like) * 2
    return DHHuman()(angles, lengths, rotation, root)


def rebuilt_error(joints: Tensor) -> float:
    """Largest distance of a joint from the one rebuilt, metres."""
    return float((DHHuman()(*joint_angles_from_joints(joints)) - joints).norm(dim=-1).max())


@pytest.mark.parametrize("table", ["anatomical", "dh-aug"])
def test_a_dh_human_is_found_again_exactly(table, generator):
    angles = joint_limits(table).sample_uniform(3000, generator, torch.float64)
    assert rebuilt_error(body(angles, generator)) < 1e-6


def test_it_is_found_again_in_single_precision(generator):
    angles = joint_limits("anatomical").sample_uniform(3000, generator)
    assert rebuilt_error(body(angles, generator)) < 1e-4


@pytest.mark.parametrize("angle", JOINT_ANGLES)
def test_right_angles_of_a_single_joint_are_no_exception(angle, generator):
    angles = torch.zeros(5, 28, dtype=torch.float64)
    angles[:, JOINT_ANGLES.index(angle)] = torch.tensor([-torch.pi, -torch.pi / 2, 0, torch.pi / 2, torch.pi])
    assert rebuilt_error(body(angles, generator)) < 1e-6


def test_multiples_of_right_angles_are_no_exception(generator):
    quarters = torch.randint(-2, 3, (2000, 28), generator=generator).double()
    assert rebuilt_error(body(quarters * torch.pi / 2, generator)) < 1e-6


def test_rest_gives_zeros():
    zero, lengths = torch.zeros(3, dtype=torch.float64), torch.full((15,), 0.3, dtype=torch.float64)
    pose = joint_angles_from_joints(DHHuman()(torch.zeros(28, dtype=torch.float64), lengths, zero, zero))
    torch.testing.assert_close(pose.joint_angles, torch.zeros(28, dtype=torch.float64))
    torch.testing.assert_close(pose.global_rotation, zero)
    torch.testing.assert_close(pose.bone_lengths, lengths)


def test_bent_limbs_give_their_own_angles_back(generator):
    """A limb that is bent determines its four angles, whatever the rest of the body does."""
    limits = joint_limits("anatomical")
    raw = torch.rand(500, 28, generator=generator, dtype=torch.float64) - 0.5  # the inner half of the ranges
    angles = limits.to_radians(raw)
    for name in ("waist_twist", "waist_flexion", "chest_flexion"):  # the choices of the inverse
        angles[:, JOINT_ANGLES.index(name)] = 0
    chest, spine = JOINT_ANGLES.index("chest_twist"), JOINT_ANGLES.index("spine_twist")
    angles[:, [chest, spine, JOINT_ANGLES.index("waist_lean"), JOINT_ANGLES.index("spine_lean")]] = 0
    angles[:, JOINT_ANGLES.index("spine_flexion")] = 0
    found = joint_angles_from_joints(body(angles, generator)).joint_angles
    limbs = [i for i, name in enumerate(JOINT_ANGLES) if name.startswith(("right", "left"))]
    same = (found - angles)[:, limbs].abs().amax(dim=-1) < 1e-6
    assert same.double().mean() > 0.95  # the other solution may be nearer to the middle


def test_knees_and_elbows_bend_the_natural_way(generator):
    limits = joint_limits("anatomical")
    joints = body(limits.sample_uniform(2000, generator, torch.float64), generator)
    rates = dict(zip(JOINT_ANGLES, limits.violation_rate(joint_angles_from_joints(joints).joint_angles), strict=True))
    assert max(rates[f"{side}_{joint}"] for side in ("right", "left") for joint in ("knee", "elbow")) < 0.05


def test_shoulders_off_the_line_move_the_thorax_only(generator):
    joints = body(joint_limits("anatomical").sample_uniform(100, generator, torch.float64), generator)
    thorax, hip = J.THORAX, J.HIP
    real = joints.clone()
    real[:, thorax] += torch.randn(100, 3, generator=generator, dtype=torch.float64) * 0.03
    real[:, hip] += torch.randn(100, 3, generator=generator, dtype=torch.float64) * 0.03
    pose = joint_angles_from_joints(real)
    moved = (DHHuman()(*pose) - real).norm(dim=-1)
    others = [i for i in range(16) if i not in (thorax, hip)]
    assert moved[:, others].max() < 1e-6
    assert 1e-3 < moved[:, [thorax, hip]].mean() < 0.1
    limbs = [i for i, name in enumerate(BONES) if name.endswith(("shin", "thigh", "arm"))]
    torch.testing.assert_close(pose.bone_lengths[:, limbs], bone_lengths(real)[:, limbs])


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,), (2, 0)])
def test_any_leading_dimensions(shape, generator, float_dtype):
    joints = torch.randn(*shape, 16, 3, generator=generator, dtype=float_dtype)
    pose = joint_angles_from_joints(joints)
    assert [values.shape for values in pose] == [(*shape, size) for size in (28, 15, 3, 3)]
    assert all(values.dtype == float_dtype for values in pose)


def test_turning_the_whole_body_changes_only_its_rotation(generator):
    joints = body(joint_limits("anatomical").sample_uniform(50, generator, torch.float64), generator)
    turn = torch.linalg.qr(torch.randn(3, 3, generator=generator, dtype=torch.float64))[0]
    turn = turn * torch.linalg.det(turn)
    before, after = joint_angles_from_joints(joints), joint_angles_from_joints(joints @ turn.T)
    torch.testing.assert_close(after.joint_angles, before.joint_angles, rtol=0, atol=1e-6)
    torch.testing.assert_close(after.bone_lengths, before.bone_lengths)


def test_collapsed_bodies_stay_finite():
    pose = joint_angles_from_joints(torch.zeros(2, 16, 3))
    assert all(bool(torch.isfinite(values).all()) for values in pose)
    assert pose.bone_lengths.abs().max() == 0


def test_rounding_of_a_straight_limb_is_not_taken_for_a_twist(generator):
    """Straight legs and arms of usual length near the origin, stored in single precision."""
    angles = torch.zeros(200, 28, dtype=torch.float64)
    flexions = [i for i, name in enumerate(JOINT_ANGLES) if name.endswith(("hip_flexion", "shoulder_flexion"))]
    angles[:, flexions] = torch.rand(200, 4, generator=generator, dtype=torch.float64) - 0.3
    rotation, root = torch.randn(2, 200, 3, generator=generator, dtype=torch.float64) * 0.3
    stored = DHHuman()(angles, torch.full((200, 15), 0.4, dtype=torch.float64), rotation, root).float().double()
    twists = [i for i, name in enumerate(JOINT_ANGLES) if name.endswith(("hip_twist", "shoulder_twist"))]
    assert joint_angles_from_joints(stored).joint_angles[:, twists].abs().max() < 1e-3
