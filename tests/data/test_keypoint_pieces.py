"""Pieces without gaps: short gaps are closed, long ones cut, and nothing else changes."""

import numpy as np
import pytest

from data.keypoints.pieces import check_inside, refuse_nothing_left, whole_pieces
from kinematics import PoseFKError, Skeleton

LAYOUT = Skeleton("h36m_16")


def _line(numbers):
    """Joints that move evenly, so that straight lines close gaps exactly."""
    numbers = np.asarray(numbers)
    return numbers[:, None, None] * np.ones((1, 16, 2)) + np.arange(16)[:, None]


def _pieces(numbers, longest=3, step=1):
    numbers = np.asarray(numbers)
    return whole_pieces(numbers, _line(numbers), np.ones((len(numbers), 16)), longest, step)


def test_a_clip_without_gaps_is_one_piece_unchanged():
    (piece,), report = _pieces(range(5, 15))
    np.testing.assert_array_equal(piece.frames, range(5, 15))
    np.testing.assert_array_equal(piece.joints, _line(range(5, 15)))
    assert report.interpolated == report.cut == 0 and piece.scores.all()


def test_frames_without_the_person_are_closed_up_to_the_stated_length():
    (piece,), report = _pieces([0, 1, 5, 6])
    np.testing.assert_allclose(piece.joints, _line(range(7)))
    assert report.interpolated == 3 and not piece.scores[2:5].any() and piece.scores[5:].all()


def test_longer_gaps_cut_the_clip():
    pieces, report = _pieces([0, 1, 6, 7, 1000000000])
    assert [piece.frames.tolist() for piece in pieces] == [[0, 1], [6, 7], [1000000000]]
    assert report.interpolated == report.cut == 0


def test_every_fifth_frame_is_counted_as_one():
    (piece,), report = _pieces([10, 15, 25], step=5)
    assert piece.frames.tolist() == [10, 15, 20, 25] and report.interpolated == 1


def test_single_joints_are_closed_or_cut_too():
    joints = _line(range(30))
    joints[4:6, 3] = np.nan  # short
    joints[12:20, 5] = np.nan  # long
    joints[28:, 2] = np.nan  # at the end
    pieces, report = whole_pieces(np.arange(30), joints, np.ones((30, 16)), 3)
    assert [(piece.frames[0], piece.frames[-1]) for piece in pieces] == [(0, 11), (20, 27)]
    assert report.interpolated == 2 and report.cut == 10
    assert pieces[0].scores[4:6].sum() == 30 and not np.isnan(pieces[0].joints).any()


def test_nothing_left_names_what_is_missing_most():
    joints = _line(range(10))
    joints[:, LAYOUT.joints.index("LAnkle")] = np.nan
    pieces, _ = whole_pieces(np.arange(10), joints, np.ones((10, 16)), 3)
    with pytest.raises(PoseFKError, match=r"v.json: no frame has every joint.*LAnkle \(100%\) of 10 frames"):
        refuse_nothing_left(pieces, joints, LAYOUT, "v.json")


def test_keypoints_outside_the_image_are_counted_and_most_of_them_refused():
    points = np.array([[10.0, 10.0], [90.0, 40.0], [50.0, 51.0]])
    assert check_inside(points, (100, 60), "v.json") is None
    assert "1 of 3 keypoints lie outside" in str(check_inside(points, (100, 50), "v.json"))
    with pytest.raises(PoseFKError, match=r"2 of 3 keypoints outside the image of 40 x 60.*--image_size"):
        check_inside(points, (40, 60), "v.json")
    with pytest.raises(PoseFKError, match="look normalised"):
        check_inside(points / 100, (100, 60), "v.json")
