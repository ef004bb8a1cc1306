"""Notes on how a data set fits the lifter that reads it, before any score."""

from data.dataset import RATE_TOLERANCE
from data.multiview.dataset import Poses
from posenets import Lifter


def rates_differ(first: float | int, second: float | int) -> bool:
    """Whether two frame rates are not the same for a lifter of clips; NaN differs from every rate."""
    return not 1 / RATE_TOLERANCE <= first / second <= RATE_TOLERANCE


def clip_notes(name: str, dataset: Poses, lifter: Lifter) -> list[str]:
    """Tell where poses lie for a GPU and, of clips, which are too short or of another frame rate."""
    notes, frames = [f"{name}: {dataset.residence}."] if dataset.residence else [], lifter.frames
    if frames == 1:
        return notes
    lengths = dataset.clip_lengths()
    short = int((lengths < frames).sum())
    if short:
        notes.append(
            f"{name}: {short} of {len(lengths)} clips are shorter than the lifter's window of {frames} frames and "
            "padded with copies of their first and last frame."
        )
    fps, learnt = dataset.fps, lifter.fps
    if fps and learnt and rates_differ(fps, learnt):
        notes.append(
            f"{name} has {fps:g} frames a second, the lifter has learnt from {learnt:g}: its window of {frames} frames "
            f"lasts {frames / fps:.2f} s there instead of {frames / learnt:.2f} s."
        )
    return notes


def notes_on_test_set(name: str, dataset: Poses, lifter: Lifter) -> list[str]:
    """clip_notes, and what a lifter that reads confidences gets where there are none."""
    notes = clip_notes(name, dataset, lifter)
    if lifter.reads_confidence and lifter.views == 1 and dataset.confidence is None:
        notes.append(f"{name}: its 2D has no confidences, so the lifter reads 1 (certain) for every joint.")
    return notes
