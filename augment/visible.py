"""World joints and cameras -> 2D/3D pairs, of which only those a camera could have taken are kept.

The original put every fake in front of its camera or not, as it came: such pairs trained the lifter. A pose of several
views is kept if all its cameras could have taken it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from data.batch import SYNTHETIC, PoseBatch
from kinematics import Camera

NEAR_M = 0.5
PIECE = 16384  # poses drawn at a time: what is computed with on the way then stays in the processor's cache
SPARE = 16
# Draws `count` poses afresh: world joints (count, T, 16, 3) and their cameras, (count,) or (count, V).
Draw = Callable[[int], tuple[Tensor, Camera]]
# Draws other cameras (N,) for poses (N, T, 16, 3) that these could not take.
Redraw = Callable[[Tensor, Camera], Camera]


@dataclass
class VisibleSample:
    """What came of placing: poses, as many as asked for or those there were, and how many of those drawn were good."""

    batch: PoseBatch
    drawn: int
    accepted: int

    @property
    def acceptance(self) -> float:
        return self.accepted / max(self.drawn, 1)


def project_to_batch(joints_world: Float[Tensor, "batch frames joints 3"], camera: Camera) -> PoseBatch:
    """Synthetic poses as their cameras see them, whether or not they could. camera: (B,), or (B, V) for V views."""
    multi_view = camera.translation.ndim == 3
    joints_camera = camera.world_to_camera(joints_world[:, None] if multi_view else joints_world)
    return PoseBatch.of(joints_camera, camera.project(joints_camera), camera, SYNTHETIC)


def is_visible(batch: PoseBatch, near: float | int = NEAR_M, keep_in_image: bool = True) -> Bool[Tensor, "batch"]:
    """Whether every joint of every frame is at least `near` metres in front of the camera and inside the image, in all
    views.

    Only the nearest and the outermost of a pose's numbers are compared: a number that is none is the outermost.
    """
    lead = 1 if batch.views is None else 2
    seen = batch.joints_3d[..., 2].flatten(lead).amin(dim=lead) >= near
    x, y = (values.flatten(lead).amax(dim=lead) for values in batch.joints_2d.abs().unbind(-1))
    if keep_in_image and batch.camera is not None:
        seen = seen & (x <= 1) & (y <= batch.camera.aspect)
    else:
        seen = seen & (x < math.inf) & (y < math.inf)
    return seen if batch.views is None else seen.all(dim=1)


def sample_visible(
    draw: Draw, count: int, near: float | int = NEAR_M, keep_in_image: bool = True, tries: int = 5,
    redraw: Redraw | None = None, give_up_early: bool = False,
) -> VisibleSample:  # fmt: skip
    """Draw until `count` poses can be photographed, at most `tries` times; there may then be fewer, or none.

    redraw: of poses of several views, first draw anew, as often, the cameras that cannot take them. Without it a pose
    stays with the V-th power of one camera's chance, and those that reach or move far are lost the most.
    give_up_early: stop as soon as all tries together will not do.
    """
    kept: list[PoseBatch] = []
    drawn = accepted = 0
    for _ in range(tries):
        wanted = count - accepted
        if accepted:  # so that this time they will do: many small draws take longer than some poses too many
            wanted = min(count, math.ceil(1.1 * wanted * drawn / accepted) + SPARE)
        for first in range(0, wanted, PIECE):
            joints, camera = draw(min(PIECE, wanted - first))
            if redraw is not None:
                camera = _with_others(joints, camera, redraw, (near, keep_in_image), tries)
            batch = project_to_batch(joints, camera)
            good = is_visible(batch, near, keep_in_image).nonzero().squeeze(1)
            kept.append(batch.index_select(good))
            drawn, accepted = drawn + len(batch), accepted + len(good)
        if accepted >= count or (give_up_early and accepted * tries < drawn):
            break
    return VisibleSample(PoseBatch.cat(kept)[:count], drawn, accepted)


def pad_by_repeat(samples: list[VisibleSample], count: int, generator: torch.Generator) -> PoseBatch | None:
    """`count` poses of several placements in random order; what is missing repeats those there are. None: there are
    none.
    """
    batches = [sample.batch for sample in samples if len(sample.batch)]
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


def _with_others(joints: Tensor, camera: Camera, redraw: Redraw, wanted: tuple[float, bool], tries: int) -> Camera:
    """The rigs (B, V) with other cameras where those could not take the pose. wanted: near, keep_in_image."""
    views = camera.translation.shape[1]
    bad = (~is_visible(project_to_batch(joints, camera).one_by_one(), *wanted)).nonzero().squeeze(1)
    camera = camera.reshape(-1)
    for _ in range(tries - 1):
        if not len(bad):
            break
        poses = joints[bad // views]
        fresh = redraw(poses, camera[bad])
        camera = Camera(
            *(getattr(camera, of.name).index_copy(0, bad, getattr(fresh, of.name)) for of in fields(Camera))
        )
        bad = bad[~is_visible(project_to_batch(poses, fresh), *wanted)]
    return camera.reshape(-1, views)
