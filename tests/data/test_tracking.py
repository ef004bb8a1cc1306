"""Who is who: identities survive crossing, changing order and short absences."""

import numpy as np
import pytest

from data.keypoints.clip import KeypointClip, detection
from data.keypoints.tracking import track_people
from kinematics import Skeleton


def _clip(frames, tracks=None):
    """frames: per frame a dict person -> (17, 3); people keep that name as their y offset, to be told apart."""
    seen = {
        number: [detection(people[name], "test", track=None if tracks is None else tracks[name]) for name in people]
        for number, people in enumerate(frames)
    }
    return KeypointClip(Skeleton("coco_17"), seen)


def _names(track, frames):
    """Whose detections a track consists of."""
    return [
        next(name for name, rows in frames[frame].items() if np.array_equal(rows[:, :2], person.keypoints))
        for frame, person in zip(track.frames, track.people, strict=True)
    ]


@pytest.fixture
def crossing(walking_people):
    """Two people walk through each other, the order of each frame is drawn by chance."""
    draw = np.random.default_rng(0)
    frames = []
    for people in walking_people(40, [(300, 700), (700, 320)]):
        named = {"ann": people[0], "ben": people[1]}
        frames.append({name: named[name] for name in draw.permutation(["ann", "ben"])})
    return frames


def test_identities_survive_crossing_boxes_and_changing_order(crossing):
    tracks = track_people(_clip(crossing))
    assert len(tracks) == 2
    assert {tuple(set(_names(track, crossing))) for track in tracks} == {("ann",), ("ben",)}


def test_absences_keep_the_identity_and_somebody_else_gets_their_own(crossing):
    for absent, larger, count in ((range(3, 12), 1, 2), (range(2, 38), 1, 2), (range(2, 38), 2, 3)):
        frames = [
            {
                name: rows * ([larger, larger, 1] if name == "ben" and number > 20 else 1)
                for name, rows in people.items()
                if name != "ben" or number not in absent
            }
            for number, people in enumerate(crossing)
        ]
        tracks = track_people(_clip(frames))
        assert len(tracks) == count
        assert all(len(set(_names(track, frames))) == 1 for track in tracks)


def test_the_file_s_own_numbers_are_used_where_they_tell_people_apart(crossing):
    tracks = track_people(_clip(crossing, {"ann": 7, "ben": 3}))
    assert [set(_names(track, crossing)) for track in tracks] in ([{"ann"}, {"ben"}], [{"ben"}, {"ann"}])
    same = track_people(_clip(crossing, {"ann": 0, "ben": 0}))
    assert sorted(len(track.frames) for track in same) == [40, 40]


def test_the_largest_person_who_is_there_the_longest_comes_first(walking_people):
    frames = []
    for number, (small, large) in enumerate(walking_people(20, [(100, 120), (700, 700)])):
        large = (large - [700, 300, 0]) * [2, 2, 1] + [700, 300, 0]
        frames.append({"small": small, "large": large} if number < 12 else {"small": small})
    assert _names(track_people(_clip(frames))[0], frames)[0] == "large"
    frames = [people if number < 3 else {"small": people["small"]} for number, people in enumerate(frames)]
    assert _names(track_people(_clip(frames))[0], frames)[0] == "small"


def test_missing_keypoints_do_not_break_a_track(walking_people):
    frames = [{"ann": people[0]} for people in walking_people(20)]
    for number, people in enumerate(frames):
        people["ann"] = people["ann"].copy()
        people["ann"][number % 17 :: 2] = np.nan
    seen = {number: [detection(people["ann"], "test")] for number, people in enumerate(frames)}
    tracks = track_people(KeypointClip(Skeleton("coco_17"), seen))
    assert len(tracks) == 1 and len(tracks[0].frames) == 20
