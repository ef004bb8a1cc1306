"""PoseAug's and DH-AUG's test_3dhp.npz: `pose3d` (N, J, 3) metres about the hip, `pose2d` (N, J, 2), frame by frame."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from augment.export.formats import stored_clips as stored
from augment.export.formats.chunk import Chunks, Shard, flat_frames, frame_bytes, together
from augment.export.formats.format import ANY_LAYOUT, Format, Reader
from data.files.npz import load_npz_restricted
from data.files.writing import atomic_write
from kinematics import Camera, PoseFKError, Skeleton

FILE = "poseaug.npz"


def write(chunks: Chunks, shard: Shard) -> list[str]:
    chunk = together(chunks)
    joints = flat_frames(chunk.joints_camera)
    with atomic_write(shard.folder / FILE, synced=False) as part:
        np.savez(
            part, allow_pickle=False, **chunk.kept, pose3d=joints - joints[:, shard.layout.root, None],
            pose2d=flat_frames(chunk.joints_screen), joint_names=np.array(shard.layout.joints),
        )  # fmt: skip
    return [FILE]


def size(shard: Shard, kept: Sequence[int]) -> int:
    return shard.poses * (frame_bytes(shard, 3 + 2) + sum(kept))


def read(path: Path, frames: int, clips: int, generator: torch.Generator) -> stored.StoredClips:
    """Read joints about the hip in camera axes; where cameras were kept, the hip is placed by the 2D."""
    held = load_npz_restricted(path)
    joints = stored.checked_array(path, "pose3d", held["pose3d"], None, None, 3)
    if len(joints) % frames:
        raise PoseFKError(f"{path} has pose3d of shape {joints.shape}, expected (clips of {frames}, joints, 3).")
    layout = _layout_of(path, held.get("joint_names"), joints.shape[1])
    total = len(joints) // frames
    indices = stored.draw_indices(total, clips, generator).numpy()

    def clips_of(name: str, array: np.ndarray, size: int) -> Tensor:
        drawn = array.reshape(total, frames, *array.shape[1:])[indices]
        return stored.to_float32(path, name, stored.to_body(path, drawn, layout, size).numpy())

    centred = clips_of("pose3d", joints, 3)
    if "pose2d" not in held:
        return stored.StoredClips(centred, False, total)
    screen = clips_of(
        "pose2d", stored.checked_array(path, "pose2d", held["pose2d"], len(joints), layout.num_joints, 2), 2
    )
    cameras = {name: held[f"camera_{name}"] for name in stored.CAMERA if f"camera_{name}" in held}
    if not cameras:
        return stored.StoredClips(centred, False, total, screen)
    camera = stored.camera_of(path, cameras, total, indices, "camera_")
    seen = centred + hips_from_screen(centred, screen, camera)[:, :, None]
    return stored.StoredClips(camera.camera_to_world(seen), True, total, screen, camera)


def hips_from_screen(joints: Tensor, screen: Tensor, camera: Camera) -> Tensor:
    """Solve for the hips (N, T, 3) m that put joints (N, T, J, 3) at `screen`: least squares, no lens distortion."""
    focal, centre = (camera.intrinsics[:, None, None, part].double() for part in (slice(0, 2), slice(2, 4)))
    off = screen.double() - centre  # (N, T, J, 2)
    lines = torch.cat([torch.diag_embed(focal.expand_as(off)), -off[..., None]], dim=-1).flatten(-3, -2)
    values = (off * joints[..., 2:].double() - focal * joints[..., :2].double()).flatten(-2)
    return torch.linalg.lstsq(lines, values[..., None]).solution[..., 0].to(joints.dtype)


def _layout_of(path: Path, names: Any, count: int) -> Skeleton:
    """Return the layout of these joint names, or of this many joints."""
    if names is None:
        return Skeleton.from_num_joints(count)
    joints = tuple(names.tolist()) if isinstance(names, np.ndarray) and names.ndim == 1 else (type(names).__name__,)
    layout = next((known for known in map(Skeleton, ANY_LAYOUT) if known.joints == joints), None)
    if layout is None:
        said = ", ".join(str(joint)[:20] for joint in joints[:4])
        raise PoseFKError(f"{path} names its joints {said}, ...: choose a layout of {ANY_LAYOUT}.")
    return layout


FORMAT = Format(
    write, size, ANY_LAYOUT,
    "poseaug.npz: pose3d (N, J, 3) metres, camera axes, about the hip; pose2d (N, J, 2) screen",
    reader=Reader(read, FILE, "pose3d"),
)  # fmt: skip
