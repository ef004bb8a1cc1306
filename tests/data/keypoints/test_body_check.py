"""Keypoints that no body has are refused with what they look like; those of people in any pose and view are not."""

import numpy as np
import pytest

from data import load_test_set
from data.keypoints.body_check import orders, other_order, posture, spread
from data.keypoints.clip import Hints
from data.keypoints.formats import read_keypoints
from kinematics import PoseFKError, Skeleton
from kinematics.camera import screen_to_pixels
from tests.tiny_cmu import SETTINGS

LIKE = {"Eye": "Head", "Ear": "Head", "Mouth": "Head", "Thumb": "Wrist", "Index": "Wrist", "Pinky": "Wrist"}


def _in_layout(points, names, layout):
    """Real people's joints in a detector's layout; what they lack lies on its neighbour."""
    at = {name: points[:, joint] for joint, name in enumerate(names)}
    columns = []
    for joint in Skeleton(layout).joints:
        part = joint[1:]
        near = "Head" if any(word in joint for word in ("Eye", "Ear", "Mouth", "Nose", "Head")) else None
        near = near or ("Thorax" if "Thorax" in joint else None)
        near = near or (joint[0] + ("Wrist" if part in LIKE else "Ankle") if joint[0] in "LR" else "Hip")
        columns.append(at.get(joint, at[near]))
    return np.stack(columns, axis=1)


@pytest.fixture(scope="module")
def real_people():
    """(people, 16, 2) pixels of each view of dancing, walking and a cartwheel."""
    import torch

    return [
        screen_to_pixels(torch.from_numpy(view.joints_2d).double(), 1000, 1000).numpy()
        for recording in load_test_set("cmux2_a", SETTINGS)
        for view in recording.views
    ]


@pytest.mark.parametrize("count", [16, 17, 18, 25])
def test_each_layout_is_told_from_all_others_of_its_number_of_joints(count, real_people):
    same = {name: joints for name, joints in orders(count).items() if Skeleton(name).num_joints == count}
    same.pop("mpi_inf_3dhp_17", None)  # no detector's, and not always told from Human3.6M's
    assert len(same) > 1
    for points in real_people:
        for name, joints in same.items():
            seen = _in_layout(points, Skeleton("h36m_16").joints, name)
            assert other_order(seen, joints) is None and posture(seen, joints)[0] is None
            for other, order in same.items():
                if spread(seen, order) > 1.01 * spread(seen, joints):  # other in more than the face
                    said = other_order(seen, order)
                    assert said is not None and f"that of {other} " not in said


@pytest.mark.parametrize("layout", ["coco_17", "body_25", "halpe_26", "mediapipe_33"])
def test_people_of_any_layout_pass_with_noise_and_lost_joints(layout, real_people):
    draw = np.random.default_rng(0)
    for points in real_people:
        seen = _in_layout(points, Skeleton("h36m_16").joints, layout)
        seen = seen + draw.normal(0, 5, seen.shape)
        seen[draw.random(seen.shape[:2]) < 0.2] = np.nan
        assert other_order(seen, Skeleton(layout).joints) is None
        assert posture(seen, Skeleton(layout).joints) == (None, None)


def test_body_25b_read_as_body_25_is_refused_and_the_flag_decides(real_people, tmp_path):
    seen = _in_layout(real_people[0], Skeleton("h36m_16").joints, "body_25b")
    np.save(tmp_path / "v.npy", seen)
    with pytest.raises(PoseFKError, match="read as body_25: .* in that of body_25b a person's.*--layout says which"):
        read_keypoints(tmp_path / "v.npy", Hints())
    assert read_keypoints(tmp_path / "v.npy", Hints(layout="body_25b")).layout.name == "body_25b"
    clip = read_keypoints(tmp_path / "v.npy", Hints(check_bodies=False))
    assert clip.layout.name == "body_25" and "body_25b" in " ".join(clip.notes)
    assert "body_25b" in " ".join(read_keypoints(tmp_path / "v.npy", Hints(layout="body_25")).notes)


@pytest.mark.parametrize("change, sentence", [
    (lambda points: points * [1, -1] + [0, 900], "upside down: does its y point up"),
    (lambda points: points[:, [0, 1, 2, 3, 4, 6, 5, 8, 7, 10, 9, *range(11, 17)]], "left and right are exchanged"),
])  # fmt: skip
def test_what_stands_on_its_head_or_is_twisted_is_refused(change, sentence, walking_people, tmp_path):
    points = np.stack([people[0][:, :2] for people in walking_people(10)])
    np.save(tmp_path / "v.npy", change(points))
    with pytest.raises(PoseFKError, match=sentence):
        read_keypoints(tmp_path / "v.npy", Hints(layout="coco_17"))
    clip = read_keypoints(tmp_path / "v.npy", Hints(layout="coco_17", check_bodies=False))
    assert sentence in " ".join(clip.notes)


def test_x_and_y_exchanged_are_noted(walking_people, tmp_path):
    points = np.stack([people[0][:, [1, 0]] for people in walking_people(10)])
    np.save(tmp_path / "v.npy", points)
    assert "are x and y exchanged" in " ".join(read_keypoints(tmp_path / "v.npy", Hints(layout="coco_17")).notes)
