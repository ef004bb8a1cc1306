"""Clips read back from an exported file, and the checks that readers share."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kinematics import Camera, PoseFKError, Skeleton
from kinematics.camera import PARAMETERS as CAMERA

BODY = Skeleton("h36m_16")
_QUOTED = 80  # characters of what a file holds, in a message


@dataclass
class StoredClips:
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

    def __getitem__(self, indices: Tensor) -> "StoredClips":
        parts = {name: getattr(self, name) for name in ("joints", "screen", "camera", "recording")}
        return replace(self, **{name: part[indices] for name, part in parts.items() if part is not None})


def draw_indices(total: int, wanted: int, generator: torch.Generator) -> Tensor:
    """Draw up to `wanted` of `total` indices, in order."""
    return torch.randperm(total, generator=generator)[:wanted].sort().values


def checked_array(path: Path, name: str, value: Any, *shape: int | None) -> np.ndarray:
    """Return an array of a file, or refuse one without real numbers in this shape (None: of any length)."""
    array = value if isinstance(value, np.ndarray) else np.empty(0, dtype=object)
    fits = array.ndim == len(shape) and all(side in (None, size) for side, size in zip(shape, array.shape, strict=True))
    if not fits or array.dtype.kind != "f":
        came = f"of shape {array.shape}, {array.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
        wanted = ", ".join("any" if side is None else str(side) for side in shape)
        raise PoseFKError(f"{path} has {name[:_QUOTED]} {came[:_QUOTED]}, expected real numbers of shape ({wanted}).")
    return array


def to_float32(path: Path, name: str, array: np.ndarray) -> Tensor:
    """Convert to float32; refuse NaN and infinity."""
    with np.errstate(over="ignore"):  # what becomes infinite is refused
        converted = torch.from_numpy(array.astype(np.float32))
    if not torch.isfinite(converted).all():
        raise PoseFKError(f"{path} has NaN or infinite {name[:_QUOTED]}: copy or make it again.")
    return converted


def camera_of(path: Path, arrays: dict[str, Any], count: int, indices: np.ndarray, prefix: str = "") -> Camera:
    """Build the cameras at `indices` of `count` from arrays named as in Chunk.camera_arrays."""
    held = {name: checked_array(path, f"{prefix}{name}", arrays.get(name), count, *CAMERA[name]) for name in CAMERA}
    return Camera(*(to_float32(path, f"{prefix}{name}", array[indices]) for name, array in held.items()))


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
