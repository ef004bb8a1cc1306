"""Skeletool's camera.calibration (MPI-INF-3DHP and others of its makers): text -> cameras.

Seven lines a camera: name, sensor (mm), size (pixels), animated (0), intrinsic (4 x 4, pixels), extrinsic (4 x 4, world
to camera, mm) and radial. Matrices are row by row. The world of the file has y up, as its camera 0 shows, whose image
axis y (down) is the world's -y; it is turned about x here so that z is up. Nobody who reads these files bends rays by
`radial`: 3DHP's 2D annotations are pinhole projections.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from data.files.present import require_file
from data.plausible import check_cameras, check_image_size
from kinematics.camera import Camera
from kinematics.rotation import matrix_to_quaternion

TITLE = "Skeletool Camera Calibration File"
LENGTHS = {"name": 1, "size": 2, "animated": 1, "intrinsic": 16, "extrinsic": 16}
Z_UP_Y_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # takes y-up coordinates to z-up ones


@dataclass(frozen=True)
class CalibratedCamera:
    """One camera of the file. camera: float64, world z up, metres; width, height: pixels."""

    camera: Camera
    width: int
    height: int


def read_calibration(path: str | Path) -> dict[str, CalibratedCamera]:
    """Name -> camera, in the order of the file."""
    path = require_file(path, "It lies beside annot.mat in the official release.")
    lines = [line.split() for line in path.read_text(errors="replace").splitlines() if line.strip()]
    if not lines or not " ".join(lines[0]).startswith(TITLE):
        raise ValueError(f"{path} does not begin with {TITLE!r}: it is another file.")
    blocks: list[dict[str, list[str]]] = []
    for key, *values in lines[1:]:
        if key == "name":
            blocks.append({})
        if not blocks:
            raise ValueError(f"{path} has {key!r} before the first camera's name. Get it again.")
        blocks[-1][key] = values
    cameras = {" ".join(block["name"]): _camera(path, block) for block in blocks}
    if len(cameras) != len(blocks):
        raise ValueError(f"{path} has {len(blocks)} cameras of {len(cameras)} names: one is there twice.")
    return cameras


def _camera(path: Path, block: dict[str, list[str]]) -> CalibratedCamera:
    name = " ".join(block["name"])
    numbers: dict[str, np.ndarray] = {}
    for key, length in list(LENGTHS.items())[1:]:
        try:
            numbers[key] = np.array([float(word) for word in block.get(key, [])])
        except ValueError:
            numbers[key] = np.zeros(0)
        if len(numbers[key]) != length or not np.isfinite(numbers[key]).all():
            raise ValueError(f"{path}: camera {name} has no {length} numbers of {key!r}. Get it again.")
    if numbers["animated"][0]:
        raise ValueError(f"{path}: camera {name} is animated, expected one that stands still.")
    width, height = numbers["size"].tolist()
    check_image_size(width, height, f"{path}: camera {name}")
    extrinsic = numbers["extrinsic"].reshape(4, 4)
    rotation = extrinsic[:3, :3]
    if not are_rotations(rotation):
        raise ValueError(f"{path}: camera {name} has an extrinsic matrix without a rotation in it. Get it again.")
    centre = -rotation.T @ extrinsic[:3, 3] / 1000
    matrix = numbers["intrinsic"].reshape(4, 4)[:3, :3]
    camera = pinhole(matrix, Z_UP_Y_UP @ rotation.T, Z_UP_Y_UP @ centre, width, height)
    check_cameras(camera, f"{path}: camera {name}", advice="Get it again.")
    return CalibratedCamera(camera, int(width), int(height))


def are_rotations(matrices: Float[np.ndarray, "*batch 3 3"]) -> bool:
    """Whether all of some matrices turn and do nothing else."""
    apart = np.abs(matrices @ matrices.swapaxes(-1, -2) - np.eye(3)).max()
    return bool(apart <= 1e-3 and np.linalg.det(matrices).min() > 0)


def pinhole(
    matrix: np.ndarray, axes_world: np.ndarray, centre: np.ndarray, width: float | int, height: float | int
) -> Camera:
    """Cameras without lens distortion, float64.

    matrix: (..., 3, 3) pixels; axes_world: (..., 3, 3) camera to world; centre: (..., 3) metres.
    """
    intrinsics = np.zeros((*matrix.shape[:-2], 9))
    intrinsics[..., 0], intrinsics[..., 1] = matrix[..., 0, 0] * 2 / width, matrix[..., 1, 1] * 2 / width
    intrinsics[..., 2] = matrix[..., 0, 2] * 2 / width - 1
    intrinsics[..., 3] = matrix[..., 1, 2] * 2 / width - height / width
    orientation = matrix_to_quaternion(torch.from_numpy(np.ascontiguousarray(axes_world)))
    orientation = torch.nn.functional.normalize(orientation, dim=-1)
    aspect = torch.full(matrix.shape[:-2], height / width, dtype=torch.float64)
    return Camera(orientation, torch.from_numpy(np.ascontiguousarray(centre)), torch.from_numpy(intrinsics), aspect)


def upright_turn(axes_world: Float[np.ndarray, "cameras 3 3"]) -> Float[np.ndarray, "3 3"]:
    """The turn in quarters of a world until z is its axis nearest to the cameras' mean up. axes_world: as pinhole's."""
    up = -axes_world[:, :, 1].mean(axis=0)
    axis = int(np.abs(up).argmax())
    turn = np.eye(3)[[(axis + 1) % 3, (axis + 2) % 3, axis]]
    return np.diag([1.0, -1.0, -1.0]) @ turn if up[axis] < 0 else turn
