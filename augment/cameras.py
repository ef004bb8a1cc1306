"""Cameras for synthetic poses: any camera one may meet. (The data set's own come with augment.reference.)"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from kinematics import Camera, look_at
from kinematics.rows import stack

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
    azimuth, distance = unit[0] * (2 * math.pi), _between(ranges.distance, unit[1])
    x, y, _ = root_world.unbind(-1)
    place = [x + distance * azimuth.cos(), y + distance * azimuth.sin(), _between(ranges.height, unit[2])]
    position = stack(place, -1, root_world)
    aim = torch.add(root_world, normal[:3].t(), alpha=ranges.aim_sd)
    low, high = ranges.focal
    intrinsics = torch.zeros(NUM_INTRINSICS, count, **like)
    intrinsics[:2] = low * (unit[3] * math.log(high / low)).exp()
    return Camera(
        look_at(position, aim, ranges.roll_sd * normal[3]),
        position, intrinsics.t(), torch.full((count,), ranges.aspect, **like),
    )  # fmt: skip


def _between(ends: tuple[float, float], unit: Tensor) -> Tensor:
    return ends[0] + (ends[1] - ends[0]) * unit
