"""Clips: trajectories of the generator, motion critics, and the GAN and augmenter on T > 1."""

import copy
import math

import pytest
import torch

from augment import Augmenter
from augment.cameras import wide_cameras
from augment.gan.critic_inputs import critic_inputs
from augment.gan.generator import PoseGenerator, spline_basis
from augment.gan.motion_critics import MotionCritic2D, MotionCritic3D
from augment.gan.wgan import gradient_penalty
from augment.settings import AugmentSettings, GanSettings, Mixture
from augment.sources.random_poses import range_of_motion_poses
from augment.visible import project_to_batch
from data.batch import REAL, PoseBatch
from evaluation.motion import motion_statistics
from kinematics import DHHuman, bone_lengths

FRAMES = 9
SMALL = GanSettings(
    generator_width=16, critic_width_3d=16, critic_width_2d=16, motion_critic_width=16, generator_every=2
)  # fmt: skip


@pytest.fixture
def clips(generator) -> PoseBatch:
    """60 people who move from one pose to another and walk on the while, each seen by a camera of its own."""
    first, last = (range_of_motion_poses(60, generator, 0.1) for _ in range(2))
    share = torch.linspace(0, 1, FRAMES)[:, None]
    angles = torch.lerp(first.joint_angles[:, None], last.joint_angles[:, None], 0.3 * share)
    rotation = first.global_rotation[:, None].expand(-1, FRAMES, -1)
    root = torch.tensor([0.0, 0.0, 1.0]) + 0.3 * share * torch.randn(60, 1, 3, generator=generator)
    body = torch.tensor([0.45, 0.45, 0.44, 0.44, 0.13, 0.13, 0.24, 0.25, 0.15, 0.15, 0.28, 0.28, 0.25, 0.25, 0.19])
    joints = DHHuman()(angles, body.expand(60, 1, 15), rotation, root)
    return project_to_batch(joints, wide_cameras(joints[:, FRAMES // 2, 0], generator))


@pytest.mark.parametrize("key_every", [1, 3, 4, 20])
def test_spline_weights_are_positive_sum_to_one_and_reproduce_straight_lines(key_every):
    basis = spline_basis(FRAMES, key_every).double()
    assert (basis >= 0).all()
    torch.testing.assert_close(basis.sum(1), torch.ones(FRAMES, dtype=torch.float64), atol=1e-6, rtol=0)
    keys = torch.arange(basis.shape[1], dtype=torch.float64) - 1
    torch.testing.assert_close(basis @ keys, torch.arange(FRAMES).double() / key_every, atol=1e-5, rtol=0)


def test_trajectories_move_continuously_and_stay_inside_the_limits(generator):
    frames, jumps = 27, {}
    for key_every in (0, 4):
        torch.manual_seed(0)
        net = PoseGenerator(width=32, frames=frames, limits="anatomical", key_every=key_every)
        with torch.no_grad():
            net.deconv_out.weight.mul_(20)  # wild angles
            pose = net(net.sample_latent(50, generator))
        assert pose.joint_angles.shape == (50, frames, 28)
        limits = net.limits
        assert (pose.joint_angles >= limits.lower.float() - 1e-5).all()
        assert (pose.joint_angles <= limits.upper.float() + 1e-5).all()
        jumps[key_every] = pose.joint_angles.diff(n=2, dim=1).abs().mean()
    assert jumps[4] < 0.1 * jumps[0]


def test_headings_of_clips_turn_about_a_uniform_one(generator):
    net = PoseGenerator(width=16, frames=FRAMES, global_rotation_mode="upright", key_every=4)
    heading = net(net.sample_latent(4000, generator)).global_rotation[..., 2]
    middle = heading[:, FRAMES // 2]
    assert (heading.diff(dim=1) != 0).any()
    counts = torch.histc(middle, 8, -math.pi, math.pi) / len(middle)
    assert (counts - 1 / 8).abs().max() < 0.03


def test_motion_critics_see_time(generator):
    joints = torch.randn(6, FRAMES, 16, 3, generator=generator)
    torch.manual_seed(0)
    for critic, clip in ((MotionCritic3D(FRAMES, 16), joints), (MotionCritic2D(FRAMES, 16), joints[..., :2])):
        score = critic(clip)
        assert score.shape == (6, 1)
        order = torch.randperm(FRAMES, generator=generator)
        assert not torch.allclose(critic(clip[:, order]), score, atol=1e-4)
    with pytest.raises(ValueError, match="2 or more frames, not 1"):
        MotionCritic3D(1)


@pytest.mark.parametrize("branches", [(True, True), (True, False), (False, True), (False, False)])
def test_branches_can_be_left_out(branches, generator):
    critic = MotionCritic3D(FRAMES, 16, use_positions=branches[0], use_differences=branches[1])
    assert len(critic.branches) == 2 + sum(branches)
    clip = torch.randn(3, FRAMES, 16, 3, generator=generator, requires_grad=True)
    critic(clip).sum().backward()
    assert torch.isfinite(clip.grad).all() and clip.grad.abs().sum() > 0


def test_the_penalty_of_a_motion_critic_is_one_norm_per_clip(generator):
    critic = MotionCritic3D(FRAMES, 16).double()
    real, fake = (torch.randn(5, FRAMES, 16, 3, generator=generator, dtype=torch.float64) for _ in range(2))
    alpha = torch.rand(5, 1, generator=generator, dtype=torch.float64)
    between = (alpha[..., None, None] * real + (1 - alpha[..., None, None]) * fake).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(between).sum(), between)
    expected = 10 * (gradient.reshape(5, -1).norm(dim=1) - 1).square().mean()
    torch.testing.assert_close(gradient_penalty(critic, real, fake, alpha), expected, atol=1e-6, rtol=1e-6)


def test_critics_see_clips_plain_mirrored_and_backwards(clips, generator):
    joints = clips.joints_world()
    seen = critic_inputs(joints, clips.joints_2d, "world", generator)
    plain, mirrored, backwards, both = seen.world_clips.chunk(4)
    torch.testing.assert_close(plain, joints - joints[:, :, :1])
    torch.testing.assert_close(backwards.flip(1), plain)
    torch.testing.assert_close(both.flip(1), mirrored)
    torch.testing.assert_close(bone_lengths(mirrored)[..., 0], bone_lengths(plain)[..., 1])
    forwards = critic_inputs(joints, clips.joints_2d, "world", generator, time_reversal=False)
    assert len(forwards.world_clips) == 2 * len(clips)
    torch.testing.assert_close(seen.world, torch.cat([plain.flatten(0, 1), mirrored.flatten(0, 1)]))


def test_a_clip_has_one_heading(clips, generator):
    turned = critic_inputs(clips.joints_world(), clips.joints_2d, "random", generator).world_clips[: len(clips)]
    plain = clips.joints_world() - clips.joints_world()[:, :, :1]
    torch.testing.assert_close(turned.diff(dim=1).norm(dim=-1), plain.diff(dim=1).norm(dim=-1), atol=1e-5, rtol=1e-4)


def test_every_variant_of_a_clip_carries_gradient(clips, generator):
    critic = MotionCritic3D(FRAMES, 16)
    fakes = clips.joints_world().requires_grad_()
    seen = critic_inputs(fakes, clips.joints_2d, "world", generator).world_clips
    norms = []
    for variant in seen.chunk(4):
        (gradient,) = torch.autograd.grad(critic(variant).sum(), fakes, retain_graph=True)
        norms.append(float(gradient.norm()))
    assert min(norms) > 0.1 * max(norms) > 0


def test_motion_critics_come_in_when_they_are_told_to(clips, generator):
    augmenter = Augmenter(AugmentSettings(mixture=Mixture(gan=1.0), gan=SMALL), clips)
    nets = augmenter.sources["gan"].critics
    before = {name: [p.clone() for p in net.parameters()] for name, net in nets.items()}
    losses = augmenter.update(clips, motion=False)
    assert set(losses) >= {"critic_3d_loss", "critic_2d_loss"} and not any(name.startswith("motion") for name in losses)
    losses = augmenter.update(clips)
    assert {"motion_critic_3d_distance", "motion_critic_2d_loss", "generator_loss"} <= set(losses)
    for name, net in nets.items():
        assert any(not torch.equal(p, q) for p, q in zip(before[name], net.parameters(), strict=True)), name


@pytest.mark.parametrize("source", ["gan", "angle_swap", "limb_swap", "range_of_motion", "clipped_normal", "real"])
def test_every_source_makes_clips_of_one_body_and_one_camera(source, clips):
    settings = AugmentSettings(mixture=Mixture(**{source: 1.0}), gan=SMALL, balance_probability=0.5)
    batch = Augmenter(settings, clips).sample(40)
    assert batch.joints_3d.shape == (40, FRAMES, 16, 3) and len(batch.camera) == 40
    lengths = bone_lengths(batch.joints_3d)
    torch.testing.assert_close(lengths, lengths[:, :1].expand_as(lengths), atol=2e-4, rtol=1e-3)
    assert batch.source.ne(REAL).all()


def test_clips_resume_as_if_never_stopped(clips):
    settings = AugmentSettings(mixture=Mixture(gan=1.0), gan=SMALL)
    one, other = Augmenter(settings, clips), Augmenter(settings, clips)
    one.update(clips)
    other.load_state_dict(copy.deepcopy(one.state_dict()))
    one.update(clips), other.update(clips)
    assert torch.equal(one.sample(8).joints_3d, other.sample(8).joints_3d)


def test_motion_begins_at_a_fifth_of_the_speed_and_poses_differ_as_much(generator):
    steps, spread = {}, {}
    for key_every in (4, 0):
        torch.manual_seed(0)
        net = PoseGenerator(width=64, frames=27, key_every=key_every)
        with torch.no_grad():
            keys = net.raw_head(net.sample_latent(500, generator))
        steps[key_every], spread[key_every] = keys.diff(dim=1).std(), keys[:, 0].std()
    assert 0.15 < steps[4] / steps[0] < 0.25
    assert 0.8 < spread[4] / spread[0] < 1.25


def test_critics_of_poses_see_some_frames_of_each_clip_and_motion_critics_all(clips, generator):
    world, screen = clips.joints_world(), clips.joints_2d
    seen = critic_inputs(world, screen, "world", generator, frames=3)
    count = len(clips)
    assert seen.world.shape == (2 * 3 * count, 16, 3) and seen.screen.shape == (2 * 3 * count, 16, 2)
    assert seen.world_clips.shape == (4 * count, FRAMES, 16, 3)
    centred = world - world[:, :, :1]
    poses, images = seen.world.reshape(2, count, 3, 16, 3)[0], seen.screen.reshape(2, count, 3, 16, 2)[0]
    for clip in range(count):
        for pose, image in zip(poses[clip], images[clip], strict=True):
            same = (centred[clip] - pose).abs().amax(dim=(1, 2)) < 1e-6
            assert same.any()
            assert (screen[clip][same] - image).abs().amax() < 1e-6  # of the same moment
    everything = critic_inputs(world, screen, "world", generator)
    assert everything.world.shape == (2 * FRAMES * count, 16, 3)


def test_clips_of_the_generator_stand_on_their_feet(clips):
    settings = AugmentSettings(mixture=Mixture(gan=1.0), gan=SMALL)
    augmenter = Augmenter(settings, clips)
    reference, generator = augmenter.reference, torch.Generator().manual_seed(0)
    indices = reference.random_indices(200, generator)
    with torch.no_grad():
        joints = augmenter.sources["gan"].draw(indices, generator)
    skating = {}
    for remove_skate in (True, False):
        on_ground = reference.place_on_ground(joints, indices, remove_skate)
        middle = on_ground[:, FRAMES // 2, 0, :2]
        torch.testing.assert_close(middle, reference.hip[indices][:, FRAMES // 2, :2])
        skating[remove_skate] = motion_statistics(on_ground, 25.0).skating
    assert skating[True] < 0.5 * skating[False]
