"""CMU-X: prepared clips to its splits and cameras (data/benchmark_cameras.py has the numbers).

Its test sets are two ways of seeing the same people, (a) and (b), in joint definitions that their names fix: cmux2_a
and cmux2_b in Human3.6M's, cmux2_b_coco as made up for COCO keypoints, cmux_a and cmux_b in CMU's own.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from data.benchmark_cameras import (
    FPS,
    WIDE_TEST,
    WIDE_VALIDATION,
    CameraRange,
    looking_views,
    rig_views,
    roaming_pieces,
    timed_pieces,
)
from data.cmu.clips import CMUX_CLIPS, RIG_SUBJECTS, SUBJECT_THEMES, TEST_SUBJECTS, TRAIN_SUBJECTS, VALIDATION_SUBJECTS
from data.cmu.prepared import FILE_NAME, HOW_TO_MAKE, PreparedClip, read_prepared
from data.data_source import DataSource, choose, refuse_shared
from data.recordings import DataSettings, DataSplits, Recording, View
from kinematics.definitions import as_coco, cmu_to_h36m
from kinematics.skeleton import Skeleton

SKELETON, BODY = Skeleton("h36m_17"), Skeleton("h36m_16")
TEST_DEFINITIONS = {
    "cmux2_a": "h36m", "cmux2_b": "h36m", "cmux2_b_coco": "coco", "cmux_a": "original", "cmux_b": "original",
}  # fmt: skip
# Judged without being asked for: what a lifter learnt, and the same people in other definitions.
_JUDGED = {
    "h36m": ("cmux2_a", "cmux2_b", "cmux2_b_coco", "cmux_b"),
    "original": ("cmux_a", "cmux_b", "cmux2_b_coco", "cmux2_b"),
}


def load(settings: DataSettings) -> DataSplits:
    """CMU-X at 25 frames a second: training, validation, tests cmux_a and cmux_b."""
    if settings.num_joints not in (16, 17):
        raise ValueError(f"CMU-X has 16 or 17 joints, num_joints asks for {settings.num_joints}.")
    prepared = read_prepared(settings.data_root)
    present = [clip for clip in CMUX_CLIPS if clip in prepared]
    if not present:
        raise ValueError(
            f"{settings.data_root}/{FILE_NAME} has none of the {len(CMUX_CLIPS)} clips of CMU-X. {HOW_TO_MAKE}"
        )
    train_subjects, test_subjects = _subjects(settings, present)
    clips = {name: prepared[name].at_fps(FPS) for name in _of_actions(present, settings.actions)}
    held_out = [s for s in VALIDATION_SUBJECTS if s in train_subjects]
    learned = [s for s in train_subjects if not (settings.hold_out_validation and s in held_out)]
    trained = settings.joint_definitions
    layout = Skeleton.from_num_joints(settings.num_joints)
    test_clips = _of_subjects(clips, test_subjects)
    wide = looking_pieces(WIDE_TEST, settings.views)
    tests = {
        name: _recordings(test_clips, layout, rig_pieces if name.endswith("_a") else wide, definitions)
        for name, definitions in TEST_DEFINITIONS.items()
    }
    judged = _JUDGED[trained]
    splits = DataSplits(
        train=[
            recording.thinned(settings.downsample)
            for recording in _recordings(_of_subjects(clips, learned), layout, rig_pieces, trained)
        ],
        validation=_recordings(
            _of_subjects(clips, held_out), layout, looking_pieces(WIDE_VALIDATION, settings.views), trained
        ),
        tests={name: tests[name] for name in judged},
        more_tests={name: recordings for name, recordings in tests.items() if name not in judged},
    )
    for name, recordings in {"training": splits.train, **splits.tests}.items():
        if not recordings:
            raise ValueError(f"CMU-X {name} is empty: the subjects and actions asked for leave no clip. {HOW_TO_MAKE}")
    splits.notes.extend(_notes(Path(settings.data_root) / FILE_NAME, prepared, present))
    return splits


def _subjects(settings: DataSettings, present: list[str]) -> tuple[list[str], list[str]]:
    """Training and test subjects; what was asked for must exist, and nobody may be both."""
    known = {clip.split("_")[0] for clip in present}
    chosen = []
    for asked, default in ((settings.subjects_train, TRAIN_SUBJECTS), (settings.subjects_test, TEST_SUBJECTS)):
        choose("Subject", asked, sorted(known))
        chosen.append(list(asked or default))
    refuse_shared(*chosen)
    return chosen[0], chosen[1]


def _of_actions(clips: list[str], actions: tuple[str, ...]) -> list[str]:
    """Clips whose name is asked for, or whose description contains what is asked for; all if nothing is."""

    def fits(clip: str, action: str) -> bool:
        return action == clip or action.lower() in CMUX_CLIPS[clip].lower()

    if unknown := [action for action in actions if not any(fits(clip, action) for clip in clips)]:
        raise ValueError(
            f"No CMU-X clip shows {', '.join(unknown)}: give a clip (01_02) or a word such as walk or dance."
        )
    return [clip for clip in clips if not actions or any(fits(clip, action) for action in actions)]


Joints = Float[np.ndarray, "frames 17 3"]
Pieces = Iterable[tuple[slice, tuple[View, ...]]]
PieceMaker = Callable[[str, Joints, Float[np.ndarray, "frames joints 3"]], Pieces]


def rig_of(subject: str) -> str:
    """The Human3.6M subject whose rig sees a CMU-X subject: dealt out in turn, to training and test alike."""
    for group in (TRAIN_SUBJECTS, TEST_SUBJECTS):
        if subject in group:
            return RIG_SUBJECTS[group.index(subject) % len(RIG_SUBJECTS)]
    raise ValueError(f"Subject {subject} is not in CMU-X: {', '.join(TRAIN_SUBJECTS + TEST_SUBJECTS)}.")


def rig_pieces(clip: str, joints_world: Joints, seen: Float[np.ndarray, "frames joints 3"]) -> Pieces:
    """A clip in pieces, each seen by the four cameras of one of Human3.6M's rigs. joints_world: place the cameras."""
    rig = rig_of(clip.split("_")[0])
    for span in roaming_pieces(joints_world[:, 0, :2]):
        yield span, rig_views(joints_world[span], rig, seen[span])


def looking_pieces(cameras: CameraRange, views: int = 1) -> PieceMaker:
    """A clip in seconds, each seen by `views` cameras drawn from a range."""

    def pieces(clip: str, joints_world: Joints, seen: Float[np.ndarray, "frames joints 3"]) -> Pieces:
        for piece, span in enumerate(timed_pieces(len(joints_world))):
            yield span, looking_views(joints_world[span], clip, piece, cameras, views, seen[span])

    return pieces


def _of_subjects(clips: dict[str, PreparedClip], subjects: list[str]) -> dict[str, PreparedClip]:
    return {name: clip for name, clip in clips.items() if name.split("_")[0] in subjects}


def _recordings(
    clips: dict[str, PreparedClip], layout: Skeleton, pieces: PieceMaker, definitions: str
) -> list[Recording]:
    """Clips as recordings. Cameras are placed by CMU's own 17 joints, whatever the layout and definitions."""
    recordings = []
    for clip, motion in clips.items():
        subject = clip.split("_")[0]
        group = {"sequence": clip, "activity": SUBJECT_THEMES[subject]}
        joints_world = motion.joints_world.astype(np.float64)
        defined = SKELETON.convert(defined_as(definitions, joints_world), layout)
        for span, views in pieces(clip, joints_world, defined):
            recordings.append(Recording(subject, CMUX_CLIPS[clip], views, motion.fps, motion.usable[span], group))
    return recordings


def defined_as(definitions: str, joints: Joints) -> Joints:
    """Put the joints of a CMU clip where other definitions have them: h36m, coco, or original (unchanged)."""
    if definitions == "original":
        return joints
    body = torch.from_numpy(SKELETON.convert(joints, BODY))
    moved = (cmu_to_h36m(body) if definitions == "h36m" else as_coco(body)).numpy()
    result = joints.copy()
    result[:, [SKELETON.joints.index(name) for name in BODY.joints]] = moved
    return result


def _notes(path: Path, prepared: dict[str, PreparedClip], present: list[str]) -> list[str]:
    notes = [] if path.exists() else [f"CMU-X: the motion that ships with PoseFK; {path} is not there."]
    if missing := [clip for clip in CMUX_CLIPS if clip not in prepared]:
        some = ", ".join(missing[:8]) + (", ..." if len(missing) > 8 else "")
        notes.append(f"CMU-X is not complete: {len(missing)} of {len(CMUX_CLIPS)} clips are missing ({some}).")
    marked = sum(int((~prepared[clip].usable).sum()) for clip in present)
    total = sum(len(prepared[clip].usable) for clip in present)
    notes.append(f"CMU-X: {marked} of {total} captured frames are marked as glitches and left out.")
    estimated = sorted({clip.split("_")[0] for clip in present if prepared[clip].source_format == "bvh"})
    if estimated:
        notes.append(
            f"CMU-X: the thorax of subjects {' '.join(estimated)} is estimated (BVH without ASF), 1 to 4 mm off."
        )
    return notes


def _required_files(settings: DataSettings) -> list[Path]:
    """The prepared file where it exists; otherwise the built-in excerpt is read."""
    path = Path(settings.data_root) / FILE_NAME
    return [path] if path.exists() else []


CMU = DataSource(
    load,
    views=4,
    test_sets=tuple(TEST_DEFINITIONS),
    budget={
        "lifter": {"posenet_width": 512, "dropout": 0.1},
        "learning": {"epochs": 30, "steps_per_epoch": 150, "batch_size": 256, "gan_interval": 10, "lr": 4e-3},
    },
    short_runs=True,
    by_rule=True,
    required_files=_required_files,
    how_to_make=HOW_TO_MAKE,
)
