"""Project world joints to 2D/3D pairs and keep those that all their cameras could have taken."""

import math
from collections.abc import Iterator
from dataclasses import fields

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from augment.cameras import other_places
from augment.settings import AugmentSettings
from data.batch import SYNTHETIC, PoseBatch
from kinematics import Camera
from kinematics.joints import J

NEAR_M = 0.5
PIECE = 16384  # poses drawn at a time: what is computed with on the way then stays in the processor's cache
SPARE = 16


def project_to_batch(joints_world: Float[Tensor, "batch frames joints 3"], camera: Camera) -> PoseBatch:
    """Synthetic poses as their cameras see them, whether or not they could. camera: (B,), or (B, V) for V views."""
    multi_view = camera.translation.ndim == 3
    joints_camera = camera.world_to_camera(joints_world[:, None] if multi_view else joints_world)
    return PoseBatch.of(joints_camera, camera.project(joints_camera), camera, SYNTHETIC)


def is_visible(batch: PoseBatch, near: float | int = NEAR_M, keep_in_image: bool = True) -> Bool[Tensor, "batch"]:
    """Whether all joints of all frames are `near` metres in front of every camera and in its image; NaN is not."""
    lead = 1 if batch.views is None else 2
    seen = batch.joints_3d[..., 2].flatten(lead).amin(dim=lead) >= near
    x, y = (values.flatten(lead).amax(dim=lead) for values in batch.joints_2d.abs().unbind(-1))
    if keep_in_image and batch.camera is not None:
        seen = seen & (x <= 1) & (y <= batch.camera.aspect)
    else:
        seen = seen & (x < math.inf) & (y < math.inf)
    return seen if batch.views is None else seen.all(dim=1)


class VisibleSample:
    """Collects `count` visible poses in at most `tries` rounds; there may then be fewer, or none.

    give_up_early: stop as soon as all rounds together will not do. drawn, accepted: poses so far.
    """

    def __init__(self, count: int, tries: int, give_up_early: bool = False) -> None:
        self.count, self.tries, self.give_up_early = count, tries, give_up_early
        self.drawn = self.accepted = 0
        self._batches: list[PoseBatch] = []

    def __len__(self) -> int:
        return min(self.accepted, self.count)

    def sizes(self) -> Iterator[int]:
        """Yield how many poses to draw next, until there are enough; `add` them before the next step."""
        for _ in range(self.tries if self.count else 0):
            wanted = self.count - self.accepted
            if self.accepted:  # so that this time they will do: many small draws take longer than some poses too many
                wanted = min(self.count, math.ceil(1.1 * wanted * self.drawn / self.accepted) + SPARE)
            for first in range(0, wanted, PIECE):
                yield min(PIECE, wanted - first)
            if self.accepted >= self.count or (self.give_up_early and self.accepted * self.tries < self.drawn):
                return

    def add(self, batch: PoseBatch, visible: Bool[Tensor, "batch"]) -> None:
        """Count poses that were drawn and keep the visible ones."""
        indices = visible.nonzero().squeeze(1)
        self._batches.append(batch.index_select(indices))
        self.drawn, self.accepted = self.drawn + len(batch), self.accepted + len(indices)

    def poses(self) -> PoseBatch:
        """Return the visible poses, `count` at most."""
        return PoseBatch.cat(self._batches)[: self.count]


def pad_by_repeat(samples: list[VisibleSample], count: int, generator: torch.Generator) -> PoseBatch | None:
    """`count` poses of all samples in random order; what is missing repeats those there are. None: there are none."""
    batches = [sample.poses() for sample in samples if len(sample)]
    if not batches:
        return None
    batch = PoseBatch.cat(batches) if len(batches) > 1 else batches[0]
    if len(batch) == count and len(batches) == 1:
        return batch  # they come in random order by themselves
    device = batch.source.device
    indices = torch.arange(count, device=device) % len(batch)
    if len(batches) > 1:
        indices = indices[torch.randperm(count, generator=generator, device=generator.device).to(device)]
    return batch.index_select(indices)


def replace_blind_cameras(
    joints: Float[Tensor, "batch frames joints 3"], camera: Camera, generator: torch.Generator,
    settings: AugmentSettings,
) -> Camera:  # fmt: skip
    """Redraw those of rigs (B, V) that could not take their pose, or poses that reach far would be lost the most."""
    views = camera.translation.shape[1]
    wanted = settings.near, settings.keep_in_image
    blind = (~is_visible(project_to_batch(joints, camera).one_by_one(), *wanted)).nonzero().squeeze(1)
    camera = camera.reshape(-1)
    for _ in range(settings.tries - 1):
        if not len(blind):
            break
        poses = joints[blind // views]
        fresh = other_places(camera[blind], poses[:, poses.shape[1] // 2, J.HIP], generator, settings.wide)
        camera = Camera(*(getattr(camera, p.name).index_copy(0, blind, getattr(fresh, p.name)) for p in fields(Camera)))
        blind = blind[~is_visible(project_to_batch(poses, fresh), *wanted)]
    return camera.reshape(-1, views)
