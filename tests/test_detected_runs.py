"""The main command on detected 2D: Human3.6M's files as they are written, a detector with confidences and gaps."""

import contextlib
import io
import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

import run_fk_gan
from augment import DetectorNoise
from data.h36m import recordings as h36m
from data.h36m.cameras import CAMERA_RESOLUTIONS
from data.recordings import DataSettings
from evaluation import cross_domain
from kinematics.camera import screen_to_pixels
from kinematics.skeleton import Skeleton
from posenets import load_lifter
from training.state import TrainingState

TINY = (
    "--dataset h36m --posenet_name simple_baseline --posenet_width 16 --gan 0.1 "
    "--generator_width 16 --critic_width_3d 16 "
    "--critic_width_2d 16 --epochs 2 --steps_per_epoch 6 --batch_size 32 --threads 1 --device cpu --figures False"
)
NOISE = DetectorNoise("h36m_16", (0.05,) * 16, (0.02,) * 16, (0.01,) * 16, seconds=0.2)


def walking(frames: int, seed: int) -> np.ndarray:
    """(F, 32, 3) metres: somebody who stands, sways and drifts about."""
    draw, layout = np.random.default_rng(seed), Skeleton("h36m_32")
    places = {
        "Hip": (0, 0, 0.93), "RHip": (0.13, 0, 0.93), "RKnee": (0.13, 0.01, 0.49), "RAnkle": (0.13, 0, 0.05),
        "LHip": (-0.13, 0, 0.93), "LKnee": (-0.13, 0.01, 0.49), "LAnkle": (-0.13, 0, 0.05), "Spine": (0, -0.01, 1.17),
        "Thorax": (0, 0, 1.42), "NeckNose": (0, 0.06, 1.5), "Head": (0, 0.03, 1.61), "LShoulder": (-0.15, 0, 1.39),
        "LElbow": (-0.19, 0, 1.11), "LWrist": (-0.19, 0.03, 0.86), "RShoulder": (0.15, 0, 1.39),
        "RElbow": (0.19, 0, 1.11), "RWrist": (0.19, 0.03, 0.86),
    }  # fmt: skip
    body = np.zeros((32, 3))
    for index, name in enumerate(layout.joints):
        while name not in places:
            name = layout.joints[layout.parents[layout.joints.index(name)]]
        body[index] = places[name]
    sway = draw.normal(size=(32, 3)) * 0.05 * np.sin(np.arange(frames) / 9)[:, None, None]
    return (body + sway + np.outer(np.arange(frames), [0.004, 0.002, 0])[:, None]).astype(np.float32)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepared Human3.6M, and detections `hr` with confidences, a closed gap and a cut."""
    folder = tmp_path_factory.mktemp("h36m")
    subjects = ("S1", "S5", "S9")
    positions = {s: {"Walking": walking(120, i), "Eating": walking(90, i + 9)} for i, s in enumerate(subjects)}
    np.savez(folder / "data_3d_h36m.npz", positions_3d=np.array(positions, dtype=object))
    splits = h36m.load(DataSettings(dataset="h36m", data_root=str(folder)))
    generator, content = torch.Generator().manual_seed(0), {}
    for recording in [*splits.train, *splits.tests["h36m"]]:
        views = []
        for view, (width, height) in zip(recording.views, CAMERA_RESOLUTIONS, strict=True):
            seen, confidence = NOISE.apply(torch.from_numpy(view.joints_2d)[None], generator)
            pixels = screen_to_pixels(seen[0], width, height)
            views.append(torch.cat([pixels, confidence[0][..., None]], dim=-1).numpy())
        content.setdefault(recording.subject, {})[recording.action] = views
    content["S1"]["Walking"][1][30:34, 5, :2] = np.nan
    content["S5"]["Eating"][2][20:50, 5, :2] = np.nan
    np.savez(folder / "data_2d_h36m_hr.npz", positions_2d=np.array(content, dtype=object))
    plain = {
        s: {recording: [view[..., :2] for view in views] for recording, views in t.items()} for s, t in content.items()
    }
    for recordings in plain.values():
        for views in recordings.values():
            for view in views:
                view[np.isnan(view)] = 500
    np.savez(folder / "data_2d_h36m_sh.npz", positions_2d=np.array(plain, dtype=object))
    return folder


def run(root: Path, folder: Path, *flags: str) -> Path:
    run_fk_gan.main([*TINY.split(), "--data_root", str(root), "--checkpoint", str(folder), *flags])
    (run_folder,) = folder.glob("*/*/*")
    return run_folder


def scores_of(folder: Path) -> list[dict]:
    lines = [json.loads(text) for text in (folder / "results.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


DETECTED = ["--keypoints", "hr", "--confidence", "True"]


@pytest.fixture(scope="module")
def told_run(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a run on detections, and what it printed."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        folder = run(root, tmp_path_factory.mktemp("whole"), *DETECTED)
    return folder, printed.getvalue()


@pytest.fixture(scope="module")
def detected_run(told_run: tuple[Path, str]) -> Path:
    return told_run[0]


def test_a_run_on_detections_tells_and_keeps_what_it_found(told_run: tuple[Path, str]):
    folder, printed = told_run
    assert (
        "hr, Human3.6M training: joints are missing (NaN) in 2 of 4 recordings: 4 of 1680 frames interpolated"
        in printed
    )
    assert ", 30 cut" in printed and "has no confidences" not in printed
    assert "detector noise: sd 5.0 % of the person's size" in printed and "; on synthetic poses" in printed
    found = DetectorNoise.load(folder / "detector_noise.json")
    assert found.sd == pytest.approx(NOISE.sd, rel=0.15) and found.seconds == pytest.approx(0.2, rel=0.25)
    lifter = load_lifter(folder / "last.safetensors")
    assert lifter.reads_confidence and lifter.fps == 50 and folder.parts[-2] == "hr"


def test_a_run_on_detections_resumes_as_if_undisturbed_even_without_its_noise_file(
    root: Path, detected_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    assert stopped_and_resumed(root, tmp_path, monkeypatch, DETECTED) == scores_of(detected_run)


def test_projected_2d_with_a_noise_by_name_resumes_as_if_undisturbed(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    flags = ["--detector_noise", "default", "--confidence", "True", "--gan_interval", "4"]  # stopped inside a block
    whole = run(root, tmp_path / "whole", *flags)
    printed = capsys.readouterr().out
    assert "; on synthetic and real poses" in printed and "h36m: its 2D has no confidences" in printed
    assert stopped_and_resumed(root, tmp_path / "cut", monkeypatch, flags) == scores_of(whole)
    clean = run(root, tmp_path / "clean", "--detector_noise", "none")
    assert not (clean / "detector_noise.json").exists()


def stopped_and_resumed(root: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, flags: list[str]) -> list[dict]:
    """Stopped in the second epoch by Ctrl-C; its noise file is taken away before it goes on."""
    step_done = TrainingState.step_done

    def press(run: TrainingState) -> None:
        step_done(run)
        if (run.epoch, run.step) == (1, 3):
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(TrainingState, "step_done", press)
    with pytest.raises(KeyboardInterrupt, match="--resume"):
        run(root, folder, *flags)
    monkeypatch.undo()
    (cut,) = folder.glob("*/*/*")
    (cut / "detector_noise.json").unlink()
    run_fk_gan.main(["--resume", str(cut)])
    assert (cut / "detector_noise.json").exists()
    return scores_of(cut)


def test_a_kept_noise_serves_another_run_and_reaches_poses_without_augmentation(
    root: Path, detected_run: Path, tmp_path: Path
):
    noise = detected_run / "detector_noise.json"
    folder = run(root, tmp_path / "noisy", "--recipe", "none", "--detector_noise", str(noise))
    assert DetectorNoise.load(folder / "detector_noise.json") == DetectorNoise.load(noise)
    assert scores_of(folder) != scores_of(run(root, tmp_path / "clean", "--recipe", "none"))


def test_windows_of_detections_are_trained_and_judged_with_confidences(root: Path, tmp_path: Path):
    flags = "--posenet_name videopose --frames 9 --motion_critic_width 16".split()
    folder = run(root, tmp_path, *DETECTED, *flags)
    lifter = load_lifter(folder / "last.safetensors")
    assert lifter.frames == 9 and lifter.predict_clip(torch.rand(5, 16, 3)).shape == (5, 16, 3)


def test_cross_domain_judges_on_detections_with_their_confidences_and_tells_what_was_cut(
    root: Path, detected_run: Path, capsys: pytest.CaptureFixture[str]
):
    command = f"--checkpoint {detected_run}/last.safetensors --test_sets h36m --data_root {root} --keypoints"
    cross_domain.main([*command.split(), "hr"])
    printed = capsys.readouterr().out
    last = [line for line in scores_of(detected_run) if line["test_set"] == "h36m"][-1]
    assert f"{last['mpjpe']:.2f}" in printed and "joints are missing" in printed and "no confidences" not in printed
    cross_domain.main([*command.split(), "gt"])
    assert "h36m: its 2D has no confidences, so the lifter reads 1" in capsys.readouterr().out


def test_a_checkpoint_is_evaluated_on_the_recordings_asked_for(
    root: Path, detected_run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    last = detected_run / "last.safetensors"
    judge = f"--dataset h36m --data_root {root} --keypoints hr --evaluate {last} --test_sets h36m"
    run_fk_gan.main([*judge.split(), "--actions", "Walking"])
    printed = capsys.readouterr().out
    assert "\nall    480 " in printed and "Eating" not in printed, "120 frames of S9 from four cameras"
    asked = {}
    monkeypatch.setattr(cross_domain, "load_test_set", lambda name, settings, *_: asked.update(vars(settings)) or [])
    with pytest.raises(ValueError, match="no usable pose"):
        run_fk_gan.main([*judge.split(), "--subjects_test", "S5", "--max_gap", "0.5"])
    assert asked["subjects_test"] == ("S5",) and asked["max_gap"] == 0.5


@pytest.mark.parametrize(
    "flags, words",
    [
        ("--confidence True", r"--keypoints gt\) has no confidences"),
        ("--keypoints sh --confidence True", r"--keypoints sh\) has no confidences"),
        ("--keypoints sh --confidence True --detector_noise default", r"--keypoints sh\) has no confidences"),
    ],
)
def test_confidences_that_are_nowhere_are_refused_before_anything_is_written(
    flags: str, words: str, root: Path, tmp_path: Path
):
    with pytest.raises(ValueError, match=words):
        run(root, tmp_path / "runs", *flags.split())
    assert not (tmp_path / "runs").exists()
