"""What prepare_data_h36m refuses of the raw files, and in which words."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

from data.prepare_data_h36m import main

Poses = Callable[..., np.ndarray]


def prepare(tmp_path: Path, flag: str, source: Path) -> None:
    main([flag, str(source), "--data_root", str(tmp_path / "data"), "--data_extra_root", str(tmp_path / "extra")])


# what is wrong with one recording -> words of the refusal
def _nan(poses: np.ndarray) -> np.ndarray:
    poses = poses.copy()
    poses[2, 5] = np.nan
    return poses.reshape(len(poses), -1)


_SPOILED = {
    "metres": (lambda p: p.reshape(-1, 96) / 1000, r"thighs of 0\..*look like m\."),
    "NaN": (_nan, r"NaN or infinity in 1 frames \(first: 2\)"),
    "17 joints": (lambda p: p[:, :17].reshape(-1, 51), r"shape .*51.*expected \(frames, 96\)"),
    "camera frame": (lambda p: (p + [0, 0, 4000]).reshape(-1, 96), r"m above the ground.*D3_Positions_mono"),
    "shuffled joints": (lambda p: p[:, ::-1].reshape(-1, 96), "Is the order of the joints another"),
}


@pytest.mark.parametrize("fault", list(_SPOILED))
@pytest.mark.parametrize("kind", ["cdf", "mat", "h5"])
def test_a_spoiled_recording_is_refused_by_name(
    fault: str, kind: str, h36m_poses: Poses, write_cdf: Callable, tmp_path: Path
) -> None:
    spoil, words = _SPOILED[fault]
    flat = spoil(h36m_poses(4))
    folder = tmp_path / "raw/S1" / ("MyPoses/3D_positions" if kind == "h5" else "MyPoseFeatures/D3_Positions")
    folder.mkdir(parents=True)
    if kind == "cdf":
        flag = "--from-source-cdf"
        write_cdf(folder / "Eating.cdf", flat)
    elif kind == "mat":
        flag = "--from-source"
        cell = np.empty((1, 1), dtype=object)
        cell[0, 0] = flat
        scipy.io.savemat(folder / "Eating.cdf.mat", {"data": cell})
    else:
        flag = "--from-archive"
        with h5py.File(folder / "Eating.h5", "w") as file:
            file["3D_positions"] = flat.T
    with pytest.raises(ValueError, match=rf"Eating\.[a-z0-9.]+ has .*{words}"):
        prepare(tmp_path, flag, tmp_path / "raw")
    assert not (tmp_path / "data").exists()


def _recording_file(tmp_path: Path, name: str) -> Path:
    folder = tmp_path / "raw/S1/MyPoseFeatures/D3_Positions"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name


@pytest.mark.parametrize("kept", [0, 200, -3000])
def test_a_truncated_cdf_is_refused_by_name(kept: int, h36m_poses: Poses, write_cdf: Callable, tmp_path: Path) -> None:
    file = _recording_file(tmp_path, "Eating.cdf")
    write_cdf(file, np.random.default_rng(0).normal(size=(50, 96)))
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(ValueError, match=r"Eating\.cdf (cannot be read|is empty)"):
        prepare(tmp_path, "--from-source-cdf", tmp_path / "raw")


def test_a_cdf_without_pose_is_refused(h36m_poses: Poses, write_cdf: Callable, tmp_path: Path) -> None:
    write_cdf(_recording_file(tmp_path, "Eating.cdf"), h36m_poses(3).reshape(-1, 96), variable="Angles")
    with pytest.raises(ValueError, match=r"Eating\.cdf cannot be read as a CDF file with 'Pose'"):
        prepare(tmp_path, "--from-source-cdf", tmp_path / "raw")


def test_a_mat_without_data_is_refused(tmp_path: Path) -> None:
    scipy.io.savemat(_recording_file(tmp_path, "Eating.cdf.mat"), {"Pose": np.ones((3, 96))})
    with pytest.raises(ValueError, match=r"has Pose inside, expected 'data'"):
        prepare(tmp_path, "--from-source", tmp_path / "raw")


def test_the_same_recording_twice_is_refused(h36m_poses: Poses, write_cdf: Callable, tmp_path: Path) -> None:
    for name in ("Photo 1.cdf", "TakingPhoto 1.cdf"):
        write_cdf(_recording_file(tmp_path, name), h36m_poses(3).reshape(-1, 96))
    with pytest.raises(ValueError, match="are both S1 Photo 1"):
        prepare(tmp_path, "--from-source-cdf", tmp_path / "raw")


def test_what_lies_in_the_folder_instead_is_said(h36m_poses: Poses, write_cdf: Callable, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere is not a folder.*Download Poses_D3"):
        prepare(tmp_path, "--from-source-cdf", tmp_path / "nowhere")
    folder = tmp_path / "raw"
    folder.mkdir()
    with pytest.raises(FileNotFoundError, match=r"holds no pose: expected .*S1/MyPoseFeatures/D3_Positions/\*\.cdf"):
        prepare(tmp_path, "--from-source-cdf", folder)
    (folder / "Poses_D3_Positions_S1.tgz").touch()
    with pytest.raises(FileNotFoundError, match="not extracted"):
        prepare(tmp_path, "--from-source-cdf", folder)
    write_cdf(folder / "S1/MyPoseFeatures/D3_Positions_mono/Eating.54138969.cdf", h36m_poses(3).reshape(-1, 96))
    with pytest.raises(FileNotFoundError, match="D3_Positions_mono"):
        prepare(tmp_path, "--from-source-cdf", folder)
    with pytest.raises(FileNotFoundError, match=r"holds no pose, expected h36m/S1"):
        prepare(tmp_path, "--from-archive", folder)
