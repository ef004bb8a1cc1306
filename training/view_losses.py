"""ESMformer's self-supervised losses, here of projections from the triangulated hip, in screen units, label-free."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from data import PoseBatch, distributed
from kinematics.constants import constant
from posenets.views.rays import triangulated as triangulated_joints

TRIMMED = (0.05, 0.95)  # quantiles between which a batch's errors are taken for its mean and spread
NEAREST = 0.5  # metres
MISTAKEN = 1.0  # half image widths
WIDEST = 2.0  # spread from which a sample's weight falls to LEAST at once
LEAST = 1e-10


def triangulated(batch: PoseBatch) -> Float[Tensor, "batch frames joints 3"]:
    """World joints from the views' 2D alone, metres; a view counts by its confidence, a missing one not at all."""
    if batch.camera is None or batch.views is None:
        raise ValueError("Triangulation needs several views and their cameras: this batch has " + (
            "no cameras." if batch.camera is None else "one view of each pose."))  # fmt: skip
    with torch.no_grad():
        return triangulated_joints(batch.joints_2d, batch.certainty(), batch.camera)


def triangulation_loss(
    prediction: Float[Tensor, "batch frames joints 3"], batch: PoseBatch, points: Tensor | None = None
) -> Float[Tensor, "batch"]:
    """Mean absolute coordinate difference to the triangulated joints (`points`), both about their hips, metres."""
    points = triangulated(batch) if points is None else points
    root = batch.skeleton.root
    return (prediction - (points - points[:, :, root, None])).abs().mean(dim=(1, 2, 3))


def reprojection_loss(
    prediction: Float[Tensor, "batch frames joints 3"], batch: PoseBatch, points: Tensor | None = None
) -> Float[Tensor, "batch"]:
    """Mean absolute difference on all screens, half image widths, weighted by confidence; the hip as triangulated."""
    points = triangulated(batch) if points is None else points
    assert batch.camera is not None
    world = prediction + points[:, :, batch.skeleton.root, None]
    every = world[:, None].expand(-1, batch.views or 0, -1, -1, -1)
    sideways, depth = batch.camera.world_to_camera(every).split([2, 1], dim=-1)
    seen = batch.camera.project(torch.cat([sideways, depth.clamp_min(NEAREST)], dim=-1))  # nothing is behind a camera
    weight = batch.certainty()
    # A view that is off by half an image has mistaken the joint, by however much.
    off = ((seen - batch.joints_2d).abs().mean(dim=-1).clamp_max(MISTAKEN) * weight).sum(dim=(1, 2, 3))
    return off / weight.sum(dim=(1, 2, 3)).clamp_min(torch.finfo(weight.dtype).eps)


def self_supervised(
    prediction: Float[Tensor, "batch frames joints 3"], batch: PoseBatch, triangulation_share: float | int
) -> Float[Tensor, "batch"]:
    """loss_w of triangulation, the rest of reprojection (published: 0.8). 1 or 0: one of them alone."""
    points = triangulated(batch)
    loss = prediction.new_zeros(len(batch))
    if triangulation_share:
        loss = loss + triangulation_share * triangulation_loss(prediction, batch, points)
    if triangulation_share < 1:
        loss = loss + (1 - triangulation_share) * reprojection_loss(prediction, batch, points)
    return loss


class ErrorAwareWeights:
    """Weights of samples, times exp(-(loss - trimmed mean) * trimmed sd) after a batch (ESMformer's adaptive_loss)."""

    def __init__(self, samples: int, device: torch.device | str = "cpu") -> None:
        self.weights = torch.ones(samples, device=device)
        self.agreed = self.weights.clone()  # by all processes

    def weighted(self, losses: Float[Tensor, "batch"], indices: Int[Tensor, "batch"]) -> Tensor:
        """Average the losses under the weights so far, which then learn from them. indices: numbers of the samples."""
        weights = self.weights[indices]
        mean = (weights * losses).sum() / weights.sum().clamp_min(LEAST)
        self._update(losses.detach(), indices)
        return mean

    def _update(self, losses: Tensor, indices: Tensor) -> None:
        low, high = torch.quantile(losses, constant(TRIMMED, losses)).unbind()
        usual = losses[(losses >= low) & (losses <= high)]
        spread = usual.std(unbiased=False)
        factor = torch.exp(-(losses - usual.mean()) * spread)
        factor = torch.where(spread >= WIDEST, torch.full_like(factor, LEAST), factor)
        self.weights[indices] = (self.weights[indices] * factor).clamp_min(LEAST)

    def synchronise(self) -> None:
        """Make the weights of all processes the same: each sample's factors of all of them multiplied."""
        logarithms = self.weights.log() - self.agreed.log()
        distributed.sum_up(logarithms)
        self.restore((self.agreed.log() + logarithms).exp().clamp_min(LEAST))

    def restore(self, weights: Tensor, agreed: Tensor | None = None) -> None:
        """Go on with weights that were agreed on or saved. agreed: by all processes, if those are others."""
        self.weights = weights.to(self.weights.device, copy=True)
        self.agreed = (weights if agreed is None else agreed).to(self.weights.device, copy=True)
