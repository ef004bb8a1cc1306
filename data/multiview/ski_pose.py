"""Ski-Pose PTZ: alpine skiers seen by six cameras that pan, tilt and zoom: ski_train.h5, ski_test.h5 -> recordings.

The files hold one record per camera and frame, 17 joints in Human3.6M's order: seq, cam, frame, subj; `3D` (N, 51)
metres, axes of the camera; `2D` (N, 34) fractions of the image (256 x 256 pixels, cut out around the skier);
cam_intrinsic (N, 3, 3) in images, cam_position (N, 3) metres and R_cam_2_world (N, 3, 3) of the world.

`3D` is centred at the pelvis, so that the files do not say where in the world the skier is. All views' 2D together do:
the place from which the known poses fall on it is found by least squares, frame by frame.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float

from data.data_source import DataSource, choose
from data.files.readers import load_hdf5
from data.multiview.checks import check_views
from data.multiview.skeletool import are_rotations, pinhole, upright_turn
from data.plausible import OUTDOORS_M, check_bodies, check_cameras, check_points, check_thighs
from data.recordings import DataSettings, DataSplits, Recording, View
from kinematics.camera import Camera
from kinematics.rotation import quaternion_to_matrix
from kinematics.skeleton import Skeleton

SPLITS = ("train", "test")
ACTION = "Skiing"
FPS = 30.0  # the files do not say it: nothing but speeds depends on it
SCREEN_AGREEMENT = 0.04  # half image widths, median: five pixels of 256
SHAPES = {
    "seq": (), "cam": (), "frame": (), "subj": (), "3D": (51,), "2D": (34,), "cam_intrinsic": (3, 3),
    "cam_position": (3,), "R_cam_2_world": (3, 3),
}  # fmt: skip
LARGEST, LARGEST_LABEL = 1e6, 2.0**53  # metres and images; labels
HOW_TO_GET = "It is part of the Ski-Pose PTZ-Camera dataset, research only; docs/data_multiview.md says more."
Records = dict[str, np.ndarray]


def load(settings: DataSettings) -> DataSplits:
    """The released splits: training recordings and the test "ski"; nobody is held out for validation.

    settings.data_root: folder of the files. Runs with fewer cameras than settings.views are left out.
    """
    if settings.keypoints != "gt":
        raise ValueError(f"keypoints is {settings.keypoints!r}, but ski comes with its own 2D alone: gt.")
    notes = [f"Ski-Pose: {FPS:g} frames a second are assumed, and no one is held out for validation."]
    parts = {}
    for split, asked in (("train", settings.subjects_train), ("test", settings.subjects_test)):
        recordings = load_ski_recordings(settings.data_root, split, settings.num_joints)
        choose(f"Ski-Pose {split}: subject", asked, sorted({recording.subject for recording in recordings}))
        choose("Action", settings.actions, (ACTION,))
        recordings = [recording for recording in recordings if not asked or recording.subject in asked]
        parts[split] = [recording for recording in recordings if len(recording.views) >= settings.views]
        if few := len(recordings) - len(parts[split]):
            notes.append(
                f"Ski-Pose {split}: {few} of {len(recordings)} runs left out, seen by under {settings.views} cameras."
            )
        if not parts[split]:
            raise ValueError(f"Ski-Pose {split} has no run seen by {settings.views} cameras: ask for fewer views.")
    if both := sorted(
        {recording.subject for recording in parts["train"]} & {recording.subject for recording in parts["test"]}
    ):
        notes.append(f"Ski-Pose: {', '.join(both)} skis in both of the released splits.")
    return DataSplits(
        [recording.thinned(settings.downsample) for recording in parts["train"]], [], {"ski": parts["test"]}, notes
    )


def file_of(root: str | Path, split: str) -> Path:
    """Where the file of a split lies, or should."""
    local, released = Path(root) / f"ski_{split}.h5", Path(root) / split / "labels.h5"
    return released if released.exists() and not local.exists() else local


def load_ski_recordings(root: str | Path, split: str, num_joints: int = 17) -> list[Recording]:
    """One recording per run of frames without a hole, its views synchronised and with a camera for every frame.

    root: folder of ski_train.h5 and ski_test.h5 (or of train/labels.h5 and test/labels.h5, as they are released);
    num_joints: 16 or 17. A camera without a record of a frame is not `present` in it. Runs seen by a single camera are
    left out.
    """
    if split not in SPLITS:
        raise ValueError(f"Ski-Pose split {split!r} is not known: choose from {', '.join(SPLITS)}.")
    layout = Skeleton.from_num_joints(num_joints).name
    path = file_of(root, split)
    recordings = []
    for run in _runs(path, _read(path)):
        try:
            recording = _recording(run, layout)
        except np.linalg.LinAlgError as error:
            raise ValueError(
                f"{path}: the cameras of sequence {run['seq'][0]} do not tell where the skier is."
            ) from error
        if len(recording.views) > 1:
            check_views(recording, f"{path}: {recording.group['sequence']}", SCREEN_AGREEMENT)
            recordings.append(recording)
    return recordings


def _read(path: Path) -> Records:
    """The arrays of SHAPES, checked: numbers float64, labels int64, the world turned in quarters until z is up."""
    content = load_hdf5(path, SHAPES, HOW_TO_GET)
    records: Records = {}
    for name, shape in SHAPES.items():
        array, size = content.get(name, np.zeros(0)), int(np.prod(shape))
        if array.size == 0 or array.ndim == 0 or array.size != len(array) * size or array.dtype.kind not in "fiu":
            raise ValueError(f"{path} has {name!r} of shape {array.shape}, not {('records', *shape)}. {HOW_TO_GET}")
        if not np.isfinite(array).all():
            raise ValueError(f"{path} has NaN or infinity in {name!r}. Get it again.")
        if (largest := np.abs(array.astype(np.float64)).max()) > (most := LARGEST if shape else LARGEST_LABEL):
            raise ValueError(f"{path} has {largest:.3g} in {name!r}, expected under {most:.3g}. Get it again.")
        records[name] = array.reshape(len(array), *shape).astype(np.float64 if shape else np.int64)
    counts = {len(array) for array in records.values()}
    if len(counts) > 1:
        raise ValueError(f"{path} has arrays of {min(counts)} to {max(counts)} records, expected as many of each.")
    if not are_rotations(records["R_cam_2_world"]):
        raise ValueError(f"{path} has R_cam_2_world that is no rotation. Get it again.")
    if (records["cam_intrinsic"][:, (0, 1), (0, 1)] <= 0).any():
        raise ValueError(f"{path} has focal lengths of 0 or less in 'cam_intrinsic'. Get it again.")
    joints = records["3D"].reshape(-1, 17, 3)
    check_thighs(joints, str(path), advice="Get it again.")
    records["3D"] = joints - joints[:, :1]
    records["2D"] = records["2D"].reshape(-1, 17, 2)
    check_bodies(records["3D"], str(path), origin="the pelvis", advice="Get it again.", called="record {}".format)
    check_points(records["2D"] * 2 - 1, str(path), advice="Get it again.", called="record {}".format)
    camera = pinhole(records["cam_intrinsic"], records["R_cam_2_world"], records["cam_position"], 1, 1)
    check_cameras(camera, str(path), OUTDOORS_M, "Get it again.")
    turn = upright_turn(records["R_cam_2_world"])  # the files do not say which axis is up
    moved = {"cam_position": records["cam_position"] @ turn.T, "R_cam_2_world": turn @ records["R_cam_2_world"]}
    return records | moved


def _runs(path: Path, records: Records) -> Iterator[Records]:
    """The records of every stretch of a sequence whose frames follow each other at the sequence's step."""
    labels = np.stack([records[name] for name in ("subj", "seq", "cam", "frame")], axis=1)
    unique, counts = np.unique(labels, axis=0, return_counts=True)
    if (counts > 1).any():
        subject, sequence, camera, frame = unique[counts.argmax()]
        raise ValueError(f"{path} has camera {camera} twice in frame {frame} of sequence {sequence}. Get it again.")
    for subject, sequence in np.unique(labels[:, :2], axis=0):
        of_sequence = (records["subj"] == subject) & (records["seq"] == sequence)
        frames = np.unique(records["frame"][of_sequence])
        steps = np.diff(frames)
        for run in np.split(frames, np.flatnonzero(steps != steps.min(initial=np.iinfo(np.int64).max)) + 1):
            chosen = of_sequence & np.isin(records["frame"], run)
            yield {name: array[chosen] for name, array in records.items()}


def _recording(run: Records, layout: str) -> Recording:
    frames, cameras = np.unique(run["frame"]), np.unique(run["cam"])
    grid = np.full((len(cameras), len(frames)), -1)
    grid[np.searchsorted(cameras, run["cam"]), np.searchsorted(frames, run["frame"])] = np.arange(len(run["cam"]))
    present = grid >= 0
    rows = np.stack([_nearest(records) for records in grid])
    camera = pinhole(run["cam_intrinsic"][rows], run["R_cam_2_world"][rows], run["cam_position"][rows], 1, 1)
    screen = run["2D"][rows] * 2 - 1
    joints_world = _joints_world(run["3D"][rows], screen, camera, present)
    joints_camera = camera.world_to_camera(torch.from_numpy(joints_world)).numpy()
    screen[~present] = 0
    skeleton = Skeleton("h36m_17")
    views = []
    for i, name in enumerate(cameras):
        joints_3d, joints_2d = (
            skeleton.convert(array[i], layout).astype(np.float32) for array in (joints_camera, screen)
        )
        recorded = None if present[i].all() else present[i]
        views.append(View(str(name), camera[i].to(torch.float32), joints_3d, joints_2d, present=recorded))
    step = int(frames[1] - frames[0]) if len(frames) > 1 else 1
    sequence, usable = f"seq {run['seq'][0]} frame {frames[0]}", np.ones(len(frames), dtype=bool)
    return Recording(f"S{run['subj'][0]}", ACTION, tuple(views), FPS / step, usable, {"sequence": sequence})


def _nearest(records: np.ndarray) -> np.ndarray:
    """(F,) rows of one camera's records; where it has none of a frame (-1), the nearest frame's."""
    known = np.flatnonzero(records >= 0)
    return records[known[np.abs(np.arange(len(records))[:, None] - known).argmin(axis=1)]]


def _joints_world(
    poses: Float[np.ndarray, "views frames joints 3"],
    screen: Float[np.ndarray, "views frames joints 2"],
    camera: Camera,
    present: Bool[np.ndarray, "views frames"],
) -> Float[np.ndarray, "views frames joints 3"]:
    """Each view's joints in the world, metres, about the one root that fits the 2D of all views.

    poses: pelvis at 0, camera axes. A point at p + R^T (root - c) in the direction (x, y, 1) says that
    (R e_x - x R e_z) . (root - c) = x p_z - p_x, and likewise in y: linear in the root. A view that is not present
    shows the mean pose of those that are.
    """
    axes = quaternion_to_matrix(camera.orientation_wxyz).numpy()  # (V, F, 3, 3), columns in the world
    centres = camera.translation.numpy()
    middle = centres.mean(axis=0)  # near the skier, so that the digits are kept
    rays = camera.rays(torch.from_numpy(screen)).numpy()
    seen = axes.swapaxes(-1, -2)[:, :, None]  # rows: right, down, ahead
    sides, ahead = seen[..., :2, :], seen[..., 2:, :]
    rows = (sides - rays[..., None] * ahead) * present[:, :, None, None, None]  # (V, F, J, 2, 3)
    offsets = np.einsum("vfjai,vfi->vfja", rows, centres - middle)
    values = (rays * poses[..., 2:] - poses[..., :2]) * present[:, :, None, None] + offsets
    matrix = np.einsum("vfjai,vfjak->fik", rows, rows)
    root = np.linalg.solve(matrix, np.einsum("vfjai,vfja->fi", rows, values)[..., None])[..., 0] + middle
    turned = np.einsum("vfik,vfjk->vfji", axes, poses)
    weights = (present / present.sum(axis=0))[:, :, None, None]
    turned = np.where(present[:, :, None, None], turned, (turned * weights).sum(axis=0))
    return turned + root[:, None]


SKI = DataSource(
    load,
    views=6,
    test_sets=("ski",),
    budget={"learning": {"epochs": 25}},
    by_rule=True,
    required_files=lambda settings: [file_of(settings.data_root, split) for split in SPLITS],
    how_to_make=HOW_TO_GET,
)
