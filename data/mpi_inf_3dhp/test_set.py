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
    if settings.num_joints not in (16, 17):
        raise ValueError(f"The 3DHP test set has 16 or 17 joints, {settings.num_joints} were asked for.")
    path = Path(settings.data_extra_root) / TEST_FILE
    content = load_npz_restricted(path, HOW_TO_MAKE)
    if name == VIDEO and "video_valid" in content:
        return _recordings(path, _video(path, content, settings.num_joints), FPS)
    if name == VIDEO and frames > 1:
        raise ValueError(
            f"{path} has the scored frames alone, about every tenth of the video, where test set {VIDEO} shows windows "
            f"of {frames} frames of video: make it from the official annot_data.mat files, or choose {SPARSE}."
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
    in_3d, in_2d = ("pose3d", "pose2d") if num_joints == 16 else ("joints17_3d", "joints17_2d")
    wanted = {in_3d: ("f", ("frames", num_joints, 3)), in_2d: ("f", ("frames", num_joints, 2))}
    wanted |= {name: ("U", ("frames",)) for name in ("sequence", "activity") if name in content}
    frames = check_arrays(path, content, wanted, HOW_TO_MAKE)["frames"]
    order = slice(None) if num_joints == 16 else TO_H36M_17
    checked = _checked(path, content[in_3d][:, order], content[in_2d][:, order], np.ones(frames, dtype=bool))
    sequence = content.get("sequence")
    if sequence is None:
        if frames != sum(VALID_FRAMES.values()):
            raise ValueError(
                f"{path} has {frames:,} poses and no 'sequence', expected {sum(VALID_FRAMES.values()):,}. {HOW_TO_MAKE}"
            )
        sequence = np.repeat(list(VALID_FRAMES), list(VALID_FRAMES.values()))
    return checked | {"sequence": sequence, "activity": content.get("activity")}


def _video(path: Path, content: dict[str, Any], num_joints: int) -> dict[str, Any]:
    """Every frame of the videos, those that are scored marked as valid."""
    wanted = {"video17_3d": ("f", ("frames", 17, 3)), "video17_2d": ("f", ("frames", 17, 2))}
    wanted |= {"video_sequence": ("U", ("frames",)), "video_activity": ("U", ("frames",))}
    check_arrays(path, content, wanted | {"video_valid": ("b", ("frames",))}, HOW_TO_MAKE)
    order = TO_H36M_16 if num_joints == 16 else TO_H36M_17
    joints_3d, joints_2d = content["video17_3d"][:, order], content["video17_2d"][:, order]
    labels = {"sequence": content["video_sequence"], "activity": content["video_activity"]}
    return labels | _checked(path, joints_3d, joints_2d, content["video_valid"])


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
