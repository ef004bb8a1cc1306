"""World joints and cameras -> 2D/3D pairs, of which only those a camera could have taken are kept.

The original put every fake in front of its camera or not, as it came: such pairs trained the lifter. A pose of several
views is kept if all its cameras could have taken it.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from data.batch import SYNTHETIC, PoseBatch
from kinematics import Camera, in_front, in_image

NEAR_M = 0.5
# Draws `count` poses afresh: world joints (count, T, 16, 3) and their cameras, (count,) or (count, V).
Draw = Callable[[int], tuple[Tensor, Camera]]
# Draws other cameras (N,) for poses (N, T, 16, 3) that these could not take.
Redraw = Callable[[Tensor, Camera], Camera]


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
    """Synthetic poses as their cameras see them, whether or not they could. camera: (B,), or (B, V) for V views."""
    several = camera.translation.ndim == 3
    joints_camera = camera.world_to_camera(joints_world[:, None] if several else joints_world)
    return PoseBatch.of(joints_camera, camera.project(joints_camera), camera, SYNTHETIC)


def is_photographable(
    batch: PoseBatch, near: float | int = NEAR_M, keep_in_image: bool = True
) -> Bool[Tensor, "batch"]:
    """Whether every joint of every frame is at least `near` metres in front of the camera and inside the image, in all
    views.
    """
    seen = in_front(batch.joints_3d, near)
    if keep_in_image and batch.camera is not None:
        seen = seen & in_image(batch.joints_2d, batch.camera.aspect)
    return seen.flatten(1).all(dim=1) & torch.isfinite(batch.joints_2d).flatten(1).all(dim=1)


def place(
    draw: Draw, count: int, near: float | int = NEAR_M, keep_in_image: bool = True, tries: int = 5,
    redraw: Redraw | None = None,
) -> Placement | None:  # fmt: skip
    """Draw until `count` poses can be photographed, at most `tries` times; what is then missing repeats accepted ones.

    redraw: of poses of several views, first draw anew, as often, the cameras that cannot take them. Without it a pose
    stays with the V-th power of one camera's chance, and those that reach or move far are lost the most.
    Returns None where not a single pose could be photographed.
    """
    kept: list[PoseBatch] = []
    drawn = accepted = 0
    for _ in range(tries):
        joints, camera = draw(count - accepted)
        if redraw is not None:
            camera = _with_others(joints, camera, redraw, (near, keep_in_image), tries)
        batch = photograph(joints, camera)
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


def _with_others(joints: Tensor, camera: Camera, redraw: Redraw, wanted: tuple[float, bool], tries: int) -> Camera:
    """The rigs (B, V) with other cameras where those could not take the pose. wanted: near, keep_in_image."""
    views = camera.translation.shape[1]
    bad = (~is_photographable(photograph(joints, camera).one_by_one(), *wanted)).nonzero().squeeze(1)
    camera = camera.reshape(-1)
    for _ in range(tries - 1):
        if not len(bad):
            break
        poses = joints[bad // views]
        fresh = redraw(poses, camera[bad])
        camera = Camera(
            *(getattr(camera, of.name).index_copy(0, bad, getattr(fresh, of.name)) for of in fields(Camera))
        )
        bad = bad[~is_photographable(photograph(poses, fresh), *wanted)]
    return camera.reshape(-1, views)
