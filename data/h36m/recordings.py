"""Human3.6M: data_3d_h36m.npz (and a detector's 2D) to training, validation and test recordings.

Training S1 S5 S6 S7 S8, test S9 S11, four cameras, 50 frames a second. Validation is S8, seen by wide cameras that
nobody trains with (data/benchmark_cameras.py), so that what is chosen on it may hold on other data sets too.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from data.benchmark_cameras import WIDE_VALIDATION, looking_views, timed_pieces
from data.data_source import DataSource, choose, refuse_shared
from data.files.members import recordings_of, table
from data.files.npz import load_npz_restricted
from data.h36m.cameras import CAMERA_IDS, H36M_CAMERAS
from data.h36m.keypoints import Keypoints2D, keypoints_path
from data.h36m.names import (
    ACTIONS,
    FPS,
    TEST_SUBJECTS,
    TRAIN_SUBJECTS,
    VALIDATION_SUBJECTS,
    action_of,
    canonical_recording,
)
from data.h36m.projection_check import check_projection
from data.keypoints.gaps import GapCount, mend, mend_together
from data.plausible import check_bodies, check_thighs
from data.recordings import DataSettings, DataSplits, Recording, View, view_from_world
from kinematics.skeleton import Skeleton

FILE_NAME = "data_3d_h36m.npz"
HOW_TO_MAKE = "Make it with: python -m data.prepare_data_h36m --help"
Positions = dict[str, dict[str, np.ndarray]]


def read_prepared(data_root: str | Path, layout: str = "h36m_16") -> Positions:
    """subject -> recording -> (F, J, 3) metres, world, in `layout`; from VideoPose3D's npz."""
    path = Path(data_root) / FILE_NAME
    content = load_npz_restricted(path, HOW_TO_MAKE)
    subjects = recordings_of(path, content, "positions_3d", HOW_TO_MAKE)
    choose(f"{path}: subject", subjects, H36M_CAMERAS)
    return {
        subject: {
            _canonical(path, subject, recording): _checked(path, f"{subject} {recording}", joints, layout)
            for recording, joints in recordings.items()
        }
        for subject, recordings in subjects.items()
    }


def _canonical(path: Path, subject: str, recording: str) -> str:
    name = canonical_recording(recording)
    if name is None:
        raise ValueError(f"{path}: {subject} has a recording {recording!r}, expected one of {', '.join(ACTIONS)}.")
    return name


def _checked(path: Path, recording: str, joints: object, layout: str) -> np.ndarray:
    """(F, J, 3) float32 in `layout`, or a refusal naming the recording."""
    array = table(joints, f"{path}: {recording}")
    if array.dtype.kind != "f" or array.ndim != 3 or array.shape[2] != 3 or array.shape[1] not in (16, 17, 32):
        raise ValueError(f"{path}: {recording} has shape {array.shape}, expected (frames, 32, 3). {HOW_TO_MAKE}")
    source = Skeleton.from_num_joints(array.shape[1])
    if not source.can_become(layout):
        raise ValueError(
            f"{path}: {recording} has Skeleton('{source.name}'), expected Skeleton('{layout}'). {HOW_TO_MAKE}"
        )
    if not np.isfinite(array).all() or not len(array):
        raise ValueError(f"{path}: {recording} is empty or has NaN in it. {HOW_TO_MAKE}")
    check_thighs(array, f"{path}: {recording}", advice=HOW_TO_MAKE)
    poses = source.convert(array, layout)
    check_bodies(poses, f"{path}: {recording}", advice=HOW_TO_MAKE)
    return poses.astype(np.float32)


def load(settings: DataSettings) -> DataSplits:
    """Training, validation and test recordings ("h36m"), `settings.num_joints` joints.

    settings.downsample thins the training recordings only; a test is always at the full 50 frames a second. A lifter of
    several frames that is to see the same rate in both is trained at downsample 1.
    """
    layout = Skeleton.from_num_joints(settings.num_joints).name
    positions = read_prepared(settings.data_root, layout)
    gt = settings.keypoints == "gt"
    detector = None if gt else Keypoints2D(keypoints_path(settings.data_root, settings.keypoints))
    notes: list[str] = []
    learned, test = _subjects(settings, positions, notes)
    held_out = [s for s in VALIDATION_SUBJECTS if s in positions and s not in test]
    learned = [s for s in learned if not (settings.hold_out_validation and s in held_out)]
    positions = _of_actions(positions, settings.actions)
    seen, gap_notes = {}, []
    for part, subjects in (("training", learned), ("test", test)):
        count = GapCount()
        recordings = _recordings(positions, subjects, detector, layout)
        mended = mend if settings.views == 1 else mend_together
        seen[part] = [piece for recording in recordings for piece in mended(recording, settings.max_gap, count)]
        gap_notes += count.notes(f"{settings.keypoints}, Human3.6M {part}", settings.max_gap)
    if not seen["test"]:
        raise ValueError("Human3.6M test is empty: the subjects and actions asked for leave no recording.")
    notes += (detector.notes() if detector is not None else []) + gap_notes
    if not seen["training"]:  # enough to test on, so no error here
        notes.append("Human3.6M training is empty: the subjects and actions asked for leave no recording.")
    train = [recording.thinned(settings.downsample) for recording in seen["training"]]
    validation = [one for subject in held_out for one in _wide_recordings(subject, positions[subject], settings)]
    return DataSplits(train, validation, {"h36m": seen["test"]}, notes)


def _subjects(settings: DataSettings, positions: Positions, notes: list[str]) -> tuple[list[str], list[str]]:
    """Training and test subjects. Named ones must be there; of the usual ones those that are not are noted."""
    chosen = []
    for asked, usual in ((settings.subjects_train, TRAIN_SUBJECTS), (settings.subjects_test, TEST_SUBJECTS)):
        choose("Subject", asked, positions)
        chosen.append(list(asked) or [subject for subject in usual if subject in positions])
        missing = [] if asked else [subject for subject in usual if subject not in positions]
        if missing:
            notes.append(f"Human3.6M is not complete: {', '.join(missing)} not in {FILE_NAME}.")
    refuse_shared(*chosen)
    return chosen[0], chosen[1]


def _of_actions(positions: Positions, actions: tuple[str, ...]) -> Positions:
    """Those of the actions asked for: an action ("Sitting", not SittingDown) or one recording ("Sitting 1")."""
    if not actions:
        return positions
    recordings = {recording for recorded in positions.values() for recording in recorded}
    choose("Action", actions, sorted(recordings | {action_of(recording) for recording in recordings}))
    return {
        subject: {
            recording: joints
            for recording, joints in recorded.items()
            if recording in actions or action_of(recording) in actions
        }
        for subject, recorded in positions.items()
    }


def _recordings(
    positions: Positions, subjects: list[str], detector: Keypoints2D | None, layout: str
) -> Iterator[Recording]:
    """The four cameras' views of every recording; 2D projected, or a detector's."""
    if detector is not None:
        detector.require(subjects)
    for subject in subjects:
        for name, joints_world in positions[subject].items():
            views = [
                view_from_world(joints_world, camera, camera_name)
                for camera, camera_name in zip(H36M_CAMERAS[subject], CAMERA_IDS, strict=True)
            ]
            if detector is not None:
                keypoints = detector.screen(subject, name, layout, len(joints_world))
                if keypoints is None:
                    continue
                seen = [detections.joints_2d for detections in keypoints]
                strange = check_projection(seen, views, layout, f"{detector.path.name}, {subject} {name}")
                detector.strange += [strange] if strange else []
                views = [
                    View(view.camera_name, view.camera, view.joints_3d[: len(detected.joints_2d)], *detected)
                    for view, detected in zip(views, keypoints, strict=True)
                ]
            yield _recording(subject, name, views)


def _recording(subject: str, name: str, views: Sequence[View]) -> Recording:
    frames = len(views[0].joints_3d)
    group = {"sequence": f"{subject} {name}"}
    return Recording(subject, action_of(name), tuple(views), FPS, np.ones(frames, dtype=bool), group)


def _wide_recordings(subject: str, recordings: dict[str, np.ndarray], settings: DataSettings) -> Iterator[Recording]:
    """Every second of every recording through wide cameras of its own, fixed by the recording's name."""
    for name, joints_world in recordings.items():
        clip = f"{subject} {name}"
        for piece, span in enumerate(timed_pieces(len(joints_world), fps=FPS)):
            yield _recording(
                subject, name, looking_views(joints_world[span], clip, piece, WIDE_VALIDATION, settings.views)
            )


H36M = DataSource(
    load,
    views=4,
    test_sets=("h36m",),
    has_detections=True,
    budget={"learning": {"epochs": 25}},
    by_rule=True,
    required_files=lambda settings: [Path(settings.data_root) / FILE_NAME],
    how_to_make=HOW_TO_MAKE,
)
