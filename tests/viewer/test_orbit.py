"""The camera that sliders place."""

import math

import pytest
import torch

from kinematics import look_at
from viewer.orbit import AIM_HEIGHT_M, Orbit


@pytest.mark.parametrize("azimuth", [-180.0, -100.0, -1.0, 0.0, 35.0, 90.0, 179.0])
@pytest.mark.parametrize("height, roll", [(0.1, 0.0), (1.6, -30.0), (5.0, 45.0)])
def test_it_looks_where_look_at_looks(azimuth: float, height: float, roll: float):
    camera = Orbit(azimuth, 3.0, height, 2.0, roll).camera()
    expected = look_at(camera.translation, torch.tensor([0.0, 0.0, AIM_HEIGHT_M]), math.radians(roll))
    assert abs(float((camera.orientation_wxyz * expected).sum())) == pytest.approx(1.0, abs=1e-5)


def test_azimuth_0_is_before_a_body_at_rest_and_90_at_its_right():
    before, right = Orbit(0.0).camera().translation, Orbit(90.0).camera().translation
    assert before[1] > 4 and abs(before[0]) < 1e-5
    assert right[0] > 4 and abs(right[1]) < 1e-5


def test_it_goes_the_short_way_round():
    assert Orbit(170.0).towards(Orbit(-170.0), 0.5).azimuth_deg == pytest.approx(180.0)
    assert Orbit(180.0).is_near(Orbit(-180.0)) and not Orbit(0.0).is_near(Orbit(1.0))
