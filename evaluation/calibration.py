"""How far standard deviations can be trusted: likelihood, coverage, order, by joint coordinate in metres."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from data.multiview.dataset import Poses
from evaluation.evaluate import FRAMES_AT_ONCE
from posenets import ScreenLifter

LEVELS = (0.5, 0.68, 0.9, 0.95)
STEPS = 19  # levels of a calibration curve, 5 % to 95 %
SPARSIFICATION_STEPS = 100


def errors_with_sd(
    lifter: ScreenLifter, dataset: Poses
) -> tuple[Float[Tensor, "samples joints 3"], Float[Tensor, "samples joints 3"]]:
    """Return the errors of a lifter, averaged with its mirror image, and their standard deviations, metres."""
    assert lifter.uncertainty is not None
    errors, sds = [], []
    for indices in torch.arange(len(dataset), device=dataset.device).split(max(64, FRAMES_AT_ONCE // lifter.frames)):
        batch = dataset.batch(indices)
        lifted = lifter.predict_both(batch)
        errors.append(lifted.mean - lifter.target(batch)[:, lifter.target_frame])
        sds.append(lifter.uncertainty(lifted))
    return torch.cat(errors), torch.cat(sds)


def gaussian_nll(error: Float[Tensor, "*shape"], sd: Float[Tensor, "*shape"]) -> float:
    """Mean negative log likelihood of errors, nats per coordinate; lower is better."""
    return float((0.5 * (error / sd).square() + sd.log()).mean()) + 0.5 * math.log(2 * math.pi)


def coverage(error: Float[Tensor, "*shape"], sd: Float[Tensor, "*shape"], level: float) -> float:
    """Share of the errors inside the central interval that holds `level` of a Gaussian."""
    half_width = math.sqrt(2) * float(torch.erfinv(torch.tensor(level, dtype=torch.float64)))
    return float(((error / sd).abs() < half_width).double().mean())


def calibration_curve(error: Float[Tensor, "*shape"], sd: Float[Tensor, "*shape"]) -> tuple[list[float], list[float]]:
    """Levels from 5 to 95 %, and the coverage of each."""
    levels = [(i + 1) / (STEPS + 1) for i in range(STEPS)]
    return levels, [coverage(error, sd, level) for level in levels]


def expected_calibration_error(error: Float[Tensor, "*shape"], sd: Float[Tensor, "*shape"]) -> float:
    """Mean distance of the calibration curve from the diagonal (Kuleshov et al., ICML 2018, with absolute values)."""
    return sum(abs(a - b) for a, b in zip(*calibration_curve(error, sd), strict=True)) / STEPS


def spearman(first: Float[Tensor, "*shape"], second: Float[Tensor, "*shape"]) -> float:
    """Rank correlation."""
    ranks = torch.stack([values.flatten().argsort().argsort().double() for values in (first, second)])
    return float(torch.corrcoef(ranks)[0, 1])


def ause(error: Float[Tensor, "count"], sd: Float[Tensor, "count"]) -> float:
    """Area between two sparsification curves over the mean error: by sd, and by the error itself; 0 is perfect.

    A curve is the mean error of what is left when the least sure part, 0 to 99 %, is left out (Ilg et al., ECCV 2018).
    """
    kept = torch.linspace(len(error), max(1.0, 0.01 * len(error)), SPARSIFICATION_STEPS).long() - 1
    curves = []
    for key in (sd, error):
        cumulated = error[key.argsort()].double().cumsum(0)
        curves.append((cumulated / torch.arange(1, len(error) + 1, device=error.device))[kept])
    return float((curves[0] - curves[1]).mean() / error.double().mean())


def calibration_scores(error: Float[Tensor, "poses joints 3"], sd: Float[Tensor, "poses joints 3"]) -> dict[str, float]:
    """All of these, root left out (its error and sd are 0): nll, ece and coverages in percent, spearman, ause."""
    moves = sd.amin(dim=(0, 2)) > 0
    error, sd = error[:, moves], sd[:, moves]
    lengths = error.norm(dim=-1).flatten(), sd.norm(dim=-1).flatten()
    return {
        "nll": gaussian_nll(error, sd), "ece": 100 * expected_calibration_error(error, sd),
        **{f"cover_{100 * level:.0f}": 100 * coverage(error, sd, level) for level in LEVELS},
        "spearman": spearman(*lengths), "ause": ause(*lengths),
    }  # fmt: skip
