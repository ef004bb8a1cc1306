from dataclasses import replace

import pytest
import torch

from augment import Augmenter
from augment.augmenter import _split, turn_some
from augment.reference import ReferencePoses
from augment.settings import RECIPES, AugmentSettings, GanSettings, Mixture
from augment.visible import is_visible
from data.batch import SYNTHETIC, PoseBatch
from kinematics import bone_lengths
from kinematics.balance import centre_of_mass, support_point
from kinematics.joints import J

SMALL_GAN = {"generator_width": 16, "critic_width_3d": 16, "critic_width_2d": 16, "generator_every": 2}
ALL = AugmentSettings(
    mixture=Mixture(gan=1.0, angle_swap=1.0, limb_swap=1.0, range_of_motion=1.0, clipped_normal=1.0, real=1.0),
    gan=GanSettings(**SMALL_GAN),
)  # fmt: skip
DH_AUG = replace(RECIPES["dh-aug"], gan=replace(RECIPES["dh-aug"].gan, **SMALL_GAN))


def same(first: PoseBatch, second: PoseBatch) -> bool:
    return torch.equal(first.joints_3d, second.joints_3d) and torch.equal(first.joints_2d, second.joints_2d)


@pytest.mark.parametrize("settings", [ALL, DH_AUG], ids=["all sources", "dh-aug"])
def test_samples_are_photographable_pairs_of_a_human(settings, people):
    augmenter = Augmenter(settings, people)
    augmenter.update(people)
    batch = augmenter.sample(101).check()
    assert len(batch) == 101 and (batch.source == SYNTHETIC).all() and batch.camera is not None
    torch.testing.assert_close(batch.camera.project(batch.joints_3d), batch.joints_2d)
    assert (batch.joints_3d[..., 2] >= 0.5).all() and (batch.joints_2d.abs() <= 1).all()
    lengths = bone_lengths(batch.joints_3d)
    assert lengths.min() > 0.05 and lengths.max() < 0.8
    assert set(augmenter.acceptance) == set(settings.mixture.shares())


@pytest.mark.parametrize("source", ["gan", "angle_swap", "limb_swap", "range_of_motion", "clipped_normal", "real"])
def test_every_source_works_alone_and_repeats_with_the_seed(source, people):
    settings = replace(ALL, mixture=Mixture(**{source: 1.0}))
    augmenter = Augmenter(settings, people)
    first, second, third = (augmenter.sample(40, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert same(first, second) and not same(first, third)


@pytest.mark.parametrize("part", [0.0, 0.02])
def test_who_is_led_out_of_the_image_is_put_where_a_real_pose_stood_and_nobody_is_repeated(part, people, monkeypatch):
    offset_to_reference = ReferencePoses.offset_to_reference

    def led_away(reference, joints, places):
        stays = torch.arange(len(joints)) < part * len(joints)
        return offset_to_reference(reference, joints, places) + torch.where(stays, 0.0, 100.0)[:, None, None, None]

    monkeypatch.setattr(ReferencePoses, "offset_to_reference", led_away)
    augmenter = Augmenter(DH_AUG, people)
    batch = augmenter.sample(200)
    assert len(batch.joints_3d.flatten(1).unique(dim=0)) == 200
    assert is_visible(batch).all() and augmenter.drawn["gan"] > 390 and 0 < augmenter.acceptance["gan"] < 0.6


def test_same_seed_gives_the_same_training(people):
    runs = []
    for _ in range(2):
        augmenter = Augmenter(ALL, people, seed=3)
        runs.append([augmenter.update(people[:50]) for _ in range(4)])
    assert runs[0] == runs[1]


@pytest.mark.parametrize("source", ["angle_swap", "limb_swap", "range_of_motion"])
def test_balanced_poses_stand_over_their_feet(source, people):
    def leans(balance_probability: float) -> torch.Tensor:
        settings = AugmentSettings(
            mixture=Mixture(**{source: 1.0}), tilt_sd=0.4, balance_probability=balance_probability, lean_sd=0.0
        )
        joints = Augmenter(settings, people).sample(400).joints_world()[:, 0]
        upwards = centre_of_mass(joints) - support_point(joints)
        return torch.atan2(upwards[:, :2].norm(dim=-1), upwards[:, 2])

    assert leans(0.0).median() > 0.2
    assert (leans(1.0) < 0.05).float().mean() > 0.6  # some do not stand at all, some change feet as they are turned
    assert leans(1.0).median() < 0.3 * leans(0.0).median()


def test_building_leaves_the_global_random_numbers_alone(people):
    torch.manual_seed(11)
    expected = torch.rand(1)
    torch.manual_seed(11)
    Augmenter(ALL, people)
    assert torch.equal(torch.rand(1), expected)


def test_bfloat16_reaches_neither_bodies_nor_cameras_nor_the_gan_s_update(people):
    """Its three digits are centimetres."""
    plain, narrow = Augmenter(ALL, people), Augmenter(ALL, people)
    losses = [plain.update(people[:60]) for _ in range(2)]
    batch = plain.sample(40)
    assert batch.camera is not None
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert [narrow.update(people[:60]) for _ in range(2)] == losses
        assert same(narrow.sample(40), batch)
        assert torch.equal(batch.camera.project(batch.joints_3d), batch.joints_2d)
        world = batch.joints_world()
    assert torch.equal(world, batch.joints_world())


def test_resumed_augmenter_goes_on_as_if_never_stopped(people, tmp_path):
    whole = Augmenter(ALL, people)
    stopped = Augmenter(ALL, people)
    for augmenter in (whole, stopped):
        for _ in range(3):
            augmenter.update(people[:60])
    torch.save(stopped.state_dict(), tmp_path / "state.pt")
    resumed = Augmenter(ALL, people)
    resumed.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    for _ in range(3):
        assert whole.update(people[60:120]) == resumed.update(people[60:120])
    assert same(whole.sample(30), resumed.sample(30))


def test_resuming_with_another_recipe_is_refused(people):
    state = Augmenter(ALL, people).state_dict()
    with pytest.raises(ValueError, match="has learnt sources: gan; this recipe has: none"):
        Augmenter(replace(ALL, mixture=Mixture(real=1.0)), people).load_state_dict(state)


def test_first_batch_serves_as_reference(people):
    augmenter = Augmenter(replace(RECIPES["posefk"], mixture=Mixture(gan=0.1, limb_swap=0.9)))
    with pytest.raises(ValueError, match="knows no real poses"):
        augmenter.sample(4)
    assert "critic_3d_loss" in augmenter.update(people)
    assert len(augmenter.sample(8)) == 8
    assert len(augmenter.sample(0)) == 0


def test_factors_of_the_generator_scale_left_and_right_alike(people):
    gan = replace(ALL.gan, learn_bones=True, generator_width=8)
    augmenter = Augmenter(replace(ALL, mixture=Mixture(gan=1.0), gan=gan), people)
    bias = augmenter.sources["gan"].pose_generator.deconv_out.bias
    before = bias.detach().clone()
    for _ in range(2):
        augmenter.update(people)
    assert not torch.equal(before, bias)
    lengths = bone_lengths(augmenter.sample(20).joints_3d)
    torch.testing.assert_close(lengths[..., 0] / lengths[..., 1], torch.ones(20, 1), atol=1e-3, rtol=0)


def test_recipe_none_learns_and_makes_nothing(people):
    augmenter = Augmenter("none", people)
    assert augmenter.update(people) == {}
    with pytest.raises(ValueError, match="makes no synthetic poses"):
        augmenter.sample(1)


def test_gradients_pass_through_the_given_average(people):
    calls = []
    augmenter = Augmenter(ALL, people, average_gradients=lambda parameters: calls.append(len(parameters)))
    augmenter.update(people)
    assert len(calls) == 2  # two critics, no generator step yet
    augmenter.update(people)
    assert len(calls) == 5


def test_ranks_start_from_the_same_net_and_draw_different_noise(people):
    first, second = (Augmenter(ALL, people, rank=rank) for rank in (0, 1))
    nets = [augmenter.sources["gan"].pose_generator for augmenter in (first, second)]
    assert all(torch.equal(a, b) for a, b in zip(nets[0].parameters(), nets[1].parameters(), strict=True))
    assert not same(first.sample(10), second.sample(10))


def test_published_batches_share_one_camera(people):
    settings = replace(DH_AUG, keep_in_image=False, near=-1e9)
    batch = Augmenter(settings, people).sample(40)
    assert batch.camera is not None and len(batch.camera.translation.unique(dim=0)) == 1


def test_cameras_that_see_nobody_are_said(people):
    blind = replace(ALL, mixture=Mixture(real=1.0), near=1000.0)
    with pytest.raises(ValueError, match="None of 5 x 10 poses of the source real"):
        Augmenter(blind, people).sample(10)


def test_counts_follow_the_shares_and_add_up():
    shares = Mixture(gan=0.2, limb_swap=0.5, real=0.3).shares()
    for count in range(1, 40):
        counts = _split(count, shares)
        assert sum(counts.values()) == count
        assert all(abs(counts[name] - count * share) < 1 for name, share in shares.items())


def test_a_share_of_poses_is_in_any_orientation_and_the_others_stay_as_they_were(people):
    def heads_down(share: float) -> float:
        settings = replace(ALL, mixture=Mixture(real=1.0), orientation_share=share)
        joints = Augmenter(settings, people).sample(400).joints_world()
        return (joints[..., J.HEAD, 2] < joints[..., J.HIP, 2]).float().mean().item()

    standing, half, everybody = heads_down(0.0), heads_down(0.5), heads_down(1.0)
    assert standing < 0.05 and 0.15 < half < 0.35 and 0.38 < everybody < 0.62


def test_turning_keeps_bodies_and_clips(people):
    joints = people.joints_world()
    clips = torch.cat([joints, joints + 0.1], dim=1)
    turned = turn_some(clips, 1.0, torch.Generator().manual_seed(0))
    lengths = [bone_lengths(poses) for poses in (clips, turned)]
    torch.testing.assert_close(lengths[0], lengths[1])
    torch.testing.assert_close(turned[:, 0] - turned[:, 0, :1], turned[:, 1] - turned[:, 1, :1])
    assert torch.equal(
        turn_some(clips, 0.0, torch.Generator()).sub(clips).abs() < 1e-5, torch.ones_like(clips, dtype=torch.bool)
    )
