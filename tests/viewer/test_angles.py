"""Tables and curves of joint angles."""

import re

import numpy as np
import torch

from kinematics import JOINT_ANGLES
from tests.lifted_clips import body_angles, made_clip
from viewer.angles import MOST_POINTS, Curves, angle_ranges, angles_deg, joints_of_angles, table_of


def test_the_angles_of_a_dh_body_come_back_in_degrees():
    for layout in ("h36m_16", "h36m_17"):
        angles = angles_deg(made_clip(20, layout))
        np.testing.assert_allclose(angles, body_angles(20).rad2deg().numpy(), atol=0.05)


def test_every_angle_belongs_to_one_joint():
    joints = joints_of_angles()
    assert sum(joints.values(), []) == list(range(len(JOINT_ANGLES)))
    assert len(joints) == 12 and len(joints["right hip"]) == len(joints["neck"]) == 3 and len(joints["left elbow"]) == 1


def test_the_table_says_least_mean_most_and_range_and_marks_what_is_beyond_a_limit():
    angles = np.zeros((4, len(JOINT_ANGLES)))
    knee = JOINT_ANGLES.index("left_knee")
    angles[:, knee] = [-20.2, 0, 10, 9]
    ranges = angle_ranges(angles)[knee]
    assert (ranges.lowest, ranges.highest, ranges.motion) == (-20.2, 10, 30.2) and abs(ranges.mean + 0.3) < 1e-9
    assert np.allclose(ranges.limits, (-150, 5))
    text = table_of([ranges])
    assert "+ hyperextension, - flexion (CDC" in text and "- flexion<" in table_of([ranges], meaning=True)
    assert re.findall("<td.*?>(.*?)</td>", text) == ["left knee", "-20", "0", "<b>10</b>", "30", "-150 … 5"]


def test_curves_have_a_gap_between_pieces_and_the_frame_where_it_is():
    clip = made_clip(12, cut=7, first=100)
    angles = np.random.default_rng(0).normal(size=(12, 2))
    for row in range(12):
        x, first, second, marker = Curves(angles, clip.frames, clip.pieces).at(row)
        assert (np.diff(x) >= 0).all() and len(x) == 12 + 1 + 2
        gap = np.isnan(first)
        assert gap.sum() == 1 and clip.frames[6] < x[gap][0] < clip.frames[7] and np.isnan(second[gap]).all()
        assert (x[~np.isnan(marker)] == clip.frames[row]).all()
        assert np.array_equal(marker[~np.isnan(marker)], [angles.min(), angles.max()])
        for number, values in zip(clip.frames, angles, strict=True):
            assert (first[x == number] == values[0]).all() and (second[x == number] == values[1]).all()


def test_long_curves_are_thinned():
    frames = torch.arange(10_000).numpy()
    curves = Curves(np.sin(frames / 700)[:, None], frames, np.zeros(10_000, dtype=int))
    x, values, _ = curves.at(1234)
    assert len(x) == MOST_POINTS + 2 and (x[0], x[-1]) == (0, 9999) and 1234 in x
    np.testing.assert_allclose(values, np.sin(x / 700))
