import pytest

from augment.settings import RECIPES
from training.config import read_settings
from training.schedule import build_schedule, updates_by_rule, updates_per_batch


def phases(*arguments: str) -> list[list[str]]:
    schedule = build_schedule(read_settings(["--epochs", "2", *arguments]), poses=1000)
    return [[phase.name for phase in schedule.phases(epoch)] for epoch in range(schedule.epochs)]


def test_recipes_have_their_phases():
    assert phases("--recipe", "none", "--warmup", "1") == [["real"], ["real"]]
    assert phases("--recipe", "posefk", "--gan", "0.1", "--warmup", "1") == [["gan"], ["mixed"], ["mixed"]]
    alternate = ["synthetic", "real"]
    assert phases("--recipe", "dh-aug", "--warmup", "1", "--additional_epochs", "1") == [["gan"], *[alternate] * 3]


def test_only_a_gan_warms_up():
    assert phases("--data_enhancement_method", "normal", "--warmup", "2") == [["mixed"], ["mixed"]]


def test_an_epoch_is_one_pass_over_the_poses_unless_said():
    by_pass = build_schedule(read_settings(["--steps_per_epoch", "0", "--batch_size", "300"]), poses=1000)
    said = build_schedule(read_settings(["--steps_per_epoch", "7"]), poses=1000)
    assert (by_pass.steps, said.steps) == (4, 7)


def test_epochs_of_the_lifter_run_from_zero_to_all_of_them():
    settings = read_settings(["--recipe", "dh-aug", "--warmup", "1", "--epochs", "2", "--steps_per_epoch", "4"])
    schedule = build_schedule(settings, 9)
    assert schedule.lifter_epochs(0, 0, 3) == 0
    moments = [(e, r, s) for e in range(1, schedule.epochs) for r in range(2) for s in range(4)]
    done = [schedule.lifter_epochs(*moment) for moment in moments]
    assert done == pytest.approx([i / 8 for i in range(16)])
    assert schedule.total_batches() == 4 + len(moments)


def test_the_last_epoch_is_always_evaluated():
    schedule = build_schedule(read_settings(["--recipe", "none", "--epochs", "5", "--eval_every", "2"]), poses=10)
    assert [schedule.evaluates(epoch) for epoch in range(5)] == [False, True, False, True, True]


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("lifter", ["simple_baseline", "videopose --frames 9 --time_reversal True"])
def test_recipes_that_are_compared_make_as_many_updates(recipe: str, lifter: str):
    words = f"--dataset h36m --posenet_name {lifter} --compare none dh-aug posefk".split()
    settings = read_settings(words, recipe)
    updates = build_schedule(settings, poses=54_104).lifter_batches() * updates_per_batch(settings)
    assert updates == pytest.approx(updates_by_rule(54_104), rel=0.02)


def test_more_poses_get_more_updates_within_bounds():
    numbers = [updates_by_rule(poses) for poses in (1, 10_000, 54_104, 200_000, 10**9)]
    assert numbers == sorted(numbers) and numbers[0] == numbers[2] == 18_000 < numbers[3] < numbers[-1] < 100_000
