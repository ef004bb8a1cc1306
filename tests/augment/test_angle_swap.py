import torch

from augment.sources.angle_swap import exchange_angles, turn_angles
from augment.sources.random_poses import range_of_motion_poses
from kinematics import joint_limits
from kinematics.dh import ANGLE_GROUPS

LIMITS = joint_limits("anatomical")


def test_exchanged_angles_are_whole_limbs_of_others(generator):
    angles = range_of_motion_poses(40, generator, dtype=torch.float64).joint_angles[:, None]
    mixed = exchange_angles(angles, angles, 1.0, generator)
    for part in ANGLE_GROUPS.values():
        nearest = torch.cdist(mixed[:, 0, part], angles[:, 0, part]).min(dim=1)
        assert nearest.values.max() < 1e-3 and len(nearest.indices.unique()) > 10
    sources = [torch.cdist(mixed[:, 0, part], angles[:, 0, part]).argmin(dim=1) for part in ANGLE_GROUPS.values()]
    assert (sources[0] != sources[1]).any()  # every limb draws its own partner


def test_half_of_the_limbs_are_exchanged_at_one_half(generator):
    angles = torch.zeros(2000, 28)
    mixed = exchange_angles(angles, angles + 1, 0.5, generator)
    shares = torch.stack([mixed[:, part].mean() for part in ANGLE_GROUPS.values()])
    assert ((shares > 0.45) & (shares < 0.55)).all()


def test_turning_never_violates_limits(generator, float_dtype):
    angles = range_of_motion_poses(500, generator, dtype=float_dtype).joint_angles
    turned = turn_angles(angles, LIMITS, 1.0, generator)
    assert (LIMITS.violation_rate(turned, 1e-5) == 0).all()
    assert (turned - angles).abs().mean() > 0.2


def test_real_angles_beyond_a_limit_go_no_farther(generator):
    angles = LIMITS.upper.float().expand(300, -1) + 0.2
    turned = turn_angles(angles, LIMITS, 0.5, generator)
    assert (turned <= angles + 1e-6).all() and (turned < angles - 0.1).any()


def test_no_turning_is_no_change(generator):
    angles = range_of_motion_poses(5, generator).joint_angles
    assert torch.equal(turn_angles(angles, LIMITS, 0.0, generator), angles)


def test_clips_are_turned_as_one(generator):
    angles = torch.zeros(6, 1, 28).expand(-1, 5, -1)
    turned = turn_angles(angles, LIMITS, 0.3, generator)
    assert turned.shape == (6, 5, 28)
    torch.testing.assert_close(turned, turned[:, :1].expand_as(turned))
