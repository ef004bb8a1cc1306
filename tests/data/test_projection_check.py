"""2D that is not of the 3D beside it is refused with what is the matter."""

import numpy as np
import pytest

from data import load_test_set
from data.h36m.projection_check import check_projection
from kinematics import Skeleton
from tests.tiny_cmu import SETTINGS

LAYOUT = "h36m_16"


@pytest.fixture(scope="module")
def views():
    return load_test_set("cmux2_a", SETTINGS)[1].views


def _seen(views, noise=0.0):
    draw = np.random.default_rng(0)
    return [view.joints_2d + draw.normal(0, noise, view.joints_2d.shape).astype(np.float32) for view in views]


def test_detectors_2d_with_noise_cuts_and_lost_joints_passes(views):
    seen = [points[:50] for points in _seen(views, 0.01)]
    seen[1][10:30, 3] = np.nan
    assert check_projection(seen, views, LAYOUT, "it") is None


@pytest.mark.parametrize("change, sentence", [
    (lambda points: points[:, Skeleton(LAYOUT).mirror], "left and right are exchanged"),
    (lambda points: points * [1, -1], "y points up"),
    (lambda points: points[..., ::-1], "x and y are exchanged"),
    (lambda points: points * 2, "it is divided by 2"),
])  # fmt: skip
def test_what_is_the_matter_with_2d_is_said(views, change, sentence):
    seen = _seen(views)
    seen[2] = change(seen[2])
    with pytest.raises(ValueError, match=f"it, camera 2: .* sizes of the person .* if {sentence}"):
        check_projection(seen, views, LAYOUT, "it")


def test_exchanged_cameras_are_refused_and_other_people_noted(views):
    seen = _seen(views)
    with pytest.raises(ValueError, match="camera 0: .* if it is camera 1's"):
        check_projection([seen[1], seen[0], *seen[2:]], views, LAYOUT, "it")
    strangers = [np.random.default_rng(0).uniform(-1, 1, points.shape) for points in seen]
    said = check_projection(strangers, views, LAYOUT, "it")
    assert said is not None and "expected a detector's 0.08 or less: is it of another recording?" in said
