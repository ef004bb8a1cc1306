"""The command that fits how sure a lifter is: into its checkpoint, on people held out, one sentence for bad input."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from data import load_dataset
from evaluation.evaluate import dataset_for
from kinematics import Skeleton
from posenets import ScreenLifter, build_posenet, lifter_from_posenet, load_lifter
from posenets.checkpoints.files import read_checkpoint, write_checkpoint
from tests.tiny_cmu import ROOT, SETTINGS
from training import uncertainty as command


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(command, "POSES", 240)
    monkeypatch.setattr("posenets.uncertainty.STEPS", 40)


def _lifter(layout: str | None = None, reads_focal: bool = False, joints: int = 16, **sizes: int) -> ScreenLifter:
    torch.manual_seed(0)
    skeleton = Skeleton.from_num_joints(joints).name
    size = {"frames": 9, "channels": 8} if sizes.pop("frames", 1) > 1 else {"linear_size": 16}
    network = build_posenet(
        "videopose" if "frames" in size else "simple_baseline", 18 if layout else joints, **size, **sizes
    )
    return ScreenLifter(network, "virtual_camera", skeleton, layout, reads_focal).eval()


def _run(path: Path, more: str = "") -> list:
    words = f"--checkpoint {path} --dataset cmu --data_root {ROOT} {more}".split()
    return command.run(command.read_flags(command.Uncertainty, "training.uncertainty", "", words))


def test_it_goes_into_the_checkpoint_and_leaves_the_rest(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "last.safetensors"
    write_checkpoint(path, {**_lifter().to_checkpoint(3), "run": {"step": torch.arange(3)}})
    before = read_checkpoint(path)
    lines = _run(path, f"--test_sets cmux2_b --report {tmp_path}/scores.json")
    after = read_checkpoint(path)
    assert set(after) == set(before) and after["uncertainty"] and not before["uncertainty"]
    assert torch.equal(after["run"]["step"], torch.arange(3)) and after["epoch"] == 3
    assert all(torch.equal(after["model_pos"][name], weight) for name, weight in before["model_pos"].items())
    assert [line["test_noise"] for line in lines] == ["none", "default"] and "07 of cmu" in capsys.readouterr().out
    first = {name: weight.clone() for name, weight in after["uncertainty"].items()}
    _run(path)  # again: the same numbers
    assert all(torch.equal(first[name], weight) for name, weight in read_checkpoint(path)["uncertainty"].items())
    assert load_lifter(path).uncertainty is not None


@pytest.mark.parametrize(
    "lifter",
    [
        dict(layout="coco_17"), dict(reads_focal=True, in_features=3), dict(in_features=3), dict(joints=17),
        dict(frames=9),
    ],
    ids=str,
)  # fmt: skip
def test_it_fits_lifters_that_read_other_things(lifter: dict):
    network, data = _lifter(**lifter), replace(SETTINGS, num_joints=lifter.get("joints", 16))
    command.fit_uncertainty(network, dataset_for(network, load_dataset("cmu", data).validation))
    assert network.uncertainty is not None
    shape = 5, network.input_skeleton.num_joints, network.posenet.in_features
    clip = torch.randn(shape, generator=torch.Generator().manual_seed(0)) * 0.2
    joints, sd = network.predict_clip_with_sd(clip)
    assert sd is not None and sd.shape == joints.shape and (sd[:, 1:] > 0).all()


def test_an_original_project_s_weights_become_a_checkpoint_with_it(tmp_path: Path):
    network, path, out = _lifter(), tmp_path / "ckpt.pth.tar", tmp_path / "sure.safetensors"
    torch.save({"state_dict": network.posenet.state_dict()}, path)
    with pytest.raises(ValueError, match="give --out"):
        _run(path, "--posenet_name simple_baseline")
    _run(path, f"--posenet_name simple_baseline --input_mode virtual_camera --out {out}")
    lifter, clip = load_lifter(out), torch.randn(4, 16, 2, generator=torch.Generator().manual_seed(0)) * 0.2
    joints, sd = lifter.predict_clip_with_sd(clip)
    assert sd is not None and torch.allclose(joints, network.predict_clip(clip), atol=1e-6)


def test_held_out_poses_have_exact_keypoints_and_noisier_ones():
    lifter = _lifter()
    people = dataset_for(lifter, load_dataset("cmu", SETTINGS).validation)
    batches = list(command.held_out_batches(lifter, people, torch.Generator().manual_seed(0)))
    levels = [command.NOISE_LEVELS[i % len(command.NOISE_LEVELS)] for i in range(len(batches))]
    exact = [(batch.camera.project(batch.joints_3d) - batch.joints_2d).abs().mean() for batch in batches]
    by_level = {level: float(max(e for e, at in zip(exact, levels, strict=True) if at == level)) for level in levels}
    assert by_level[0.0] < 1e-5 < by_level[0.5] < by_level[1.0] < by_level[1.5]


def test_what_cannot_be_fitted_is_one_sentence(tmp_path: Path):
    torch.save({"weights": torch.zeros(3)}, tmp_path / "other.pt")
    with pytest.raises(ValueError, match="not a PoseFK checkpoint"):
        _run(tmp_path / "other.pt")
    with pytest.raises(FileNotFoundError, match="missing"):
        _run(tmp_path / "nothing.safetensors")
    sizes = dict(views=3, channel=16, d_hid=16, smfe=[1, 1, 1], milf=[1, 1, 1], smfe_heads=1, num_heads=2)
    views = lifter_from_posenet(build_posenet("esmformer", frames=3, **sizes), "screen", "h36m_16")
    write_checkpoint(tmp_path / "views.safetensors", views.to_checkpoint())
    with pytest.raises(ValueError, match="reads 3 cameras at once"):
        _run(tmp_path / "views.safetensors")
    write_checkpoint(tmp_path / "a.safetensors", _lifter().to_checkpoint())
    before = (tmp_path / "a.safetensors").read_bytes()
    with pytest.raises(ValueError, match="choose from"):
        _run(tmp_path / "a.safetensors", "--test_sets cmux9")
    assert (tmp_path / "a.safetensors").read_bytes() == before
