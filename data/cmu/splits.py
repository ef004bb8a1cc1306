"""CMU-X: prepared clips to its splits and cameras (data/benchmark_cameras.py has the numbers)."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
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
from kinematics.skeleton import Skeleton

SKELETON = Skeleton("h36m_17")


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
    layout = Skeleton.from_num_joints(settings.num_joints)
    held_out = [s for s in VALIDATION_SUBJECTS if s in train_subjects]
    learned = [s for s in train_subjects if not (settings.hold_out_validation and s in held_out)]
    splits = DataSplits(
        train=[recording.thinned(settings.downsample) for recording in _recordings(clips, learned, layout, rig_pieces)],
        validation=_recordings(clips, held_out, layout, looking_pieces(WIDE_VALIDATION, settings.views)),
        tests={
            "cmux_a": _recordings(clips, test_subjects, layout, rig_pieces),
            "cmux_b": _recordings(clips, test_subjects, layout, looking_pieces(WIDE_TEST, settings.views)),
        },
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


Pieces = Iterable[tuple[slice, tuple[View, ...]]]


def rig_of(subject: str) -> str:
    """The Human3.6M subject whose rig sees a CMU-X subject: dealt out in turn, to training and test alike."""
    for group in (TRAIN_SUBJECTS, TEST_SUBJECTS):
        if subject in group:
            return RIG_SUBJECTS[group.index(subject) % len(RIG_SUBJECTS)]
    raise ValueError(f"Subject {subject} is not in CMU-X: {', '.join(TRAIN_SUBJECTS + TEST_SUBJECTS)}.")


def rig_pieces(clip: str, joints_world: Float[np.ndarray, "frames 17 3"]) -> Pieces:
    """A clip in pieces, each seen by the four cameras of one of Human3.6M's rigs."""
    rig = rig_of(clip.split("_")[0])
    for span in roaming_pieces(joints_world[:, 0, :2]):
        yield span, rig_views(joints_world[span], rig)


def looking_pieces(cameras: CameraRange, views: int = 1) -> Callable[[str, Float[np.ndarray, "frames 17 3"]], Pieces]:
    """A clip in seconds, each seen by `views` cameras drawn from a range."""

    def pieces(clip: str, joints_world: Float[np.ndarray, "frames 17 3"]) -> Pieces:
        for piece, span in enumerate(timed_pieces(len(joints_world))):
            yield span, looking_views(joints_world[span], clip, piece, cameras, views)

    return pieces


def _recordings(
    clips: dict[str, PreparedClip], subjects: list[str], layout: Skeleton, pieces: Callable[..., Pieces]
) -> list[Recording]:
    """The clips of some subjects. Cameras are placed by all 17 joints, whatever the layout of the views."""
    recordings = []
    for clip, motion in clips.items():
        subject = clip.split("_")[0]
        if subject not in subjects:
            continue
        group = {"sequence": clip, "activity": SUBJECT_THEMES[subject]}
        for span, seen in pieces(clip, motion.joints_world.astype(np.float64)):
            views = tuple(
                replace(
                    view,
                    joints_3d=SKELETON.convert(view.joints_3d, layout),
                    joints_2d=SKELETON.convert(view.joints_2d, layout),
                )
                for view in seen
            )
            recordings.append(Recording(subject, CMUX_CLIPS[clip], views, motion.fps, motion.usable[span], group))
    return recordings


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
    test_sets=("cmux_a", "cmux_b"),
    budget={
        "lifter": {"posenet_width": 512, "dropout": 0.1},
        "learning": {"epochs": 30, "steps_per_epoch": 150, "batch_size": 256, "gan_interval": 10, "lr": 4e-3},
    },
    short_runs=True,
    required_files=_required_files,
    how_to_make=HOW_TO_MAKE,
)
