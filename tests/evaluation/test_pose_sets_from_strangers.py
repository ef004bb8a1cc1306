"""Pose sets whose files hold something else than poses: one sentence each."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from evaluation.synthetic_quality.pose_sets.files import read_files
from kinematics import PoseFKError

COUNT = 120
Change = Callable[[dict[str, Any]], Any]


def bodies(layout: int, rng: np.random.Generator) -> np.ndarray:
    """(COUNT, layout, 3) metres, float32: about as large as people."""
    joints = rng.normal(size=(COUNT, layout, 3)) * 0.12
    return (joints - joints[:, :1]).astype(np.float32)


@pytest.fixture
def poseaug() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    camera = {"orientation_wxyz": np.tile([1, 0, 0, 0], (COUNT, 1)), "translation": np.zeros((COUNT, 3)),
              "intrinsics": np.tile([2, 2] + [0] * 7, (COUNT, 1)), "aspect": np.ones(COUNT)}  # fmt: skip
    joints = bodies(16, rng)
    seen = joints + [0, 0, 4]
    held = {"pose3d": joints, "pose2d": 2 * seen[..., :2] / seen[..., 2:]}
    held |= {f"camera_{name}": array for name, array in camera.items()}
    return {name: array.astype(np.float32) for name, array in held.items()}


@pytest.fixture
def recordings() -> dict[str, Any]:
    joints = bodies(32, np.random.default_rng(0))
    return {"S1": {"a": joints[:50], "b": joints[50:]}}


def read(path: Path):
    return read_files(path, 1000, torch.Generator().manual_seed(0)).check()


def refused(path: Path) -> str:
    with pytest.raises((PoseFKError, ValueError)) as caught:
        read(path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500
    return str(caught.value)


def filled(name: str, value: Any, row: int = 7) -> Change:
    def change(held: dict[str, Any]) -> None:
        held[name].reshape(COUNT, -1)[row, 0] = value

    return change


CHANGES: dict[str, Change] = {
    "no real numbers": lambda held: held.update(pose3d=held["pose3d"].astype(int)),
    "text": lambda held: held.update(pose3d=np.array(["a"] * COUNT)),
    "an object": lambda held: held.update(pose3d=np.array({"a": 1})),
    "flat": lambda held: held.update(pose3d=held["pose3d"].ravel()),
    "other joints": lambda held: held.update(pose3d=held["pose3d"][:, :15]),
    "empty": lambda held: held.update({name: array[:0] for name, array in held.items()}),
    "NaN": filled("pose3d", np.nan),
    "beyond float32": lambda held: held.update(pose3d=held["pose3d"].astype(np.float64) * 1e300),
    "2D of other joints": lambda held: held.update(pose2d=held["pose2d"][:, :15]),
    "2D of other poses": lambda held: held.update(pose2d=held["pose2d"][:50]),
    "2D infinite": filled("pose2d", np.inf),
    "a camera too few": lambda held: held.update(camera_aspect=held["camera_aspect"][1:]),
    "no aspect": lambda held: held.pop("camera_aspect"),
    "cameras of text": lambda held: held.update(camera_translation=np.array([["a"] * 3] * COUNT)),
    "a camera that is NaN": filled("camera_intrinsics", np.nan),
    "a camera as an object": lambda held: held.update(camera_intrinsics=np.array([1, [2]], dtype=object)),
    "joint names of a number": lambda held: held.update(joint_names=np.array(3)),
    "joint names as an object": lambda held: held.update(joint_names=np.array({"a": 1})),
}


@pytest.mark.parametrize("name", CHANGES)
def test_arrays_of_poseaug_that_are_none_of_poses_are_refused(poseaug, name: str, tmp_path: Path):
    CHANGES[name](poseaug)
    np.savez(tmp_path / "poseaug.npz", **poseaug)
    refused(tmp_path / "poseaug.npz")


def test_cameras_in_double_precision_are_read(poseaug, tmp_path: Path):
    poseaug["camera_translation"] = poseaug["camera_translation"].astype(np.float64)
    np.savez(tmp_path / "poseaug.npz", **poseaug)
    assert len(read(tmp_path / "poseaug.npz")) == COUNT


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.clear(), lambda d: d.update(S1={}), lambda d: d.update(S1=None),
        lambda d: d["S1"].update(a=None), lambda d: d["S1"].update(a=np.zeros((5, 32))),
        lambda d: d["S1"].update(a=np.array(["x"])),
        lambda d: d["S1"].update(a=d["S1"]["a"] * np.nan),
        lambda d: d["S1"].update(a=[1, 2]), lambda d: d["S1"].update(a=np.zeros((5, 31, 3))),
        lambda d: d["S1"].update(a=d["S1"]["a"][:0], b=d["S1"]["b"][:0]),
    ],
)  # fmt: skip
def test_recordings_without_poses_are_refused(recordings, change: Change, tmp_path: Path):
    change(recordings)
    np.savez(tmp_path / "data_3d_h36m.npz", positions_3d=np.array(recordings, dtype=object))
    refused(tmp_path / "data_3d_h36m.npz")


@pytest.mark.parametrize("value", [None, "x", 0, -1, 10**12, 1.5, True, [], {}])
def test_odd_manifests_beside_good_poses_are_refused(poseaug, value: Any, tmp_path: Path):
    np.savez(tmp_path / "poseaug.npz", **poseaug)
    (tmp_path / "manifest.json").write_text(json.dumps({"frames": value}))
    assert "frames is" in refused(tmp_path)


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path):
    with pytest.raises((PoseFKError, OSError), match="missing|no such"):
        read(tmp_path / "poses.npz")
