"""Gaps in detected 2D: joints that a detector has not found, which are NaN in its file.

Short gaps are closed by straight lines over time, joint by joint. Frames inside longer ones, and before a joint's first
or after its last detection, are cut out: the recording falls into pieces, so that no window reaches across.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from data.recordings import Recording, View


@dataclass
class GapCount:
    """What closing gaps has come to. Frames are counted in each view by themselves."""

    recordings: int = 0
    frames: int = 0
    recordings_with_gaps: int = 0
    interpolated: int = 0
    cut: int = 0
    lost: int = 0

    def notes(self, name: str, max_gap: float) -> list[str]:
        """One sentence, none where nothing was missing. name: of the recordings counted; max_gap: seconds."""
        if not self.recordings_with_gaps:
            return []
        lost = f"; {self.lost} of them have no whole frame and are left out" if self.lost else ""
        return [
            f"{name}: joints are missing (NaN) in {self.recordings_with_gaps} of {self.recordings} recordings: "
            f"{self.interpolated} of {self.frames} frames interpolated (gaps up to {max_gap:g} s), "
            f"{self.cut} cut{lost}."
        ]


def missing_joints(joints_2d: Float[np.ndarray, "frames joints 2"]) -> Bool[np.ndarray, "frames joints"]:
    """Whether a joint has not been found: one of its coordinates is NaN."""
    return np.asarray(np.isnan(joints_2d).any(axis=-1))


def close_gaps(
    joints_2d: Float[np.ndarray, "frames joints 2"], longest: int
) -> tuple[Float[np.ndarray, "frames joints 2"], Bool[np.ndarray, "frames joints"]]:
    """Gaps of at most `longest` frames between two detections closed linearly; also which joints were closed."""
    missing, closed = missing_joints(joints_2d), np.zeros(joints_2d.shape[:2], dtype=bool)
    filled = joints_2d.copy()
    frames = np.arange(len(joints_2d))
    for joint in np.flatnonzero(missing.any(axis=0)):
        for gap in _runs(missing[:, joint]):
            if gap.start > 0 and gap.stop < len(frames) and gap.stop - gap.start <= longest:
                closed[gap, joint] = True
        gaps, known = closed[:, joint], ~missing[:, joint]
        for axis in range(2):
            if known.any():
                filled[gaps, joint, axis] = np.interp(frames[gaps], frames[known], joints_2d[known, joint, axis])
    return filled, closed


def whole_spans(joints_2d: Float[np.ndarray, "frames joints 2"]) -> list[slice]:
    """The longest runs of frames with every joint, in order."""
    return _runs(_complete(joints_2d))


def mend(recording: Recording, max_gap: float | int, count: GapCount) -> list[Recording]:
    """The recording without gaps: itself, or its pieces. max_gap: longest gap to close, seconds.

    Views are cut where they have gaps themselves, not where another camera's have: those of the same pieces stay
    together. An interpolated joint has confidence 0, since no detector has seen it.
    """
    views = _closed_views(recording, max_gap, count)
    if views is None:
        return [recording]
    groups: dict[tuple[tuple[int, int], ...], list[View]] = {}
    for view in views:
        key = tuple((span.start, span.stop) for span in whole_spans(view.joints_2d))
        groups.setdefault(key, []).append(view)
    pieces = [replace(recording, views=tuple(views))[slice(*span)] for spans, views in groups.items() for span in spans]
    count.lost += not pieces
    return pieces


def mend_together(recording: Recording, max_gap: float | int, count: GapCount) -> list[Recording]:
    """The recording in one piece with all its views, for lifters that see them at once: frames of longer gaps are not
    present in their view. None is left if no frame is whole in two views.
    """
    views = _closed_views(recording, max_gap, count)
    if views is None:
        return [recording]
    present = [view.is_present & _complete(view.joints_2d) for view in views]
    if not (np.sum(present, axis=0) > 1).any():
        count.lost += 1
        return []
    pairs = zip(views, present, strict=True)
    views = [replace(view, joints_2d=np.nan_to_num(view.joints_2d), present=seen) for view, seen in pairs]
    return [replace(recording, views=tuple(views))]


def _closed_views(recording: Recording, max_gap: float | int, count: GapCount) -> list[View] | None:
    """The views with short gaps closed, and longer ones as they are; None where nothing is missing."""
    count.recordings += 1
    count.frames += len(recording) * len(recording.views)
    if all(_complete(view.joints_2d).all() for view in recording.views):
        return None
    count.recordings_with_gaps += 1
    longest = int(min(max_gap * recording.fps, len(recording)) + 1e-6)  # any time is no longer than the recording
    views = []
    for view in recording.views:
        joints_2d, closed = close_gaps(view.joints_2d, longest)
        confidence = None if view.confidence is None else np.where(closed, np.float32(0), view.confidence)
        complete = _complete(joints_2d)
        count.cut += int((~complete).sum())
        count.interpolated += int(closed[complete].any(axis=1).sum())
        views.append(replace(view, joints_2d=joints_2d, confidence=confidence))
    return views


def _complete(joints_2d: Float[np.ndarray, "frames joints 2"]) -> Bool[np.ndarray, "frames"]:
    return ~np.any(missing_joints(joints_2d), axis=1)


def _runs(chosen: Bool[np.ndarray, "frames"]) -> list[slice]:
    """The runs of True."""
    steps = np.diff(np.concatenate([[False], chosen, [False]]).astype(np.int8))
    starts, stops = np.flatnonzero(steps == 1).tolist(), np.flatnonzero(steps == -1).tolist()
    return [slice(start, stop) for start, stop in zip(starts, stops, strict=True)]
