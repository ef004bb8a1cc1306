import math

import pytest
import torch

from training.building import build_lifter
from training.config import read_settings
from training.divergence import LOOK_EVERY, DivergedError, absurd_loss, not_finite, refuse_not_finite
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


def test_a_gan_that_is_not_finite_is_found_at_once():
    run = account()
    run.add(None, {"critic_3d_loss": -5.0})
    assert run.trouble is None
    run.add(None, {"critic_3d_loss": math.nan})
    assert run.trouble is not None and "critic_3d_loss is nan" in run.trouble and "--lr_critic" in run.trouble


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
