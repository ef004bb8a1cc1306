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
    return _runs(~np.any(missing_joints(joints_2d), axis=1))


def mend(recording: Recording, max_gap: float | int, count: GapCount) -> list[Recording]:
    """The recording without gaps: itself, or its pieces. max_gap: longest gap to close, seconds.

    Views are cut where they have gaps themselves, not where another camera's have: those of the same pieces stay
    together. An interpolated joint has confidence 0, since no detector has seen it.
    """
    count.recordings += 1
    count.frames += len(recording) * len(recording.views)
    if not any(missing_joints(view.joints_2d).any() for view in recording.views):
        return [recording]
    groups: dict[tuple[tuple[int, int], ...], list[View]] = {}
    for view in recording.views:
        closed = _closed(view, _frames(recording, max_gap), count)
        key = tuple((span.start, span.stop) for span in whole_spans(closed.joints_2d))
        groups.setdefault(key, []).append(closed)
    pieces = [replace(recording, views=tuple(views))[slice(*span)] for spans, views in groups.items() for span in spans]
    count.recordings_with_gaps += 1
    count.lost += not pieces
    return pieces


def mend_together(recording: Recording, max_gap: float | int, count: GapCount) -> list[Recording]:
    """The recording in one piece with all its views, for lifters that see them at once: frames of longer gaps are not
    present in their view. None is left if no frame is whole in two views.
    """
    count.recordings += 1
    count.frames += len(recording) * len(recording.views)
    if not any(missing_joints(view.joints_2d).any() for view in recording.views):
        return [recording]
    views = []
    for view in recording.views:
        closed = _closed(view, _frames(recording, max_gap), count)
        complete = ~np.any(missing_joints(closed.joints_2d), axis=1)
        views.append(replace(closed, joints_2d=np.nan_to_num(closed.joints_2d), present=view.is_present & complete))
    count.recordings_with_gaps += 1
    lost = not (np.sum([view.is_present for view in views], axis=0) > 1).any()
    count.lost += lost
    return [] if lost else [replace(recording, views=tuple(views))]


def _closed(view: View, longest: int, count: GapCount) -> View:
    """The view with gaps of at most `longest` frames closed, and longer ones as they are."""
    joints_2d, closed = close_gaps(view.joints_2d, longest)
    confidence = None if view.confidence is None else np.where(closed, np.float32(0), view.confidence)
    complete = ~np.any(missing_joints(joints_2d), axis=1)
    count.cut += int((~complete).sum())
    count.interpolated += int(closed[complete].any(axis=1).sum())
    return replace(view, joints_2d=joints_2d, confidence=confidence)


def _frames(recording: Recording, max_gap: float | int) -> int:
    """Frames of the longest gap to close; any time is no longer than the recording."""
    return int(min(max_gap * recording.fps, len(recording)) + 1e-6)


def _runs(chosen: Bool[np.ndarray, "frames"]) -> list[slice]:
    """The runs of True."""
    steps = np.diff(np.concatenate([[False], chosen, [False]]).astype(np.int8))
    starts, stops = np.flatnonzero(steps == 1).tolist(), np.flatnonzero(steps == -1).tolist()
    return [slice(start, stop) for start, stop in zip(starts, stops, strict=True)]
