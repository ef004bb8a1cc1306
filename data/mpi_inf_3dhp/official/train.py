"""MPI-INF-3DHP's training set: annot.mat and camera.calibration -> recordings of eight synchronised views.

prepare_data_3dhp.py --train writes them to data_3dhp_train.npz, data/mpi_inf_3dhp/train_set.py reads that. 3D is
`annot3`: true size, absolute, the frame of each camera (`univ_annot3` is scaled to one skeleton and fits no camera).
Rates and frame counts are those of the release's own mpii_get_sequence_info.m.
"""

from pathlib import Path
from typing import Any

import numpy as np

from data.files.readers import load_mat
from data.mpi_inf_3dhp.official.test import FARTHEST
from data.multiview.checks import check_views
from data.multiview.skeletool import CalibratedCamera, read_calibration
from data.plausible import check_bodies, check_points, check_thighs
from data.recordings import Recording, View
from kinematics.skeleton import Skeleton

CAMERAS = (0, 1, 2, 4, 5, 6, 7, 8)  # the eight at chest height and below, which everybody trains on
FRAMES = {
    "S1 Seq1": 6416, "S1 Seq2": 12430, "S2 Seq1": 6502, "S2 Seq2": 6081, "S3 Seq1": 12488, "S3 Seq2": 12283,
    "S4 Seq1": 6171, "S4 Seq2": 6675, "S5 Seq1": 12820, "S5 Seq2": 12312, "S6 Seq1": 6188, "S6 Seq2": 6145,
    "S7 Seq1": 6239, "S7 Seq2": 6320, "S8 Seq1": 6468, "S8 Seq2": 6054,
}  # fmt: skip
AT_50_FPS = ("S1 Seq2", "S3 Seq1", "S3 Seq2", "S5 Seq1", "S5 Seq2")  # all others: 25
SKELETON, LAYOUT = Skeleton("mpi_inf_3dhp_28"), "h36m_17"


def fps(sequence: str) -> float:
    """Frames a second of "S1 Seq1"."""
    return 50.0 if sequence in AT_50_FPS else 25.0


def find_sequences(folder: str | Path) -> tuple[dict[str, Path], list[str]]:
    """Sequence ("S1 Seq1") -> its folder, and the names of those that are missing."""
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is no folder, expected one of S1/Seq1 ... S8/Seq2 with annot.mat in each.")
    paths = {name: folder.joinpath(*name.split()) for name in FRAMES}
    available = {name: path for name, path in paths.items() if (path / "annot.mat").is_file()}
    if not available:
        raise FileNotFoundError(f"{folder} has no S1/Seq1/annot.mat ... S8/Seq2/annot.mat: is it the training set?")
    return available, [name for name in FRAMES if name not in available]


def read_sequence(folder: Path, sequence: str) -> Recording:
    """One sequence, checked (data/multiview/checks.py): eight views of 17 joints in Human3.6M's order."""
    calibrated = read_calibration(folder / "camera.calibration")
    path = folder / "annot.mat"
    content = load_mat(path)
    cells = {key: _cells(path, content, key) for key in ("annot2", "annot3")}
    views = []
    for number, cell in _cell_of_camera(path, content, len(cells["annot3"])).items():
        if str(number) not in calibrated:
            raise ValueError(f"{folder / 'camera.calibration'} has no camera {number}, but annot.mat has one.")
        pixels, joints = (_joints(path, cells[key][cell], key, number) for key in cells)
        if len(pixels) != len(joints):
            raise ValueError(f"{path}: camera {number} has {len(pixels)} frames of annot2 and {len(joints)} of annot3.")
        usual = slice(FRAMES[sequence])
        views.append(_view(calibrated[str(number)], str(number), pixels[usual], joints[usual]))
    check_thighs(views[0].joints_3d, str(path), advice="Get it again.")
    for view in views:
        name = f"{path}: camera {view.camera_name}"
        check_bodies(view.joints_3d, name, origin="the camera", advice="Get it again.")
        check_points(view.joints_2d, name, advice="Get it again.")
    recording = training_recording(sequence, tuple(views))
    check_views(recording, str(path))
    return recording


def training_recording(sequence: str, views: tuple[View, ...]) -> Recording:
    """sequence: "S1 Seq1"."""
    subject, action = sequence.split()
    usable = np.ones(len(views[0].joints_3d), dtype=bool)
    return Recording(subject, action, views, fps(sequence), usable, {"sequence": sequence})


def _cells(path: Path, content: dict[str, Any], key: str) -> list[np.ndarray]:
    cells = content.get(key)
    if not isinstance(cells, np.ndarray) or cells.dtype != object:
        raise ValueError(f"{path} has no cell array {key!r}, expected one of 14 cameras: is it a training sequence?")
    return list(cells.ravel())


def _cell_of_camera(path: Path, content: dict[str, Any], cells: int) -> dict[int, int]:
    """Camera -> which of the cells is its own, for the eight of CAMERAS."""
    numbers = np.ravel(np.asarray(content.get("cameras", np.arange(cells))))
    if numbers.dtype.kind not in "fiu" or len(numbers) != cells or not np.isfinite(numbers).all():
        raise ValueError(f"{path} has {len(numbers)} 'cameras' and {cells} cells of annotations. Get it again.")
    owners = [int(number) for number in numbers]
    missing = [str(camera) for camera in CAMERAS if camera not in owners]
    if missing:
        raise ValueError(f"{path} has no camera {', '.join(missing)}, expected {', '.join(map(str, CAMERAS))}.")
    return {camera: owners.index(camera) for camera in CAMERAS}


def _joints(path: Path, cell: Any, key: str, camera: int) -> np.ndarray:
    """A cell's (frames, 56 | 84) as (frames, 17, 2 | 3), Human3.6M's order, units of the file."""
    size = int(key[-1])
    array, columns = np.asarray(cell), SKELETON.num_joints * size
    if array.ndim != 2 or array.shape[1] != columns or array.dtype.kind not in "fiu" or not len(array):
        raise ValueError(f"{path}: {key} of camera {camera} has shape {array.shape}, expected (frames, {columns}).")
    joints = SKELETON.convert(array.reshape(len(array), -1, size).astype(np.float64), LAYOUT)
    bad = int((~np.isfinite(joints)).any(axis=(1, 2)).sum())
    if bad:
        raise ValueError(f"{path}: {key} of camera {camera} has NaN in {bad} of {len(array)} frames. Get it again.")
    if np.abs(joints).max() > FARTHEST * 1000:
        raise ValueError(f"{path}: {key} of camera {camera} has values of {np.abs(joints).max():.3g}. Get it again.")
    return joints


def _view(calibrated: CalibratedCamera, name: str, pixels: np.ndarray, joints: np.ndarray) -> View:
    """pixels: (F, 17, 2); joints: (F, 17, 3) mm, camera frame."""
    width, height = calibrated.width, calibrated.height
    screen = pixels / width * 2 - [1.0, height / width]
    return View(name, calibrated.camera, (joints / 1000).astype(np.float32), screen.astype(np.float32))
