"""The people of a keypoint file: read, told apart, mapped to a layout of joints, cut into pieces without gaps."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.keypoints.clip import Hints, Size
from data.keypoints.formats import read_keypoints
from data.keypoints.labels import rhythm_note
from data.keypoints.mapping import to_layout
from data.keypoints.pieces import Piece, check_inside, refuse_nothing_left, whole_pieces, without_points
from data.keypoints.tracking import Track, track_people
from data.plausible import check_image_size, check_points, check_rate
from kinematics.errors import PoseFKError
from kinematics.skeleton import Skeleton

ASSUMED_FPS = 30.0


@dataclass(frozen=True)
class People:
    """The people in a video, the most prominent first.

    name: of the file; detected: its layout; size: of the image, pixels; fps: a second, of
    the frames that are there; step: between the numbers of these; notes: what reading has to tell.
    """

    name: str
    tracks: list[Track]
    detected: Skeleton
    size: Size
    fps: float
    step: int
    notes: list[str]

    def pieces(
        self, track: Track, layout: Skeleton, min_score: float = 0.0, max_gap: float = 0.2
    ) -> tuple[list[Piece], list[str]]:
        """One person's keypoints in a layout, in pieces without gaps, and what was made up, closed and cut.

        min_score: keypoints with this score or less are missing; max_gap: longest gap that is interpolated, seconds.
        """
        keypoints = np.stack([person.keypoints for person in track.people])
        scores = np.stack([person.scores for person in track.people])
        keypoints[scores <= min_score] = np.nan
        called = [f"frame {number}" for number in track.frames].__getitem__
        outside = check_inside(keypoints[~np.isnan(keypoints).any(axis=2)], self.size, self.name)
        check_points(keypoints, self.name, self.size[0], missing=True, called=called, names=self.detected.joints)
        joints, certainty, made_up = to_layout(keypoints, scores, self.detected, layout)
        longest = int(max_gap * self.fps + 1e-6)
        pieces, gaps = whole_pieces(np.array(track.frames), joints, certainty, longest, self.step)
        refuse_nothing_left(pieces, joints, layout, self.name)
        notes = [outside] if outside else []
        if made_up:
            notes.append(f"{self.detected.name} has no {', '.join(made_up)}: made up from the joints around them.")
        if gaps.interpolated or gaps.cut or len(pieces) > 1:
            notes.append(
                f"Gaps: {gaps.interpolated} frames interpolated (gaps up to {max_gap:g} s), {gaps.cut} frames cut; "
                f"{len(pieces)} piece(s) without gaps are left."
            )
        return pieces, notes


def load_people(path: Path, hints: Hints) -> People:
    """The people of a detector's file, or of OpenPose's folder."""
    name = str(path)
    clip, points = without_points(read_keypoints(path, hints), name)
    numbers = list(clip.frames)
    span = (numbers[-1] - numbers[0]) // clip.step + 1
    empty = span - sum(bool(people) for people in clip.frames.values())
    notes = [f"{name}: {clip.layout.name}, {span} frames, {empty} of them without a person.", *clip.notes]
    if points:
        notes.append(f"{points} detections have nearly all keypoints at one point, as no body has: taken as missing.")
    fps = clip.fps or ASSUMED_FPS
    if clip.fps is None and len(clip.frames) > 1:
        notes.append(f"{name} does not say its frame rate: {ASSUMED_FPS:g} frames a second are assumed (--fps).")
    check_rate(fps, name)
    notes += [f"{name}: {note}" for note in rhythm_note(clip.step, fps)]
    if clip.size is None or min(clip.size) < 1:
        raise PoseFKError(f"{name} does not say how large the image is: give --image_size WIDTH HEIGHT, in pixels.")
    check_image_size(*clip.size, name)
    tracks = track_people(clip, fps)
    return People(name, tracks, clip.layout, clip.size, fps / clip.step, clip.step, notes)
