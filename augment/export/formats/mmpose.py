"""MMPose's Human3.6M npz (S: camera space, float64) and cameras.pkl; a subject per pose or clip, 1,000 pixels wide."""

import pickle
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from augment.export.formats.chunk import Chunk, Chunks, Shard, flat_frames, together
from augment.export.formats.format import Format
from data.files.writing import atomic_write
from kinematics import screen_to_pixels
from kinematics.rotation import quaternion_to_matrix

FILE, CAMERAS = "mmpose.npz", "cameras.pkl"
WIDTH = 1000
CAMERA_ID = "54138969"  # loaders split names at the points and underscores around it
_PICKLED_CAMERA_BYTES = 420
_BOX = 1.2  # of the person's box, as SPIN and MMPose pad it; scale is in units of 200 pixels


def write(chunks: Chunks, shard: Shard) -> list[str]:
    """Write the shard's two files atomically; return their names."""
    chunk = together(chunks)
    pixels = _pixels(chunk)
    names = [_name(_subject(chunk, index), frame + 1) for index in range(len(chunk)) for frame in range(shard.frames)]
    seen = np.ones((*pixels.shape[:2], 1))
    low, high = pixels.min(axis=1), pixels.max(axis=1)
    with atomic_write(shard.folder / FILE, synced=False) as part:
        np.savez(
            part, allow_pickle=False, **chunk.kept, imgname=np.array(names), center=(low + high) / 2,
            scale=_BOX * (high - low).max(axis=1) / 200, part=np.concatenate([pixels, seen], axis=-1),
            S=np.concatenate([flat_frames(chunk.joints_camera), seen], axis=-1, dtype=np.float64),
        )  # fmt: skip
    with atomic_write(shard.folder / CAMERAS, synced=False) as part:
        part.write_bytes(pickle.dumps(_cameras(chunk), protocol=4))
    return [FILE, CAMERAS]


def size(shard: Shard, kept: Sequence[int]) -> int:
    name = len(_name(f"S{shard.poses}", shard.frames))
    frame = 4 * name + 8 * (2 + 1 + (3 + 4) * shard.layout.num_joints)
    return shard.poses * (frame * shard.frames + _PICKLED_CAMERA_BYTES + sum(kept))


def _subject(chunk: Chunk, index: int) -> str:
    return f"S{chunk.first + index + 1}"


def _name(subject: str, frame: int) -> str:
    """S1/S1_Synthetic_1.54138969/S1_Synthetic_1.54138969_000001.jpg"""
    clip = f"{subject}_Synthetic_1.{CAMERA_ID}"
    return f"{subject}/{clip}/{clip}_{frame:06d}.jpg"


def _pixels(chunk: Chunk) -> np.ndarray:
    """(N * T, J, 2), float64."""
    heights = WIDTH * chunk.camera.aspect.double().numpy()
    screen = chunk.joints_screen.astype(np.float64)
    views = [screen_to_pixels(torch.from_numpy(s), WIDTH, h).numpy() for s, h in zip(screen, heights, strict=True)]
    return flat_frames(np.stack(views))


def _cameras(chunk: Chunk) -> dict[tuple[str, str], dict[str, Any]]:
    """(subject, camera) -> R (world to camera), T (m, its place), f, c (pixels), k, p, w, h."""
    camera = chunk.camera.to(torch.float64)
    rotation = quaternion_to_matrix(camera.orientation_wxyz).mT.numpy()
    place, intrinsics = camera.translation.numpy(), camera.intrinsics.numpy()
    heights = np.rint(WIDTH * camera.aspect.numpy()).astype(int)
    cameras = {}
    for index in range(len(chunk)):
        focal, centre, height = intrinsics[index, :2], intrinsics[index, 2:4], int(heights[index])
        middle = np.array([1.0, float(camera.aspect[index])])
        cameras[_subject(chunk, index), CAMERA_ID] = {
            "R": rotation[index], "T": place[index][:, None], "f": (focal * WIDTH / 2)[:, None],
            "c": ((centre + middle) * WIDTH / 2)[:, None], "k": intrinsics[index, 4:7, None],
            "p": intrinsics[index, 7:9, None], "w": WIDTH, "h": height, "name": f"camera{index}", "id": CAMERA_ID,
        }  # fmt: skip
    return cameras


FORMAT = Format(
    write, size, ("h36m_17",),
    "mmpose.npz: imgname, center, scale, part (N, 17, 3) pixels and visibility, S (N, 17, 4) metres, camera space, "
    "and visibility. cameras.pkl: (subject, camera) -> R, T, f, c, k, p, w, h",
)  # fmt: skip
