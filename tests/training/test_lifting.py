import copy
from dataclasses import replace

import pytest
import torch

from data import PoseBatch
from run_fk_gan import update_lifter
from training.building import build_lifter
from training.config import LearningSettings, LifterSettings, Settings
from training.lifting import LifterTrainer, learning_rate_factor, limit_norms

SMALL = LifterSettings(posenet_name="simple_baseline", posenet_width=32, posenet_blocks=1, dropout=0.0)


def batch_of(count: int, generator: torch.Generator) -> PoseBatch:
    joints_3d = torch.randn(count, 1, 16, 3, generator=generator) * 0.3 + torch.tensor([0.0, 0.0, 4.0])
    return PoseBatch.of(joints_3d, joints_3d[..., :2] / joints_3d[..., 2:], None)


def build_trainer(**settings: float | int | str) -> LifterTrainer:
    torch.manual_seed(0)
    return LifterTrainer(build_lifter(Settings(recipe="none", lifter=SMALL), "h36m_16"), LearningSettings(**settings))


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_the_learning_rate_ends_at_zero_and_never_rises(schedule: str):
    settings = LearningSettings(epochs=4, lr_schedule=schedule)
    factors = [learning_rate_factor(settings, done / 10) for done in range(41)]
    assert factors[0] == 1 and factors[-1] == pytest.approx(0)
    assert all(a >= b for a, b in zip(factors, factors[1:], strict=False))


def test_additional_epochs_decay_from_the_end_of_dh_augs_linear_schedule():
    settings = LearningSettings(epochs=50, additional_epochs=2, additional_lr_decay=0.95, lr_schedule="linear")
    assert learning_rate_factor(settings, 49) == pytest.approx(2 / 51)
    assert learning_rate_factor(settings, 50.5) == pytest.approx(0.95 / 51)
    assert learning_rate_factor(settings, 51.5) == pytest.approx(0.95**2 / 51)


def test_the_exponential_schedule_falls_once_per_epoch():
    settings = LearningSettings(lr_schedule="exponential", lr_decay=0.5)
    assert [learning_rate_factor(settings, done) for done in (0.0, 0.9, 1.0, 2.5)] == [1, 1, 0.5, 0.25]


def test_the_staircase_falls_after_so_many_updates_however_long_an_epoch_is():
    settings = LearningSettings(lr_schedule="staircase", lr_decay=0.96, lr_decay_steps=100_000)
    factors = [learning_rate_factor(settings, 3.5, updates) for updates in (0, 99_999, 100_000, 199_999, 350_000)]
    assert factors == pytest.approx([1, 1, 0.96, 0.96, 0.96**3])


def test_a_trainer_goes_down_the_staircase_by_its_own_updates(generator: torch.Generator):
    trainer = build_trainer(lr=0.5, lr_schedule="staircase", lr_decay=0.5, lr_decay_steps=2, flip_augment="none")
    rates = []
    for _ in range(5):
        rates.append(trainer.set_learning_rate(0.0))
        update_lifter(trainer, batch_of(8, generator))
    assert rates == [0.5, 0.5, 0.25, 0.25, 0.125]


def test_no_unit_reads_with_more_than_the_largest_norm_after_a_step(generator: torch.Generator):
    trainer, free = build_trainer(max_norm=1.0, lr=1e-2), build_trainer(lr=1e-2)
    batch = batch_of(8, generator)
    for _ in range(3):
        update_lifter(trainer, batch), update_lifter(free, batch)
        norms = unit_norms(trainer)
        assert norms.max() <= 1 + 1e-5 and norms.median() > 0.95, "He's weights begin above"
    assert unit_norms(free).max() > 1.3


def unit_norms(trainer: LifterTrainer) -> torch.Tensor:
    return torch.cat([p.detach().norm(dim=1) for p in trainer.lifter.parameters() if p.ndim > 1])


def test_a_norm_under_the_limit_is_left_alone():
    layer = torch.nn.Linear(3, 2)
    before = copy.deepcopy(layer.state_dict())
    limit_norms(layer, 100.0)
    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())


def test_the_standard_loss_weighs_every_coordinate_by_its_spread(generator: torch.Generator):
    lifter = build_lifter(Settings(recipe="none", lifter=replace(SMALL, normalized=True)), "h36m_16")
    batch = batch_of(64, generator)
    lifter.fit_normalization(batch)
    trainer = LifterTrainer(lifter, LearningSettings(loss="standard_mse", flip_augment="none"))
    with torch.no_grad():
        error = (copy.deepcopy(lifter).train()(batch.joints_2d) - batch.root_relative()[:, 0])[:, 1:]
        wanted = (error / lifter.posenet.std_3d).square().sum(-1).sum(-1).mean() / 48
    assert float(update_lifter(trainer, batch)) == pytest.approx(float(wanted), rel=1e-4)


def test_a_loss_in_standard_deviations_needs_a_lifter_that_knows_them():
    with pytest.raises(ValueError, match="--loss standard_mse needs the spread .* choose seq2seq"):
        build_trainer(loss="standard_mse")
    with pytest.raises(ValueError, match="--normalized True is for simple_baseline, videopose"):
        build_lifter(
            Settings(recipe="none", lifter=LifterSettings(posenet_name="videopose", normalized=True)), "h36m_16"
        )


def test_a_lifter_learns_a_batch(generator: torch.Generator):
    trainer, batch = build_trainer(lr=1e-2, flip_augment="none"), batch_of(64, generator)
    losses = [float(update_lifter(trainer, batch)) for _ in range(60)]
    assert losses[-1] < 0.35 * losses[0]


@pytest.mark.parametrize(("mirrored", "updates"), [("separate", 2), ("concatenated", 1), ("none", 1)])
def test_mirror_images_are_learnt_in_the_way_asked(mirrored: str, updates: int, generator: torch.Generator):
    trainer = build_trainer(flip_augment=mirrored)
    update_lifter(trainer, batch_of(8, generator))
    assert trainer.updates == updates


def test_clips_are_learnt_backwards_where_asked_and_single_frames_are_not(generator: torch.Generator):
    joints_3d = torch.randn(8, 3, 16, 3, generator=generator) * 0.3 + torch.tensor([0.0, 0.0, 4.0])
    clips = PoseBatch.of(joints_3d, joints_3d[..., :2] / joints_3d[..., 2:], None)
    torch.testing.assert_close(clips.reversed().reversed().joints_2d, clips.joints_2d)
    torch.testing.assert_close(clips.reversed().joints_3d[:, 0], clips.joints_3d[:, 2])
    for mirrored, updates in (("separate", 4), ("none", 2)):
        trainer = build_trainer(flip_augment=mirrored, time_reversal=True)
        seen = [variant.joints_2d for variant in trainer.variants(clips)]
        assert len(seen) == updates
        torch.testing.assert_close(seen[1], clips.joints_2d.flip(1))
        torch.testing.assert_close(seen[-1], seen[-2].flip(1))
        assert len(trainer.variants(batch_of(8, generator))) == updates // 2


def test_a_symmetric_batch_weighs_left_and_right_the_same(generator: torch.Generator):
    batch = batch_of(8, generator)
    one, two = build_trainer(flip_augment="concatenated"), build_trainer(flip_augment="concatenated")
    losses = [(float(update_lifter(one, batch)), float(update_lifter(two, batch.mirrored()))) for _ in range(3)]
    assert [a for a, _ in losses] == pytest.approx([b for _, b in losses], rel=1e-3)


def test_averaged_weights_follow_by_hand(generator: torch.Generator):
    trainer, batch = build_trainer(ema=0.9, flip_augment="none"), batch_of(8, generator)
    expected = copy.deepcopy(trainer.lifter.state_dict())
    for update in range(1, 4):
        update_lifter(trainer, batch)
        decay = min(0.9, (1 + update) / (10 + update))
        for name, now in trainer.lifter.state_dict().items():
            mixed = decay * expected[name] + (1 - decay) * now if now.is_floating_point() else now
            expected[name] = mixed.clone()
    for name, value in trainer.evaluated.state_dict().items():
        assert torch.allclose(value, expected[name], atol=1e-6), name
    assert trainer.evaluated is not trainer.lifter


def test_without_averaging_the_lifter_itself_is_evaluated():
    trainer = build_trainer(ema=0.0)
    assert trainer.evaluated is trainer.lifter


def test_a_restored_trainer_goes_on_exactly(generator: torch.Generator):
    batches = [batch_of(8, generator) for _ in range(4)]
    straight = build_trainer(ema=0.9)
    for batch in batches:
        update_lifter(straight, batch)
    first, second = build_trainer(ema=0.9), build_trainer(ema=0.9)
    for batch in batches[:2]:
        update_lifter(first, batch)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for batch in batches[2:]:
        update_lifter(second, batch)
    for a, b in zip(straight.evaluated.parameters(), second.evaluated.parameters(), strict=True):
        assert torch.equal(a, b)


def test_mse_is_the_mean_squared_coordinate_error(generator: torch.Generator):
    trainer, batch = build_trainer(loss="mse", flip_augment="none"), batch_of(8, generator)
    with torch.no_grad():
        wanted = (copy.deepcopy(trainer.lifter).train()(batch.joints_2d) - batch.root_relative()[:, 0]).square().mean()
    assert float(update_lifter(trainer, batch)) == pytest.approx(float(wanted), rel=1e-5)


def test_dh_augs_recipe_builds_dh_augs_sizes():
    named = LifterSettings(posenet_name="videopose")
    assert build_lifter(Settings(recipe="dh-aug", lifter=named), "h36m_16").posenet.sizes["filter_widths"] == [1] * 5
    assert build_lifter(Settings(recipe="posefk", lifter=named), "h36m_16").posenet.sizes["filter_widths"] == [1] * 3
    assert (
        build_lifter(Settings(recipe="none", lifter=LifterSettings(posenet_name="mlp")), "h36m_17").posenet.num_joints
        == 17
    )
