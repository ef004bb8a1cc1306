import math

import pytest
import torch

from augment.gan.generator import PoseGenerator, original_state_dict
from kinematics import DHHuman, joint_limits
from kinematics.dh import INDICES_IN_33

UNREAD = 31
# As shipped: columns of the 37-vector that stay 0, and the degrees of columns 0-33 (joints 1-34 of the original).
FROZEN_COLUMNS = (4, 9, 22, 23, 28, 33)
_LEG = [(-110, 65), (-110, 65), (-110, 180), (-180, 0), (0, 0)]
_LEFT_LEG = [(-65, 110), (-65, 110), (-110, 180), (-180, 0), (0, 0)]
_ARM = [(-155, 65), (-155, 65), (-100, 180), (0, 180), (0, 0)]
_LEFT_ARM = [(-65, 155), (-65, 155), (-100, 180), (0, 180), (0, 0)]
AS_SHIPPED_DEG = _LEG + _LEFT_LEG + [(-180, 180)] * 12 + [(0, 0)] * 2 + _ARM + _LEFT_ARM + [(-180, 180)] * 3


@pytest.fixture
def original(oracle_state_dict) -> PoseGenerator:
    generator = PoseGenerator(width=32)
    generator.load_state_dict(original_state_dict(oracle_state_dict("generator")))
    return generator


def test_published_weights_give_the_published_numbers(original, oracle):
    """All but the output that the original never reads."""
    kept = [i for i in range(35) if i != UNREAD]
    made = original.raw_head(oracle["generator/z"])[:, 0]
    torch.testing.assert_close(made, oracle["generator/raw_head"][:, kept], atol=1e-6, rtol=0)


def test_published_poses_follow_from_the_raw_head_through_the_shipped_columns(original, oracle):
    """The column shift of the original, rebuilt here and nowhere else, leads to its joints."""
    raw = original.raw_head(oracle["generator/z"])[:, 0].tanh()
    live = [column for column in range(37) if column not in FROZEN_COLUMNS]
    angles37 = torch.zeros(len(raw), 37)
    lower, upper = torch.tensor(AS_SHIPPED_DEG, dtype=torch.float32).T
    angles37[:, live] = (raw[:, :31] * (upper - lower)[live] + (upper + lower)[live]) / 2
    torch.testing.assert_close(angles37, oracle["generator/angles37_deg"], atol=1e-4, rtol=0)

    factors = 1 + oracle["generator/bone_scaler8"]
    shipped_factor_of_bone = [0, 0, 1, 1, 2, 2, 3, None, 4, 4, 5, 5, 6, 6, 7]
    scale = torch.ones(len(raw), 15)
    for bone, factor in enumerate(shipped_factor_of_bone):
        if factor is not None:
            scale[:, bone] = factors[:, factor]
    radians = torch.deg2rad(angles37)
    joints = DHHuman()(
        radians[:, :33][:, list(INDICES_IN_33)], oracle["generator/bone_len"] * scale, radians[:, 34:], raw[:, 31:] * 10
    )
    torch.testing.assert_close(joints.flatten(1), oracle["generator/fake_pos48"], atol=2e-5, rtol=0)


def test_original_weights_of_another_kind_are_refused():
    with pytest.raises(ValueError, match="expected a multiple of 35"):
        original_state_dict({"deconv_out.weight": torch.zeros(34, 8), "deconv_out.bias": torch.zeros(34)})


@pytest.mark.parametrize("table", ["dh-aug", "anatomical"])
def test_angles_stay_inside_their_limits(table, generator, float_dtype):
    net = PoseGenerator(width=16, limits=table).to(float_dtype)
    pose = net(20 * net.sample_latent(300, generator))
    limits = joint_limits(table)
    assert (pose.joint_angles >= limits.lower.to(float_dtype) - 1e-5).all()
    assert (pose.joint_angles <= limits.upper.to(float_dtype) + 1e-5).all()
    assert pose.root.abs().max() <= 10
    assert pose.joint_angles.dtype == float_dtype


def test_every_output_moves_the_pose(generator):
    net = PoseGenerator(width=16, learn_bones=True)
    pose = net(net.sample_latent(8, generator))
    joints = DHHuman()(pose.joint_angles, torch.full((8, 1, 15), 0.3), pose.global_rotation, pose.root)
    (joints.square().sum() + pose.bone_factors.square().sum()).backward()
    assert (net.deconv_out.weight.grad.abs().sum(dim=1) > 0).all()


def test_upright_headings_are_uniform(generator):
    net = PoseGenerator(width=16, global_rotation_mode="upright", max_tilt=0.5)
    rotation = net(net.sample_latent(4000, generator)).global_rotation[:, 0]
    counts = torch.histc(rotation[:, 2], bins=8, min=-math.pi, max=math.pi)
    assert counts.min() > 400 and counts.max() < 600
    assert rotation[:, :2].abs().max() <= 0.5


def test_clips_share_their_noise_and_bodies(generator):
    net = PoseGenerator(width=16, frames=3, learn_bones=True)
    pose = net(net.sample_latent(5, generator))
    assert pose.joint_angles.shape == (5, 3, 28) and pose.root.shape == (5, 3, 3)
    assert pose.bone_factors.shape == (5, 8)
    assert ((pose.bone_factors - 1).abs() <= 0.2).all()


def test_noise_comes_from_the_generator():
    net = PoseGenerator(width=8)
    first, second = (net.sample_latent(4, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first, second)
