"""The camera of a video as its user knows it: a focal length, a field of view, or a file of intrinsics.

    {"fx": 1200, "fy": 1200, "cx": 960, "cy": 540, "width": 1920, "height": 1080}         JSON, pixels
    {"camera_matrix": [[1200, 0, 960], [0, 1200, 540], [0, 0, 1]], "dist_coeffs": [...]}  the same from OpenCV
    1 PINHOLE 1920 1080 1200 1200 960 540                                                 COLMAP's cameras.txt

A lens has OpenCV's k1 k2 p1 p2 k3. Width and height are those of the calibrated image; other sizes of the same shape
are scaled.
"""

import math
import re
from pathlib import Path
from typing import Any

import numpy as np

from data.domains.bodies import opencv_camera
from data.files.json_file import is_number, read_json
from data.files.present import require_file
from data.plausible import check_cameras
from kinematics.camera import Camera
from kinematics.errors import PoseFKError

PINHOLE, LENS = ("fx", "fy", "cx", "cy"), ("k1", "k2", "p1", "p2", "k3")
COLMAP = {
    "SIMPLE_PINHOLE": "f cx cy", "PINHOLE": "fx fy cx cy", "SIMPLE_RADIAL": "f cx cy k1", "RADIAL": "f cx cy k1 k2",
    "OPENCV": "fx fy cx cy k1 k2 p1 p2", "FULL_OPENCV": "fx fy cx cy k1 k2 p1 p2 k3 k4 k5 k6",
}  # fmt: skip
EXPECTED = "a camera's intrinsics"
LONGEST_LIST = 1 << 20  # bytes of cameras.txt
SHAPE_TOLERANCE = 0.01
Numbers = dict[str, float]


def chosen_camera(
    size: tuple[int, int], focal: float | int | None = None, fov: float | int | None = None, path: Path | None = None
) -> Camera | None:
    """Build the camera of images of a size, at the origin, looking along z; None where nothing is said of it.

    focal: pixels; fov: degrees from the left to the right edge; path: of a file. At most one of them.
    """
    given = {"--focal": focal, "--fov": fov, "--camera": path}
    said = [name for name, value in given.items() if value is not None]
    if len(said) > 1:
        raise PoseFKError(f"{' and '.join(said)} both say what the camera is: leave all but one out.")
    if path is not None:
        return _camera(_read(path), size, str(path))
    if fov is not None:
        if not 1 <= fov <= 179:
            raise PoseFKError(f"--fov is {fov:g}, expected degrees from the left to the right edge, 1 to 179.")
        focal = size[0] / 2 / math.tan(math.radians(fov) / 2)
    if focal is None:
        return None
    numbers = {"fx": float(focal), "fy": float(focal), "cx": size[0] / 2, "cy": size[1] / 2}
    return _camera(numbers, size, f"{said[0]} {given[said[0]]:g}")


def _camera(numbers: Numbers, size: tuple[int, int], where: str) -> Camera:
    scale = [1.0, 1.0]
    if "width" in numbers or "height" in numbers:
        calibrated = [numbers.get(name, math.nan) for name in ("width", "height")]
        scale = [new / old if old else math.nan for new, old in zip(size, calibrated, strict=True)]
        if not abs(scale[0] / scale[1] - 1) <= SHAPE_TOLERANCE:
            raise PoseFKError(
                f"{where} is of images of {calibrated[0]:g} x {calibrated[1]:g}, the keypoints are of another shape, "
                f"{size[0]} x {size[1]}: give the intrinsics of the video as it is."
            )
    fx, fy, cx, cy = (numbers[name] * scale[name[1] == "y"] for name in PINHOLE)
    matrix = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
    lens = np.array([numbers.get(name, 0.0) for name in LENS])
    camera = opencv_camera(matrix, np.eye(3), np.zeros(3), size, np.eye(3), lens)
    check_cameras(camera, where, advice="Is the focal length in pixels, and of this image?")
    return camera


def _read(path: Path) -> Numbers:
    """Read a file's numbers, in pixels, by OpenCV's names."""
    numbers = _from_colmap(path) if path.suffix == ".txt" else _from_json(path)
    missing = [name for name in PINHOLE if name not in numbers]
    if missing:
        raise PoseFKError(f"{path} has no {', '.join(missing)}, expected {EXPECTED}: fx, fy, cx and cy in pixels.")
    known = {*PINHOLE, *LENS, "width", "height"}
    bent = [name for name, value in numbers.items() if name not in known and value]
    if bent:
        raise PoseFKError(f"{path} has a lens with {', '.join(bent)}, expected at most {' '.join(LENS)}: undistort.")
    wild = [name for name, value in numbers.items() if not math.isfinite(value)]
    if wild:
        raise PoseFKError(f"{path} has {wild[0]} {numbers[wild[0]]}, expected a finite number.")
    return numbers


def _from_json(path: Path) -> Numbers:
    content = read_json(path, EXPECTED)
    if not isinstance(content, dict):
        raise PoseFKError(f"{path} is not {EXPECTED}: expected an object with fx, fy, cx and cy, pixels.")
    matrix = _table(content.get("camera_matrix", content.get("K")), 9, path)
    lens = _table(content.get("dist_coeffs", content.get("distortion_coefficients")), None, path)
    numbers = {name: float(value) for name, value in content.items() if is_number(value) and _is_intrinsic(name)}
    if matrix:
        numbers |= {"fx": matrix[0], "fy": matrix[4], "cx": matrix[2], "cy": matrix[5]}
    return numbers | dict(zip((*LENS, *(f"k{i}" for i in range(4, 4 + len(lens)))), lens, strict=False))


def _is_intrinsic(name: str) -> bool:
    return bool(re.fullmatch(r"f[xy]|c[xy]|[kps]\d|width|height", name))


def _table(value: Any, count: int | None, path: Path) -> list[float]:
    """Flatten a matrix or list of numbers; OpenCV's storage keeps them in "data"."""
    if value is None:
        return []
    value = value.get("data") if isinstance(value, dict) else value
    rows: list[Any] = value if isinstance(value, list) else [None]
    flat: list[Any] = [number for row in rows for number in (row if isinstance(row, list) else [row])]
    if not all(map(is_number, flat)) or count not in (None, len(flat)):
        raise PoseFKError(f"{path} has a camera_matrix or dist_coeffs that are no numbers, 3 x 3 and a list.")
    return [float(number) for number in flat]


def _from_colmap(path: Path) -> Numbers:
    with require_file(path, f"Expected {EXPECTED}.").open("rb") as file:
        lines = [line.split() for line in file.read(LONGEST_LIST).decode("utf-8", "replace").splitlines()]
    cameras = [words for words in lines if words and not words[0].startswith("#")]
    if len(cameras) != 1:
        raise PoseFKError(f"{path} has {len(cameras)} cameras, expected one: keep the line of the video's camera.")
    _, model, *words = (*cameras[0], "", "")[: max(2, len(cameras[0]))]
    names = ["width", "height", *COLMAP.get(model, "").split()]
    if model not in COLMAP or len(words) != len(names):
        raise PoseFKError(f"{path} has a camera {model[:20]} of {len(words)} numbers, expected {', '.join(COLMAP)}.")
    try:
        numbers = dict(zip(names, map(float, words), strict=True))
    except ValueError as error:
        raise PoseFKError(f"{path} has a camera that is not all numbers ({error}).") from error
    focal = numbers.pop("f", None)
    return numbers if focal is None else numbers | {"fx": focal, "fy": focal}
