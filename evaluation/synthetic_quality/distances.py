"""Distances of two sets of features (N, F): Frechet with a bootstrap, neighbours, precision and recall, in chunks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

CHUNK = 512  # lines of a distance matrix held at once
PRECISION_K, DENSITY_K = 3, 5
_95_PERCENT = 1.96  # standard deviations either side of a normal distribution's mean


class Moments(NamedTuple):
    """mean (F,) and covariance (F, F) of a set of features."""

    mean: Tensor
    covariance: Tensor


def moments(features: Float[Tensor, "lines size"], weights: Float[Tensor, "lines"] | None = None) -> Moments:
    """Mean and unbiased covariance, float64. weights: how often each line counts, default once."""
    features = features.double()
    weights = torch.ones_like(features[:, 0]) if weights is None else weights
    mean = weights @ features / weights.sum()
    centred = features - mean
    return Moments(mean, (centred * weights[:, None]).T @ centred / (weights.sum() - 1))


def frechet_distance(first: Moments, second: Moments) -> float:
    """Squared 2-Wasserstein distance of two Gaussians, in the features' unit squared.

    |m1 - m2|^2 + tr(S1 + S2 - 2 (S1^1/2 S2 S1^1/2)^1/2) (Dowson and Landau 1982; Heusel et al. 2017 for FID). Both
    roots are of symmetric matrices, so features that are always 0 do no harm.
    """
    values, vectors = torch.linalg.eigh(first.covariance)
    root = (vectors * values.clamp_min(0).sqrt()) @ vectors.T
    shared = torch.linalg.eigvalsh(root @ second.covariance @ root).clamp_min(0).sqrt().sum()
    traces = first.covariance.trace() + second.covariance.trace()
    return max(0.0, float((first.mean - second.mean).square().sum() + traces - 2 * shared))


class Interval(NamedTuple):
    """A number with the ends of its 95 % confidence interval."""

    value: float
    lower: float
    upper: float


def frechet_interval(
    features: tuple[Float[Tensor, "first size"], Float[Tensor, "second size"]],
    recordings: tuple[Int[Tensor, "first"], Int[Tensor, "second"]],
    times: int, generator: torch.Generator,
) -> Interval:  # fmt: skip
    """Frechet distance, and 1.96 bootstrap standard deviations either side over whole recordings, numbered from 0."""
    value = frechet_distance(*(moments(sample) for sample in features))
    distances = []
    for _ in range(times):
        sample = [_resampled(lines, groups, generator) for lines, groups in zip(features, recordings, strict=True)]
        distances.append(frechet_distance(*sample))
    spread = _95_PERCENT * float(torch.tensor(distances).std()) if times > 1 else 0.0
    return Interval(value, max(0.0, value - spread), value + spread)


def _resampled(features: Tensor, recording: Tensor, generator: torch.Generator) -> Moments:
    count = int(recording.max()) + 1
    if count == 1:  # nothing but its poses to draw from
        recording, count = torch.arange(len(features)), len(features)
    drawn = torch.randint(count, (count,), generator=generator)
    return moments(features, torch.bincount(drawn, minlength=count)[recording].double())


def pairwise_diversity(
    joints: Float[Tensor, "poses joints 3"], generator: torch.Generator, pairs: int = 100_000
) -> float:
    """Mean distance of a joint between two different poses of the set, metres: the field's APD, over random pairs."""
    first = torch.randint(len(joints), (pairs,), generator=generator)
    step = torch.randint(1, len(joints), (pairs,), generator=generator)
    return float((joints[first] - joints[(first + step) % len(joints)]).norm(dim=-1).double().mean())


@dataclass(frozen=True)
class Neighbours:
    """Overlap of two sets. The first four are fractions; density can exceed 1."""

    precision: float
    recall: float
    density: float
    coverage: float
    to_real: Tensor
    """(S,) distance of every synthetic line to its nearest real one, in the features' unit."""
    to_synthetic: Tensor
    """(R,) the other way."""


def neighbours(
    features: tuple[Float[Tensor, "synthetic size"], Float[Tensor, "real size"]],
    recordings: tuple[Int[Tensor, "synthetic"], Int[Tensor, "real"]],
    precision_k: int = PRECISION_K, density_k: int = DENSITY_K,
) -> Neighbours:  # fmt: skip
    """Precision and recall (Kynkaanniemi et al. 2019), density and coverage (Naeem et al. 2020), nearest distances.

    features, recordings: of the synthetic and the real set. A line's ball reaches to its k-th nearest line of its set
    in another recording: frames beside it would leave nothing inside. Precision, recall: lines in a ball of the other
    set; density: real balls over a synthetic line, over k; coverage: real lines with a synthetic one in their ball.
    """
    synthetic, real = features
    real_radii, wide_radii = ball_radii(real, recordings[1], (precision_k, density_k))
    (synthetic_radii,) = ball_radii(synthetic, recordings[0], (precision_k,))
    to_synthetic = torch.full((len(real),), torch.inf, dtype=torch.float64)
    recalled = torch.zeros(len(real), dtype=torch.bool)
    inside, over, nearest = 0, 0, []
    for chunk, distances in _chunks(synthetic, real):
        nearest.append(distances.amin(dim=1))
        inside += int((distances <= real_radii).any(dim=1).sum())
        over += int((distances <= wide_radii).sum())
        recalled |= (distances <= synthetic_radii[chunk, None]).any(dim=0)
        to_synthetic = torch.minimum(to_synthetic, distances.amin(dim=0))
    return Neighbours(
        precision=inside / len(synthetic),
        recall=float(recalled.double().mean()),
        density=over / (density_k * len(synthetic)),
        coverage=float((to_synthetic <= wide_radii).double().mean()),
        to_real=torch.cat(nearest),
        to_synthetic=to_synthetic,
    )


def ball_radii(
    features: Float[Tensor, "lines size"], recording: Int[Tensor, "lines"], ks: tuple[int, ...]
) -> list[Float[Tensor, "lines"]]:
    """Distance of every line to its k-th nearest of another recording, for each k; of any where others are too few."""
    if len(features) <= max(ks):
        raise ValueError(f"There are {len(features)} poses, expected more than {max(ks)}: that many neighbours of one.")
    alone = torch.bincount(recording)[recording] > len(features) - max(ks)
    nearest = []
    for chunk, distances in _chunks(features, features):
        distances.masked_fill_((recording[chunk, None] == recording) & ~alone[chunk, None], torch.inf)
        distances.diagonal(chunk.start).fill_(torch.inf)  # the line itself
        nearest.append(distances.topk(max(ks), largest=False).values)
    ordered = torch.cat(nearest)
    return [ordered[:, k - 1] for k in ks]


def _chunks(first: Tensor, second: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Chunks of lines of the distance matrix. float64, since products of float32 lose the small distances."""
    second = second.double()
    for start in range(0, len(first), CHUNK):
        chunk = slice(start, start + CHUNK)
        yield chunk, torch.cdist(first[chunk].double(), second, compute_mode="use_mm_for_euclid_dist")
