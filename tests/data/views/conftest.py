"""A person who walks about among synchronised cameras, and MPI-INF-3DHP's training release of that walk."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.io import savemat

from data.recordings import DataSettings, Recording, View, view_from_world
from kinematics.camera import Camera, look_at
from kinematics.rotation import quaternion_to_matrix
from kinematics.skeleton import Skeleton
from prepare_data_3dhp import main
from tests.data.walking import walk_in_a_circle

STANDING = {
    "Hip": (0, 0, 0.95), "RHip": (0.13, 0, 0.95), "RKnee": (0.13, 0, 0.5), "RAnkle": (0.13, 0, 0.08),
    "LHip": (-0.13, 0, 0.95), "LKnee": (-0.13, 0, 0.5), "LAnkle": (-0.13, 0, 0.08), "Spine": (0, 0, 1.2),
    "Thorax": (0, 0, 1.45), "NeckNose": (0, 0.05, 1.55), "Head": (0, 0, 1.7), "LShoulder": (-0.18, 0, 1.42),
    "LElbow": (-0.2, 0, 1.12), "LWrist": (-0.2, 0.1, 0.9), "RShoulder": (0.18, 0, 1.42), "RElbow": (0.2, 0, 1.12),
    "RWrist": (0.2, 0.1, 0.9),
}  # fmt: skip


@pytest.fixture
def walk() -> Callable[..., np.ndarray]:
    """(frames, layout) -> (F, J, 3) metres, world: somebody who walks in a circle, 25 frames a second, limbs swinging.

    Joints that Human3.6M's 17 lack lie about the hip.
    """

    def make(frames: int, layout: str = "h36m_17") -> np.ndarray:
        joints = Skeleton(layout).joints
        body = np.array([STANDING.get(name, (0.01 * i, 0.2, 0.9)) for i, name in enumerate(joints)])
        return walk_in_a_circle(body, joints, 25, frames)

    return make


@pytest.fixture
def rig() -> Callable[[int], list[Camera]]:
    """Number -> cameras (float64) around the origin, 4.5 m away, chest height and below."""

    def make(count: int) -> list[Camera]:
        angles = 2 * torch.pi * torch.arange(count, dtype=torch.float64) / count + 0.3
        heights = 1.0 + 0.6 * torch.cos(3 * angles)
        position = torch.stack([4.5 * angles.cos(), 4.5 * angles.sin(), heights], dim=-1)
        target = torch.tensor([0.1, -0.1, 1.0], dtype=torch.float64).expand_as(position)
        intrinsics = torch.tensor([1.46, 1.47, 0.001, 0.03, 0, 0, 0, 0, 0], dtype=torch.float64).expand(count, 9)
        whole = Camera(look_at(position, target), position, intrinsics, torch.ones(count, dtype=torch.float64))
        return [whole[i] for i in range(count)]

    return make


@pytest.fixture
def watched(walk: Callable[..., np.ndarray], rig: Callable[[int], list[Camera]]) -> Callable[..., Recording]:
    """(views, frames) -> a recording of the walk, cameras named a, b, c ..."""

    def make(views: int = 4, frames: int = 60) -> Recording:
        seen: list[View] = [
            view_from_world(walk(frames), camera, chr(ord("a") + i)) for i, camera in enumerate(rig(views))
        ]
        return Recording("S1", "Walk", tuple(seen), 25.0, np.ones(frames, dtype=bool))

    return make


SIZE = 2048  # pixels of MPI-INF-3DHP's training images
Y_UP_Z_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])


def _write_calibration(path: Path, cameras: list[Camera], size: tuple[int, int] = (SIZE, SIZE)) -> None:
    """As Skeletool writes: 4 x 4 matrices row by row, world to camera, mm, y up; seven digits."""
    lines = ["Skeletool Camera Calibration File V1.0"]
    for number, camera in enumerate(cameras):
        turn = quaternion_to_matrix(camera.orientation_wxyz).numpy().T @ Y_UP_Z_UP.T
        extrinsic, intrinsic = np.eye(4), np.eye(4)
        extrinsic[:3, :3] = turn
        extrinsic[:3, 3] = -turn @ Y_UP_Z_UP @ camera.translation.numpy() * 1000
        focal_x, focal_y, x, y = camera.intrinsics[:4].tolist()
        intrinsic[:2, :3] = np.array([[focal_x, 0, x + 1], [0, focal_y, y + 1]]) * SIZE / 2
        lines += [
            f"name          {number}",
            "  sensor      10 10",
            f"  size        {size[0]} {size[1]}",
            "  animated    0",
        ]
        for name, matrix in (("intrinsic", intrinsic), ("extrinsic", extrinsic)):
            lines.append(f"  {name}   " + " ".join(f"{value:.10g}" for value in matrix.ravel()) + " ")
        lines.append("  radial      0")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def _annotations(joints_world: np.ndarray, cameras: list[Camera]) -> dict[str, Any]:
    """joints_world: (F, 28, 3) metres. Cells of 14 cameras: (F, 56) pixels, (F, 84) mm."""
    content: dict[str, Any] = {"cameras": np.arange(14)[None]}
    points = torch.from_numpy(joints_world)
    for key in ("annot2", "annot3", "univ_annot3"):
        content[key] = np.empty((14, 1), dtype=object)
    for number, camera in enumerate(cameras):
        own = camera.world_to_camera(points)
        pixels = (camera.project(own).numpy() + 1) * SIZE / 2
        content["annot2"][number, 0] = pixels.reshape(len(points), -1)
        content["annot3"][number, 0] = own.numpy().reshape(len(points), -1) * 1000
        content["univ_annot3"][number, 0] = content["annot3"][number, 0] * 0.9
    return content


@pytest.fixture
def joints_world(walk: Callable[..., np.ndarray]) -> np.ndarray:
    return walk(24, "mpi_inf_3dhp_28")


@pytest.fixture
def release(tmp_path: Path, rig: Callable[[int], list[Camera]], joints_world: np.ndarray) -> Path:
    """Two sequences of the official folder."""
    for name in ("S1/Seq2", "S4/Seq1"):
        folder = tmp_path / "raw" / name
        _write_calibration(folder / "camera.calibration", rig(14))
        savemat(folder / "annot.mat", _annotations(joints_world, rig(14)))
    return tmp_path / "raw"


@pytest.fixture
def write_calibration() -> Callable[..., None]:
    return _write_calibration


@pytest.fixture
def annotations() -> Callable[..., dict[str, Any]]:
    return _annotations


@pytest.fixture
def prepare(tmp_path: Path) -> Callable[[Path], DataSettings]:
    """Release folder -> settings of the file the real command makes of it."""

    def make(release: Path) -> DataSettings:
        main(["--train", str(release), "--data_root", str(tmp_path / "data")])
        return DataSettings(data_root=str(tmp_path / "data"), num_joints=17)

    return make
