"""Glitches of motion capture, and thinning a clip to a frame rate."""

import numpy as np
import pytest

from data import cmu
from data.cmu.quality import glitch_frames, lowest_joint


def smooth_clip(frames=100):
    joints = np.zeros((frames, 17, 3))
    joints += [0.3, 0.2, 1.0] + 0.01 * np.arange(frames)[:, None, None]
    return joints


def marked(joints):
    return np.flatnonzero(glitch_frames(joints, 120.0)).tolist()


def test_a_smooth_clip_has_no_glitches():
    assert marked(smooth_clip()) == [] == marked(smooth_clip(1))


def test_a_jump_marks_both_sides_and_their_neighbours():
    joints = smooth_clip()
    joints[50:, 3, 0] += 0.2  # 25 m/s at one joint
    assert marked(joints) == [48, 49, 50, 51]


def test_a_jump_away_and_back_marks_what_lies_between():
    joints = smooth_clip()
    joints[50:60, 3] += 0.2
    assert marked(joints) == list(range(48, 62))


def test_jumps_at_the_ends_stay_inside_the_clip():
    joints = smooth_clip(10)
    joints[0], joints[9] = 5, 9
    assert marked(joints) == [0, 1, 2, 7, 8, 9] or marked(joints) == list(range(10))
    assert glitch_frames(joints, 120.0)[[0, 9]].all()


def test_two_jumps_far_apart_leave_the_frames_between():
    joints = smooth_clip()
    joints[20:80, 3] += 0.2
    assert marked(joints) == [18, 19, 20, 21, 78, 79, 80, 81]


def test_fast_motion_that_a_body_can_do_is_kept():
    joints = smooth_clip()
    joints[50:, 3, 0] += 0.1  # 13 m/s with the drift
    assert marked(joints) == []


def test_frames_at_the_worlds_origin_were_lost():
    joints = smooth_clip()
    joints[30:70] = 0
    assert set(range(30, 70)) <= set(marked(joints))


def test_the_lowest_joint_ignores_glitches():
    joints = smooth_clip()
    joints[5, 3, 2] = -4
    assert lowest_joint(joints, ~glitch_frames(joints, 120.0)) == pytest.approx(1.0)


@pytest.mark.parametrize("fps, frames", [(120.0, 1), (120.0, 599), (60.0, 100), (25.0, 10), (20.0, 10)])
def test_25_frames_a_second_are_measured_frames_evenly_spaced(fps, frames):
    clip = cmu.PreparedClip(np.zeros((frames, 17, 3), np.float32), np.ones(frames, bool), fps, "amc")
    clip.joints_world[:, 0, 0] = np.arange(frames)
    thinned = clip.at_fps(25)
    chosen = thinned.joints_world[:, 0, 0]
    ideal = np.arange(len(chosen)) * max(fps / 25, 1)
    assert np.abs(chosen - ideal).max() <= 0.5
    assert ideal[-1] <= frames - 1 < ideal[-1] + max(fps / 25, 1)
    assert thinned.fps == pytest.approx(min(fps, 25))
