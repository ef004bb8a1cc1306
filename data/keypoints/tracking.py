"""Who is who from frame to frame: detections of a clip as tracks, by distance, or by the file's own numbers."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from data.keypoints.clip import Detection, KeypointClip

# How far somebody may be from where they are expected, in sizes of their box: at once, and more for every second.
FARTHEST, FARTHER_PER_S = 0.3, 3.0
REMEMBERED_S = 1.0  # how long somebody who is not seen is waited for
SMALLEST_BOX = 4.0  # pixels
FEWEST_COMMON = 3  # keypoints


@dataclass
class Track:
    """One person of a clip. frames: numbers of the frames with them, in order; people: their detections."""

    frames: list[int] = field(default_factory=list)
    people: list[Detection] = field(default_factory=list)

    def add(self, frame: int, person: Detection) -> None:
        """One more frame."""
        self.frames.append(frame)
        self.people.append(person)

    @property
    def mean_score(self) -> float:
        """Over the frames with them."""
        return float(np.mean([person.score for person in self.people]))

    def prominence(self, frames: int) -> float:
        """Mean over the clip of size (square pixels) times mean score of the keypoints, 0 where absent."""
        return sum(_size(person) ** 2 * float(person.scores.mean()) for person in self.people) / frames

    def expected(self, frame: int) -> Float[np.ndarray, "joints 2"]:
        """Keypoints in a later frame, should the last motion go on for a few frames; pixels."""
        last = self.people[-1].keypoints
        if len(self.people) < 2:
            return last
        steps = self.frames[-1] - self.frames[-2]
        moved = last - self.people[-2].keypoints
        moved = moved[~np.isnan(moved).any(axis=1)]
        if not len(moved):
            return last
        drift = np.median(moved, axis=0) / steps  # of the whole person: single joints are noisy
        return last + drift * min(frame - self.frames[-1], 5 * steps)


def track_people(clip: KeypointClip, fps: float = 30.0) -> list[Track]:
    """The clip's people, the most prominent first."""
    tracks = _by_file(clip) or _by_distance(clip, fps * clip.step)
    return sorted(tracks, key=lambda track: -track.prominence(len(clip.frames)))


def _by_file(clip: KeypointClip) -> list[Track]:
    """Tracks by the file's numbers; none where somebody has no number or two in a frame have the same."""
    tracks: dict[int, Track] = {}
    for frame, people in clip.frames.items():
        numbers = [person.track for person in people]
        if None in numbers or len(set(numbers)) < len(numbers):
            return []
        for person in people:
            assert person.track is not None
            tracks.setdefault(person.track, Track()).add(frame, person)
    return list(tracks.values())


def _by_distance(clip: KeypointClip, numbers_per_second: float) -> list[Track]:
    """Each frame's people go to the tracks they are nearest to, all together at the least sum of distances."""
    from scipy.optimize import linear_sum_assignment  # half a second that only this needs

    remembered = max(clip.step, REMEMBERED_S * numbers_per_second)
    tracks: list[Track] = []
    for frame, people in clip.frames.items():
        near = [track for track in tracks if frame - track.frames[-1] <= remembered]
        cost = np.array([_distances(track, frame, people) for track in near])
        taken = set()
        if cost.size:
            waited = np.array([frame - track.frames[-1] for track in near]) / numbers_per_second
            cost /= (FARTHEST + FARTHER_PER_S * waited)[:, None]
            # who is too far costs the same whoever it is, so that nobody is pushed off their own track
            for row, column in zip(*linear_sum_assignment(cost.clip(max=1.0)), strict=True):
                if cost[row, column] < 1.0:
                    near[row].add(frame, people[column])
                    taken.add(column)
        for column, person in enumerate(people):
            if column not in taken:
                tracks.append(Track())
                tracks[-1].add(frame, person)
    return tracks


def _distances(track: Track, frame: int, people: list[Detection]) -> list[float]:
    """Mean distance of each one's keypoints from where the track is expected, over the size of the larger box.

    Of the boxes' middles where hardly a keypoint was found both times.
    """
    last, expected, distances = track.people[-1], track.expected(frame), []
    for person in people:
        apart = np.sqrt(np.square(expected - person.keypoints).sum(axis=-1))
        common = ~np.isnan(apart)
        if common.sum() >= FEWEST_COMMON:
            distance = apart[common].mean()
        else:
            distance = np.linalg.norm((last.box - person.box).reshape(2, 2).mean(axis=0))
        distances.append(float(distance) / max(_size(person), _size(last)))
    return distances


def _size(person: Detection) -> float:
    """The box's longer side, pixels: from the side a standing person's box is narrow."""
    return max(float((person.box[2:] - person.box[:2]).max()), SMALLEST_BOX)
