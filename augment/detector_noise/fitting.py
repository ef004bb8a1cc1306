"""Fit a DetectorNoise to errors (N, J, 2) over the person's size, float64 on the CPU, by expectation maximisation."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

ITERATIONS = 40  # from the median, a tenth of them is usually enough
SMALLEST_SD = 1e-6
LOWEST, HIGHEST = 0.005, 0.995  # confidences beyond say "no" or "yes" and not how large the error is
FEWEST = 100  # pairs a number is taken from


@dataclass
class ErrorMixture:
    """sd, outliers, missed: (J,) as in DetectorNoise. gaussian: (N, J) probability that an error is Gaussian;
    lost: (N, J) probability that a joint was missed.
    """

    sd: Tensor
    outliers: Tensor
    missed: Tensor
    gaussian: Tensor
    lost: Tensor


def fit_mixture(errors: Float[Tensor, "poses joints 2"], outlier_radius: float, missed_radius: float) -> ErrorMixture:
    """Fit a Gaussian and two discs per joint, by expectation maximisation. Farther errors count as at the outer rim."""
    if not len(errors):
        raise ValueError("There are no pairs of detected and true 2D to fit detector noise to.")
    squared = errors.square().sum(-1)  # (N, J)
    disc = torch.where(squared < outlier_radius**2, 1 / (math.pi * outlier_radius**2), 0.0)
    wide = torch.full_like(disc, 1 / (math.pi * missed_radius**2))
    variance = squared.median(dim=0).values / (2 * math.log(2))  # of a coordinate, if all were Gaussian
    shares = errors.new_tensor([0.97, 0.02, 0.01])[:, None].expand(3, squared.shape[1])
    weights = torch.stack([disc, disc, wide])
    for _ in range(ITERATIONS):
        variance = variance.clamp_min(SMALLEST_SD**2)
        gaussian = torch.exp(-squared / (2 * variance)) / (2 * math.pi * variance)
        weights = shares[:, None] * torch.stack([gaussian, disc, wide])  # (3, N, J)
        weights = weights / weights.sum(0)
        shares = weights.mean(1)
        variance = (weights[0] * squared).sum(0) / (2 * weights[0].sum(0)).clamp_min(1e-12)
    return ErrorMixture(variance.sqrt(), shares[1], shares[2], weights[0], weights[2])


def correlation_time(
    errors: Float[Tensor, "poses joints 2"], fit: ErrorMixture, follows: Bool[Tensor, "poses"] | None, fps: float | int
) -> float:
    """Estimate for how many seconds Gaussian errors stay alike; 0 if unknown. follows: frame after the one before."""
    if follows is None or int(follows.sum()) < FEWEST:
        return 0.0
    now = follows.nonzero().squeeze(1)
    scaled = errors / fit.sd.clamp_min(SMALLEST_SD)[:, None]
    both = fit.gaussian[now] * fit.gaussian[now - 1]
    together = (both * (scaled[now] * scaled[now - 1]).sum(-1)).sum()
    apart = [(both * scaled[frames].square().sum(-1)).sum() for frames in (now, now - 1)]
    correlation = float(together / (apart[0] * apart[1]).sqrt().clamp_min(1e-12))
    return -1 / (fps * math.log(min(correlation, 0.999))) if correlation > 0.01 else 0.0


def confidence_line(
    errors: Float[Tensor, "poses joints 2"], confidence: Float[Tensor, "poses joints"], fit: ErrorMixture
) -> tuple[float, float, float] | None:
    """Fit (certain, slope >= 0, spread) of logit(confidence) over the error; None from fewer than FEWEST joints."""
    weight = (1 - fit.lost) * (confidence > LOWEST)
    if float(weight.sum()) < FEWEST:
        return None
    distance, logit = errors.norm(dim=-1), torch.logit(confidence.clamp(LOWEST, HIGHEST))
    total = weight.sum()
    mean_distance, mean_logit = (weight * distance).sum() / total, (weight * logit).sum() / total
    apart = distance - mean_distance
    slope = -(weight * apart * (logit - mean_logit)).sum() / (weight * apart.square()).sum().clamp_min(1e-12)
    slope = slope.clamp_min(0)
    certain = mean_logit + slope * mean_distance
    spread = ((weight * (logit - certain + slope * distance).square()).sum() / total).sqrt()
    return float(certain), float(slope), float(spread)
