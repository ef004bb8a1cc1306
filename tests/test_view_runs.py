"""The main command with lifters of several views: real runs on a few clips of CMU-X, made tiny."""

import functools
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import run_fk_gan
from data import DataSettings, DataSplits, Recording, load_dataset
from kinematics.errors import PoseFKError
from posenets import ScreenLifter, load_lifter
from tests.tiny_cmu import FLAGS, ROOT, SETTINGS
from viewer.settings import Viewer, check

DATA = f"{FLAGS} --subjects_train 02 07 --test_sets cmux2_a"
NETS = "--posenet_name esmformer --frames 3 --posenet_width 16 --posenet_blocks 1 --gan 0.1 --generator_width 16"
CRITICS = "--critic_width_3d 16 --critic_width_2d 16 --motion_critic_width 16"
TINY = f"{DATA} {NETS} {CRITICS} --views 3 --epochs 2 --steps_per_epoch 3 --batch_size 16 --threads 1 --device cpu"
ALONE = "--self_supervised 1 --tri_loss 1 --reproj_loss 1 --adaptive_loss 1 --loss_w 0.8"
POSEFK = f"--recipe posefk {ALONE} --detector_noise default --test_noise default"


@functools.cache
def _loaded(name: str, subjects: tuple[str, ...], views: int) -> DataSplits:
    settings = replace(SETTINGS, subjects_train=subjects, views=views)
    return load_dataset(name, settings)


def load(name: str, settings: DataSettings) -> DataSplits:
    """As load_dataset, once for all runs of this file."""
    return _loaded(name, settings.subjects_train, settings.views)


def run(folder: Path, flags: str, load: Callable[[str, DataSettings], DataSplits] = load) -> Path:
    """Run the command in this process; returns the run's folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_fk_gan, "load_dataset", load)
        run_fk_gan.main([*f"{TINY} {flags}".split(), "--checkpoint", str(folder)])
    (run_folder,) = folder.glob("*/*/*")
    return run_folder


def weights_of(run_folder: Path) -> dict[str, torch.Tensor]:
    return load_lifter(run_folder / "last.safetensors").state_dict()


def errors_of(run_folder: Path) -> dict[str, float]:
    lines = [json.loads(text) for text in (run_folder / "results.jsonl").read_text().splitlines()]
    return {line["test_set"]: line["mpjpe"] for line in lines}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run of posefk without labels, with everything switched on, and a copy of its folder after the first epoch."""
    kept, save = tmp_path_factory.mktemp("kept") / "run", run_fk_gan.TrainingState.save

    def save_and_keep(run: run_fk_gan.TrainingState, folder: Path | None) -> None:
        save(run, folder)
        if run.epoch == 1 and folder is not None and not kept.exists():
            shutil.copytree(folder, kept)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_fk_gan.TrainingState, "save", save_and_keep)
        return run(tmp_path_factory.mktemp("whole"), f"{POSEFK} --figures False"), kept


@pytest.mark.parametrize("flags", ["--recipe none", "--recipe dh-aug --warmup 1", f"--recipe none {ALONE}"])
def test_every_recipe_trains_a_lifter_of_several_views(flags: str, tmp_path: Path):
    run_folder = run(tmp_path, f"{flags} --epochs 1 --figures False")
    lifter = load_lifter(run_folder / "last.safetensors")
    assert isinstance(lifter, ScreenLifter) and (lifter.views, lifter.input_mode) == (3, "screen")
    errors = errors_of(run_folder)
    assert set(errors) == {"validation", "cmux2_a"} and all(map(np.isfinite, errors.values()))


def test_pictures_show_every_view_and_the_fused_pose(tmp_path: Path):
    run_folder = run(tmp_path, f"{POSEFK} --epochs 1 --warmup 0")
    figures = {path.stem for path in (run_folder / "figures").iterdir()}
    assert {"poses", "lifted_cmux2_a", "joint_angles", "camera_views", "errors"} <= figures


def test_a_stopped_run_goes_on_to_the_same_weights(alone: tuple[Path, Path]):
    whole, kept = alone
    run_fk_gan.main(["--resume", str(kept)])
    again = weights_of(kept)
    for name, values in weights_of(whole).items():
        torch.testing.assert_close(values, again[name], msg=name)


def test_labels_cannot_leak_into_a_self_supervised_run(alone: tuple[Path, Path], tmp_path: Path):
    """A third of every training recording's 3D labels is nonsense: the weights stay the same to the last bit."""
    spoilt = run(tmp_path / "spoilt", f"{POSEFK} --figures False", load_spoilt)
    found = weights_of(spoilt)
    for name, values in weights_of(alone[0]).items():
        assert torch.equal(values, found[name]), name
    labels = "--recipe none --input_mode rays --epochs 1 --figures False"
    taught, misled = run(tmp_path / "taught", labels), run(tmp_path / "misled", labels, load_spoilt)
    found = weights_of(misled)
    changed = [not torch.equal(values, found[name]) for name, values in weights_of(taught).items()]
    assert any(changed), "the same nonsense does change what is learnt from labels"


def load_spoilt(name: str, settings: DataSettings) -> DataSplits:
    """As load, with errors of half a metre in a third of the labels that are learnt from."""
    draws = np.random.default_rng(0)

    def spoilt(recording: Recording) -> Recording:
        wrong = draws.random(len(recording)) < 1 / 3
        views = []
        for view in recording.views:
            joints = view.joints_3d.copy()
            joints[wrong] += draws.normal(0, 0.5, joints[wrong].shape).astype(np.float32)
            views.append(replace(view, joints_3d=joints))
        return replace(recording, views=tuple(views))

    splits = load(name, settings)
    return replace(splits, train=[spoilt(recording) for recording in splits.train])


def test_a_checkpoint_is_judged_as_a_command(alone: tuple[Path, Path], capsys: pytest.CaptureFixture[str]):
    path = alone[0] / "last.safetensors"
    run_fk_gan.main(f"--evaluate {path} --data_root {ROOT} --test_sets cmux2_a --test_noise default".split())
    assert "cmux2_a" in capsys.readouterr().out
    with pytest.raises(PoseFKError, match="sees 3 cameras at once and the viewer shows one"):
        check(Viewer(checkpoint=path, port=0))


def test_views_and_data_that_do_not_go_together_are_refused(tmp_path: Path):
    with pytest.raises((ValueError, PoseFKError), match="views is 5"):
        run(tmp_path, "--views 5", load_dataset)
    with pytest.raises(ValueError, match="16"):
        run(tmp_path, "--recipe posefk --num_joints 17", load_dataset)
