"""Whole runs on a GPU, tiny: every recipe, resuming, and what is done with a checkpoint, also on the other device."""

import json
import math
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import run_fk_gan
from augment import export
from data.devices import OTHER_DEVICE
from evaluation import cross_domain
from evaluation.predict import __main__ as predict
from evaluation.synthetic_quality import __main__ as synthetic_quality
from posenets import load_lifter
from posenets.checkpoints.files import read_checkpoint
from posenets.export_onnx import __main__ as export_onnx
from tests.tiny_cmu import FLAGS, ROOT
from training.state import TrainingState

pytestmark = pytest.mark.gpu
TINY = (
    f"{FLAGS} --posenet_name simple_baseline --subjects_train 02 07 --test_sets cmux2_a --epochs 2 "
    "--warmup 0 --batch_size 64 --gan 0.1 "
    "--steps_per_epoch 10 --posenet_width 32 --generator_width 32 --critic_width_3d 32 --critic_width_2d 32 "
    "--threads 1 --figures False"
)


def run(folder: Path, device: torch.device, *flags: str) -> Path:
    """A run of 20 steps; its folder."""
    run_fk_gan.main([*TINY.split(), "--device", str(device), "--checkpoint", str(folder), *flags])
    (made,) = folder.glob("*/*/*")
    return made


def scores(folder: Path) -> list[dict[str, Any]]:
    """Result lines without the time they took."""
    lines = [json.loads(text) for text in (folder / "results.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, device: torch.device) -> Path:
    """posefk on the device."""
    return run(tmp_path_factory.mktemp("whole"), device, "--recipe", "posefk")


@pytest.fixture
def interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[torch.device], Path]:
    """device -> the same run, stopped in its second epoch."""

    def make(device: torch.device) -> Path:
        step_done = TrainingState.step_done

        def press(run: TrainingState, *done: Any) -> None:
            step_done(run, *done)
            if (run.epoch, run.step) == (1, 4):
                os.kill(os.getpid(), signal.SIGINT)

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(TrainingState, "step_done", press)
            run(tmp_path / f"stopped_{device.type}", device, "--recipe", "posefk")
        (made,) = (tmp_path / f"stopped_{device.type}").glob("*/*/*")
        return made

    return make


@pytest.mark.parametrize(
    "flags",
    ["--recipe none", "--recipe dh-aug", "--recipe posefk --posenet_name videopose --frames 9 --posenet_width 16",
     "--recipe posefk --precision bfloat16"],
    ids=["none", "dh-aug", "posefk, clips", "posefk in bfloat16"],
)  # fmt: skip
def test_a_run_of_20_steps_is_judged(tmp_path: Path, device: torch.device, flags: str):
    lines = scores(run(tmp_path, device, *flags.split()))
    assert {line["test_set"] for line in lines} == {"validation", "cmux2_a"}
    assert all(0 < line["mpjpe"] < 3000 for line in lines)


def test_resuming_ends_with_the_same_numbers(whole: Path, device: torch.device, interrupted):
    folder = interrupted(device)
    run_fk_gan.main(["--resume", str(folder), "--device", str(device)])
    assert scores(folder) == scores(whole)


def test_a_run_goes_on_on_the_other_device_and_says_so(device: torch.device, interrupted, capsys):
    cpu = torch.device("cpu")
    for begun, continued in ((device, cpu), (cpu, device))[: 1 if device == cpu else 2]:
        folder = interrupted(begun)
        run_fk_gan.main(["--resume", str(folder), "--device", str(continued)])
        assert all(math.isfinite(line["mpjpe"]) for line in scores(folder)) and len(scores(folder)) == 4
        assert (OTHER_DEVICE in capsys.readouterr().out) == (begun.type != continued.type)


def test_a_checkpoint_predicts_and_is_judged_on_both_devices(
    whole: Path, device: torch.device, tmp_path: Path, write_keypoints, walking_people
):
    keypoints = write_keypoints("npy", tmp_path, walking_people(20))
    lifted, judged = [], []
    for place in ("cpu", str(device)):
        out = tmp_path / place.replace(":", "_")
        flags = "--layout coco_17 --image_size 1000 800 --fps 25 --refine False --film none --outputs npz --device"
        common = ["--checkpoint", str(whole / "last.safetensors")]
        predict.main([*common, "--keypoints", str(keypoints), "--out", str(out), *flags.split(), place])
        lifted.append(np.load(out / "pose.npz")["joints_3d"])
        lines = cross_domain.run(
            cross_domain.CrossDomain(
                whole / "last.safetensors", ("cmux2_b",), data_root=str(ROOT), device=place, tables=False
            )
        )
        judged.append(lines[0]["mpjpe"])
    np.testing.assert_allclose(*lifted, atol=1e-4)
    assert math.isclose(*judged, rel_tol=1e-3)


def test_a_checkpoint_is_exported_and_described_and_makes_a_graph(whole: Path, tmp_path: Path):
    flags = "--num_poses 120 --format hdf5 --shards 1"
    export.main(["--checkpoint", str(whole / "last.safetensors"), "--out", str(tmp_path / "synthetic"), *flags.split()])
    card = [
        "--synthetic",
        str(tmp_path / "synthetic"),
        "--real",
        "cmu",
        "--data_root",
        str(ROOT),
        "--out",
        str(tmp_path / "card"),
    ]
    synthetic_quality.main([*card, "--num_poses", "100", "--bootstrap", "2"])
    assert (tmp_path / "card" / "card.html").is_file()
    pytest.importorskip("onnxruntime")
    export_onnx.main(["--checkpoint", str(whole / "last.safetensors"), "--out", str(tmp_path / "model.onnx")])
    assert (tmp_path / "model.onnx").stat().st_size > 1000


def test_what_a_gpu_saved_opens_on_the_cpu(whole: Path, tmp_path: Path):
    content = read_checkpoint(whole / "last.safetensors")
    assert content["run"]["epoch"] == 2
    lifter = load_lifter(whole / "last.safetensors")
    assert {value.device.type for value in lifter.state_dict().values()} == {"cpu"}
