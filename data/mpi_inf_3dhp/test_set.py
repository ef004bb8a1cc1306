"""MPI-INF-3DHP's prepared test file -> recordings, one per sequence.

Published scores are over 2,929 frames, about every tenth of six videos. A lifter of several frames can see them in two
ways, which are test sets of their own:

    3dhp         windows over the video, the scored frame among its neighbours of 1/25 s: the official sequences
    3dhp_sparse  windows over the row of scored frames, 0.4 s apart: what PoseAug, DH-AUG and their kin compare

For a lifter of one frame they are the same.
"""

from pathlib import Path
from typing import Any

import numpy as np

from data.files.members import check_arrays
from data.files.npz import load_npz_restricted
from data.mpi_inf_3dhp.official.test import FPS, SCENES, SEQUENCES, TO_H36M_16, TO_H36M_17, VALID_FRAMES
from data.plausible import check_bodies, check_points, check_thighs
from data.recordings import DataSettings, Recording, View

VIDEO, SPARSE = "3dhp", "3dhp_sparse"
TEST_FILE = "test_set/test_3dhp.npz"
HOW_TO_MAKE = "Make it with: python prepare_data_3dhp.py --help"


def load_test_set(settings: DataSettings, name: str = VIDEO, frames: int = 1) -> list[Recording]:
    """One recording per sequence, of `settings.num_joints` joints in Human3.6M's order (h36m_16 or h36m_17).

    name: 3dhp or 3dhp_sparse; frames: window of the lifter that will read them. 3D is pelvis-centred in the universal
    scale; views have no camera. frame_groups has "activity" where it is known. A file of scored frames alone, as SPIN's
    and the family's are, has no video to offer to a lifter of several frames, which is refused.
    """
    path = Path(settings.data_extra_root) / TEST_FILE
    content = load_npz_restricted(path, HOW_TO_MAKE)
    if name == VIDEO and "video_valid" in content:
        return _recordings(path, _video(path, content, settings.num_joints), FPS)
    if name == VIDEO and frames > 1:
        raise ValueError(
            f"{path} has the scored frames alone, about every tenth of the video, where test set {VIDEO} shows windows "
            f"of {frames} frames of video: make it from the official annot_data.mat files, or take {SPARSE}."
        )
    return _recordings(path, _scored(path, content, settings.num_joints), FPS / 10)


def has_video(settings: DataSettings) -> bool:
    """Whether the prepared file holds the frames between the scored ones."""
    return "video_valid" in load_npz_restricted(Path(settings.data_extra_root) / TEST_FILE, HOW_TO_MAKE)


def _recordings(path: Path, content: dict[str, Any], fps: float) -> list[Recording]:
    """content: joints_3d, joints_2d, sequence, valid, activity (or None) of all frames."""
    recordings = []
    for name in [name for name in SEQUENCES if (content["sequence"] == name).any()]:
        of_sequence = content["sequence"] == name
        view = View("", None, content["joints_3d"][of_sequence], content["joints_2d"][of_sequence])
        groups = {} if content["activity"] is None else {"activity": content["activity"][of_sequence]}
        group = {"sequence": name, "scene": SCENES[name]}
        recordings.append(Recording(name, "", (view,), fps, content["valid"][of_sequence], group, groups))
    return recordings


def _scored(path: Path, content: dict[str, Any], num_joints: int) -> dict[str, Any]:
    """The scored frames: all that a file of the family has."""
    keys = {16: ("pose3d", "pose2d"), 17: ("joints17_3d", "joints17_2d")}
    joints_3d, joints_2d = _poses(path, content, keys.get(num_joints), num_joints)
    if num_joints == 17:
        joints_3d, joints_2d = joints_3d[:, TO_H36M_17], joints_2d[:, TO_H36M_17]
    frames = len(joints_3d)
    checked = _checked(path, joints_3d, joints_2d, np.ones(frames, dtype=bool))
    sequence = _labels(path, content, "sequence", frames)
    if sequence is None:
        if frames != sum(VALID_FRAMES.values()):
            raise ValueError(
                f"{path} has {frames:,} poses and no 'sequence', expected {sum(VALID_FRAMES.values()):,}. {HOW_TO_MAKE}"
            )
        sequence = np.repeat(list(VALID_FRAMES), list(VALID_FRAMES.values()))
    return checked | {"sequence": sequence, "activity": _labels(path, content, "activity", frames)}


def _video(path: Path, content: dict[str, Any], num_joints: int) -> dict[str, Any]:
    """Every frame of the videos, those that are scored marked as valid."""
    order = {16: TO_H36M_16, 17: TO_H36M_17}.get(num_joints)
    keys = ("video17_3d", "video17_2d") if order else None
    joints_3d, joints_2d = _poses(path, content, keys, 17, num_joints)
    frames = len(joints_3d)
    labels = {key: _labels(path, content, f"video_{key}", frames) for key in ("sequence", "activity", "valid")}
    missing = [f"video_{key}" for key, column in labels.items() if column is None]
    if missing:
        raise ValueError(f"{path} has no {' and '.join(missing)}, needed for its video frames. {HOW_TO_MAKE}")
    valid = np.asarray(labels["valid"], dtype=bool)
    return labels | _checked(path, joints_3d[:, order], joints_2d[:, order], valid)


def _poses(
    path: Path, content: dict[str, Any], keys: tuple[str, str] | None, joints: int, asked: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """The file's (N, joints, 3) and (N, joints, 2). keys: None where the file cannot have the joints asked for."""
    if keys is None:
        raise ValueError(f"The 3DHP test set has 16 or 17 joints, {asked or joints} were asked for.")
    check_arrays(
        path, content, {keys[0]: ("f", ("frames", joints, 3)), keys[1]: ("f", ("frames", joints, 2))}, HOW_TO_MAKE
    )
    return content[keys[0]], content[keys[1]]


def _checked(path: Path, joints_3d: np.ndarray, joints_2d: np.ndarray, valid: np.ndarray) -> dict[str, Any]:
    """float32 poses in Human3.6M's order, hip at 0, after refusing NaN and other units. Windows see all of the 2D."""
    if not (np.isfinite(joints_3d[valid]).all() and np.isfinite(joints_2d).all()):
        raise ValueError(f"{path} has NaN or infinity in it. {HOW_TO_MAKE}")
    check_thighs(joints_3d[valid], str(path), advice=HOW_TO_MAKE)
    if not np.abs(joints_2d[valid]).max() <= 10:
        raise ValueError(f"{path} has 2D up to {np.abs(joints_2d).max():.4g}, expected screen units. {HOW_TO_MAKE}")
    called = [f"frame {number}" for number in np.flatnonzero(valid)].__getitem__
    check_bodies(joints_3d[valid], str(path), origin="the pelvis", advice=HOW_TO_MAKE, called=called)
    check_points(joints_2d, str(path), advice=HOW_TO_MAKE)  # windows see all of the 2D
    joints_3d = (joints_3d - joints_3d[:, :1]).astype(np.float32)
    return {"joints_3d": joints_3d, "joints_2d": joints_2d.astype(np.float32), "valid": valid}


def _labels(path: Path, content: dict[str, Any], key: str, frames: int) -> np.ndarray | None:
    if key not in content:
        return None
    check_arrays(path, content, {key: ("b" if key.endswith("valid") else "U", (frames,))}, HOW_TO_MAKE)
    return content[key]
