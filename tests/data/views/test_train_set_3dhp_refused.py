"""What prepare_data_3dhp.py --train refuses, and in which words."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from data.files.npz import load_npz_restricted
from data.mpi_inf_3dhp.train_set import load_train_recordings
from data.recordings import DataSettings
from kinematics.camera import Camera
from kinematics.errors import PoseFKError
from prepare_data_3dhp import main


def _cell(key: str, camera: int, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[dict], None]:
    def spoil(content: dict[str, Any]) -> None:
        content[key][camera, 0] = change(content[key][camera, 0])

    return spoil


def _replace(key: str, value: Any) -> Callable[[dict], None]:
    return lambda content: content.__setitem__(key, value)


def _with_nan(array: np.ndarray) -> np.ndarray:
    spoiled = array.copy()
    spoiled[3, 12] = np.nan
    return spoiled


def _all(key: str, factor: float) -> Callable[[dict], None]:
    return lambda content: [_cell(key, camera, lambda array: array * factor)(content) for camera in range(14)] and None


@pytest.mark.parametrize(
    "spoil, words",
    [
        (_cell("annot3", 4, _with_nan), "annot3 of camera 4 has NaN in 1 of 24 frames"),
        (
            _cell("annot2", 5, lambda a: a[:, :34]),
            r"annot2 of camera 5 has shape \(24, 34\), expected \(frames, 56\)",
        ),
        (_cell("annot2", 5, lambda a: a[:20]), "camera 5 has 20 frames of annot2 and 24 of annot3"),
        (lambda c: [_cell(k, 5, lambda a: a[:20])(c) for k in ("annot2", "annot3")], "view 5 has 20 .* expected 24"),
        (_replace("annot3", np.zeros((3, 3))), "has no cell array 'annot3'"),
        (_replace("cameras", np.arange(13)), "has 13 'cameras' and 14 cells"),
        (_replace("cameras", np.arange(14) + 1), "has no camera 0, expected 0, 1, 2, 4"),
        (_all("annot3", 0.001), "thighs of .* expected 0.2 to 0.7 m"),
        (_all("annot2", 0.5), "3D of view 0 falls .* beside its 2D"),
        (_cell("annot3", 7, lambda a: a * 1.02), "joints of view 7 lie .* mm"),
        (_cell("annot2", 6, lambda a: np.roll(a, 3, 0)), "view 6 fits the others .* 3 frames later"),
    ],
)
def test_a_wrong_sequence_is_refused_by_name(
    spoil: Callable[[dict], None], words: str, release: Path, tmp_path: Path, joints_world: np.ndarray,
    rig: Callable[[int], list[Camera]], prepare: Callable[[Path], DataSettings],
    annotations: Callable[..., dict[str, Any]],
) -> None:  # fmt: skip
    content = annotations(joints_world, rig(14))
    spoil(content)
    savemat(release / "S4/Seq1/annot.mat", content)
    with pytest.raises((ValueError, PoseFKError), match=rf"(?s)S4/Seq1/annot\.mat.*{words}"):
        prepare(release)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("Skeletool", "Other", "does not begin with 'Skeletool"),
        ("name          4\n", "name          5\n", "has 14 cameras of 13 names"),
        ("name          4\n", "name          44\n", "has no camera 4, but annot.mat has one"),
        ("animated    0", "animated    1", "camera 0 is animated"),
        ("size        2048 2048", "size        2048", "camera 0 has no 2 numbers of 'size'"),
        ("size        2048 2048", "size        0 2048", "camera 0 has an image of 0 x 2048 pixels"),
        ("extrinsic   [^ ]+", "extrinsic   0.5", "camera 0 has an extrinsic matrix without a rotation"),
    ],
)
def test_a_wrong_calibration_is_refused(
    old: str, new: str, words: str, release: Path, tmp_path: Path, prepare: Callable[[Path], DataSettings]
) -> None:
    path = release / "S4/Seq1/camera.calibration"
    path.write_text(re.sub(old, new, path.read_text(), count=1))
    with pytest.raises(ValueError, match=rf"S4/Seq1/camera\.calibration.*{words}"):
        prepare(release)


def test_cameras_of_another_sequence_do_not_fit(
    release: Path,
    tmp_path: Path,
    rig: Callable[[int], list[Camera]],
    prepare: Callable[[Path], DataSettings],
    write_calibration: Callable[..., None],
) -> None:
    cameras = rig(14)
    write_calibration(release / "S4/Seq1/camera.calibration", [*cameras[:7], *cameras[:6:-1]])
    with pytest.raises(PoseFKError, match=r"S4/Seq1/annot\.mat: the joints of view \d lie .* Its pose is wrong"):
        prepare(release)


def test_missing_files_say_what_is_wanted(
    release: Path, tmp_path: Path, prepare: Callable[[Path], DataSettings]
) -> None:
    with pytest.raises(FileNotFoundError, match="Make it with: python prepare_data_3dhp.py --train FOLDER"):
        load_train_recordings(DataSettings(data_root=str(tmp_path)))
    with pytest.raises(FileNotFoundError, match="has no S1/Seq1/annot.mat"):
        prepare(tmp_path)
    with pytest.raises(FileNotFoundError, match="is no folder, expected one of S1/Seq1"):
        prepare(tmp_path / "nowhere")
    with pytest.raises(PoseFKError, match="give one of the two"):
        main(["--train", str(release), "--source", str(release)])
    (release / "S4/Seq1/camera.calibration").unlink()
    with pytest.raises(FileNotFoundError, match=r"camera\.calibration is missing\. It lies beside annot\.mat"):
        prepare(release)


def test_a_prepared_file_of_other_arrays_is_refused(
    release: Path, tmp_path: Path, prepare: Callable[[Path], DataSettings]
) -> None:
    settings = prepare(release)
    path = tmp_path / "data/data_3dhp_train.npz"
    content = load_npz_restricted(path)
    for key, value, words in (
        (
            "S4/Seq1/joints_2d",
            content["S4/Seq1/joints_2d"][:7],
            r"an array \(7, 24, 17, 2\) of float32 for 'S4/Seq1/joints_2d'",
        ),
        ("S4/Seq1/intrinsics", content["S4/Seq1/intrinsics"] * np.nan, "NaN or infinity in 'S4/Seq1/intrinsics'"),
    ):
        np.savez(path, **(content | {key: value}))
        with pytest.raises(ValueError, match=words):
            load_train_recordings(settings)
    np.savez(path, pose3d=np.zeros(3))
    with pytest.raises(ValueError, match="has nothing for 'sequences', expected"):
        load_train_recordings(settings)
