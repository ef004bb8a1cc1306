"""CMU motion capture, prepared: data_3d_cmu.npz to the splits and cameras of CMU-X (data/cmux.py has the numbers)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from data import cmux
from data.cmux_clips import CMUX_CLIPS, SUBJECT_THEMES
from data.files.archive import shortened
from data.files.members import check_arrays
from data.files.npz import load_npz_restricted
from data.plausible import check_bodies, check_rate
from data.takes import DataSettings, DataSplits, Take, View

FILE_NAME = "data_3d_cmu.npz"
FILE_FORMAT = "posefk-cmu-1"
HOW_TO_MAKE = "Make it with: python -m data.prepare_data_cmu --download (or --source FOLDER_OR_ARCHIVE)"
_ARRAYS = {  # kinds and axes
    "format": ("U", 0), "clips": ("U", 1), "fps": ("fiu", 1), "first_frames": ("iu", 1), "joints_world": ("f", 3),
    "usable": ("b", 1), "source_format": ("U", 1),
}  # fmt: skip


@dataclass(frozen=True)
class PreparedClip:
    """One clip of the prepared file. joints_world: (F, 17, 3) metres, z up, h36m_17; usable: (F,)."""

    joints_world: Float[np.ndarray, "frames 17 3"]
    usable: Bool[np.ndarray, "frames"]
    fps: float
    source_format: str

    def at_fps(self, fps: float | int) -> "PreparedClip":
        """The frames nearest to an even `fps` (measured poses, none in between); a slower clip stays as it is."""
        step = max(self.fps / fps, 1.0)
        frames = np.round(np.arange(int((len(self.usable) - 1) / step) + 1) * step).astype(int)
        return PreparedClip(self.joints_world[frames], self.usable[frames], self.fps / step, self.source_format)


def read_prepared(data_root: str | Path) -> dict[str, PreparedClip]:
    """Clip name -> clip, from the file that prepare_data_cmu wrote."""
    path = Path(data_root) / FILE_NAME
    content = load_npz_restricted(path, HOW_TO_MAKE)
    if missing := [key for key in _ARRAYS if key not in content]:
        raise ValueError(f"{path} lacks {', '.join(missing)}: it is not of this program. {HOW_TO_MAKE}")
    check_arrays(path, content, _ARRAYS, HOW_TO_MAKE)
    if str(content["format"]) != FILE_FORMAT:
        found = shortened(str(content["format"]))
        raise ValueError(f"{path} has the format {found}, expected {FILE_FORMAT}. {HOW_TO_MAKE}")
    joints, usable, bounds = content["joints_world"], content["usable"], content["first_frames"]
    names = [str(name) for name in content["clips"]]
    lengths = {len(names) + 1, len(bounds), len(content["fps"]) + 1, len(content["source_format"]) + 1}
    whole = len(lengths) == 1 and bounds[0] == 0 and bounds[-1] == len(usable) and (bounds[1:] > bounds[:-1]).all()
    if joints.shape != (len(usable), 17, 3) or not whole:
        raise ValueError(
            f"{path}: joints {joints.shape}, {len(usable)} marks and {len(names)} clips do not fit together. "
            f"{HOW_TO_MAKE}"
        )
    if not np.isfinite(joints).all():
        raise ValueError(f"{path} holds numbers that are not finite. {HOW_TO_MAKE}")
    spans = [slice(int(start), int(end)) for start, end in zip(bounds[:-1], bounds[1:], strict=True)]
    rates, formats = content["fps"].tolist(), content["source_format"].tolist()
    for name, span, rate in zip(names, spans, rates, strict=True):
        check_bodies(joints[span], f"{path}: {name}", advice=HOW_TO_MAKE)
        check_rate(rate, f"{path}: {name}")
    return {
        name: PreparedClip(joints[span], usable[span], float(rate), str(source))
        for name, span, rate, source in zip(names, spans, rates, formats, strict=True)
    }


def load(settings: DataSettings) -> DataSplits:
    """CMU-X at 25 frames a second (17 joints): training, validation, tests cmux_a and cmux_b."""
    prepared = read_prepared(settings.data_root)
    present = [clip for clip in CMUX_CLIPS if clip in prepared]
    if not present:
        raise ValueError(
            f"{Path(settings.data_root) / FILE_NAME} has none of the {len(CMUX_CLIPS)} clips of CMU-X. {HOW_TO_MAKE}"
        )
    train_subjects, test_subjects = _subjects(settings, present)
    clips = {name: prepared[name].at_fps(cmux.FPS) for name in _of_actions(present, settings.actions)}
    held_out = [s for s in cmux.VALIDATION_SUBJECTS if s in train_subjects]
    learned = [s for s in train_subjects if not (settings.hold_out_validation and s in held_out)]
    splits = DataSplits(
        train=[take.thinned(settings.downsample) for take in _takes(clips, learned, rig_pieces)],
        validation=_takes(clips, held_out, looking_pieces(cmux.VALIDATION, settings.views)),
        tests={
            "cmux_a": _takes(clips, test_subjects, rig_pieces),
            "cmux_b": _takes(clips, test_subjects, looking_pieces(cmux.TEST_B, settings.views)),
        },
    )
    for name, takes in {"training": splits.train, **splits.tests}.items():
        if not takes:
            raise ValueError(f"CMU-X {name} is empty: the subjects and actions asked for leave no clip. {HOW_TO_MAKE}")
    splits.notes.extend(_notes(prepared, present))
    return splits


def _subjects(settings: DataSettings, present: list[str]) -> tuple[list[str], list[str]]:
    """Training and test subjects; what was asked for must exist, and nobody may be both."""
    known = {clip.split("_")[0] for clip in present}
    chosen = []
    for asked, default in (
        (settings.subjects_train, cmux.TRAIN_SUBJECTS),
        (settings.subjects_test, cmux.TEST_SUBJECTS),
    ):
        if unknown := [subject for subject in asked if subject not in known]:
            raise ValueError(
                f"Subject {', '.join(unknown)} is not in the prepared clips: choose from {', '.join(sorted(known))}."
            )
        chosen.append(list(asked or default))
    if both := set(chosen[0]) & set(chosen[1]):
        raise ValueError(
            f"Subject {', '.join(sorted(both))} would be trained and tested on: name it in one of the two lists."
        )
    return chosen[0], chosen[1]


def _of_actions(clips: list[str], actions: tuple[str, ...]) -> list[str]:
    """Clips whose name is asked for, or whose description contains what is asked for; all if nothing is."""

    def fits(clip: str, action: str) -> bool:
        return action == clip or action.lower() in CMUX_CLIPS[clip].lower()

    if unknown := [action for action in actions if not any(fits(clip, action) for clip in clips)]:
        raise ValueError(
            f"No CMU-X clip shows {', '.join(unknown)}: "
            "give a clip (01_02) or a word such as walk, dance, climb or jump."
        )
    return [clip for clip in clips if not actions or any(fits(clip, action) for action in actions)]


Pieces = Iterable[tuple[slice, tuple[View, ...]]]


def rig_of(subject: str) -> str:
    """The Human3.6M subject whose rig sees a CMU-X subject: dealt out in turn, to training and test alike."""
    for group in (cmux.TRAIN_SUBJECTS, cmux.TEST_SUBJECTS):
        if subject in group:
            return cmux.RIG_SUBJECTS[group.index(subject) % len(cmux.RIG_SUBJECTS)]
    raise ValueError(f"Subject {subject} is not in CMU-X: {', '.join(cmux.TRAIN_SUBJECTS + cmux.TEST_SUBJECTS)}.")


def rig_pieces(clip: str, joints_world: Float[np.ndarray, "frames 17 3"]) -> Pieces:
    """A clip in pieces, each seen by the four cameras of one of Human3.6M's rigs."""
    rig = rig_of(clip.split("_")[0])
    for span in cmux.roaming_pieces(joints_world[:, 0, :2]):
        yield span, cmux.rig_views(joints_world[span], rig)


def looking_pieces(kind: cmux.CameraRange, views: int = 1) -> Callable[[str, Float[np.ndarray, "frames 17 3"]], Pieces]:
    """A clip in seconds, each seen by `views` cameras drawn from `kind`."""

    def pieces(clip: str, joints_world: Float[np.ndarray, "frames 17 3"]) -> Pieces:
        for piece, span in enumerate(cmux.timed_pieces(len(joints_world))):
            yield span, cmux.looking_views(joints_world[span], clip, piece, kind, views)

    return pieces


def _takes(clips: dict[str, PreparedClip], subjects: list[str], pieces: Callable[..., Pieces]) -> list[Take]:
    takes = []
    for clip, motion in clips.items():
        subject = clip.split("_")[0]
        if subject in subjects:
            group = {"sequence": clip, "activity": SUBJECT_THEMES[subject]}
            for span, views in pieces(clip, motion.joints_world.astype(np.float64)):
                takes.append(Take(subject, CMUX_CLIPS[clip], views, motion.fps, motion.usable[span], group))
    return takes


def _notes(prepared: dict[str, PreparedClip], present: list[str]) -> list[str]:
    notes = []
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
