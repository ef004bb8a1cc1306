"""The rigs that real poses of several views were seen by, and the one view that a critic sees."""

from collections.abc import Iterable

import torch
from torch import Tensor

from data.batch import PoseBatch
from kinematics import Camera


def seen_by_rigs(batches: Iterable[PoseBatch]) -> tuple[Tensor, Camera]:
    """World joints (N, T, J, 3), metres, and the rig (N, V) of every pose that all views saw.

    If none was, of those that two views saw, recorded cameras replacing the missing ones: a rig with fewer.
    """
    parts = [(*_world(batch), camera) for batch in batches if (camera := batch.camera) is not None]
    joints, known = torch.cat([part[0] for part in parts]), torch.cat([part[1] for part in parts])
    camera = Camera.cat([part[2] for part in parts])
    recorded = known.any(dim=2)  # (N, V)
    usable = known.any(dim=1).all(dim=1)  # in no frame missing everywhere
    for least in (recorded.shape[1], 2):
        indices = (usable & (recorded.sum(dim=1) >= least)).nonzero().squeeze(1)
        if len(indices):
            return joints[indices], _stand_in(camera[indices], recorded[indices])
    raise ValueError(
        f"None of {len(recorded)} real poses was seen by two cameras or more and in all its frames: synthetic poses of "
        "several views need such rigs. Use clips of more cameras, or augment a lifter of single views."
    )


def _world(batch: PoseBatch) -> tuple[Tensor, Tensor]:
    """Each frame's joints (B, T, J, 3) from the first view that has it, and which views have it (B, V, T)."""
    known = batch.visible.any(dim=-1)
    first = known.int().argmax(dim=1)
    indices, frames = (torch.arange(size, device=first.device) for size in first.shape)
    return batch.joints_world()[indices[:, None], first, frames], known


def _stand_in(camera: Camera, recorded: Tensor) -> Camera:
    """Rigs (N, V) with recorded cameras, in turn, in place of missing ones."""
    views = torch.arange(recorded.shape[1], device=recorded.device)
    in_turn = (~recorded).int().argsort(dim=1, stable=True).gather(1, views % recorded.sum(dim=1, keepdim=True))
    rig = torch.arange(len(recorded), device=recorded.device)[:, None]
    return camera.reshape(-1)[torch.where(recorded, views, in_turn) + len(views) * rig]


def random_views(batch: PoseBatch, generator: torch.Generator) -> Tensor:
    """(B,) int64: for each pose one of the views that have most of its frames, never a missing one."""
    seen = batch.visible.flatten(2).sum(dim=2)
    chance = torch.rand(seen.shape, generator=generator, device=generator.device).to(seen.device)
    return chance.masked_fill(seen < seen.amax(dim=1, keepdim=True), -1).argmax(dim=1)
