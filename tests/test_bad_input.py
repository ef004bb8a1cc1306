"""A table of bad input to the main command: one sentence, exit code 2, nothing written."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import run_fk_gan
from kinematics import exit_with_one_sentence
from posenets import ScreenLifter, build_posenet
from tests.tiny_cmu import FLAGS
from training.checkpoint import make_run_folder
from training.config import read_settings

# flags ({} is a folder made by `files`) -> words of the sentence: what came, and what was wanted or what to do
TABLE = [
    ("--recipe posfk", ["posfk", "choose from", "Perhaps you meant: posefk"]),
    ("--dataset h36", ["h36", "choose from", "h36m"]),
    ("--posenet_name videopos", ["videopos", "Perhaps you meant: videopose"]),
    ("--learning_rat 1", ["--learning_rat is not a flag"]),
    ("--batchsize 4", ["Perhaps you meant: --batch_size"]),
    ("--epochs many", ["--epochs", "many"]),
    ("--epochs 0", ["--epochs 0", "at least 1"]),
    ("--batch_size 1", ["--batch_size 1", "at least 2"]),
    ("--lr nan", ["--lr nan", "between 0 and 1"]),
    ("--dropout 1.5", ["--dropout 1.5", "from 0 to under 1"]),
    ("--ema 1", ["--ema", "under 1"]),
    ("--synthetic_share 2", ["--synthetic_share 2", "from 0 to 1"]),
    ("--device gpu", ["--device gpu", "auto, cpu, cuda"]),
    ("--input_mode pixels", ["--input_mode pixels", "screen"]),
    ("--input_layout coco", ["--input_layout coco", "coco_17"]),
    ("--input_layout coco_17 --num_joints 17", ["--num_joints 17", "--num_joints 16 only"]),
    ("--input_layout coco_17 --confidence True", ["--confidence True", "--detector_noise default"]),
    ("--input_layout coco_17 --posenet_name st_gcn", ["num_joints is 18", "COCO has none"]),
    ("--input_layout coco_17 --posenet_name seq2seq", ["--loss standard_mse", "--loss mpjpe"]),
    ("--frames 27 --posenet_name simple_baseline", ["simple_baseline", "1 frame", "27"]),
    ("--frames 10 --posenet_name videopose", ["frames is 10", "power of 3"]),
    ("--causal True --posenet_name poseformer", ["--causal", "videopose", "poseformer"]),
    ("--filter_widths 3 3 --posenet_name poseformer", ["--filter_widths", "poseformer"]),
    ("--filter_widths 333 --posenet_name videopose", ["--filter_widths 333", "--filter_widths 3 3 3"]),
    ("--compare", ["--compare", "one word or more"]),
    ("--filter_widths 2 2 --posenet_name videopose", ["filter_widths", "odd whole numbers"]),
    ("--loss_frames all --posenet_name videopose --frames 9", ["videopose", "one frame of its window", "seq2seq"]),
    ("--confidence True", ["--confidence True", "has no confidences", "third column", "--detector_noise default"]),
    ("--confidence maybe", ["--confidence", "maybe"]),
    ("--detector_noise defualt", ["--detector_noise defualt", "no such file", "Choose from auto, none, default"]),
    ("--detector_noise {}/file", ["file is not a JSON file", "DetectorNoise"]),
    ("--detector_noise {}/half.json", ["half.json holds sd", "expected a DetectorNoise: skeleton"]),
    ("--keypoints cpn_ft_h36m_dbb", ["--keypoints cpn_ft_h36m_dbb", "cmu has no detector's 2D", "--dataset h36m"]),
    ("--max_gap -1", ["--max_gap -1", "at least 0"]),
    ("--max_gap nan", ["--max_gap nan", "at least 0"]),
    ("--num_joints 24", ["24", "16"]),
    ("--subjects_train S99", ["S99", "02"]),
    ("--actions yodel", ["yodel", "walk"]),
    ("--test_sets 3dpx", ["3dpx", "3dpw", "3dhp"]),
    ("--test_sets aistx", ["aist_plusplus", "mapping.txt is missing", "docs/data_more.md"]),
    ("--compare none posefx", ["posefx", "Perhaps you meant: posefk"]),
    ("--note a/b", ["a/b", "without spaces and slashes"]),
    ("stray", ["stray", "expected --flag value"]),
    ("--checkpoint {}/file", ["file", "cannot be made", "is a file", "Choose a folder"]),
    ("--checkpoint {0}/file/inside --dataset h36m --data_root {0}", ["is a file", "Choose a folder"]),
    ("--resume {}/nowhere", ["nowhere", "is missing", "a run that was saved"]),
    ("--resume {}/lifter.pt", ["lifter.pt", "not the state of a run", "--evaluate"]),
    ("--resume {}/file", ["file", "cannot be read"]),
    ("--evaluate {}/nowhere.pt", ["nowhere.pt", "is missing"]),
    ("--evaluate {}", ["--evaluate", "is a folder", "last.safetensors"]),
    ("--evaluate {}/file", ["file", "cannot be read", "not a PyTorch file"]),
    ("--evaluate {}/empty.pt", ["empty.pt", "cannot be read"]),
    ("--evaluate {}/truncated.pt", ["truncated.pt", "cannot be read"]),
    ("--evaluate {}/baseline.pth --posenet_name videopose", ["not a videopose checkpoint", "simple_baseline"]),
    ("--dataset h36m --data_root {}", ["data_3d_h36m.npz is missing", "prepare_data_h36m"]),
    ("--dataset h36m --data_root {}/truncated", ["data_3d_h36m.npz", "Copy or make it again"]),
    ("--dataset cmu --test_sets 3dhp --data_extra_root {}", ["test_3dhp.npz is missing", "prepare_data_3dhp"]),
    ("--dataset cmu --test_sets 3dhp --data_extra_root {}/millimetres", ["test_3dhp.npz", "metres"]),
    ("--dataset cmu --test_sets 3dhp --data_extra_root {}/nan", ["test_3dhp.npz", "NaN"]),
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Damaged and mistaken files."""
    folder = tmp_path_factory.mktemp("bad")
    (folder / "file").write_text("not a folder, not a checkpoint")
    (folder / "half.json").write_text('{"sd": [0.1]}')
    (folder / "empty.pt").touch()
    lifter = ScreenLifter(build_posenet("simple_baseline", linear_size=8))
    torch.save(lifter.to_checkpoint(), folder / "lifter.pt")
    torch.save(lifter.posenet.state_dict(), folder / "baseline.pth")
    (folder / "truncated.pt").write_bytes((folder / "lifter.pt").read_bytes()[:500])
    poses = np.random.default_rng(0).normal(0, 0.3, (5, 16, 3))
    np.savez(folder / "whole.npz", positions_3d=poses)
    (folder / "truncated").mkdir()
    (folder / "truncated" / "data_3d_h36m.npz").write_bytes((folder / "whole.npz").read_bytes()[:300])
    for name, broken in (("millimetres", poses * 1000), ("nan", np.where(poses > 0.5, np.nan, poses))):
        (folder / name / "test_set").mkdir(parents=True)
        np.savez(folder / name / "test_set" / "test_3dhp.npz", pose3d=broken, pose2d=poses[..., :2])
    return folder


@pytest.mark.parametrize(("flags", "words"), TABLE, ids=[flags for flags, _ in TABLE])
def test_bad_input_is_one_sentence_and_writes_nothing(
    flags: str, words: list[str], files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    before = sorted(files.rglob("*"))
    tiny = [*FLAGS.split(), "--epochs", "1", "--steps_per_epoch", "1", "--posenet_width", "8", "--actions", "walk",
            "--figures", "False", "--checkpoint", str(tmp_path / "runs")]  # fmt: skip
    typed = flags.format(files).split()
    kept = [] if "h36m" in typed else tiny
    with pytest.raises(SystemExit) as caught:
        exit_with_one_sentence(lambda: run_fk_gan.main([*kept, *typed] if typed[0] != "stray" else typed))
    sentence = capsys.readouterr().err
    assert caught.value.code == 2
    assert sentence.count("\n") == 1 and "Traceback" not in sentence, sentence
    for word in words:
        assert word in sentence, sentence
    assert not (tmp_path / "runs").exists() and sorted(files.rglob("*")) == before


def test_a_checkpoint_of_other_settings_is_refused(tmp_path: Path, files: Path):
    state = torch.load(files / "lifter.pt", weights_only=True)
    torch.save({**state, "settings": {"speed": 3}, "run": {"processes": []}}, tmp_path / "last.pt")
    with pytest.raises(ValueError, match="have speed, which this version does not know"):
        run_fk_gan.main(["--resume", str(tmp_path)])


def test_the_real_command_leaves_with_code_2_and_one_line(tmp_path: Path):
    command = [sys.executable, run_fk_gan.__file__, "--recipe", "posfk", "--checkpoint", str(tmp_path / "runs")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "--recipe posfk: choose from none, dh-aug, posefk. Perhaps you meant: posefk\n"
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("flags", "suffix", "end"),
    [("", "", "_posefk"), ("--recipe none", "", "_none"), ("--recipe none", "_none", "_none"), ("--note x", "", "_x"),
     ("--note x", "_none", "_x_none")],
)  # fmt: skip
def test_a_run_is_named_after_its_note_or_its_recipe(flags: str, suffix: str, end: str, tmp_path: Path):
    folder = make_run_folder(read_settings(["--checkpoint", str(tmp_path), *flags.split()]), suffix)
    assert folder.name[15:] == end  # what follows the time


def test_numbers_in_settings_json_can_be_read_by_others(tmp_path: Path):
    folder = make_run_folder(read_settings(["--checkpoint", str(tmp_path), "--note", "x"]))
    assert json.loads((folder / "settings.json").read_text())["output"]["note"] == "x"
    again = make_run_folder(read_settings(["--checkpoint", str(tmp_path), "--note", "x"]))
    assert again != folder and again.is_dir()
