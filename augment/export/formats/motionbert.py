"""MotionBERT's clips: a pickle each, `data_label` (T, 17, 3): screen x and y, depth from the first joint alike."""

import pickle
from collections.abc import Sequence

import numpy as np

from augment.export.formats.chunk import Chunks, Shard, frame_bytes, write_one_of_many
from augment.export.formats.format import Format

FOLDER = "SYNTHETIC/train"
_AROUND_BYTES = 186  # of pickle around the array


def write(chunks: Chunks, shard: Shard) -> list[str]:
    """Write a file per clip, each atomically; return their names."""
    (shard.folder / FOLDER).mkdir(parents=True, exist_ok=True)
    names = []
    for chunk in chunks:
        labels = image_units(chunk.joints_camera, chunk.joints_screen, chunk.camera_arrays()["intrinsics"])
        for index, label in enumerate(labels):
            names.append(f"{FOLDER}/{chunk.first + index:08d}.pkl")
            clip = pickle.dumps({"data_input": None, "data_label": label}, protocol=4)
            write_one_of_many(shard.folder / names[-1], clip)
    return names


def size(shard: Shard, kept: Sequence[int]) -> int:
    return shard.poses * (frame_bytes(shard, 3) + _AROUND_BYTES)


def image_units(joints_camera: np.ndarray, joints_screen: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """(N, T, J, 3): screen x and y, and the depth from the first joint in the same unit."""
    depth = joints_camera[..., 2:]
    focal = intrinsics[:, None, None, :2].mean(axis=-1, keepdims=True)
    root = depth[:, :, :1]
    return np.concatenate([joints_screen, (depth - root) * focal / root], axis=-1).astype(np.float32)


FORMAT = Format(
    write, size, ("h36m_17",),
    "SYNTHETIC/train/*.pkl: a clip each, data_label (T, 17, 3) in image units", file_per_pose=True,
)  # fmt: skip
