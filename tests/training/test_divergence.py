import copy
import math
from dataclasses import replace

import pytest
import torch

import run_fk_gan
from data import PoseBatch
from training.building import build_lifter
from training.config import read_settings
from training.divergence import LOOK_EVERY, MOST_SKIPPED, DivergedError, absurd_loss, not_finite, refuse_not_finite
from training.lifting import LifterTrainer
from training.reporting.losses import LossMonitor


def account(absurd: float = 10.0) -> LossMonitor:
    return LossMonitor(read_settings(["--dataset", "cmu"]), absurd, torch.device("cpu"))


def test_a_bound_is_in_the_unit_of_the_loss():
    for flags, wanted in (("", 10.0), ("--loss mse", 100.0), ("--loss_frames all --difference_weight 4", 50.0)):
        settings = read_settings(["--dataset", "cmu", *flags.split()])
        assert absurd_loss(settings, build_lifter(settings, "h36m_16")) == pytest.approx(wanted)
    settings = read_settings("--dataset cmu --posenet_name martinez --recipe none".split())
    lifter = build_lifter(settings, "h36m_16")
    lifter.posenet.std_3d.fill_(0.2)
    assert 1500 < absurd_loss(settings, lifter) < 2500  # in spreads of 0.2 m, and of 1 m for the hip


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e4])
def test_a_loss_that_explodes_is_found_at_the_next_look_and_an_honest_one_is_not(bad: float):
    run = account()
    for loss in (3.0, *[0.5] * (2 * LOOK_EVERY - 2), 90.0):  # one batch may jump
        run.add(torch.tensor(loss), {})
    assert run.trouble is None
    for _ in range(LOOK_EVERY):
        run.add(torch.tensor(bad), {})
    assert run.trouble is not None and "has diverged" in run.trouble and "--lr below 0.004" in run.trouble


def test_a_lifter_that_begins_far_off_may_stay_so():
    run = account()
    for _ in range(LOOK_EVERY):
        run.add(torch.tensor(60.0), {})
    assert run.trouble is None


def test_a_gan_that_is_not_finite_ten_times_in_a_row_is_found_at_once():
    run = account()
    for bad in (math.nan, math.inf, *[math.nan] * (MOST_SKIPPED - 3), 0.5, *[math.nan] * (MOST_SKIPPED - 1)):
        run.add(None, {"critic_3d_loss": bad})
    assert run.trouble is None and run.gan == {"critic_3d_loss": 0.5}
    assert run.skipped_text().endswith(f": {2 * MOST_SKIPPED - 2} of the GAN")
    run.add(None, {"critic_3d_loss": math.nan})
    assert run.trouble is not None and "critic_3d_loss is nan" in run.trouble and "--lr_critic" in run.trouble


def test_skipped_steps_are_counted_and_ten_in_a_row_end_the_run():
    run, nan, good = account(), [math.nan] * (MOST_SKIPPED - 1), [0.5]
    for loss in (*good, *nan, *good, *nan, *good):
        run.add(torch.tensor(loss), {})
    run.look()
    assert run.trouble is None and run.mean() == 0.5
    assert run.skipped_text().endswith(f": {len(nan) * 2} of the lifter")
    restored = account()
    restored.load_state_dict(run.state_dict())
    for loss in [*nan, math.inf]:
        restored.add(torch.tensor(loss), {})
    restored.look()
    assert restored.trouble is not None and f"{MOST_SKIPPED} steps in a row" in restored.trouble
    restored.phase_done()
    assert restored.skipped_text() == "" and restored.mean() is None


def test_a_loss_ten_times_its_start_is_said_once():
    run = account()
    for loss in (0.3, *[3.5] * (2 * LOOK_EVERY - 1)):
        run.add(torch.tensor(loss), {})
    assert run.trouble is None and run.news is not None and "3.34 after 0.3" in run.news and "--lr below" in run.news
    run.news = None
    for _ in range(LOOK_EVERY):
        run.add(torch.tensor(3.6), {})
    assert run.news is None


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_step_on_a_batch_that_is_not_finite_changes_nothing_and_the_next_one_is_as_if_it_had_not_been(bad: float):
    settings = read_settings("--dataset cmu --posenet_name simple_baseline --posenet_width 8 --recipe none".split())
    torch.manual_seed(0)
    lifter = build_lifter(settings, "h36m_16")
    trainers = [LifterTrainer(copy.deepcopy(lifter), settings.learning) for _ in range(2)]
    world = torch.randn(8, 1, 16, 3, generator=torch.Generator().manual_seed(0))
    batch = PoseBatch.of(world + torch.tensor([0.0, 0.0, 5.0]), world[..., :2], None)
    spoilt = replace(batch, joints_2d=batch.joints_2d * bad)
    losses = [[], []]
    for number, batches in enumerate(([batch, spoilt, batch], [batch, batch])):
        for one in batches:
            torch.manual_seed(1)
            losses[number].append(run_fk_gan.update_lifter(trainers[number], one))
    assert losses[0][1].isnan() and losses[0][0] == losses[1][0] and losses[0][2] == losses[1][1]
    for one, other in zip(*(trainer.lifter.state_dict().items() for trainer in trainers), strict=True):
        assert one[0] == other[0] and ("num_batches" in one[0] or torch.equal(one[1], other[1])), one[0]


def test_an_account_that_is_restored_goes_on_to_the_same_mean():
    losses = torch.rand(50, generator=torch.Generator().manual_seed(0))
    whole, first, second = account(), account(), account()
    for i, loss in enumerate(losses):
        whole.add(loss, {"a": float(i)})
        (first if i < 17 else second).add(loss, {"a": float(i)})
        if i == 16:
            second.load_state_dict(first.state_dict())
    assert second.mean() == whole.mean() == pytest.approx(float(losses.mean()), rel=1e-6)
    assert second.gan == {"a": 49.0} and second.state_dict() == whole.state_dict()


def test_what_is_not_finite_is_named_and_refused():
    state = {"a": [{"b": torch.tensor([1.0, math.inf])}], "c": torch.tensor([1]), "d": "nan", "e": math.nan, "f": None}
    assert list(not_finite(state)) == ["a.0.b", "e"]
    good = {"trainer": {"w": torch.ones(2)}, "augmenter": None, "processes": []}
    settings = read_settings(["--dataset", "cmu"])
    refuse_not_finite(good, settings)
    with pytest.raises(DivergedError, match="augmenter.sources.gan.* --lr_generator below"):
        refuse_not_finite({**good, "augmenter": {"sources": {"gan": torch.tensor(math.nan)}}}, settings)
