"""Tables and curves of joint angles."""

import re
from xml.etree import ElementTree

import numpy as np

from evaluation.predict.files.angles import clip_angles
from kinematics import JOINT_ANGLES, joint_limits
from tests.lifted_clips import made_clip
from viewer.angles import MOST_POINTS, Curves, angle_ranges, joints_of_angles, table_of_all, table_of_joint


def test_every_angle_belongs_to_one_joint():
    joints = joints_of_angles()
    assert sum(joints.values(), []) == list(range(len(JOINT_ANGLES)))
    assert len(joints) == 12 and len(joints["right hip"]) == len(joints["neck"]) == 3 and len(joints["left elbow"]) == 1


def test_limits_have_the_sign_of_the_angles_they_are_beside():
    ranges = angle_ranges(clip_angles(made_clip(30)))
    for index, angle in enumerate(ranges):
        assert angle.limits[0] < angle.limits[1] and angle.limits[0] <= angle.lowest <= angle.highest <= angle.limits[1]
        assert angle.motion != angle.opposite, JOINT_ANGLES[index]
    knee = ranges[JOINT_ANGLES.index("left_knee")]
    assert (knee.motion, knee.opposite) == ("flexion", "hyperextension") and np.allclose(knee.limits, (-5, 150))
    assert 25 < knee.lowest < knee.highest < 65


def test_the_table_says_now_least_mean_most_and_range_and_marks_what_is_beyond_a_limit():
    angles = np.zeros((4, len(JOINT_ANGLES)))
    knee = JOINT_ANGLES.index("left_knee")
    angles[:, knee] = [-10.2, 0, 20, -11]
    text = table_of_joint(angle_ranges(angles)[knee : knee + 1], angles[2, [knee]])
    cells = re.findall("<td(.*?)>(.*?)</td>", text)
    words = [re.sub("<.*?>", "", content) for _, content in cells]
    assert words[:-1] == ["flexion", "20", "-11", "0", "20", "31", "-5 … 150"]
    assert words[-1].startswith("negative: hyperextension; limits: CDC")
    assert ["C00000" in style for style, _ in cells] == [False, False, True, False, False, False, False, False]


def test_the_table_of_all_joints_has_a_row_for_every_angle():
    text = table_of_all(angle_ranges(np.zeros((2, len(JOINT_ANGLES)))))
    assert len(ElementTree.fromstring(text).findall("tr")) == 1 + 12 + len(JOINT_ANGLES)
    assert len(joint_limits("anatomical").lower) == text.count("…")


def _drawn(text: str, tag: str, **attributes: str) -> list[ElementTree.Element]:
    every = ElementTree.fromstring(text).findall(f"{{http://www.w3.org/2000/svg}}{tag}")
    return [one for one in every if all(one.get(name) == value for name, value in attributes.items())]


def test_curves_have_a_gap_between_pieces_and_a_line_at_the_frame():
    clip = made_clip(12, cut=7, first=100)
    angles = np.random.default_rng(0).normal(size=(12, 2))
    curves, before = Curves(angles, clip), -1.0
    for row in range(12):
        text = curves.at(row)
        lines = [one.get("d", "") for one in _drawn(text, "path", **{"stroke-width": "1.5"})]
        assert len(lines) == 2 and all([part.count("L") for part in line.split("M")[1:]] == [6, 4] for line in lines)
        points = [
            [tuple(map(float, pair.split())) for pair in re.split("[ML]", line.replace("h0", ""))[1:]] for line in lines
        ]
        (marker,) = _drawn(text, "path", **{"class": "now"})
        x = float(re.match(r"M([\d.]+) ", marker.get("d", ""))[1])  # type: ignore[index]
        dots = [(float(one.get("cx", "")), float(one.get("cy", ""))) for one in _drawn(text, "circle")]
        assert dots == [line[row] for line in points] and all(dot[0] == x for dot in dots)
        assert x > before
        before = x
    heights = np.array(points)[..., 1]  # downwards
    assert np.corrcoef(heights.ravel(), angles.T.ravel())[0, 1] < -0.999


def test_long_curves_are_thinned_and_a_single_frame_is_a_dot():
    clip = made_clip(1000)
    (line,) = _drawn(Curves(np.sin(np.arange(1000) / 70)[:, None], clip).at(123), "path", **{"stroke-width": "1.5"})
    assert line.get("d", "").count("L") == MOST_POINTS - 1
    (line,) = _drawn(Curves(np.ones((1, 1)), made_clip(1)).at(0), "path", **{"stroke-width": "1.5"})
    assert re.fullmatch(r"M[\d.]+ [\d.]+h0", line.get("d", ""))
