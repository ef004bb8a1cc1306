"""ONNX files: what PyTorch predicts, for any batch, from screen coordinates; nothing is kept that differs."""

import builtins
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch

from kinematics import PoseFKError
from posenets import INPUT_MODES, ScreenLifter, build_posenet, lifter_from_posenet, lifter_names
from posenets.export_onnx import graph
from posenets.export_onnx.__main__ import main

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

# lifter -> sizes, input mode and whether the mirror image is part of the graph: every mode once. READS_FOCAL: with
# confidences and known focal lengths
READS_FOCAL = "seq2seq"
CASES = {
    "videopose": (dict(frames=9, channels=8, in_features=3), "root_scaled", True),
    "simple_baseline": (dict(linear_size=8), "virtual_camera", True),
    "sem_gcn": (dict(hid_dim=4, num_layers=1), "root", False),
    "st_gcn": (dict(hid_dim=4, num_layers=1, frames=3), "screen", False),
    "poseformer": (dict(num_joints=16, frames=3, embed_dim_ratio=8, depth=1), "root_placed", False),
    "seq2seq": (dict(frames=2, width=8, in_features=4), "virtual_camera", False),
}


def _lifter(name="simple_baseline", mode="virtual_camera"):
    torch.manual_seed(0)
    return ScreenLifter(build_posenet(name, **CASES[name][0]), mode, reads_focal=name == READS_FOCAL).eval()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A checkpoint, and what the command makes of it."""
    folder = tmp_path_factory.mktemp("onnx")
    torch.save(_lifter().to_checkpoint(), folder / "last.pt")
    command = [sys.executable, "-m", "posenets.export_onnx", "--checkpoint", folder / "last.pt"]
    done = subprocess.run([*command, "--out", folder / "new" / "model.onnx"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert "differs from PyTorch by at most" in done.stdout
    return folder


@pytest.fixture
def quick(folder, monkeypatch):
    """The exporter replaced by a copy of what it made before."""
    monkeypatch.setattr(graph, "_write", lambda graph, path, opset: shutil.copy(folder / "new/model.onnx", path))


def test_every_lifter_of_one_camera_and_every_input_mode_is_tried():
    assert set(CASES) == set(lifter_names(False)) and {mode for _, mode, _ in CASES.values()} == set(INPUT_MODES)


@pytest.mark.parametrize("name", CASES)
def test_every_lifter_gives_in_any_batch_what_pytorch_gives(name, tmp_path):
    _, mode, flip = CASES[name]
    lifter = _lifter(name, mode)
    assert graph.export(lifter, tmp_path / "model.onnx", flip=flip) < 1e-5
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    for batch in (1, 3, 40):
        joints_2d = torch.rand(batch, lifter.frames, 16, lifter.posenet.in_features) - 0.4
        (found,) = session.run(None, {"joints_2d": joints_2d.numpy()})
        np.testing.assert_allclose(found, lifter.predict(joints_2d, flip).numpy(), atol=1e-5)


def test_a_lifter_of_coco_keypoints_exports_too(tmp_path):
    lifter = ScreenLifter(
        build_posenet("simple_baseline", num_joints=18, linear_size=8), "root", input_layout="coco_17"
    )
    assert graph.export(lifter, tmp_path / "model.onnx") < 1e-5
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    assert session.get_inputs()[0].shape == ["batch", 1, 17, 2] and session.get_outputs()[0].shape == ["batch", 16, 3]


def _of_several_cameras(**sizes):
    small = dict(frames=3, views=2, channel=8, d_hid=8, smfe=(1, 1, 1), milf=(1, 1, 1), smfe_heads=3, num_heads=2)
    torch.manual_seed(0)
    posenet = build_posenet("esmformer", num_joints=16, **small, **sizes)
    return lifter_from_posenet(posenet, "rays" if sizes.get("in_features") == 4 else "screen", "h36m_16").eval()


def test_a_lifter_of_several_cameras_gives_what_pytorch_gives(tmp_path):
    """Self-supervised: the supervised network and an MLP. Of the flip in a graph one camera tells."""
    lifter = _of_several_cameras(in_features=3, self_supervised=True)
    assert graph.export(lifter, tmp_path / "model.onnx") < 1e-5
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    assert session.get_inputs()[0].shape == ["batch", 2, 3, 16, 3]
    for batch in (1, 5):
        joints_2d = torch.rand(batch, 2, 3, 16, 3) - 0.4
        (found,) = session.run(None, {"joints_2d": joints_2d.numpy()})
        np.testing.assert_allclose(found, lifter.predict(joints_2d, False).numpy(), atol=1e-5)
    about = graph.describe(lifter, False)
    assert about["views"] == 2 and "z up" in about["output"]


def test_a_lifter_that_needs_calibrated_cameras_is_refused(tmp_path):
    with pytest.raises(PoseFKError, match="also reads its cameras' poses"):
        graph.export(_of_several_cameras(in_features=4), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_the_file_says_what_it_reads(folder):
    model = onnx.load(folder / "new" / "model.onnx")
    about = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(about["joint_names"])[:2] == ["Hip", "RHip"] and about["skeleton"] == "h36m_16"
    assert about["input_mode"] == "virtual_camera" and "width * 2 - 1" in about["screen"]
    assert "metres" in about["output"] and json.loads(about["flip"]) is False
    shapes = [[size.dim_param or size.dim_value for size in port.type.tensor_type.shape.dim]
              for port in (*model.graph.input, *model.graph.output)]  # fmt: skip
    assert shapes == [["batch", 1, 16, 2], ["batch", 16, 3]]


@pytest.mark.parametrize("difference, said", [(2e-4, "0.2 mm"), (float("nan"), "nan mm")])
def test_a_file_that_differs_is_not_kept(difference, said, quick, tmp_path, monkeypatch):
    monkeypatch.setattr(graph, "largest_difference", lambda graph, session: difference)
    with pytest.raises(PoseFKError, match=f"was not kept: onnxruntime differs from PyTorch by {said}"):
        graph.export(_lifter(), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_other_weights_than_the_file_s_are_noticed(quick, tmp_path):
    lifter = _lifter()
    with torch.no_grad():
        lifter.posenet.w2.bias[5] += 0.001
    with pytest.raises(PoseFKError, match="differs from PyTorch"):
        graph.export(lifter, tmp_path / "model.onnx")


def test_a_difference_is_measured():
    """Against a session that is 3 cm off in one joint."""
    lifter = _lifter(mode="screen")

    class Off:
        def run(self, _, inputs):
            joints = lifter.predict(torch.from_numpy(inputs["joints_2d"]), False).numpy()
            joints[-1, 5, 2] += 0.03
            return (joints,)

    assert graph.largest_difference(graph._Graph(lifter, False), Off()) == pytest.approx(0.03, abs=1e-6)


@pytest.mark.parametrize("factor", [float("nan"), float("inf"), 1e9, 1e30])
def test_a_lifter_whose_answers_are_no_bodies_is_not_exported(factor, folder, quick, tmp_path):
    """Not even where onnxruntime makes the same of it: what NaN differs from NaN is no number above a limit."""
    lifter = _lifter()
    with torch.no_grad():
        list(lifter.posenet.parameters())[-2].mul_(factor)
    with pytest.raises(PoseFKError, match="not exported: on random bodies it predicts joints .* m from the root"):
        graph.export(lifter, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_bad_input_is_one_sentence(folder, quick, tmp_path, monkeypatch):
    flags = ["--checkpoint", str(folder / "last.pt"), "--out", str(tmp_path / "model.onnx")]
    with pytest.raises(PoseFKError, match="--opset 5: the exporter writes 18 instead"):
        main([*flags, "--opset", "5"])
    with pytest.raises(ValueError, match="Perhaps you meant: --checkpoint"):
        main(["--checkpiont", "last.pt"])
    with pytest.raises(FileNotFoundError, match="none.pt is missing"):
        main(["--checkpoint", "none.pt", "--out", "model.onnx"])
    with pytest.raises(IsADirectoryError, match="is a folder, expected the name of a file"):
        main([*flags, "--out", str(tmp_path)])
    real = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", lambda name, *rest: _without_onnx(real, name, *rest))
    with pytest.raises(PoseFKError, match=r"not installed \(onnxruntime\): pip install"):
        main(flags)
    assert list(tmp_path.iterdir()) == []


def _without_onnx(real, name, *rest):
    if name == "onnxruntime":
        raise ModuleNotFoundError("No module named 'onnxruntime'", name=name)
    return real(name, *rest)
