"""Cameras as users know them: every form is the same camera, and what cannot be is refused in one sentence."""

import json

import numpy as np
import pytest
import torch

from data.camera_files import chosen_camera
from kinematics import PoseFKError
from kinematics.camera import pixels_to_screen

SIZE = (1920, 1080)
NUMBERS = {"fx": 1500.0, "fy": 1490.0, "cx": 950.0, "cy": 560.0, "k1": -0.1, "k2": 0.02, "p1": 0.001, "p2": -0.002}


def written(folder, name, content):
    (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))
    return folder / name


def intrinsics(folder, name, content, size=SIZE):
    return chosen_camera(size, path=written(folder, name, content)).intrinsics


def test_every_form_of_a_file_is_the_same_camera(tmp_path):
    expected = intrinsics(tmp_path, "plain.json", NUMBERS)
    matrix = [[1500, 0, 950], [0, 1490, 560], [0, 0, 1]]
    lens = [-0.1, 0.02, 0.001, -0.002]
    opencv = {"camera_matrix": {"rows": 3, "data": sum(matrix, [])}, "dist_coeffs": [[*lens, 0.0, 0.0]]}
    colmap = "# cameras\n1 OPENCV 1920 1080 1500 1490 950 560 -0.1 0.02 0.001 -0.002\n"
    for form, content in (("a.json", {"K": matrix, "distortion_coefficients": lens}), ("b.json", opencv)):
        assert torch.equal(intrinsics(tmp_path, form, content), expected)
    assert torch.equal(intrinsics(tmp_path, "cameras.txt", colmap), expected)
    half = {name: value / (2 if name in ("fx", "fy", "cx", "cy") else 1) for name, value in NUMBERS.items()}
    torch.testing.assert_close(intrinsics(tmp_path, "c.json", half | {"width": 960, "height": 540}), expected)


def test_pixels_become_the_rays_that_the_numbers_say(tmp_path):
    pinhole = {name: NUMBERS[name] for name in ("fx", "fy", "cx", "cy")}
    camera = chosen_camera(SIZE, path=written(tmp_path, "camera.json", pinhole))
    pixels = torch.rand(20, 2, dtype=torch.float64) * torch.tensor(SIZE)
    expected = (pixels - torch.tensor([950.0, 560.0])) / torch.tensor([1500.0, 1490.0])
    torch.testing.assert_close(camera.rays(pixels_to_screen(pixels, *SIZE)), expected)


def test_a_focal_length_is_a_field_of_view():
    by_focal, by_fov = chosen_camera(SIZE, focal=960 / np.tan(np.radians(30))), chosen_camera(SIZE, fov=60)
    torch.testing.assert_close(by_focal.intrinsics, by_fov.intrinsics)
    assert by_fov.rays(torch.tensor([1.0, 0.0]))[0] == pytest.approx(np.tan(np.radians(30)))
    assert chosen_camera(SIZE) is None


@pytest.mark.parametrize(
    "said, sentence",
    [
        ({"focal": 1000.0, "fov": 60.0}, "--focal and --fov both say"),
        ({"fov": 200.0}, "--fov is 200, expected degrees"),
        ({"fov": float("nan")}, "--fov is nan"),
        ({"focal": -5.0}, "--focal -5 has a focal length of -0.005208 half image widths"),
        ({"focal": float("inf")}, "--focal inf has a focal length of inf"),
    ],
)
def test_flags_that_cannot_be_are_refused(said, sentence):
    with pytest.raises((PoseFKError, ValueError), match=sentence):
        chosen_camera(SIZE, **said)


@pytest.mark.parametrize(
    "name, content, sentence",
    [
        ("a.json", [1500, 1500], "expected an object with fx, fy, cx and cy"),
        ("a.json", {"fx": 1500, "fy": "1500", "cx": 1, "cy": 1}, "has no fy"),
        ("a.json", NUMBERS | {"k4": 0.1}, "a lens with k4, expected at most k1 k2 p1 p2 k3"),
        ("a.json", NUMBERS | {"width": 1080, "height": 1920}, "another shape"),
        ("a.json", NUMBERS | {"width": 0, "height": 0}, "another shape"),
        ("a.json", NUMBERS | {"fx": float("nan")}, "has fx nan, expected a finite number"),
        ("a.json", {"camera_matrix": [[1, 2], [3, 4]]}, "no numbers, 3 x 3"),
        ("a.json", {"fx": 1.5, "fy": 1.5, "cx": 0.5, "cy": 0.5}, "focal length of 0.001563 half image widths"),
        ("cameras.txt", "# none\n", "has 0 cameras, expected one"),
        ("cameras.txt", "1 PINHOLE 9 9 1 1 1 1\n2 PINHOLE 9 9 1 1 1 1\n", "has 2 cameras, expected one"),
        ("cameras.txt", "1 FISHEYE 9 9 1 1 1 1\n", "a camera FISHEYE of 6 numbers, expected SIMPLE_PINHOLE, PINHOLE"),
        ("cameras.txt", "1 PINHOLE 9 9 1\n", "a camera PINHOLE of 3 numbers"),
        ("cameras.txt", "1\n", "a camera  of 0 numbers"),
        ("cameras.txt", "1 SIMPLE_PINHOLE 9 9 one 1 1\n", "not all numbers"),
    ],
)
def test_files_that_cannot_be_are_refused(name, content, sentence, tmp_path):
    with pytest.raises((PoseFKError, ValueError), match=sentence):
        chosen_camera(SIZE, path=written(tmp_path, name, content))


def test_a_file_that_is_missing_is_named(tmp_path):
    for name in ("none.json", "none.txt"):
        with pytest.raises(FileNotFoundError, match=f"{name} is missing"):
            chosen_camera(SIZE, path=tmp_path / name)
