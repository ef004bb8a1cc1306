"""3DPW: people in the street before a phone that is carried about -> recordings of one view, 30 frames a second.

    3dpw           the official sequenceFiles/test/*.pkl, 2D projected
    3dpw_detected  the same with the detections that the files hold (poses2d, OpenPose's 18 keypoints)
    3dpw_poseaug   PoseAug's test_3dpw.npz of single poses: what PoseAug and its kin compare

A pickle holds, for each person, jointPositions (F, 72): SMPL's 24 joints, metres, world; campose_valid (F,) and poses2d
(F, 3, 18) pixels and scores; and cam_poses (F, 4, 4) world to camera, cam_intrinsics (3, 3) pixels. Samples are frames
with a valid camera and at least 6 detected joints; the files give detections only then.

The joints are SMPL's own, which lie inside its body: pelvis, hips, knees, ankles, neck (between the collar bones and
the head), shoulders, elbows, wrists. Spine (SMPL's spine2) and Head (its head, where the skull sits on the neck) are
other points than Human3.6M's and there for the lifter to read alone: smpl_14 scores the others.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from data.data_source import DataSource
from data.domains.bodies import detections, fill, in_layout, opencv_camera
from data.files.members import check_arrays, is_list
from data.files.npz import load_npz_restricted
from data.files.pkl import load_pickle_restricted
from data.keypoints.gaps import GapCount, mend
from data.multiview.skeletool import upright_turn
from data.plausible import OUTDOORS_M, check_bodies, check_cameras, check_points, check_thighs
from data.recordings import DataSettings, DataSplits, Recording, View
from kinematics.skeleton import Skeleton

BODY, DETECTED = Skeleton("h36m_16"), Skeleton("openpose_18")
# SMPL's joints for those of h36m_16
FROM_SMPL = {
    "Hip": 0, "RHip": 2, "RKnee": 5, "RAnkle": 8, "LHip": 1, "LKnee": 4, "LAnkle": 7, "Spine": 6, "Thorax": 12,
    "Head": 15, "LShoulder": 16, "LElbow": 18, "LWrist": 20, "RShoulder": 17, "RElbow": 19, "RWrist": 21,
}  # fmt: skip
SMPL_JOINTS = 24
FPS, LONG, SHORT = 30.0, 1920, 1080  # pixels of an image's sides
FEWEST_DETECTED, NEAREST_M, WIDEST = 6, 0.2, 5.0  # WIDEST: metres aside per metre ahead, outside of any image
FAMILY_FILE = "test_set/test_3dpw.npz"
HOW_TO_GET = "docs/data_more.md says where 3DPW comes from."


def load(settings: DataSettings) -> DataSplits:
    """The official splits. The camera moves: lifters of one frame can learn from them."""
    parts = {split: _read_split(settings, split) for split in ("train", "validation", "test")}
    (train, notes), (validation, _), (test, _) = parts.values()
    detected = _read_split(settings, "test", detected=True)[0]
    tests = {"3dpw": test, "3dpw_detected": detected}
    return DataSplits([recording.thinned(settings.downsample) for recording in train], validation, tests, notes)


def load_test(settings: DataSettings, name: str, frames: int) -> DataSplits:
    """One test set by itself. For windows of several frames the camera's movement is left out: views have no camera."""
    recordings, notes = _read_split(settings, "test", name == "3dpw_detected", moving=frames == 1)
    return DataSplits([], [], {name: recordings}, notes)


def _read_split(
    settings: DataSettings, split: str, detected: bool = False, moving: bool = True
) -> tuple[list[Recording], list[str]]:
    """Recordings of a split, one per person of a sequence, and what there is to tell."""
    if settings.subjects_train or settings.subjects_test:
        raise ValueError("3DPW's files do not name their people: leave --subjects_train and --subjects_test out.")
    folder, layout = sequence_files(settings) / split, Skeleton.from_num_joints(settings.num_joints)
    if layout.name not in ("h36m_16", "h36m_17"):
        raise ValueError(f"3DPW is read as 16 or 17 joints, num_joints asks for {settings.num_joints}.")
    paths = sorted(folder.glob("*.pkl"))
    if not paths:
        raise FileNotFoundError(f"{folder} has no *.pkl, expected 3DPW's sequences. {HOW_TO_GET}")
    if settings.actions:
        paths = [path for path in paths if _action(path) in settings.actions]
    people = [person for path in paths for person in _people(path, layout, detected, moving)]
    recordings = [person for person in people if person is not None]
    if not recordings:
        raise ValueError(
            f"{folder} has no sequence {' or '.join(settings.actions) or 'at all'} with a person in sight: the names "
            f"are those of its files without the number, such as downtown_walking. {HOW_TO_GET}"
        )
    samples = sum(int(recording.usable.sum()) for recording in recordings)
    notes = [f"3DPW {split}: {samples} frames of {len(people)} people have a valid camera and 6 detected joints."]
    if detected:
        count = GapCount()
        recordings = [piece for recording in recordings for piece in mend(recording, settings.max_gap, count)]
        notes += count.notes(f"3DPW {split}, detected", settings.max_gap)
    return recordings, notes


def sequence_files(settings: DataSettings) -> Path:
    """The folder sequenceFiles, by itself or in one called 3dpw."""
    plain = Path(settings.data_root) / "sequenceFiles"
    return plain if plain.is_dir() else Path(settings.data_root) / "3dpw" / "sequenceFiles"


def _action(path: Path) -> str:
    """downtown_walking_00.pkl -> downtown_walking."""
    return path.stem.rpartition("_")[0] or path.stem


def _people(path: Path, layout: Skeleton, detected: bool, moving: bool) -> Iterator[Recording | None]:
    """Each person of a sequence; None where no frame of theirs is a sample."""
    content = load_pickle_restricted(path, HOW_TO_GET)
    lists = [content.get(name) for name in ("jointPositions", "campose_valid", "poses2d")]
    counts = [len(of) if is_list(of) else 0 for of in lists]
    if len({*counts}) > 1 or not counts[0]:
        raise ValueError(
            f"{path} has jointPositions, campose_valid and poses2d of {counts[0]}, {counts[1]} and {counts[2]} people, "
            f"expected as many of each. {HOW_TO_GET}"
        )
    shapes: dict[str, tuple[str, tuple[int | str, ...]]] = {
        "cam_poses": ("f", ("frames", 4, 4)), "cam_intrinsics": ("f", (3, 3)),
        "jointPositions": ("f", ("frames", 3 * SMPL_JOINTS)), "campose_valid": ("biuf", ("frames",)),
        "poses2d": ("f", ("frames", 3, DETECTED.num_joints)),
    }  # fmt: skip
    for number in range(counts[0]):
        arrays = {name: content.get(name) for name in ("cam_poses", "cam_intrinsics")}
        arrays |= {name: of[number] for name, of in zip(list(shapes)[2:], lists, strict=True) if of is not None}
        check_arrays(path, arrays, shapes, HOW_TO_GET)
        yield _person(f"{path}, person {number}", path, arrays, layout, detected, moving)


def _person(
    where: str, path: Path, arrays: dict[str, Any], layout: Skeleton, detected: bool, moving: bool
) -> Recording | None:
    world = arrays["jointPositions"].astype(np.float64).reshape(-1, SMPL_JOINTS, 3)[:, list(FROM_SMPL.values())]
    poses, matrix = (arrays[name].astype(np.float64) for name in ("cam_poses", "cam_intrinsics"))
    keypoints = arrays["poses2d"].astype(np.float64).swapaxes(1, 2)  # (F, 18, 3)
    joints = np.einsum("fab,fjb->fja", poses[:, :3, :3], world) + poses[:, None, :3, 3]
    usable = (arrays["campose_valid"] > 0) & ((keypoints[..., 2] > 0).sum(axis=1) >= FEWEST_DETECTED)
    aside, ahead = np.abs(joints[..., :2]).max(axis=-1), joints[..., 2]
    usable &= ((ahead > NEAREST_M) & (aside < WIDEST * ahead)).all(axis=1)  # NaN is not
    if not usable.any():
        return None
    poses, joints = fill(poses, usable), in_layout(fill(joints, usable), BODY, layout)
    axes, size = poses[:, :3, :3].swapaxes(1, 2), (SHORT, LONG) if matrix[0, 2] < matrix[1, 2] else (LONG, SHORT)
    if not np.abs(axes @ poses[:, :3, :3] - np.eye(3)).max() <= 1e-3:
        raise ValueError(f"{where} has cam_poses without a rotation in them. {HOW_TO_GET}")
    matrices = np.repeat(matrix[None], len(poses), axis=0)
    camera = opencv_camera(matrices, poses[:, :3, :3], poses[:, :3, 3], size, upright_turn(axes))
    check_cameras(camera, where, OUTDOORS_M, HOW_TO_GET)
    check_thighs(joints, where, advice=HOW_TO_GET)
    check_bodies(joints, where, farthest=OUTDOORS_M, origin="the camera", advice=HOW_TO_GET)
    points = torch.from_numpy(joints)
    screen, confidence = camera.project(points).float().numpy(), None
    if detected:
        check_points(keypoints[usable, :, :2], f"{where}, poses2d", LONG, missing=True, advice=HOW_TO_GET)
        screen, confidence = detections(keypoints[..., :2], keypoints[..., 2], DETECTED, layout, size)
    lens = camera.to(torch.float32) if moving else None
    view = View("phone", lens, joints.astype(np.float32), screen, confidence)
    return Recording("", _action(path), (view,), FPS, usable, {"sequence": path.stem})


def load_family(settings: DataSettings, name: str, frames: int) -> list[Recording]:
    """PoseAug's test_3dpw.npz: pose3d (N, 16, 3) metres and pose2d (N, 16, 2) screen, poses without order or camera."""
    path = Path(settings.data_extra_root) / FAMILY_FILE
    if settings.num_joints != 16 or frames > 1:
        raise ValueError(
            f"{path} has single poses of 16 joints, and the lifter reads {frames} frame(s) of {settings.num_joints} "
            "joints: take 3dpw, the official sequences."
        )
    content = load_npz_restricted(path, HOW_TO_GET)
    wanted = {"pose3d": ("f", ("frames", 16, 3)), "pose2d": ("f", ("frames", 16, 2))}
    count = check_arrays(path, content, wanted, HOW_TO_GET)["frames"]
    joints, screen = (content[of].astype(np.float32) for of in wanted)
    check_thighs(joints, str(path), advice=HOW_TO_GET)
    check_bodies(joints, str(path), farthest=OUTDOORS_M, origin="the camera", advice=HOW_TO_GET)
    check_points(screen, str(path), advice=HOW_TO_GET)
    view = View("", None, joints, screen)
    return [Recording("", "", (view,), FPS, np.ones(count, dtype=bool))]


THREE_DPW = DataSource(
    load,
    views=1,
    test_sets=("3dpw", "3dpw_detected"),
    budget={"learning": {"epochs": 25}},
    by_rule=True,
    standalone_test_sets={"3dpw_poseaug": load_family},
    load_test=load_test,
    required_files=lambda settings: (
        sorted((folder := sequence_files(settings) / "train").glob("*.pkl"))[:1] or [folder / "*.pkl"]
    ),
    how_to_make=HOW_TO_GET,
)
