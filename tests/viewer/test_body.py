"""The body that sliders pose."""

import torch

from kinematics import JOINT_ANGLES, bone_lengths, joint_limits
from kinematics.bones import BODY_JOINTS
from viewer.body import body_at_rest, motions_of, on_the_floor, random_angles, random_bones


def test_the_body_at_rest_stands_on_the_floor_and_faces_the_camera_side():
    joints = dict(zip(BODY_JOINTS, body_at_rest().joints_world(), strict=True))
    assert joints["RAnkle"][2] == 0 and joints["LAnkle"][2] == 0
    assert joints["Head"][2] > 1.4 and joints["RHip"][0] > 0 > joints["LHip"][0]
    assert joints["Hip"][:2].abs().max() == 0


def test_an_elbow_moves_its_wrist_and_nothing_else():
    rest = body_at_rest()
    angles = rest.joint_angles.clone()
    angles[JOINT_ANGLES.index("right_elbow")] = 1.0
    bent = type(rest)(angles, rest.bone_lengths)
    moved = (bent.joints_world() - rest.joints_world()).norm(dim=-1) > 1e-6
    assert [name for name, far in zip(BODY_JOINTS, moved, strict=True) if far] == ["RWrist"]


def test_random_poses_stay_inside_the_limits_and_random_bones_are_the_body_s(generator):
    limits = joint_limits("anatomical")
    for _ in range(20):
        angles, bones = random_angles(generator), random_bones(generator)
        assert float(limits.excess(angles).max()) < 1e-5
        joints = type(body_at_rest())(angles, bones).joints_world()
        torch.testing.assert_close(bone_lengths(joints), bones)
        assert abs(float(joints[:, 2].min())) < 1e-6


def test_towards_arrives(generator):
    rest = body_at_rest()
    wanted = type(rest)(random_angles(generator), random_bones(generator))
    assert not rest.is_near(wanted) and rest.towards(wanted, 1.0).is_near(wanted)
    shown = rest
    for _ in range(40):
        shown = shown.towards(wanted, 0.4)
    assert shown.is_near(wanted)


def test_a_clip_comes_to_the_floor_as_a_whole(generator):
    joints = torch.randn(5, 16, 3, generator=generator)
    moved = on_the_floor(joints)
    assert float(moved[..., 2].min()) == 0
    torch.testing.assert_close(moved.diff(dim=0), joints.diff(dim=0))


def test_every_angle_says_what_it_does_and_left_mirrors_right():
    assert all("+ " in motions_of(angle) and " - " in motions_of(angle) for angle in JOINT_ANGLES)
    assert motions_of("right_hip_twist").startswith("+ internal rotation")
    assert motions_of("left_hip_twist").startswith("+ external rotation")
    assert motions_of("left_elbow") == motions_of("right_elbow")
