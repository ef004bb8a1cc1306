"""Real people who walk through each other, and away and back, keep their identities."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from data import load_dataset
from data.keypoints.clip import KeypointClip, detection
from data.keypoints.tracking import track_people
from kinematics import Skeleton
from tests.tiny_cmu import SETTINGS

FPS = 30.0


def _walk(joints, heading_deg, depth):
    """(F, J, 3) of a walk -> pixels of a camera 6 m away: through the image's middle at a depth, in a direction."""
    path = joints[-1, 0, :2] - joints[0, 0, :2]
    turn = Rotation.from_euler("z", heading_deg - np.degrees(np.arctan2(path[1], path[0])), degrees=True).as_matrix()
    middle = joints[len(joints) // 2, 0] * [1, 1, 0]
    x, y, z = ((joints - middle) @ turn.T + [0, depth, 0]).transpose(2, 0, 1)
    return np.stack([500 + 800 * x / (y + 6), 400 - 800 * (z - 1) / (y + 6)], axis=-1)


@pytest.fixture(scope="module")
def walks():
    """Two people's walks of 60 frames, (F, 17, 3) metres."""
    recordings = [one for one in load_dataset("cmu", SETTINGS).train if "walk" in one.action]
    return [recording.joints_world[:60].astype(float) for recording in recordings[:2]]


def _tracks(people, seen):
    """Tracks of people whose frames are listed in an order drawn by chance. seen: (person, frame) -> whether found."""
    draw = np.random.default_rng(0)
    frames, owners = {}, {}
    for frame in range(len(people[0])):
        frames[frame] = []
        for person in draw.permutation(len(people)).tolist():
            if seen(person, frame):
                points = people[person][frame] + draw.normal(0, 2, people[person][frame].shape)
                frames[frame].append(detection(points, "it"))
                owners[id(frames[frame][-1])] = person
    tracks = track_people(KeypointClip(Skeleton("h36m_16"), frames), FPS)
    return [[owners[id(one)] for one in track.people] for track in tracks], tracks


@pytest.mark.parametrize("depth", [-0.3, 0.4, 1.0])
@pytest.mark.parametrize("headings", [(0, 180), (0, 0), (60, 200), (30, -150)])
def test_two_who_cross_stay_two(walks, depth, headings):
    people = [_walk(walks[0], headings[0], 0.0), _walk(walks[1], headings[1], depth)]
    owners, _ = _tracks(people, lambda person, frame: True)
    assert [len(set(track)) for track in owners] == [1, 1]


@pytest.mark.parametrize("first, last", [(27, 33), (24, 38)])
def test_who_is_hidden_while_they_cross_is_the_same_after(walks, first, last):
    people = [_walk(walks[0], 0, -0.5), _walk(walks[1], 180, 0.5)]
    owners, tracks = _tracks(people, lambda person, frame: person == 0 or not first <= frame < last)
    assert [len(set(track)) for track in owners] == [1, 1] and sum(map(len, owners)) == 120 - (last - first)


def test_who_comes_back_after_seconds_is_the_same_unless_two_could_be(walks):
    one = np.tile(_walk(walks[0], 0, 0.0), (4, 1, 1))  # 8 s
    owners, tracks = _tracks([one], lambda person, frame: not 60 <= frame < 180)
    assert len(tracks) == 1 and tracks[0].frames[60] == 180
    pair = [one, one + [150, 0]]
    owners, tracks = _tracks(pair, lambda person, frame: frame < 60 if person == 0 else not 60 <= frame < 180)
    assert all(len(set(track)) == 1 for track in owners)
