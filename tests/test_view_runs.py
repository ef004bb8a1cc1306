"""The main command with lifters of several views: real runs on a part of the demo data set, made tiny."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import run_fk_gan
from data import DataSplits, Take, load_dataset
from evaluation import cross_domain
from kinematics.errors import PoseFKError
from posenets import MultiViewLifter, load_lifter

DATA = "--dataset demo --actions walk crawl --subjects_train D1 --test_sets demo"
NETS = "--posenet_name esmformer --frames 3 --posenet_width 16 --posenet_blocks 1 --generator_width 16"
CRITICS = "--critic_width_3d 16 --critic_width_2d 16 --motion_critic_width 16"
TINY = f"{DATA} {NETS} {CRITICS} --views 3 --epochs 2 --steps_per_epoch 3 --batch_size 16 --threads 1 --device cpu"
ALONE = "--self_supervised 1 --tri_loss 1 --reproj_loss 1 --adaptive_loss 1 --loss_w 0.8"
DETECTED = "--detector_noise default --test_noise default"


def run(folder: Path, flags: str) -> Path:
    """Run the command in this process; returns the run's folder."""
    run_fk_gan.main([*f"{TINY} {flags}".split(), "--checkpoint", str(folder)])
    (run_folder,) = folder.glob("*/*/*")
    return run_folder


def weights_of(run_folder: Path) -> dict[str, torch.Tensor]:
    return load_lifter(run_folder / "last.pt").state_dict()


def errors_of(run_folder: Path) -> dict[str, float]:
    lines = [json.loads(text) for text in (run_folder / "results.jsonl").read_text().splitlines()]
    return {line["test_set"]: line["mpjpe"] for line in lines}


@pytest.mark.parametrize(
    "flags",
    ["--recipe none", "--recipe dh-aug --warmup 1", f"--recipe posefk {DETECTED}", f"--recipe none {ALONE}",
     f"--recipe posefk {ALONE} {DETECTED}"],
)  # fmt: skip
def test_every_recipe_trains_a_lifter_of_several_views(flags: str, tmp_path: Path):
    run_folder = run(tmp_path, f"{flags} --figures False")
    lifter = load_lifter(run_folder / "last.pt")
    assert isinstance(lifter, MultiViewLifter) and lifter.views == 3
    errors = errors_of(run_folder)
    assert set(errors) == {"validation", "demo"} and all(map(np.isfinite, errors.values()))


def test_pictures_show_every_view_and_the_fused_pose(tmp_path: Path):
    run_folder = run(tmp_path, "--recipe posefk")
    figures = {path.stem for path in (run_folder / "figures").iterdir()}
    assert {"poses", "lifted_demo", "joint_angles", "camera_views", "errors"} <= figures


def test_a_stopped_run_goes_on_to_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    flags = f"--recipe posefk {ALONE} {DETECTED} --figures False"
    whole = run(tmp_path / "whole", flags)
    kept = tmp_path / "kept"
    save = run_fk_gan.Course.save

    def save_and_keep(course: run_fk_gan.Course, folder: Path | None) -> None:
        save(course, folder)
        if course.epoch == 1 and folder is not None and not kept.exists():
            shutil.copytree(folder, kept)

    monkeypatch.setattr(run_fk_gan.Course, "save", save_and_keep)
    run(tmp_path / "again", flags)
    monkeypatch.undo()
    run_fk_gan.main(["--resume", str(kept), "--figures", "False"])
    for name, values in weights_of(whole).items():
        torch.testing.assert_close(values, weights_of(kept)[name], msg=name)


@pytest.mark.parametrize("flags", [f"--recipe none {ALONE}", f"--recipe posefk {ALONE} {DETECTED}"])
def test_labels_cannot_leak_into_a_self_supervised_run(flags: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A third of the 3D labels of every training take is nonsense: the weights come out the same, to the last bit."""
    true = run(tmp_path / "true", f"{flags} --figures False")
    draws = np.random.default_rng(0)

    def spoilt(take: Take) -> Take:
        wrong = draws.random(len(take)) < 1 / 3
        views = []
        for view in take.views:
            joints = view.joints_3d.copy()
            joints[wrong] += draws.normal(0, 0.5, joints[wrong].shape).astype(np.float32)
            views.append(replace(view, joints_3d=joints))
        return replace(take, views=tuple(views))

    def load(name: str, settings: object) -> DataSplits:
        splits = load_dataset(name, settings)  # type: ignore[arg-type]
        return replace(splits, train=[spoilt(take) for take in splits.train])

    monkeypatch.setattr(run_fk_gan, "load_dataset", load)
    false = run(tmp_path / "false", f"{flags} --figures False")
    for name, values in weights_of(true).items():
        assert torch.equal(values, weights_of(false)[name]), name
    monkeypatch.undo()
    monkeypatch.setattr(run_fk_gan, "load_dataset", load)
    labelled = run(tmp_path / "labelled", "--recipe none --input_mode rays --figures False")
    monkeypatch.undo()
    taught = run(tmp_path / "taught", "--recipe none --input_mode rays --figures False")
    changed = [not torch.equal(values, weights_of(taught)[name]) for name, values in weights_of(labelled).items()]
    assert any(changed), "the same spoilt labels do change what is learnt from labels"


def test_a_checkpoint_is_judged_as_in_its_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run_folder = run(tmp_path, f"--recipe none --input_mode rays {DETECTED} --figures False")
    settings = cross_domain.CrossDomain(run_folder / "last.pt", ("demo",), test_noise="default", tables=False)
    (line,) = [line for line in cross_domain.run(settings) if line["protocol"] == "family"]
    # data of one's own actions only are in the run's test set
    assert line["poses"] > 0 and np.isfinite(line["mpjpe"])
    capsys.readouterr()
    run_fk_gan.main(f"--evaluate {run_folder / 'last.pt'} --test_sets demo --test_noise default".split())
    assert "demo" in capsys.readouterr().out


def test_views_and_data_that_do_not_go_together_are_refused(tmp_path: Path):
    with pytest.raises((ValueError, PoseFKError), match="views is 5|--views 5"):
        run(tmp_path, "--views 5")
    with pytest.raises(ValueError, match="16"):
        run(tmp_path, "--recipe posefk --num_joints 17")
