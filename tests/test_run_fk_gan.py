"""The main command, made tiny: real runs on a few clips of CMU-X."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import run_fk_gan
from posenets import load_lifter
from tests.tiny_cmu import FLAGS
from training.divergence import LOOK_EVERY
from training.reporting.log import ORACLE, Result
from training.state import TrainingState

DATA = f"{FLAGS} --posenet_name simple_baseline --subjects_train 02 07"
NETS = "--posenet_width 16 --gan 0.1 --generator_width 16 --critic_width_3d 16 --critic_width_2d 16"
TINY = f"{DATA} {NETS} --epochs 3 --warmup 1 --steps_per_epoch 8 --batch_size 32 --threads 1 --device cpu"
TESTS = ("cmux2_a", "cmux2_b", "cmux2_b_coco", "cmux_b")
KEYS = ["epoch", "phase", "test_set", "protocol", "mpjpe", "p_mpjpe", "pck", "auc", "poses", "seconds"]


def run(folder: Path, *flags: str) -> Path:
    """Run the command in this process; returns the run's folder."""
    run_fk_gan.main([*TINY.split(), "--checkpoint", str(folder), *flags])
    (run_folder,) = folder.glob("*/*/*")
    return run_folder


def results_of(run_folder: Path) -> list[Result]:
    return [json.loads(text) for text in (run_folder / "results.jsonl").read_text().splitlines()]


def scores_of(run_folder: Path) -> list[Result]:
    """Result lines without the time they took."""
    return [{key: value for key, value in line.items() if key != "seconds"} for line in results_of(run_folder)]


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of four epochs that nothing disturbed. Without figures, which take five times as long as the rest."""
    return run(tmp_path_factory.mktemp("whole"), "--figures", "False")


def test_a_run_lies_where_the_settings_say(whole_run: Path):
    lifter, keypoints, name = whole_run.parts[-3:]
    assert (lifter, keypoints) == ("simple_baseline", "gt") and name.endswith("_posefk")
    written = {path.name for path in whole_run.iterdir() if not path.name.startswith("events")}
    assert written == {
        "settings.json", "results.jsonl", "last.safetensors", "last.previous.safetensors",
        "best_validation.safetensors",
        *(f"best_{name}.safetensors" for name in TESTS),
    }  # fmt: skip
    settings = json.loads((whole_run / "settings.json").read_text())
    assert settings["learning"]["batch_size"] == 32 and settings["recipe"] == "posefk"


def test_every_epoch_of_the_lifter_has_a_line_per_test_set(whole_run: Path):
    lines = results_of(whole_run)
    assert all(set(KEYS) <= set(line) for line in lines)
    sets = ["validation", *TESTS]
    assert [(line["epoch"], line["test_set"]) for line in lines] == [(e, name) for e in (2, 3, 4) for name in sets]
    assert all(line["mpjpe"] > line["p_mpjpe"] > 0 and line["poses"] > 0 for line in lines)


def test_tensorboard_has_scalars_histograms_and_pictures(tmp_path: Path):
    short = f"--epochs 1 --warmup 0 --steps_per_epoch {LOOK_EVERY} --test_sets cmux2_a cmux2_b"
    run_folder = run(tmp_path, *short.split())
    tags = EventAccumulator(str(run_folder)).Reload().Tags()
    assert {"cmux2_a_all_joints/mpjpe", "acceptance/limb_swap"} <= set(tags["scalars"])
    assert any(name.startswith("gan/") for name in tags["scalars"])
    assert {"joint_angles_deg/left_elbow/real", "joint_angles_deg/left_elbow/synthetic"} <= set(tags["histograms"])
    assert {"poses", "lifted_cmux2_a", "lifted_cmux2_b", "joint_angles", "camera_views"} <= set(tags["images"])
    figures = {path.stem for path in (run_folder / "figures").iterdir()}
    assert {"poses", "lifted_cmux2_a", "joint_angles", "camera_views", "errors", "error_per_joint"} <= figures


def test_best_and_last_are_lifters_of_their_epochs(whole_run: Path):
    lines = [line for line in results_of(whole_run) if line["test_set"] == "cmux2_b"]
    best = min(lines, key=lambda line: line["mpjpe"])
    assert load_lifter(whole_run / "best_cmux2_b.safetensors").epoch == best["epoch"]
    assert load_lifter(whole_run / "last.safetensors").epoch == 4


def test_the_same_seed_gives_the_same_numbers_and_another_one_others(whole_run: Path, tmp_path: Path):
    assert scores_of(run(tmp_path / "same", "--figures", "False")) == scores_of(whole_run)
    other = scores_of(run(tmp_path / "other", "--figures", "False", "--epochs", "1", "--seed", "1"))
    assert other and all(
        line["mpjpe"] != same["mpjpe"] for line, same in zip(other, scores_of(whole_run), strict=False)
    )


def test_ctrl_c_saves_in_the_middle_and_resume_ends_as_if_undisturbed(
    whole_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    step_done = TrainingState.step_done

    def press(run: TrainingState) -> None:
        step_done(run)
        if (run.epoch, run.step) == (2, 5):
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(TrainingState, "step_done", press)
    with pytest.raises(KeyboardInterrupt, match="--resume") as caught:
        run(tmp_path, "--figures", "False")
    monkeypatch.undo()
    folder = Path(str(caught.value).split("--resume ")[1])
    assert results_of(folder)[-1]["epoch"] == 2
    run_fk_gan.main(["--resume", str(folder)])
    assert scores_of(folder) == scores_of(whole_run)
    with pytest.raises(ValueError, match="--batch_size 16 differs"):
        run_fk_gan.main(["--resume", str(folder), "--batch_size", "16"])


def test_a_killed_run_is_resumed_to_the_same_numbers(whole_run: Path, tmp_path: Path, capsys):
    command = [sys.executable, run_fk_gan.__file__, *TINY.split(), "--figures", "False", "--checkpoint", str(tmp_path)]
    process = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:  # the second epoch is told of before it is saved: killed in the middle of writing
            if line.startswith("epoch 2/4"):
                break
    finally:
        process.kill()
        process.communicate()
    (folder,) = tmp_path.glob("*/*/*")
    run_fk_gan.main(["--resume", str(folder / "last.safetensors")])
    assert scores_of(folder) == scores_of(whole_run)
    assert "nothing is left to learn" not in capsys.readouterr().out
    run_fk_gan.main(["--resume", str(folder)])
    assert scores_of(folder) == scores_of(whole_run)
    assert "all 4 epochs were done before: nothing is left to learn" in capsys.readouterr().out


def test_dh_aug_alternates_and_a_comparison_ends_in_one_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    flags = ["--compare", "none", "dh-aug", "--figures", "False", "--epochs", "1", "--checkpoint", str(tmp_path)]
    run_fk_gan.main([*TINY.split(), *flags])
    none, dh_aug = sorted(tmp_path.glob("*/*/*"), key=lambda path: path.name.endswith("dh-aug"))
    assert none.name.endswith("_none") and dh_aug.name.endswith("_dh-aug")
    assert [line["phase"] for line in results_of(none)] == ["real"] * 5
    assert [(line["epoch"], line["phase"]) for line in results_of(dh_aug)] == [(2, "synthetic")] * 5 + [(2, "real")] * 5
    table = capsys.readouterr().out.split("MPJPE in mm, last epoch:")[1]
    assert ORACLE in table and all(f"| {name} " in table for name in TESTS)
    last = results_of(dh_aug)[-1]
    assert f"{last['mpjpe']:.1f}" in table.splitlines()[-1]


def test_evaluate_scores_a_checkpoint_without_training(
    whole_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    shutil.copy(whole_run / "last.safetensors", tmp_path / "lifter.pt")
    run_fk_gan.main([*FLAGS.split(), "-c", str(tmp_path), "--evaluate", "lifter.pt", "--test_sets", "cmux2_a"])
    assert "cmux2_a, protocol all_joints" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["lifter.pt"]


def test_martinez_trains_from_one_command_and_keeps_statistics_and_norms(tmp_path: Path):
    flags = f"--posenet_name martinez --posenet_width 32 --figures False --checkpoint {tmp_path}"
    run_fk_gan.main([*TINY.split(), *flags.split(), "--epochs", "1", "--recipe", "none"])
    lifter = load_lifter(next(tmp_path.glob("martinez/*/*/last.safetensors")))
    assert lifter.posenet.sizes["normalized"] and lifter.posenet.sizes["dropout"] == 0.5
    assert 0.1 < lifter.posenet.std_3d.mean() < 1, "metres"
    assert all(p.norm(dim=1).max() < 1.001 for p in lifter.parameters() if p.ndim > 1)


CLIPS = f"{TINY} --motion_critic_width 16 --steps_per_epoch 4 --epochs 2 --figures False"


@pytest.mark.parametrize(
    "flags",
    [
        "--posenet_name mulit_farme_videopose --architecture 3,3 --recipe dh-aug --warmup 0 --motion_warmup 1",
        "--posenet_name poseformer --frames 3",
        "--posenet_name seq2seq --frames 4 --batch_size 8",
        "--posenet_name st_gcn --frames 3 --recipe none --loss_frames all --difference_weight 1",
        "--posenet_name videopose --filter_widths 3 --causal True --gan_interval 1",
    ],
)
def test_lifters_of_clips_are_trained_augmented_and_judged(flags: str, tmp_path: Path):
    run_fk_gan.main([*CLIPS.split(), "--checkpoint", str(tmp_path), "--epochs", "1", *flags.split()])
    (folder,) = tmp_path.glob("*/*/*")
    lines = results_of(folder)
    assert {line["test_set"] for line in lines} == {"validation", *TESTS}
    assert all(line["mpjpe"] > 0 and line["mpjve"] > 0 for line in lines if line["test_set"] == "cmux2_a")
    lifter = load_lifter(folder / "last.safetensors")
    assert lifter.frames > 1 and lifter.predict_clip(torch.zeros(5, 16, 2)).shape == (5, 16, 3)


def test_clips_resume_in_the_middle_of_warm_up_as_if_undisturbed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    flags = "--posenet_name videopose --frames 3 --motion_warmup 1 --warmup 1 --gan_interval 3".split()
    run_fk_gan.main([*CLIPS.split(), "--checkpoint", str(tmp_path / "whole"), *flags])
    (whole,) = (tmp_path / "whole").glob("*/*/*")
    step_done = TrainingState.step_done

    def press(run: TrainingState) -> None:
        step_done(run)
        if (run.epoch, run.step) in ((1, 2), (3, 2)):
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(TrainingState, "step_done", press)
    with pytest.raises(KeyboardInterrupt):
        run_fk_gan.main([*CLIPS.split(), "--checkpoint", str(tmp_path / "cut"), *flags])
    (cut,) = (tmp_path / "cut").glob("*/*/*")
    with pytest.raises(KeyboardInterrupt):  # a second time, inside a block of synthetic poses
        run_fk_gan.main(["--resume", str(cut)])
    monkeypatch.undo()
    run_fk_gan.main(["--resume", str(cut)])
    assert scores_of(cut) == scores_of(whole)
