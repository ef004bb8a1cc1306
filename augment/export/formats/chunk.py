"""Chunks of poses as every export format gets them, and helpers for writing them."""

import os
import pickle
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from augment.visible import PIECE
from kinematics import Camera, Skeleton
from kinematics.batch_last import to_batch_first, to_batch_last
from kinematics.camera import PARAMETERS


@dataclass
class Chunk:
    """N poses (T = 1) or clips of T frames, float32, on the CPU.

    joints_world: (N, T, J, 3) metres, z up, the floor at about 0, the first hip over the origin; joints_screen:
    (N, T, J, 2), as `camera` sees them (batch of N, fixed in a clip). first: number of the first pose in the whole
    export. kept: further arrays (N, ...) by name, what --keep asked for.
    """

    joints_world: np.ndarray
    joints_screen: np.ndarray
    camera: Camera
    first: int
    kept: dict[str, np.ndarray] = field(default_factory=dict)

    @cached_property
    def joints_camera(self) -> np.ndarray:
        """(N, T, J, 3) metres, camera frame."""
        world, camera = torch.from_numpy(self.joints_world), self.camera
        pieces = [slice(first, first + PIECE) for first in range(0, len(world), PIECE)]
        seen = [camera[piece].each(to_batch_last).world_to_camera(to_batch_last(world[piece])) for piece in pieces]
        return torch.cat([to_batch_first(joints) for joints in seen]).numpy()

    def __len__(self) -> int:
        return len(self.joints_world)

    def camera_arrays(self) -> dict[str, np.ndarray]:
        """The cameras as arrays: orientation_wxyz (N, 4), translation (N, 3) m, intrinsics (N, 9), aspect (N,)."""
        return {name: getattr(self.camera, name).float().numpy() for name in PARAMETERS}


@dataclass(frozen=True)
class Shard:
    """A part of the export that is written as a whole. layout: of the joints; poses: how many come; fps: of clips."""

    folder: Path
    layout: Skeleton
    poses: int
    frames: int
    fps: float


Chunks = Iterator[Chunk]
CAMERA_BYTES = (4 * 4, 4 * 3, 4 * 9, 4)  # of Chunk.camera_arrays, a pose or clip


def frame_bytes(shard: Shard, numbers: int) -> int:
    """Count the bytes of a pose or clip with so many float32 numbers at each joint of each frame."""
    return 4 * numbers * shard.layout.num_joints * shard.frames


def together(chunks: Chunks) -> Chunk:
    """Join all chunks of a shard, for formats that are one array per file."""
    parts = list(chunks)
    world, screen = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("joints_world", "joints_screen")
    )
    kept = {name: np.concatenate([part.kept[name] for part in parts]) for name in parts[0].kept}
    return Chunk(world, screen, Camera.cat([part.camera for part in parts]), parts[0].first, kept)


def flat_frames(array: np.ndarray) -> np.ndarray:
    """(N, T, ...) -> (N * T, ...)."""
    return array.reshape(-1, *array.shape[2:])


def save_dictionary(archive: zipfile.ZipFile, name: str, value: Any) -> None:
    """Add a dictionary to an npz file as VideoPose3D's files hold it: pickled inside a 0-d array."""
    array = np.empty((), dtype=object)
    array[()] = value
    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        np.lib.format.write_array_header_1_0(member, np.lib.format.header_data_from_array_1_0(array))
        pickler = pickle.Pickler(member, protocol=3)
        pickler.fast = True  # without a memo, which would keep a copy of every array until the end
        pickler.dump(array)


def write_one_of_many(path: Path, content: bytes) -> None:
    """Write one of many files whole or not at all, not synced: a shard of them counts once all are there."""
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
