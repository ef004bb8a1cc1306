"""What a file of poses holds, whatever its format, and how a PoseSet is drawn from it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from data import SYNTHETIC, PoseBatch
from evaluation.synthetic_quality.pose_sets.sets import MOST_CLIPS, PoseSet
from kinematics import Camera, PoseFKError, Skeleton

BODY = Skeleton("h36m_16")
CAMERA: dict[str, tuple[int, ...]] = {"orientation_wxyz": (4,), "translation": (3,), "intrinsics": (9,), "aspect": ()}
_QUOTED = 80  # characters of what a file holds, in a message


@dataclass
class Arrays:
    """Clips of a file. joints: (N, T, 16, 3) metres, world if upright, else camera axes about the hip.

    total: clips in the file, of which these are some; recording: (N,) of neighbours in time, None: each clip its own.
    screen: (N, T, 16, 2); camera: batch of N.
    """

    joints: Tensor
    upright: bool
    total: int
    screen: Tensor | None = None
    camera: Camera | None = None
    fps: float | None = None
    recording: Tensor | None = None

    def __getitem__(self, rows: Tensor) -> "Arrays":
        screen = None if self.screen is None else self.screen[rows]
        camera = None if self.camera is None else self.camera[rows]
        recording = None if self.recording is None else self.recording[rows]
        return Arrays(self.joints[rows], self.upright, self.total, screen, camera, self.fps, recording)


def some(total: int, wanted: int, generator: torch.Generator) -> Tensor:
    """Up to `wanted` of `total` rows by chance, in order."""
    return torch.randperm(total, generator=generator)[:wanted].sort().values


def numbers(path: Path, name: str, value: Any, *shape: int | None) -> np.ndarray:
    """An array of a file, if it holds real numbers in this shape (None: of any length), else a refusal."""
    found = value if isinstance(value, np.ndarray) else np.empty(0, dtype=object)
    fits = found.ndim == len(shape) and all(own in (None, size) for own, size in zip(shape, found.shape, strict=True))
    if not fits or found.dtype.kind != "f":
        came = f"of shape {found.shape}, {found.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
        wanted = ", ".join("any" if own is None else str(own) for own in shape)
        raise PoseFKError(f"{path} has {name[:_QUOTED]} {came[:_QUOTED]}, expected real numbers of shape ({wanted}).")
    return found


def single(path: Path, name: str, array: np.ndarray) -> Tensor:
    """As float32, if all of it is finite then."""
    with np.errstate(over="ignore"):  # what becomes infinite is refused
        found = torch.from_numpy(array.astype(np.float32))
    if not torch.isfinite(found).all():
        raise PoseFKError(f"{path} has NaN or infinite {name[:_QUOTED]}: copy or make it again.")
    return found


def camera_of(path: Path, arrays: dict[str, Any], count: int, rows: np.ndarray, prefix: str = "") -> Camera:
    """The cameras at `rows` of `count` ones, from arrays by name as Chunk.camera_arrays has them."""
    held = {name: numbers(path, f"{prefix}{name}", arrays.get(name), count, *CAMERA[name]) for name in CAMERA}
    return Camera(*(single(path, f"{prefix}{name}", array[rows]) for name, array in held.items()))


def to_body(path: Path, array: np.ndarray, layout: Skeleton, size: int = 3) -> Tensor:
    """(..., J, size) of a layout -> (..., 16, size) float32, or a refusal that says what to do."""
    if array.shape[-2:] != (layout.num_joints, size) or array.dtype.kind != "f":
        raise PoseFKError(
            f"{path} has joints of shape {array.shape}, expected (..., {layout.num_joints}, {size}): {layout.name}."
        )
    if not layout.can_become(BODY):
        missing = [joint for joint in BODY.joints if joint not in layout.joints]
        raise PoseFKError(
            f"{path} has the joints of {layout.name}, which has no {', '.join(missing)}: export the same poses "
            "with --layout h36m_16, h36m_17 or mpi_inf_3dhp_17."
        )
    with np.errstate(over="ignore"):  # what becomes infinite is refused later
        return torch.from_numpy(layout.convert(array, BODY).astype(np.float32))


def joined(parts: list[Arrays], wanted: int, generator: torch.Generator) -> Arrays:
    """The shards of a set as one, each with its share of the wanted clips."""
    total = sum(part.total for part in parts)
    kept = [part[some(len(part.joints), -(-wanted * part.total // max(total, 1)), generator)] for part in parts]
    if len(kept) == 1:
        return kept[0]
    screens = [part.screen for part in kept if part.screen is not None]
    cameras = [part.camera for part in kept if part.camera is not None]
    return Arrays(
        torch.cat([part.joints for part in kept]), all(part.upright for part in kept), total,
        torch.cat(screens) if len(screens) == len(kept) else None,
        Camera.cat(cameras) if len(cameras) == len(kept) else None, kept[0].fps,
    )  # fmt: skip


def as_pose_set(name: str, held: Arrays, wanted: int, generator: torch.Generator) -> PoseSet:
    """Up to `wanted` frames of the clips by chance, and the clips themselves where they are in the world's axes."""
    frames = held.joints.shape[1]
    rows = some(len(held.joints) * frames, wanted, generator)
    clip = rows // frames
    joints = held.joints.flatten(0, 1)[rows]
    views = None
    if held.screen is not None:
        camera = None if held.camera is None else held.camera[clip]
        seen = joints[:, None] if camera is None else camera.world_to_camera(joints[:, None])
        views = PoseBatch.of(seen, held.screen.flatten(0, 1)[rows][:, None], camera, SYNTHETIC)
    recording = torch.arange(len(held.joints)) if held.recording is None else held.recording
    recording = recording[clip].unique(return_inverse=True)[1]
    found = PoseSet(name, joints, held.upright, recording, held.total * frames, views)
    if held.upright and frames >= 3:
        found.clips, found.fps = held.joints[:MOST_CLIPS], held.fps
    return found
