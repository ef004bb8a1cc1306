"""World joints and cameras -> 2D/3D pairs, of which only those a camera could have taken are kept.

The original put every fake in front of its camera or not, as it came: such pairs trained the lifter.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from data.batch import SYNTHETIC, PoseBatch
from kinematics import Camera

NEAR_M = 0.5
PIECE = 16384  # poses drawn at a time: what is computed with on the way then stays in the processor's cache
SPARE = 16
# Draws `count` poses afresh: world joints (count, T, 16, 3) and their cameras.
Draw = Callable[[int], tuple[Tensor, Camera]]


@dataclass
class Placement:
    """What came of placing: exactly as many poses as asked for, and how many of those drawn could have been kept."""

    batch: PoseBatch
    drawn: int
    accepted: int

    @property
    def acceptance(self) -> float:
        return self.accepted / max(self.drawn, 1)


def photograph(joints_world: Float[Tensor, "batch frames joints 3"], camera: Camera) -> PoseBatch:
    """Synthetic poses as their cameras see them, whether or not they could."""
    joints_camera = camera.world_to_camera(joints_world)
    return PoseBatch.of(joints_camera, camera.project(joints_camera), camera, SYNTHETIC)


def is_photographable(
    batch: PoseBatch, near: float | int = NEAR_M, keep_in_image: bool = True
) -> Bool[Tensor, "batch"]:
    """Whether every joint of every frame is at least `near` metres in front of the camera and inside the image.

    Only the nearest and the outermost of a pose's numbers are compared: a number that is none is the outermost.
    """
    seen = batch.joints_3d[..., 2].flatten(1).amin(dim=1) >= near
    x, y = (values.flatten(1).amax(dim=1) for values in batch.joints_2d.abs().unbind(-1))
    if keep_in_image and batch.camera is not None:
        return seen & (x <= 1) & (y <= batch.camera.aspect)
    return seen & (x < math.inf) & (y < math.inf)


def place(
    draw: Draw, count: int, near: float | int = NEAR_M, keep_in_image: bool = True, tries: int = 5
) -> Placement | None:
    """Draw until `count` poses can be photographed, at most `tries` times; what is then missing repeats accepted ones.

    Returns None where not a single pose could be photographed.
    """
    kept: list[PoseBatch] = []
    drawn = accepted = 0
    for _ in range(tries):
        wanted = count - accepted
        if accepted:  # so that this time they will do: many small draws take longer than some poses too many
            wanted = min(count, math.ceil(1.1 * wanted * drawn / accepted) + SPARE)
        for first in range(0, wanted, PIECE):
            batch = photograph(*draw(min(PIECE, wanted - first)))
            good = is_photographable(batch, near, keep_in_image).nonzero().squeeze(1)
            kept.append(batch.take(good))
            drawn, accepted = drawn + len(batch), accepted + len(good)
        if accepted >= count:
            break
    if not accepted:
        return None
    batch = PoseBatch.cat(kept)[:count]
    if accepted < count:
        batch = batch.take(torch.arange(count, device=batch.source.device) % accepted)
    return Placement(batch, drawn, accepted)
