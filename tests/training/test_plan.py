import pytest

from training.config import read_settings
from training.plan import plan_of


def stages(*arguments: str) -> list[list[str]]:
    plan = plan_of(read_settings(["--epochs", "2", *arguments]), poses=1000)
    return [[kind.stage for kind in plan.rounds(epoch)] for epoch in range(plan.epochs)]


def test_recipes_have_their_rounds():
    assert stages("--recipe", "none", "--warmup", "1") == [["real"], ["real"]]
    assert stages("--recipe", "posefk", "--warmup", "1") == [["gan"], ["mixed"], ["mixed"]]
    alternate = ["synthetic", "real"]
    assert stages("--recipe", "dh-aug", "--warmup", "1", "--additional_epochs", "1") == [["gan"], *[alternate] * 3]


def test_only_a_gan_warms_up():
    assert stages("--data_enhancement_method", "normal", "--warmup", "2") == [["mixed"], ["mixed"]]


def test_an_epoch_is_one_pass_over_the_poses_unless_said():
    by_pass = plan_of(read_settings(["--steps_per_epoch", "0", "--batch_size", "300"]), poses=1000)
    said = plan_of(read_settings(["--steps_per_epoch", "7"]), poses=1000)
    assert (by_pass.steps, said.steps) == (4, 7)


def test_epochs_of_the_lifter_run_from_zero_to_all_of_them():
    plan = plan_of(read_settings(["--recipe", "dh-aug", "--warmup", "1", "--epochs", "2", "--steps_per_epoch", "4"]), 9)
    assert plan.epochs_of_lifter(0, 0, 3) == 0
    moments = [(e, r, s) for e in range(1, plan.epochs) for r in range(2) for s in range(4)]
    done = [plan.epochs_of_lifter(*moment) for moment in moments]
    assert done == pytest.approx([i / 8 for i in range(16)])
    assert plan.total_batches() == 4 + len(moments)


def test_the_last_epoch_is_always_evaluated():
    plan = plan_of(read_settings(["--recipe", "none", "--epochs", "5", "--eval_every", "2"]), poses=10)
    assert [plan.evaluates(epoch) for epoch in range(5)] == [False, True, False, True, True]
