"""The three forms of Human3.6M, written in miniature by the libraries that write them, through the real command."""

import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
import torch

from data.files.npz import load_npz_restricted
from data.h36m.cameras import CAMERA_RESOLUTIONS, H36M_CAMERAS
from data.h36m.names import ACTIONS, SUBJECTS, TRAIN_SUBJECTS, canonical_recording
from data.prepare_data_h36m import POSEAUG_BONES, TEMPLATES_FILE, main
from kinematics.camera import screen_to_pixels
from kinematics.errors import PoseFKError
from kinematics.skeleton import Skeleton

Poses = Callable[..., np.ndarray]
SIZES = {subject: 0.9 + 0.03 * i for i, subject in enumerate(SUBJECTS)}
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def recordings(h36m_poses: Poses) -> dict[tuple[str, str], np.ndarray]:
    """(subject, raw recording name) -> (F, 32, 3) mm, as spelled in the data set."""
    names = ["Walking 1", "TakingPhoto", "WalkingDog 1", "Directions"]
    every = [(subject, name) for subject in SUBJECTS for name in names]
    return {key: h36m_poses(4 + i % 5, SIZES[key[0]], seed=i) for i, key in enumerate(every)}


@pytest.fixture(scope="module")
def cdf_folder(recordings: dict, write_cdf: Callable, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("cdf")
    for (subject, name), poses in recordings.items():
        write_cdf(root / subject / "MyPoseFeatures/D3_Positions" / f"{name}.cdf", poses.reshape(-1, 96))
    write_cdf(root / "S1/MyPoseFeatures/D3_Positions/_ALL.cdf", np.ones((2, 96)))
    return root


@pytest.fixture(scope="module")
def mat_folder(recordings: dict, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("mat")
    for (subject, name), poses in recordings.items():
        folder = root / subject / "MyPoseFeatures/D3_Positions"
        folder.mkdir(parents=True, exist_ok=True)
        cell = np.empty((1, 1), dtype=object)
        cell[0, 0] = poses.reshape(-1, 96)
        scipy.io.savemat(folder / f"{name}.cdf.mat", {"data": cell})
    return root


def h5_bytes(flat: np.ndarray, name: str = "3D_positions") -> bytes:
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file[name] = flat.T
    return stream.getvalue()


@pytest.fixture(scope="module")
def archive(recordings: dict, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("zip") / "h36m.zip"
    with zipfile.ZipFile(path, "w") as file:
        for (subject, name), poses in recordings.items():
            spelled = canonical_recording(name)  # the archive has the short names already
            file.writestr(f"h36m/{subject}/MyPoses/3D_positions/{spelled}.h5", h5_bytes(poses.reshape(-1, 96)))
        file.writestr("h36m/cameras.h5", h5_bytes(np.ones((3, 96))))
    return path


def run(tmp_path: Path, *words: str | Path) -> tuple[dict, dict]:
    """The prepared 3D and 2D files of a run of the command."""
    roots = ["--data_root", tmp_path / "data", "--data_extra_root", tmp_path / "extra"]
    main([str(word) for word in (*words, *roots)])
    return (load_npz_restricted(tmp_path / "data" / name) for name in ("data_3d_h36m.npz", "data_2d_h36m_gt.npz"))  # type: ignore[return-value]


@pytest.fixture(params=["--from-source-cdf", "--from-source", "--from-archive"])
def source(request: pytest.FixtureRequest) -> tuple[str, Path]:
    fixture = {"--from-source-cdf": "cdf_folder", "--from-source": "mat_folder", "--from-archive": "archive"}
    return request.param, request.getfixturevalue(fixture[request.param])


def test_every_source_gives_the_same_metres_under_canonical_names(
    source: tuple, recordings: dict, tmp_path: Path
) -> None:
    positions = run(tmp_path, *source)
    found = list(positions)[0]["positions_3d"]
    expected = {(subject, canonical_recording(name)): poses for (subject, name), poses in recordings.items()}
    del expected["S11", "Directions"]  # corrupt in the data set
    assert {(subject, recording) for subject, of_subject in found.items() for recording in of_subject} == set(expected)
    for (subject, recording), poses in expected.items():
        assert found[subject][recording].dtype == np.float32
        np.testing.assert_allclose(found[subject][recording], poses / 1000, atol=1e-6)


def test_the_files_load_as_other_projects_load_them(archive: Path, tmp_path: Path) -> None:
    run(tmp_path, "--from-archive", archive)
    with np.load(tmp_path / "data/data_3d_h36m.npz", allow_pickle=True) as file:
        assert file["positions_3d"].item()["S9"]["Photo"].shape[1:] == (32, 3)
    with np.load(tmp_path / "data/data_2d_h36m_gt.npz", allow_pickle=True) as file:
        metadata, positions = file["metadata"].item(), file["positions_2d"].item()
    assert metadata["keypoints_symmetry"] == [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]]
    assert metadata["num_joints"] == 17
    assert [view.shape[1:] for view in positions["S9"]["Photo"]] == [(17, 2)] * 4


def test_2d_is_the_projection_through_the_four_cameras(archive: Path, tmp_path: Path) -> None:
    in_3d, in_2d = run(tmp_path, "--from-archive", archive, "--num_joints", "16")
    assert in_2d["metadata"]["keypoints_symmetry"] == [[4, 5, 6, 10, 11, 12], [1, 2, 3, 13, 14, 15]]
    joints = Skeleton("h36m_32").convert(in_3d["positions_3d"]["S5"]["WalkDog 1"], "h36m_16")
    for index, camera in enumerate(H36M_CAMERAS["S5"]):
        screen = camera.project(camera.world_to_camera(torch.from_numpy(joints).double()))
        pixels = screen_to_pixels(screen, *CAMERA_RESOLUTIONS[index])
        np.testing.assert_allclose(in_2d["positions_2d"]["S5"]["WalkDog 1"][index], pixels.numpy(), atol=1e-3)
        assert 0 < pixels.min() and pixels.max() < 1000


def test_templates_are_each_training_subjects_bone_lengths(archive: Path, recordings: dict, tmp_path: Path) -> None:
    run(tmp_path, "--from-archive", archive)
    templates = np.load(tmp_path / "extra" / TEMPLATES_FILE)
    assert templates.shape == (5, 15) and templates.dtype == np.float32
    joints = Skeleton("h36m_32").convert(recordings["S1", "Walking 1"], "h36m_16")[0] / 1000 / SIZES["S1"]
    lengths = np.array([np.linalg.norm(joints[child] - joints[parent]) for parent, child in POSEAUG_BONES])
    np.testing.assert_allclose(templates, np.outer([SIZES[s] for s in TRAIN_SUBJECTS], lengths), atol=1e-5)


def test_missing_recordings_are_listed_and_strict_refuses_them(
    cdf_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    run(tmp_path, "--from-source-cdf", cdf_folder)
    told = capsys.readouterr().out
    assert "missing  S1 Walking: 1 of 2 recordings" in told and "missing  S9 Eating: 0 of 2 recordings" in told
    assert "S11 Directions (corrupt" in told and "_ALL.cdf (no recording" in told
    assert "S11 Directions: 0 of 1 recordings" in told
    with pytest.raises(ValueError, match=r"lacks recordings and --strict was given: S1 Directions: 1 of 2"):
        run(tmp_path / "strict", "--from-source-cdf", cdf_folder, "--strict")
    assert not (tmp_path / "strict").exists()


def test_a_complete_source_lacks_nothing(h36m_poses: Poses, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    flat = h5_bytes(h36m_poses(2).reshape(-1, 96))
    for subject in SUBJECTS:
        folder = tmp_path / "h36m" / subject / "MyPoses/3D_positions"
        folder.mkdir(parents=True)
        for action in ACTIONS:
            for suffix in ("", " 1"):
                (folder / f"{action}{suffix}.h5").write_bytes(flat)
    run(tmp_path, "--from-archive", tmp_path, "--strict")  # a folder: the archive extracted
    told = capsys.readouterr().out
    assert "missing" not in told and "209  209" in told


def test_without_a_training_subject_there_are_no_templates(
    recordings: dict, write_cdf: Callable, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    write_cdf(
        tmp_path / "raw/S9/MyPoseFeatures/D3_Positions/Walking.cdf", recordings["S9", "Walking 1"].reshape(-1, 96)
    )
    positions, _ = run(tmp_path, "--from-source-cdf", tmp_path / "raw")
    assert list(positions["positions_3d"]) == ["S9"]
    told = capsys.readouterr().out
    assert "missing  S1: no recordings at all" in told and "No bone templates: they need all of S1" in told
    assert not (tmp_path / "extra").exists()


def test_a_second_run_replaces_the_files(archive: Path, recordings: dict, write_cdf: Callable, tmp_path: Path) -> None:
    run(tmp_path, "--from-archive", archive)
    write_cdf(tmp_path / "raw/S9/MyPoseFeatures/D3_Positions/Eating.cdf", recordings["S9", "Walking 1"].reshape(-1, 96))
    positions, _ = run(tmp_path, "--from-source-cdf", tmp_path / "raw")
    assert list(positions["positions_3d"]) == ["S9"] and list(positions["positions_3d"]["S9"]) == ["Eating"]


def test_the_other_kind_of_file_names_its_flag(cdf_folder: Path, mat_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="use --from-source-cdf"):
        run(tmp_path, "--from-source", cdf_folder)
    with pytest.raises(FileNotFoundError, match=r"use --from-source /"):
        run(tmp_path, "--from-source-cdf", mat_folder)


def test_a_broken_archive_is_refused(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.zip").write_bytes(archive.read_bytes()[:5000])
    with pytest.raises(ValueError, match=r"cut\.zip is not a whole zip"):
        run(tmp_path, "--from-archive", tmp_path / "cut.zip")
    with zipfile.ZipFile(tmp_path / "odd.zip", "w") as file:
        file.writestr("h36m/S1/MyPoses/3D_positions/Eating.h5", h5_bytes(np.ones((3, 96)), name="poses"))
    with pytest.raises(ValueError, match=r"Eating\.h5 cannot be read as an HDF5 file with '3D_positions'"):
        run(tmp_path, "--from-archive", tmp_path / "odd.zip")


def test_an_unwritable_folder_is_one_sentence_and_writes_nothing(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "extra").write_text("a file where a folder is wanted")
    with pytest.raises(PermissionError, match=r"Cannot write .*bl_templates\.npy"):
        run(tmp_path, "--from-archive", archive)
    assert list((tmp_path / "data").iterdir()) == []


def test_flags_are_refused_in_one_sentence() -> None:
    with pytest.raises(PoseFKError, match=r"--from-sorce is not a flag.*Perhaps you meant: --from-source"):
        main(["--from-archive", "x.zip", "--from-sorce", "x"])
    with pytest.raises(PoseFKError, match="one of the arguments .* is required"):
        main([])
    with pytest.raises(PoseFKError, match="not allowed with"):
        main(["--from-archive", "x.zip", "--from-source", "x"])


@pytest.mark.slow
def test_the_family_s_own_command_line_works(archive: Path, tmp_path: Path) -> None:
    """`cd data; python prepare_data_h36m.py --from-archive h36m.zip` writes beside itself, as their READMEs say."""
    folder = tmp_path / "checkout/data"
    folder.mkdir(parents=True)
    (folder / "prepare_data_h36m.py").write_bytes((REPOSITORY / "data/prepare_data_h36m.py").read_bytes())
    (folder / "h36m.zip").write_bytes(archive.read_bytes())
    command = [sys.executable, "prepare_data_h36m.py", "--from-archive", "h36m.zip"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {file.name for file in folder.glob("*.npz")} == {"data_3d_h36m.npz", "data_2d_h36m_gt.npz"}
    assert (tmp_path / "checkout/data_extra" / TEMPLATES_FILE).exists()


def test_bad_input_ends_the_command_with_2_and_one_line(tmp_path: Path, refusal_of: Callable[..., str]) -> None:
    assert "h36m.zip is missing" in refusal_of(main, ["--from-archive", str(tmp_path / "h36m.zip")])
