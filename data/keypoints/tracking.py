"""Who is who from frame to frame: detections of a clip as tracks, by distance, or by the file's own numbers."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from data.keypoints.clip import Detection, KeypointClip, with_bar

# How far somebody may be from where they are expected, in sizes of their box: at once, and more for every second.
FARTHEST, FARTHER_PER_S = 0.3, 3.0
SEEN_NOW_S = 0.25  # who was seen so lately comes before those who are missed for longer
REMEMBERED_S = 1.0  # how long somebody who is not seen is waited for
# Who returns later is the same person where nobody else could be: as far at most, and as much larger or smaller.
RETURN_WITHIN_S, RETURN_FARTHEST, RETURN_LARGER = 30.0, 3.5, 1.5
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
    """The clip's people, the most prominent first. fps: frame numbers a second."""
    tracks = _by_file(clip) or _joined(_by_distance(clip, fps), fps)
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


def _by_distance(clip: KeypointClip, fps: float) -> list[Track]:
    """Each frame's people go to the tracks they are nearest to, all together at the least sum of distances.

    Those seen in the last frames choose first: somebody who is missed for long may be anywhere, and so near anybody.
    """
    remembered, now = (max(clip.step, seconds * fps) for seconds in (REMEMBERED_S, SEEN_NOW_S))
    tracks: list[Track] = []
    live: list[Track] = []
    for frame, people in with_bar(clip.frames.items(), "Tracking", "frames", sum(map(len, clip.frames.values()))):
        live = [track for track in live if frame - track.frames[-1] <= remembered]
        free = list(people)
        for seen_now in (True, False):
            chosen = [
                track for track in live if (frame - track.frames[-1] <= now) == seen_now and frame > track.frames[-1]
            ]
            free = _matched(chosen, free, frame, fps)
        for person in free:
            live.append(Track())
            live[-1].add(frame, person)
            tracks.append(live[-1])
    return tracks


def _matched(tracks: list[Track], people: list[Detection], frame: int, fps: float) -> list[Detection]:
    """Add people to the tracks that they are near; the people who are near none."""
    from scipy.optimize import linear_sum_assignment  # half a second that only this needs

    if not tracks or not people:
        return people
    waited = np.array([frame - track.frames[-1] for track in tracks]) / fps
    cost = _distances(tracks, frame, people) / (FARTHEST + FARTHER_PER_S * waited)[:, None]
    taken = set()
    # who is too far costs the same whoever it is, so that nobody is pushed off their own track
    for row, column in zip(*linear_sum_assignment(cost.clip(max=1.0)), strict=True):
        if cost[row, column] < 1.0:
            tracks[row].add(frame, people[column])
            taken.add(column)
    return [person for column, person in enumerate(people) if column not in taken]


def _joined(tracks: list[Track], fps: float) -> list[Track]:
    """Tracks of people who went and came back as one: where size and place allow, and nobody else could be it."""
    joined: list[Track] = []
    for track in tracks:  # by their first frames
        away = [
            before for before in joined
            if 0 < track.frames[0] - before.frames[-1] <= RETURN_WITHIN_S * fps and _returns(before, track)
        ]  # fmt: skip
        if len(away) == 1 and not _rivals(away[0], track, tracks):
            for frame, person in zip(track.frames, track.people, strict=True):
                away[0].add(frame, person)
        else:
            joined.append(track)
    return joined


def _returns(before: Track, after: Track) -> bool:
    """Whether size and place allow that two tracks are of one person."""
    last, first = before.people[-1], after.people[0]
    sizes = (
        np.median([_size(person) for person in before.people[-10:]]),
        np.median([_size(person) for person in after.people[:10]]),
    )
    apart = np.linalg.norm(_middle(last) - _middle(first)) / max(sizes)
    return bool(max(sizes) <= RETURN_LARGER * min(sizes) and apart <= RETURN_FARTHEST)


def _rivals(before: Track, after: Track, tracks: list[Track]) -> bool:
    """Whether another track that begins at the same time could be the one who went."""
    return any(
        other is not after and other.frames[0] == after.frames[0] and _returns(before, other) for other in tracks
    )


def _middle(person: Detection) -> Float[np.ndarray, "2"]:
    return person.box.reshape(2, 2).mean(axis=0)


def _distances(tracks: list[Track], frame: int, people: list[Detection]) -> Float[np.ndarray, "tracks people"]:
    """Mean distance of each one's keypoints from where each track is expected, over the size of the larger box.

    Of the boxes' middles where hardly a keypoint was found both times.
    """
    expected = np.stack([track.expected(frame) for track in tracks])
    places = np.stack([person.keypoints for person in people])
    apart = np.sqrt(np.square(expected[:, None] - places).sum(axis=-1))  # (tracks, people, joints)
    common = ~np.isnan(apart)
    counts = common.sum(axis=-1)
    mean = np.where(common, apart, 0.0).sum(axis=-1) / counts.clip(1)
    middles = [np.stack([_middle(person) for person in side]) for side in ([t.people[-1] for t in tracks], people)]
    of_boxes = np.linalg.norm(middles[0][:, None] - middles[1], axis=-1)
    sizes = [np.array([_size(person) for person in side]) for side in ([t.people[-1] for t in tracks], people)]
    return np.where(counts >= FEWEST_COMMON, mean, of_boxes) / np.maximum(sizes[0][:, None], sizes[1])


def _size(person: Detection) -> float:
    """The box's longer side, pixels: from the side a standing person's box is narrow."""
    return max(float((person.box[2:] - person.box[:2]).max()), SMALLEST_BOX)
