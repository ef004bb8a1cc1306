"""benchmarks/cmux.py: every run of every table is a command that means something, and tables say what was found."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.amount_figure import amount_figure
from benchmarks.cmux import ERRORS, TABLES, shown
from benchmarks.table_runs import flags_of, folder_of, runs
from tests.tiny_cmu import FLAGS
from training.config import read_settings


@pytest.mark.parametrize("name", [name for name in TABLES if name != "learned"])
def test_every_run_is_understood_and_has_a_folder_of_its_own(name: str, tmp_path: Path):
    table = TABLES[name]
    every = runs(table, [0, 1])
    for run in runs(table, [1]):  # the commands of another seed differ in that number alone
        settings = read_settings(flags_of(run, table, dataset="cmu", threads=1, checkpoint=tmp_path))
        assert settings.data.dataset == "cmu" and settings.seed == run[2] == 1 and settings.threads == 1
    assert len({folder_of(tmp_path, run) for run in every}) == len(every)


def test_sources_that_learn_train_a_lifter_side_by_side(tmp_path: Path):
    """In a process of their own: some of them change what the package does."""
    names = ["parts", "editing", "harder", "averaged", *(["flow"] if importlib.util.find_spec("zuko") else [])]
    words = (
        f"{FLAGS} --posenet_name simple_baseline --posenet_width 16 --epochs 1 --steps_per_epoch 4 --warmup 1".split()
    )
    words += ["--plugins", *(f"benchmarks.learned_sources.{name}" for name in (*names, "sampling", "meta"))]
    words += ["--gan", "0", "--sources", *(f"{name}=1" for name in names), "--gan_interval", "1", "--batch_size", "32"]
    command = [sys.executable, "run_fk_gan.py", *words, "--figures", "False", "--checkpoint", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    losses = {json.loads(line)["mpjpe"] for line in next(tmp_path.rglob("results.jsonl")).read_text().splitlines()}
    assert losses and all(0 < loss < 10_000 for loss in losses)
    drawn = done.stdout.rpartition("in its image: ")[2]
    assert all(f"{name} " in drawn for name in names), done.stdout


def test_recipes_of_a_table_differ_in_nothing_but_the_recipe_and_its_length():
    for name in ("frames", "clips"):
        table = TABLES[name]
        for lifter in table.lifters:
            lifters = [read_settings(flags_of((variant, lifter, 0), table, dataset="cmu")).lifter
                       for variant in table.variants]  # fmt: skip
            assert len({(own.posenet_name, own.window, own.posenet_width, own.posenet_blocks) for own in lifters}) == 1


OTHER = {"cmux2_b_coco": 70.0, "cmux_b": 90.0}


def write_errors(folder: Path, **errors: float) -> None:
    folder.mkdir(parents=True)
    (folder / ERRORS).write_text(json.dumps(errors))


def test_a_table_says_mean_spread_and_change(tmp_path: Path):
    for seed, error in enumerate((100.0, 102.0)):
        write_errors(
            folder_of(tmp_path, ("none", "videopose", seed)), cmux2_a=error, cmux2_b=120.0, **OTHER, validation=90.0
        )
    write_errors(folder_of(tmp_path, ("posefk", "videopose", 0)), cmux2_a=80.8, cmux2_b=60.0, **OTHER, validation=45.0)
    table = shown(tmp_path, TABLES["frames"], "videopose", [0, 1, 2])
    assert "101.0 ± 1.4" in table and "-20 %" in table and "-50 %" in table and "dh-aug" not in table


def test_the_curve_has_a_point_for_every_finished_amount(tmp_path: Path):
    for times, error in (("0", 110.0), ("2", 90.0)):
        for seed in (0, 1):
            folder = folder_of(tmp_path / "amount", (f"{times} x real", "videopose", seed))
            write_errors(folder, cmux2_a=error + seed, cmux2_b=error, validation=error)
    figure = amount_figure(tmp_path, [0, 1])
    curves = [container.lines[0] for container in figure.axes[0].containers]
    drawn = [(list(curve.get_xdata()), list(curve.get_ydata())) for curve in curves if len(curve.get_xdata())]
    assert drawn == [([0, 2], [110.5, 90.5])]
