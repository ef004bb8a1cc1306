"""Cameras for synthetic poses: any camera one may meet. (The data set's own come with augment.reference.)"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from kinematics import Camera, look_at

NUM_INTRINSICS = 9


@dataclass(frozen=True)
class WideCameraRanges:
    """What cameras of the sampler `wide` look like."""

    focal: tuple[float, float] = (1.2, 3.0)
    """Focal length in half image widths, log-uniform (1.2: 80 degrees across, 3.0: 37)."""
    distance: tuple[float, float] = (2.0, 8.0)
    """Level distance from the subject's hip, metres, uniform."""
    height: tuple[float, float] = (0.2, 3.0)
    """Height over the floor (world z = 0), metres, uniform."""
    aim_sd: float = 0.5
    """How far off the hip the camera aims, metres, standard deviation per world axis."""
    roll_sd: float = 0.05
    """Roll about the viewing axis, radians, standard deviation."""
    aspect: float = 1.0
    """Image height / width."""


def wide_cameras(
    root_world: Float[Tensor, "batch 3"], generator: torch.Generator, ranges: WideCameraRanges | None = None
) -> Camera:
    """One camera per subject: any azimuth, no lens distortion. root_world: the hips, metres."""
    ranges = ranges or WideCameraRanges()
    count, like = len(root_world), {"device": root_world.device, "dtype": root_world.dtype}
    unit = torch.rand(4, count, generator=generator, **like)
    normal = torch.randn(4, count, generator=generator, **like)
    azimuth = unit[0] * (2 * math.pi)
    distance = _between(ranges.distance, unit[1])
    level = root_world[:, :2] + distance[:, None] * torch.stack([azimuth.cos(), azimuth.sin()], -1)
    position = torch.cat([level, _between(ranges.height, unit[2])[:, None]], -1)
    aim = root_world + ranges.aim_sd * normal[:3].t()
    low, high = ranges.focal
    focal = low * (high / low) ** unit[3]
    intrinsics = torch.zeros(count, NUM_INTRINSICS, **like)
    intrinsics[:, :2] = focal[:, None]
    return Camera(
        look_at(position, aim, ranges.roll_sd * normal[3]),
        position, intrinsics, torch.full((count,), ranges.aspect, **like),
    )  # fmt: skip


def _between(ends: tuple[float, float], unit: Tensor) -> Tensor:
    return ends[0] + (ends[1] - ends[0]) * unit
