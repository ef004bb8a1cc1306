"""Limbs come back inside the anatomical limits and nothing else changes."""

import pytest
import torch

from kinematics import DHHuman, bone_lengths, joint_angles_from_joints, joint_limits
from kinematics.bones import BODY_JOINTS
from kinematics.limits import FIT_TOLERANCE_RAD
from kinematics.stature import average_bone_lengths
from kinematics.within_limits import LIMITED, limbs_within_limits


def bodies(generator: torch.Generator, spread: float) -> torch.Tensor:
    """(200, 16, 3) of limb angles up to `spread` times as far from the middle of their ranges as the limits are."""
    raw = spread * (2 * torch.rand(200, 28, generator=generator, dtype=torch.float64) - 1)
    raw[:, 8:20] = 0  # the trunk: leaning, it would change what the inverse calls the angles of the legs
    turn, root = (torch.randn(200, 3, generator=generator, dtype=torch.float64) for _ in range(2))
    return DHHuman()(joint_limits("anatomical").to_radians(raw), average_bone_lengths().double(), turn, root)


@pytest.mark.parametrize("spread", [0.8, 1.5])
def test_limbs_end_inside_their_limits_and_bones_keep_their_lengths(spread, generator):
    joints = bodies(generator, spread)
    moved = limbs_within_limits(joints)
    before, excess = (
        joint_limits("anatomical").excess(joint_angles_from_joints(points).joint_angles)[:, LIMITED]
        for points in (joints, moved)
    )
    assert excess.max() < 1.01 * FIT_TOLERANCE_RAD
    torch.testing.assert_close(bone_lengths(moved), bone_lengths(joints), rtol=0, atol=1e-9)
    changed = (moved != joints).any(-1)
    still = [BODY_JOINTS.index(name) for name in ("Hip", "Spine", "Thorax", "Head", "RHip", "LShoulder")]
    assert not changed[:, still].any()
    assert torch.equal(changed.any(-1), (before > FIT_TOLERANCE_RAD).any(-1))
    assert float(changed.any(-1).double().mean()) < 0.3 if spread < 1 else changed.any()


def test_a_knee_bent_backwards_is_straightened_alone():
    angles = torch.zeros(28, dtype=torch.float64)
    angles[3] = 0.6
    still = torch.zeros(3, dtype=torch.float64)
    joints = DHHuman()(angles, average_bone_lengths().double(), still, still)
    moved = (limbs_within_limits(joints) - joints).norm(dim=-1)
    assert [name for name, far in zip(BODY_JOINTS, moved, strict=True) if far > 0] == ["RAnkle"]
    assert moved.max() > 0.1
