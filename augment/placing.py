"""World joints and cameras -> 2D/3D pairs, of which only those a camera could have taken are kept.

The original put every fake in front of its camera or not, as it came: such pairs trained the lifter.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from data.batch import SYNTHETIC, PoseBatch
from kinematics import Camera, in_front, in_image

NEAR_M = 0.5
# Draws `count` poses afresh: world joints (count, T, 16, 3) and their cameras.
Draw = Callable[[int], tuple[Tensor, Camera]]


@dataclass
class Placement:
    """What came of placing: exactly as many poses as asked for, and how many of those drawn could be kept."""

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
    """Whether every joint of every frame is at least `near` metres in front of the camera and inside the image."""
    seen = in_front(batch.joints_3d, near)
    if keep_in_image and batch.camera is not None:
        seen = seen & in_image(batch.joints_2d, batch.camera.aspect)
    return seen.flatten(1).all(dim=1) & torch.isfinite(batch.joints_2d).flatten(1).all(dim=1)


def place(
    draw: Draw, count: int, near: float | int = NEAR_M, keep_in_image: bool = True, tries: int = 5
) -> Placement | None:
    """Draw until `count` poses can be photographed, at most `tries` times; what is then missing repeats accepted ones.

    Returns None where not a single pose could be photographed.
    """
    kept: list[PoseBatch] = []
    drawn = accepted = 0
    for _ in range(tries):
        batch = photograph(*draw(count - accepted))
        good = is_photographable(batch, near, keep_in_image).nonzero().squeeze(1)
        kept.append(batch[good])
        drawn, accepted = drawn + len(batch), accepted + len(good)
        if accepted >= count:
            break
    if not accepted and count:
        return None
    batch = PoseBatch.cat(kept)
    if accepted < count:
        batch = batch[torch.arange(count, device=batch.source.device) % accepted]
    return Placement(batch, drawn, accepted)
