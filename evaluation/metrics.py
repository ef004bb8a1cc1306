"""Errors of predicted poses. prediction, target: (..., J, 3) metres; every frame and joint weighs the same.

    mpjpe           mean distance per joint                                     (protocol 1)
    p_mpjpe         the same after the best similarity, per frame               (protocol 2)
    n_mpjpe         the same after the best scale, per frame                    (protocol 3)
    velocity_error  mean distance between the frame-to-frame displacements      (MPJVE)
    pck, auc        joints nearer than 150 mm; mean of that over 0, 5, .. 150 mm

Nothing is centred here: subtract the root first where a protocol says so (evaluation/protocols.py).

METRICS holds what result lines, tables, JSON files and TensorBoard show. To add one, write it in a file of its own:

    @register_metric("worst_joint", "mm", "Worst joint")
    def worst_joint(errors: JointErrors) -> float:
        return 1000 * float(errors.plain.amax(dim=1).mean())
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from data.distributed import ALONE, Processes
from kinematics.rotation import fit_similarity

Joints = Float[Tensor, "*batch joints 3"] | Float[np.ndarray, "*batch joints 3"]
# A target of another shape is told in a sentence by _pair, so its annotation has names of its own.
Target = Float[Tensor, "*batch_of_target joints_of_target 3"] | Float[np.ndarray, "*batch_of_target joints_of_target 3"]
PCK_THRESHOLD = 0.15
# MPI-INF-3DHP's mpii_compute_3d_pck.m: 31 thresholds. Nothing is nearer than 0, so the first adds 0.
AUC_THRESHOLDS = tuple(millimetres / 1000 for millimetres in range(0, 151, 5))


def _pair(prediction: Joints, target: Target) -> tuple[Tensor, Tensor]:
    """Convert both to tensors and refuse different shapes."""
    if tuple(prediction.shape) != tuple(target.shape):
        raise ValueError(
            f"prediction has shape {tuple(prediction.shape)}, target {tuple(target.shape)}: expected the same."
        )
    if 0 in prediction.shape:
        raise ValueError(f"prediction has shape {tuple(prediction.shape)}, expected at least one pose.")
    return torch.as_tensor(prediction), torch.as_tensor(target)


def joint_errors(prediction: Joints, target: Target) -> Float[Tensor, "*batch joints"]:
    """Measure the distance of each joint, metres."""
    prediction, target = _pair(prediction, target)
    return torch.linalg.vector_norm(prediction - target, dim=-1)


def mpjpe(prediction: Joints, target: Target, weights: Float[Tensor, "*batch joints"] | None = None) -> float:
    """Compute the mean per-joint position error, metres. weights: factors of the distances (VideoPose3D)."""
    errors = joint_errors(prediction, target)
    return float((errors if weights is None else weights * errors).mean())


def similarity_aligned(prediction: Joints, target: Target) -> Float[Tensor, "*batch joints 3"]:
    """Align each frame by rotation (no reflection), scale and translation; coinciding joints to the target's mean."""
    prediction, target = _pair(prediction, target)
    centred = prediction - prediction.mean(-2, keepdim=True)
    rotation, translation, scale = fit_similarity(centred, target)
    aligned = scale[..., None, None] * centred @ rotation.mT + translation[..., None, :]
    has_scale = centred.square().sum((-2, -1), keepdim=True) > 0
    return torch.where(has_scale, aligned, target.mean(-2, keepdim=True))


def p_mpjpe(prediction: Joints, target: Target) -> float:
    """MPJPE after aligning each frame by a similarity, metres."""
    return mpjpe(similarity_aligned(prediction, target), torch.as_tensor(target))


def scale_aligned(prediction: Joints, target: Target) -> Float[Tensor, "*batch joints 3"]:
    """prediction after the scale that brings it nearest to target, per frame."""
    prediction, target = _pair(prediction, target)
    power = prediction.square().sum((-2, -1), keepdim=True)
    scale = (prediction * target).sum((-2, -1), keepdim=True) / power.clamp_min(torch.finfo(power.dtype).tiny)
    return scale * prediction


def n_mpjpe(prediction: Joints, target: Target) -> float:
    """MPJPE after scaling each frame (Rhodin et al., CVPR 2018), metres."""
    return mpjpe(scale_aligned(prediction, target), torch.as_tensor(target))


def velocity_error(prediction: Joints, target: Target) -> float:
    """Mean distance between displacements of consecutive frames (N, J, 3) of one sequence, metres per frame."""
    prediction, target = _pair(prediction, target)
    if len(prediction) < 2:
        raise ValueError(f"velocity_error needs at least 2 consecutive frames, got {len(prediction)}.")
    return mpjpe(prediction.diff(dim=0), target.diff(dim=0))


def pck(prediction: Joints, target: Target, threshold: float | int = PCK_THRESHOLD) -> float:
    """Percent of joints nearer to their target than threshold (metres, strictly)."""
    return float(pck_of_errors(joint_errors(prediction, target), (threshold,)).mean())


def auc(prediction: Joints, target: Target) -> float:
    """Mean of PCK over the thresholds 0, 5, .. 150 mm, percent."""
    return float(pck_of_errors(joint_errors(prediction, target), AUC_THRESHOLDS).mean())


def pck_of_errors(
    errors: Float[Tensor, "*batch"], thresholds: tuple[float | int, ...] = AUC_THRESHOLDS
) -> Float[Tensor, "thresholds"]:
    """Percent of errors under each threshold, float64. errors and thresholds in metres."""
    counts = [(errors < threshold).sum() for threshold in thresholds]
    return 100 * torch.stack(counts).double() / errors.numel()


@dataclass(frozen=True)
class JointErrors:
    """Poses (N, J, 3) metres, root at 0, and their distances (N, J) metres, per joint.

    plain: as predicted; aligned: after the best similarity (P-MPJPE); scaled: after the best scale (N-MPJPE);
    velocity: of the displacement since the frame before (MPJVE), NaN where that frame is missing. counted: indices of
    the joints that PCK and AUC count, None: all.
    """

    prediction: Tensor
    target: Tensor
    plain: Tensor
    aligned: Tensor
    scaled: Tensor
    velocity: Tensor
    counted: list[int] | None = None

    @classmethod
    def from_poses(
        cls, prediction: Tensor, target: Tensor, follows: Tensor, processes: Processes = ALONE
    ) -> "JointErrors":
        """Errors of every joint. follows: (N,) bool, whether a pose is the frame after the pose before it.

        processes: have the same poses, and share the alignments, which take longest.
        """
        plain = joint_errors(prediction, target)
        velocity = torch.full_like(plain, torch.nan)
        if len(plain) > 1:
            moved = joint_errors(prediction.diff(dim=0), target.diff(dim=0))
            velocity[1:] = torch.where(follows[1:, None], moved, velocity[1:])
        aligned, share = torch.zeros_like(plain), processes.part(len(plain))
        if share.stop > share.start:
            aligned[share] = joint_errors(similarity_aligned(prediction[share], target[share]), target[share])
        processes.sum_up(aligned)
        scaled = joint_errors(scale_aligned(prediction, target), target)
        return cls(prediction, target, plain, aligned, scaled, velocity)

    def select(self, poses: Tensor | slice = slice(None), joints: list[int] | slice = slice(None)) -> "JointErrors":
        """Errors of some poses and some joints; of some joints PCK and AUC count all."""
        parts = (self.prediction, self.target, self.plain, self.aligned, self.scaled, self.velocity)
        counted = self.counted if joints == slice(None) else None
        return JointErrors(*(part[poses][:, joints] for part in parts), counted=counted)

    def counted_errors(self) -> Tensor:
        """Distances of the joints that PCK and AUC count, metres."""
        return self.plain if self.counted is None else self.plain[:, self.counted]


@dataclass(frozen=True)
class Metric:
    """A column of every score table. function: returns the number in `unit`, or None where it has no value."""

    function: Callable[[JointErrors], float | None]
    unit: str
    header: str


def _millimetres(errors: Tensor) -> float:
    return 1000 * float(errors.double().mean())


def _mean_velocity(errors: JointErrors) -> float | None:
    moved = errors.velocity[~errors.velocity.isnan().any(1)]
    return _millimetres(moved) if len(moved) else None


METRICS = {
    "mpjpe": Metric(lambda errors: _millimetres(errors.plain), "mm", "MPJPE"),
    "p_mpjpe": Metric(lambda errors: _millimetres(errors.aligned), "mm", "P-MPJPE"),
    "n_mpjpe": Metric(lambda errors: _millimetres(errors.scaled), "mm", "N-MPJPE"),
    "mpjve": Metric(_mean_velocity, "mm/frame", "MPJVE"),
    "pck": Metric(lambda errors: float(pck_of_errors(errors.counted_errors(), (PCK_THRESHOLD,)).mean()), "%", "PCK"),
    "auc": Metric(lambda errors: float(pck_of_errors(errors.counted_errors()).mean()), "%", "AUC"),
}
MetricFunction = Callable[[JointErrors], float | None]


def register_metric(name: str, unit: str, header: str) -> Callable[[MetricFunction], MetricFunction]:
    """Add the decorated function to METRICS. name: its key in results.jsonl."""

    def register(function: MetricFunction) -> MetricFunction:
        if name in METRICS:
            raise ValueError(f"Metric {name} exists already: choose another name.")
        METRICS[name] = Metric(function, unit, header)
        return function

    return register
