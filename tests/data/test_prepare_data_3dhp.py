"""SPIN's npz and the official annot_data.mat in miniature, through the real command."""

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from data.dataset import PoseDataset
from data.files.npz import load_npz_restricted
from data.mpi_inf_3dhp.official.test import ACTIVITIES, IMAGE_SIZES, SEQUENCES, SPIN_TO_OFFICIAL, TO_H36M_17
from data.mpi_inf_3dhp.test_set import load_test_set
from data.recordings import DataSettings
from kinematics.errors import PoseFKError
from prepare_data_3dhp import main

REPOSITORY = Path(__file__).parents[2]
FRAMES = 5


def sequence_arrays(seed: int) -> dict[str, np.ndarray]:
    """One sequence as in its file, frames first: annot2 px, univ_annot3 mm, valid_frame, activity_annotation."""
    draw = np.random.default_rng(seed)
    pose = draw.normal(scale=100, size=(FRAMES, 1, 17, 3)) + [100, 200, 3500]
    pose[:, :, 9] = pose[:, :, 8] + [0, 440, 0]  # right thigh
    return {
        "annot2": draw.uniform(100, 1000, (FRAMES, 1, 17, 2)),
        "univ_annot3": pose,
        "valid_frame": np.array([1, 0, 1, 1, 0])[:, None],
        "activity_annotation": draw.integers(1, 8, (FRAMES, 1)),
    }


def write_mat(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """MATLAB v7.3: an HDF5 file behind a header block, axes reversed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            file[name] = array
    with open(path, "r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file, made for a test".ljust(128))


@pytest.fixture
def official(tmp_path: Path) -> Path:
    for index, name in enumerate(SEQUENCES):
        write_mat(tmp_path / "raw" / name / "annot_data.mat", sequence_arrays(index))
    return tmp_path / "raw"


@pytest.fixture
def spin(tmp_path: Path) -> Path:
    """The same frames as SPIN stores them: 24 joints, valid frames, 3D in metres from the pelvis."""
    names, parts, poses = [], [], []
    for index, name in enumerate(SEQUENCES):
        arrays = sequence_arrays(index)
        for frame in np.flatnonzero(arrays["valid_frame"]):
            part, pose = np.zeros((24, 3)), np.zeros((24, 4))
            part[SPIN_TO_OFFICIAL] = np.hstack([arrays["annot2"][frame, 0], np.ones((17, 1))])
            joints = (arrays["univ_annot3"][frame, 0] - arrays["univ_annot3"][frame, 0, 14]) / 1000
            pose[SPIN_TO_OFFICIAL] = np.hstack([joints, np.ones((17, 1))])
            names.append(f"mpi_inf_3dhp_test_set/{name}/imageSequence/img_{frame + 1:06d}.jpg")
            parts.append(part)
            poses.append(pose)
    path = tmp_path / "data_extra/dataset_extras/mpi_inf_3dhp_valid.npz"
    path.parent.mkdir(parents=True)
    np.savez(path, imgname=names, part=parts, S=poses, center=np.zeros((len(names), 2)), scale=np.ones(len(names)))
    return path


def run(tmp_path: Path, *words: str | Path) -> dict[str, np.ndarray]:
    main([*map(str, words), "--data_extra_root", str(tmp_path / "data_extra")])
    return load_npz_restricted(tmp_path / "data_extra/test_set/test_3dhp.npz")


def test_official_files_give_the_family_s_arrays(official: Path, tmp_path: Path) -> None:
    made = run(tmp_path, "--source", official)
    assert made["pose3d"].shape == (18, 16, 3) and made["pose2d"].shape == (18, 16, 2)
    for index, name in enumerate(SEQUENCES):
        arrays, own = sequence_arrays(index), made["sequence"] == name
        valid = arrays["valid_frame"][:, 0] == 1
        joints = arrays["univ_annot3"][valid, 0]
        expected = (joints - joints[:, [14]]) / 1000
        width, height = IMAGE_SIZES[name]
        screen = arrays["annot2"][valid, 0] / width * 2 - [1, height / width]
        np.testing.assert_allclose(made["joints17_3d"][own], expected, atol=1e-6)
        np.testing.assert_allclose(made["joints17_2d"][own], screen, atol=1e-6)
        order = [14, 8, 9, 10, 11, 12, 13, 15, 1, 0, 5, 6, 7, 2, 3, 4]
        np.testing.assert_allclose(made["pose3d"][own], expected[:, order], atol=1e-6)
        np.testing.assert_allclose(made["pose2d"][own], screen[:, order], atol=1e-6)
        words = [ACTIVITIES[number - 1] for number in arrays["activity_annotation"][valid, 0]]
        assert made["activity"][own].tolist() == words
        assert made["image"][own].tolist() == [1, 3, 4]


def test_spin_s_file_gives_the_same_poses(official: Path, spin: Path, tmp_path: Path) -> None:
    from_mat = run(tmp_path, "--source", official)
    from_spin = run(tmp_path)  # found at its usual place
    for key in ("pose3d", "pose2d", "joints17_3d", "joints17_2d"):
        np.testing.assert_allclose(from_spin[key], from_mat[key], atol=1e-6)
    for key in ("sequence", "scene", "image"):
        assert from_spin[key].tolist() == from_mat[key].tolist()
    assert set(from_spin["activity"].tolist()) == {""}


def test_the_family_s_reorder_of_spin_s_file_is_ours(spin: Path, tmp_path: Path) -> None:
    made = run(tmp_path)
    reorder = [14, 2, 1, 0, 3, 4, 5, 16, 12, 18, 9, 10, 11, 8, 7, 6]
    with np.load(spin) as file:
        np.testing.assert_allclose(made["pose3d"], file["S"][:, reorder, :3], atol=1e-6)
        normalised = file["part"][0, reorder, :2] / 2048 * 2 - 1
    np.testing.assert_allclose(made["pose2d"][0], normalised, atol=1e-6)


def test_official_files_give_the_video_between_the_scored_frames(official: Path, tmp_path: Path) -> None:
    made = run(tmp_path, "--source", official)
    assert len(made["video17_2d"]) == 6 * FRAMES and made["video_image"].tolist() == [1, 2, 3, 4, 5] * 6
    np.testing.assert_array_equal(made["video17_3d"][made["video_valid"]], made["joints17_3d"])
    settings = DataSettings(data_extra_root=str(tmp_path / "data_extra"), num_joints=17)
    video, sparse = load_test_set(settings, "3dhp", 3), load_test_set(settings, "3dhp_sparse", 3)
    assert [recording.usable.tolist() for recording in video] == [[True, False, True, True, False]] * 6
    assert [recording.fps for recording in video + sparse] == [25] * 6 + [2.5] * 6
    # the second scored frame, image 3: its neighbours are images 2 and 4 of the video, and 1 and 4 of the scored row
    windows = [
        PoseDataset.from_recordings(recordings, "h36m_17", 3).batch(torch.tensor([1])) for recordings in (video, sparse)
    ]
    screen = made["video17_2d"][:, TO_H36M_17]
    for window, images in zip(windows, ([2, 3, 4], [1, 3, 4]), strict=True):
        np.testing.assert_allclose(window.joints_2d[0], screen[[image - 1 for image in images]], atol=1e-6)
    np.testing.assert_array_equal(windows[0].joints_3d[:, 1], windows[1].joints_3d[:, 1])


def test_2d_missing_between_scored_frames_is_interpolated(official: Path, tmp_path: Path) -> None:
    arrays = sequence_arrays(2)
    arrays["annot2"][1, 0, 4] = np.nan  # image 2 is not scored
    write_mat(official / "TS3" / "annot_data.mat", arrays)
    made = run(tmp_path, "--source", official)
    own = made["video17_2d"][made["video_sequence"] == "TS3"]
    np.testing.assert_allclose(own[1, 4], (own[0, 4] + own[2, 4]) / 2, atol=1e-6)
    assert np.isfinite(made["video17_2d"]).all()


def test_scored_frames_alone_are_no_video(spin: Path, tmp_path: Path) -> None:
    assert not any(key.startswith("video") for key in run(tmp_path))
    settings = DataSettings(data_extra_root=str(tmp_path / "data_extra"))
    assert len(load_test_set(settings, "3dhp", 1)) == len(load_test_set(settings, "3dhp_sparse", 27)) == 6
    with pytest.raises(ValueError, match="windows of 27 frames of video: make it .* choose 3dhp_sparse"):
        load_test_set(settings, "3dhp", 27)


def test_the_counts_are_told_and_compared(
    official: Path, spin: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    run(tmp_path, "--source", official)
    told = capsys.readouterr().out
    assert "18 valid frames, published scores are over 2,929" in told and "Activities" not in told
    run(tmp_path)
    assert "Activities are not known" in capsys.readouterr().out


def test_frames_with_an_unmarked_joint_are_not_scored(spin: Path, tmp_path: Path) -> None:
    with np.load(spin) as file:
        content = dict(file)
    content["part"][4, 14, 2] = 0
    np.savez(spin, **content)  # type: ignore[arg-type]
    made = run(tmp_path)
    assert len(made["pose3d"]) == 17


def spoil(official: Path, **changes: np.ndarray | None) -> None:
    arrays = {**sequence_arrays(2), **changes}
    write_mat(official / "TS3/annot_data.mat", {name: array for name, array in arrays.items() if array is not None})


_ARRAYS = sequence_arrays(2)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"univ_annot3": _ARRAYS["univ_annot3"] / 1000}, "thighs of 0.00044 m, expected"),
        ({"univ_annot3": _ARRAYS["univ_annot3"] * np.nan}, "NaN or infinity in a valid frame"),
        (
            {"univ_annot3": _ARRAYS["univ_annot3"][:, :, :16]},
            r"'univ_annot3' of shape \(3, 16, 1, 5\), expected \(3, 17",
        ),
        ({"univ_annot3": None}, r"'univ_annot3' of shape \(0,\)"),
        ({"annot2": _ARRAYS["annot2"] / 1000}, "expected pixels"),
        ({"annot2": _ARRAYS["annot2"][:4]}, "has 4 frames of 'annot2' and 5 of 'univ_annot3'"),
        ({"valid_frame": np.zeros((5, 1))}, "no valid frame among 5"),
        ({"valid_frame": np.ones((4, 1))}, "has 4 entries of 'valid_frame', expected 5"),
        ({"activity_annotation": None}, "has 0 entries of 'activity_annotation'"),
    ],
)
def test_a_wrong_sequence_is_refused_by_name(changes: dict, words: str, official: Path, tmp_path: Path) -> None:
    spoil(official, **changes)
    with pytest.raises(ValueError, match=rf"TS3/annot_data\.mat.*{words}"):
        run(tmp_path, "--source", official)
    assert not (tmp_path / "data_extra").exists()


@pytest.mark.parametrize("kept", [0, 100, 1500])
def test_a_truncated_sequence_is_refused_by_name(kept: int, official: Path, tmp_path: Path) -> None:
    file = official / "TS3/annot_data.mat"
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(ValueError, match=r"TS3/annot_data\.mat is (empty|not a whole MATLAB file)"):
        run(tmp_path, "--source", official)


def test_missing_sequences_are_listed(official: Path, tmp_path: Path) -> None:
    (official / "TS2/annot_data.mat").unlink()
    with pytest.raises(FileNotFoundError, match="lacks TS2/annot_data.mat: the test set is all of TS1 to TS6"):
        run(tmp_path, "--source", official)


@pytest.mark.parametrize(
    "key, value, words",
    [
        ("S", None, "has nothing for 'S', expected"),
        ("part", np.ones((18, 17, 3)), r"an array \(18, 17, 3\) of float64 for 'part', expected \(.*, 24, 3\)"),
        ("imgname", np.array(["TS1/img_000001.jpg"] * 4), r"\(18, 24, 3\) .* for 'part', expected \(4, 24, 3\)"),
        ("imgname", np.array(["S1/Seq1/img_000001.jpg"] * 18), "expected .../TS1/imageSequence/img_000001.jpg"),
    ],
)
def test_a_wrong_spin_file_is_refused(
    key: str, value: np.ndarray | None, words: str, spin: Path, tmp_path: Path
) -> None:
    with np.load(spin) as file:
        content = {name: file[name] for name in file if name != key} | ({} if value is None else {key: value})
    np.savez(spin, **content)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=words):
        run(tmp_path)


def test_millimetres_in_spin_s_file_are_refused(spin: Path, tmp_path: Path) -> None:
    with np.load(spin) as file:
        content = dict(file)
    content["S"][..., :3] *= 1000
    np.savez(spin, **content)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="thighs of 440 m"):
        run(tmp_path)


def test_no_source_says_where_it_comes_from(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"mpi_inf_3dhp_valid\.npz is missing\. It is part of SPIN's"):
        run(tmp_path)
    with pytest.raises(PoseFKError, match="--sorce is not a flag.*Perhaps you meant: --source"):
        run(tmp_path, "--sorce", "x")


def test_an_unwritable_folder_is_one_sentence(official: Path, tmp_path: Path) -> None:
    (tmp_path / "data_extra").write_text("a file where a folder is wanted")
    with pytest.raises(PermissionError, match=r"Cannot write .*test_3dhp\.npz"):
        run(tmp_path, "--source", official)


@pytest.mark.slow
def test_bad_input_ends_the_command_with_2_and_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "prepare_data_3dhp.py", "--data_extra_root", str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1 and "is missing" in done.stderr
