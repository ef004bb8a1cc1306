"""The camera's picture, read back as XML."""

import xml.etree.ElementTree as ElementTree

import numpy as np

from evaluation.drawing.colours import LEFT, RIGHT
from kinematics import Skeleton
from viewer.body import body_at_rest
from viewer.orbit import Orbit
from viewer.scene import svg_of

BODY = Skeleton("h36m_16")
NAMESPACE = "{http://www.w3.org/2000/svg}"


def drawn(tag: str, text: str) -> list[ElementTree.Element]:
    return ElementTree.fromstring(text).findall(f"{NAMESPACE}{tag}")


def test_joints_are_drawn_where_the_camera_sees_them():
    camera = Orbit().camera()
    screen = camera.project(camera.world_to_camera(body_at_rest().joints_world())).numpy()
    circles = drawn("circle", svg_of(screen, BODY, 1.0, camera))
    places = np.array([[float(circle.get("cx", "")), float(circle.get("cy", ""))] for circle in circles])
    np.testing.assert_allclose(places, screen, atol=1e-3)
    assert np.abs(places).max() < 1, "a standing adult is in the picture"


def test_left_is_blue_and_right_is_orange():
    lines = drawn("line", svg_of(np.random.default_rng(0).uniform(-1, 1, (16, 2)), BODY, 1.0))
    assert len(lines) == 15
    colours = [line.get("stroke") for line in lines]
    assert colours.count(LEFT) == colours.count(RIGHT) == 6


def test_a_picture_is_as_high_as_its_camera_says():
    assert ElementTree.fromstring(svg_of(None, BODY, 0.75)).get("viewBox") == "-1 -0.7500 2 1.5000"


def test_the_floor_ends_at_the_camera():
    """A camera that stands on the floor's middle sees its half of it, and no line runs across the sky."""
    paths = drawn("path", svg_of(None, BODY, 1.0, Orbit(distance=1.5, height=1.0).camera()))
    heights = [float(pair.split()[1]) for piece in paths[0].get("d", "").split("M")[1:] for pair in piece.split("L")]
    assert len(heights) > 50 and min(heights) > -0.5


def test_a_body_behind_the_camera_is_not_drawn():
    assert not drawn("line", svg_of(None, BODY, 1.0)) and not drawn("circle", svg_of(None, BODY, 1.0))
