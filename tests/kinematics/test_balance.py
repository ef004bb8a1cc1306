"""Balance: centre of mass, support, and the lean that puts one over the other."""

import math

import torch

from kinematics.balance import BOTH_FEET_M, balancing_rotation, centre_of_mass, support_point
from kinematics.bones import BODY_JOINTS
from kinematics.joints import J
from kinematics.rotation import random_tilt

R_ANKLE, L_ANKLE = J.R_ANKLE, J.L_ANKLE


def lean_of(joints: torch.Tensor) -> torch.Tensor:
    upwards = centre_of_mass(joints) - support_point(joints)
    return torch.atan2(upwards[:, :2].norm(dim=-1), upwards[:, 2])


def people(count: int, generator: torch.Generator, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """A T pose with every joint moved a little, so that nobody stands straight."""
    height = {"Hip": 0.95, "Spine": 1.15, "Thorax": 1.4, "Head": 1.7, "Knee": 0.5, "Ankle": 0.08}
    joints = torch.zeros(16, 3, dtype=dtype)
    for index, name in enumerate(BODY_JOINTS):
        part = next((part for part in height if name.endswith(part)), None)
        side = {"R": 1.0, "L": -1.0}.get(name[0], 0.0) if name not in ("Spine", "Thorax", "Head", "Hip") else 0.0
        out = {"Shoulder": 0.2, "Elbow": 0.45, "Wrist": 0.7}.get(name[1:], 0.12)
        joints[index, 0], joints[index, 2] = side * out, height[part] if part else 1.4
    return joints + 0.1 * torch.randn(count, 16, 3, generator=generator, dtype=dtype)


def test_the_centre_of_mass_of_a_standing_person_is_at_half_their_height(generator):
    joints = people(4000, generator).mean(0, keepdim=True)
    assert 0.52 < centre_of_mass(joints)[0, 2] / 1.75 < 0.60  # textbooks: 0.55 to 0.57
    shift = torch.tensor([[1.0, -2.0, 0.5]], dtype=torch.float64)
    torch.testing.assert_close(centre_of_mass(joints + shift) - centre_of_mass(joints), shift)


def test_the_lower_foot_carries_alone_unless_both_are_down(generator):
    joints = people(50, generator)
    joints[:, R_ANKLE, 2], joints[:, L_ANKLE, 2] = 0.1, 0.1 + 2 * BOTH_FEET_M
    torch.testing.assert_close(support_point(joints), joints[:, R_ANKLE])
    joints[:, L_ANKLE, 2] = 0.1 + 0.5 * BOTH_FEET_M
    between = support_point(joints)
    feet = joints[:, [R_ANKLE, L_ANKLE]]
    assert (between >= feet.amin(1) - 1e-9).all() and (between <= feet.amax(1) + 1e-9).all()
    nearest = (between - centre_of_mass(joints)).norm(dim=-1)
    assert (nearest[:, None] <= (feet - centre_of_mass(joints)[:, None]).norm(dim=-1) + 1e-9).all()


def test_turned_bodies_balance_on_the_same_foot(generator):
    joints = people(200, generator)
    joints[:, L_ANKLE, 2] += 0.6  # far enough up that the turn does not change who carries
    joints = joints @ random_tilt(200, 0.2, generator, joints).mT
    rotation, is_standing = balancing_rotation(joints)
    assert is_standing.all() and (lean_of(joints) > 0.05).float().mean() > 0.9
    turned = joints @ rotation.mT
    assert lean_of(turned).max() < 1e-6


def test_who_does_not_stand_is_left_alone(generator):
    joints = people(20, generator)
    lying = joints[..., [0, 2, 1]]
    rotation, is_standing = balancing_rotation(lying)
    assert not is_standing.any()
    torch.testing.assert_close(rotation, torch.eye(3, dtype=rotation.dtype).expand(20, 3, 3))
    assert math.isclose(lean_of(joints).mean(), 0.0, abs_tol=0.2)
