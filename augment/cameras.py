"""Cameras for synthetic poses: any camera one may meet. (The data set's own come with augment.reference.)"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from kinematics import Camera, look_at
from kinematics.batch_last import stack
from kinematics.camera import NUM_INTRINSICS

NEAREST_AZIMUTH = math.radians(30)  # between two cameras of a rig; of more than eight, 240 degrees over their number


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
    unit, normal = _chance(generator, root_world, len(root_world))
    return _aimed(root_world, unit[0] * (2 * math.pi), _focal(ranges, unit[3]), unit[1:3], normal, ranges)


def wide_rigs(
    root_world: Float[Tensor, "batch 3"], views: int, generator: torch.Generator, ranges: WideCameraRanges | None = None
) -> Camera:
    """Sample a rig of cameras about each subject, (B, V), no two within NEAREST_AZIMUTH. root_world: the hips, metres.

    Half of the rigs have one focal length, as a studio's have, the other half one per camera.
    """
    ranges = ranges or WideCameraRanges()
    count = len(root_world)
    root = root_world[:, None].expand(-1, views, -1)
    unit, normal = _chance(generator, root_world, count, views)
    start, one_lens = torch.rand(2, count, 1, generator=generator, device=root.device, dtype=root.dtype)
    # Points at random on a circle that is shorter by all the gaps, which are then put between neighbours.
    gap = min(NEAREST_AZIMUTH, 4 / 3 * math.pi / views)
    rank = unit[0].argsort(dim=1).argsort(dim=1)
    azimuth = start * (2 * math.pi) + unit[0] * (2 * math.pi - views * gap) + rank * gap
    lens = torch.where(one_lens < 0.5, unit[3][:, :1], unit[3])
    return _aimed(root, azimuth, _focal(ranges, lens), unit[1:3], normal, ranges)


def other_places(
    camera: Camera, root_world: Float[Tensor, "batch 3"], generator: torch.Generator,
    ranges: WideCameraRanges | None = None,
) -> Camera:  # fmt: skip
    """Redraw wide cameras (B,) in the same directions and with the same lenses. root_world: the hips, metres."""
    unit, normal = _chance(generator, root_world, len(root_world))
    apart = camera.translation - root_world
    azimuth = torch.atan2(apart[:, 1], apart[:, 0])
    return _aimed(root_world, azimuth, camera.intrinsics[:, 0], unit[1:3], normal, ranges or WideCameraRanges())


def _chance(generator: torch.Generator, like: Tensor, *count: int) -> tuple[Tensor, Tensor]:
    """What a wide camera is drawn from: four uniform numbers (4, *count) and four normal ones."""
    like_root = {"generator": generator, "device": like.device, "dtype": like.dtype}
    return torch.rand(4, *count, **like_root), torch.randn(4, *count, **like_root)


def _focal(ranges: WideCameraRanges, unit: Tensor) -> Tensor:
    low, high = ranges.focal
    return low * (unit * math.log(high / low)).exp()


def _aimed(
    root_world: Tensor, azimuth: Tensor, focal: Tensor, unit: Tensor, normal: Tensor, ranges: WideCameraRanges
) -> Camera:
    """Aim cameras at the hips (..., 3) from `azimuth` (...). unit: distance and height, normal: aim and roll."""
    distance, (x, y, _) = _between(ranges.distance, unit[0]), root_world.unbind(-1)
    place = [x + distance * azimuth.cos(), y + distance * azimuth.sin(), _between(ranges.height, unit[1])]
    position = stack(place, -1, root_world)
    aim = torch.add(root_world, normal[:3].movedim(0, -1), alpha=ranges.aim_sd)
    intrinsics = root_world.new_zeros(NUM_INTRINSICS, *azimuth.shape)
    intrinsics[:2] = focal
    return Camera(
        look_at(position, aim, ranges.roll_sd * normal[3]),
        position, intrinsics.movedim(0, -1), torch.full_like(azimuth, ranges.aspect),
    )  # fmt: skip


def _between(ends: tuple[float, float], unit: Tensor) -> Tensor:
    return ends[0] + (ends[1] - ends[0]) * unit
