"""Runs that are stopped, killed, or out of disk, and what they come to when they go on."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import run_fk_gan
from data.files.lock import folder_lock
from evaluation import EvaluationResult
from kinematics import exit_with_one_sentence
from posenets.checkpoints.files import LAST, PREVIOUS, read_checkpoint
from tests.tiny_cmu import FLAGS
from training import evaluator
from training.reporting.log import as_json
from training.state import TrainingState
from training.stopping import resume_command, stop_on_signal

HERE = Path(__file__).parent
SCRIPT = HERE / "disturbed_run.py"
STEPS = 12
TINY = (
    f"{FLAGS} --posenet_name simple_baseline --actions walk --subjects_train 02 07 "
    "--posenet_width 16 --gan 0.1 --generator_width 8 --critic_width_3d 8 "
    f"--critic_width_2d 8 --epochs 2 --warmup 1 --steps_per_epoch {STEPS} --batch_size 16 --threads 1 --figures False "
    "--device cpu --test_sets cmux2_a"
).split()


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE.parent.parent), **more}


def run(folder: Path, *flags: str) -> Path:
    run_fk_gan.main([*TINY, "--checkpoint", str(folder), *flags])
    return folder_of(folder)


def folder_of(folder: Path) -> Path:
    (found,) = folder.glob("*/*/*")
    return found


def results_of(folder: Path) -> list[dict[str, Any]]:
    lines = [json.loads(text) for text in (folder / "results.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


def points_of(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard shows: (step, value) of every curve."""
    events = EventAccumulator(str(folder)).Reload()
    return {tag: [(point.step, point.value) for point in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def state_of(folder: Path, name: str = LAST) -> dict[str, Any]:
    return read_checkpoint(folder / name)["run"]


def sentence_of(flags: list[str], capsys: pytest.CaptureFixture[str], code: int = 2) -> str:
    with pytest.raises(SystemExit) as left:
        exit_with_one_sentence(lambda: run_fk_gan.main(flags))
    said = capsys.readouterr().err
    assert left.value.code == code and said.count("\n") == 1, said
    return said


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing disturbed."""
    return run(tmp_path_factory.mktemp("whole"))


def test_a_run_killed_at_any_moment_loses_minutes_and_ends_with_the_same_lines_and_curves(whole: Path, tmp_path: Path):
    often = ["--checkpoint_minutes", "0.001"]
    flags = [*TINY, "--checkpoint", str(tmp_path), *often]
    for seconds in (0.31, 0.17):
        done = subprocess.run([sys.executable, SCRIPT, "kill", str(seconds), *flags], env=environment())
        assert done.returncode == -signal.SIGKILL
        folder = folder_of(tmp_path)
        assert state_of(folder)["batches"] > 0 and state_of(folder, PREVIOUS)["batches"] >= 0
        flags = ["--resume", str(folder), *often]
    (folder / ".last.999999999.part.safetensors").touch()  # no process has this number
    run_fk_gan.main(flags)
    assert results_of(folder) == results_of(whole)
    assert points_of(folder) == points_of(whole)
    assert not [path for path in folder.iterdir() if ".part" in path.name or path.name == ".lock"]
    before = {path.name: path.stat().st_size for path in folder.iterdir()}
    run_fk_gan.main(flags)  # there is nothing left to do
    assert points_of(folder) == points_of(whole)
    assert {path.name: path.stat().st_size for path in folder.iterdir()} == before


def test_two_processes_stop_together_inside_an_epoch_and_go_on_to_the_same_numbers(tmp_path: Path):
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", str(SCRIPT)]
    cut = [*TINY, "--checkpoint", str(tmp_path / "cut")]
    process = subprocess.Popen(
        [*torchrun, "wait", str(tmp_path / "there"), *cut], env=environment(), text=True, stderr=subprocess.PIPE
    )
    while not (tmp_path / "there").exists() and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=300)[1]
    folder = folder_of(tmp_path / "cut")
    wanted = f"Stopped and saved. Go on with: torchrun --nproc_per_node 2 run_fk_gan.py --resume {folder}\n"
    assert said.count("Stopped") == said.count(wanted) == 1, said
    assert state_of(folder)["epoch"] == 1 and 0 < state_of(folder)["step"] < STEPS
    flags = [*TINY, "--checkpoint", str(tmp_path / "whole")]
    done = subprocess.run([*torchrun, "go_on", str(folder), *flags], env=environment(), text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("is being written to by process") == 1 and "Traceback" not in done.stderr
    whole = folder_of(tmp_path / "whole")
    assert results_of(folder) == results_of(whole)
    assert points_of(folder) == points_of(whole)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_process_that_is_killed_or_stands_still_ends_the_run_in_a_sentence_on_how_to_go_on(
    number: signal.Signals, tmp_path: Path
):
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", str(SCRIPT)]
    flags = [*TINY, "--checkpoint", str(tmp_path)]
    done = subprocess.run(
        [*torchrun, "lose", str(int(number)), *flags], env=environment(), text=True, capture_output=True, timeout=300
    )
    folder = folder_of(tmp_path)
    sentences = [line for line in done.stderr.splitlines() if "Go on with" in line]
    assert done.returncode and len(sentences) == 1, done.stderr
    assert f"is lost. Go on with: torchrun --nproc_per_node 2 run_fk_gan.py --resume {folder}" in sentences[0]
    assert ("has not been heard of" in sentences[0]) == (number == signal.SIGSTOP)
    assert state_of(folder)["epoch"] == 1


def test_ctrl_c_in_an_evaluation_ends_it_and_it_is_made_again(whole: Path, tmp_path: Path, monkeypatch):
    predict_dataset = evaluator.predict_dataset

    def press(*words: Any, **named: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return predict_dataset(*words, **named)

    monkeypatch.setattr(evaluator, "predict_dataset", press)
    with pytest.raises(KeyboardInterrupt, match="Stopped and saved. Go on with: python"):
        run(tmp_path)
    monkeypatch.undo()
    folder = folder_of(tmp_path)
    assert state_of(folder)["step"] == STEPS and not (folder / "results.jsonl").exists()
    os.rename(folder / LAST, folder / PREVIOUS)
    run_fk_gan.main(["--resume", str(folder)])
    assert results_of(folder) == results_of(whole)
    assert points_of(folder) == points_of(whole)


def test_a_folder_in_use_is_refused_and_left_as_it_is(whole: Path, capsys: pytest.CaptureFixture[str]):
    with folder_lock(whole, "a training run"):
        before = {path: path.stat().st_mtime_ns for path in whole.iterdir()}
        said = sentence_of(["--resume", str(whole)], capsys)
        assert {path: path.stat().st_mtime_ns for path in whole.iterdir()} == before
    assert f"{whole} is being written to by process {os.getpid()}" in said


@pytest.mark.parametrize("part", ["weight", "running_var"])
def test_weights_that_are_not_finite_never_replace_good_ones(
    part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    step_done = TrainingState.step_done

    def spoil(run: TrainingState) -> None:
        step_done(run)
        if (run.epoch, run.step) == (1, 2):
            tensors = run.trainer.lifter.state_dict()
            tensors[next(name for name in tensors if name.endswith(part))].fill_(torch.nan)
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(TrainingState, "step_done", spoil)
    said = sentence_of([*TINY, "--checkpoint", str(tmp_path)], capsys)
    assert "NaN or infinity in trainer.lifter" in said and f"is the state after {STEPS} batches" in said
    assert ("--lr below" in said) == (part == "weight") and ("training data" in said) == (part != "weight")
    assert state_of(folder_of(tmp_path))["batches"] == STEPS


def test_a_learning_rate_that_is_far_too_large_ends_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    flags = [*TINY, "--lr", "0.9", "--recipe", "none", "--posenet_width", "512", "--checkpoint", str(tmp_path)]
    said = sentence_of(flags, capsys)
    assert said.startswith("The run has diverged: ") and "--lr below 0.9" in said and "after 0 batches" in said
    assert state_of(folder_of(tmp_path))["batches"] == 0


def test_a_full_disk_is_one_sentence_and_the_run_goes_on_when_there_is_room(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    step_done, (soft, hard) = TrainingState.step_done, resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(run: TrainingState) -> None:
        step_done(run)
        if (run.epoch, run.step) == (2, 5):
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))

    monkeypatch.setattr(TrainingState, "step_done", fill)
    try:
        said = sentence_of([*TINY, "--checkpoint", str(tmp_path)], capsys)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    monkeypatch.undo()
    folder = folder_of(tmp_path)
    assert said.startswith("Cannot write ") and "make room" in said and f"--resume {folder}" in said
    lines = results_of(folder)
    assert len(lines) >= 2 and lines == results_of(whole)[: len(lines)]
    run_fk_gan.main(["--resume", str(folder)])
    assert results_of(folder) == results_of(whole)
    assert points_of(folder) == points_of(whole)


def test_before_the_first_batch_a_signal_says_so():
    for number in (signal.SIGINT, signal.SIGTERM):
        with pytest.raises(KeyboardInterrupt, match="Stopped before the first batch"), stop_on_signal():
            os.kill(os.getpid(), number)
            time.sleep(1)


def test_a_comparison_that_is_stopped_goes_on_to_its_other_recipes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    step_done = TrainingState.step_done
    monkeypatch.setattr(TrainingState, "step_done", lambda run: (step_done(run), os.kill(os.getpid(), signal.SIGINT)))
    with pytest.raises(KeyboardInterrupt, match=r"--resume \S*_none \(that trains posefk, not begun yet, too\)"):
        run(tmp_path, "--compare", "none", "posefk", "--warmup", "0", "--epochs", "1", "--steps_per_epoch", "2")
    monkeypatch.undo()
    none = folder_of(tmp_path)
    run_fk_gan.main(["--resume", str(none)])
    (posefk,) = set(tmp_path.glob("*/*/*")) - {none}
    assert len(results_of(none)) == len(results_of(posefk)) == 2 and posefk.name.endswith("_posefk")
    table = capsys.readouterr().out.split("MPJPE in mm, last epoch:")[-1]
    assert f"{results_of(posefk)[-1]['mpjpe']:.1f}" in table and f"{results_of(none)[-1]['mpjpe']:.1f}" in table
    run_fk_gan.main(["--resume", str(none)])  # which is done, and so are the others
    assert len([*tmp_path.glob("*/*/*")]) == 2 and "nothing is left to learn" in capsys.readouterr().out


def test_the_command_that_goes_on_starts_as_many_processes(monkeypatch: pytest.MonkeyPatch):
    folder = Path("runs/my run")
    assert resume_command(folder) == "python run_fk_gan.py --resume 'runs/my run'"
    for name, value in {"TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "8", "LOCAL_WORLD_SIZE": "4",
                        "MASTER_ADDR": "node0", "MASTER_PORT": "29500"}.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    command = resume_command(folder)
    assert command.startswith("torchrun --nnodes 2 --nproc_per_node 4 --node_rank RANK --master_addr node0 ")
    assert "--master_port 29500 run_fk_gan.py --resume 'runs/my run'" in command and "0 to 1" in command


def test_a_line_of_results_is_json_whatever_it_holds():
    assert json.loads(as_json({"mpjpe": float("nan"), "pck": float("inf"), "epoch": 1, "test_set": "cmux2_a"})) == {
        "mpjpe": None, "pck": None, "epoch": 1, "test_set": "cmux2_a"
    }  # fmt: skip


def test_a_run_whose_predictions_are_no_poses_says_so_with_what_to_try_and_what_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    predicted, others = evaluator.predict_dataset, [entry.name for entry in fields(EvaluationResult) if entry.init][1:]

    def far_off(*words: Any, **more: Any) -> EvaluationResult:
        made = predicted(*words, **more)
        return EvaluationResult(made.prediction + 200, *(getattr(made, name) for name in others))

    monkeypatch.setattr(evaluator, "predict_dataset", far_off)
    flags = [*TINY, "--recipe", "none", "--checkpoint", str(tmp_path), "--lr", "0.99", "--epochs", "1"]
    said = sentence_of(flags, capsys)
    assert "has diverged" in said and "--lr below 0.99" in said and f"{LAST} in {folder_of(tmp_path)}" in said
    assert not list(tmp_path.rglob("best_*"))
