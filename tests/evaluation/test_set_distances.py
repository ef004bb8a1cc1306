"""Distances between sets of features, against SciPy, closed forms and loops."""

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from torch import Tensor

from evaluation.synthetic_quality import distances as set_distances
from evaluation.synthetic_quality.distances import (
    ball_radii,
    frechet_distance,
    frechet_interval,
    moments,
    neighbours,
    pairwise_diversity,
)


def mixed(count: int, size: int, generator: torch.Generator, dtype: torch.dtype = torch.float64) -> Tensor:
    """Correlated features with a mean that is not 0."""
    shape = torch.randn(size, size, generator=generator, dtype=dtype)
    return torch.randn(count, size, generator=generator, dtype=dtype) @ shape + torch.randn(size, generator=generator)


def own_each(features: Tensor) -> Tensor:
    return torch.arange(len(features))


def frechet_by_sqrtm(first: np.ndarray, second: np.ndarray) -> float:
    (m1, s1), (m2, s2) = ((own.mean(0), np.cov(own, rowvar=False)) for own in (first, second))
    return float(np.sum((m1 - m2) ** 2) + np.trace(s1 + s2 - 2 * sqrtm(s1 @ s2).real))


def test_frechet_distance_agrees_with_scipy(generator, float_dtype):
    first, second = (mixed(300, 6, generator, float_dtype) for _ in range(2))
    expected = frechet_by_sqrtm(first.double().numpy(), second.double().numpy())
    assert frechet_distance(moments(first), moments(second)) == pytest.approx(expected, rel=1e-9)


def test_frechet_distance_of_axis_aligned_gaussians_is_that_of_their_means_and_deviations(generator):
    deviations = torch.tensor([[1.0, 2.0, 0.0], [3.0, 0.5, 0.0]]).double()
    means = torch.tensor([[0.0, 1.0, 2.0], [1.0, 1.0, 4.0]]).double()
    first, second = (set_distances.Moments(m, torch.diag(s**2)) for m, s in zip(means, deviations, strict=True))
    expected = float((means[0] - means[1]).square().sum() + (deviations[0] - deviations[1]).square().sum())
    assert frechet_distance(first, second) == pytest.approx(expected, abs=1e-12)


def test_frechet_distance_is_zero_for_the_same_set_and_symmetric(generator, float_dtype):
    first, second = (mixed(200, 5, generator, float_dtype) for _ in range(2))
    first[:, 2] = 0  # a feature that never moves, as the pelvis in pelvis-centred poses
    a, b = moments(first), moments(second)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-7)


def test_weights_are_repeated_lines(generator):
    features = mixed(20, 3, generator)
    times = torch.randint(0, 4, (20,), generator=generator)
    repeated, weighted = moments(features.repeat_interleave(times, dim=0)), moments(features, times.double())
    torch.testing.assert_close(repeated.mean, weighted.mean)
    torch.testing.assert_close(repeated.covariance, weighted.covariance)


def test_interval_holds_its_value_and_is_wider_where_poses_of_a_recording_are_alike(generator):
    centres = torch.randn(10, 3, generator=generator)
    recording = torch.arange(10).repeat_interleave(50)
    alike = centres[recording] + 0.01 * torch.randn(500, 3, generator=generator)
    other = torch.randn(500, 3, generator=generator)

    def interval(own: Tensor) -> set_distances.Interval:
        seeded = torch.Generator().manual_seed(1)
        return frechet_interval((alike, other), (own, own_each(other)), 60, seeded)

    whole, single = interval(recording), interval(own_each(alike))
    assert whole.lower <= whole.value <= whole.upper and interval(recording) == whole
    assert whole.value == single.value == frechet_distance(moments(alike), moments(other))
    assert whole.upper - whole.lower > 2 * (single.upper - single.lower)
    assert interval(torch.zeros(500, dtype=torch.int64)) == single


def neighbours_by_loops(synthetic: np.ndarray, real: np.ndarray, groups: np.ndarray, k: int, wide_k: int):
    def radius(features: np.ndarray, i: int, own: np.ndarray, k: int) -> float:
        others = [other for other, group in zip(features, own, strict=True) if group != own[i]]
        return sorted(np.linalg.norm(features[i] - other) for other in others)[k - 1]

    each = np.arange(len(synthetic))
    apart = np.array([[np.linalg.norm(s - r) for r in real] for s in synthetic])
    real_radii = np.array([[radius(real, i, groups, size) for i in range(len(real))] for size in (k, wide_k)])
    synthetic_radii = np.array([radius(synthetic, i, each, k) for i in range(len(synthetic))])
    return (
        np.mean([any(row <= real_radii[0]) for row in apart]),
        np.mean([any(column <= synthetic_radii) for column in apart.T]),
        np.mean([np.sum(row <= real_radii[1]) for row in apart]) / wide_k,
        np.mean([any(column <= radius) for column, radius in zip(apart.T, real_radii[1], strict=True)]),
    )


@pytest.mark.parametrize("chunk", [7, 512])
def test_neighbours_agree_with_loops_whatever_the_chunk(generator, float_dtype, monkeypatch, chunk):
    monkeypatch.setattr(set_distances, "CHUNK", chunk)
    synthetic, real = (torch.randn(count, 3, generator=generator, dtype=float_dtype) for count in (40, 30))
    groups = torch.arange(10).repeat_interleave(3)
    found = neighbours((synthetic, real), (own_each(synthetic), groups), 2, 4)
    expected = neighbours_by_loops(synthetic.double().numpy(), real.double().numpy(), groups.numpy(), 2, 4)
    assert (found.precision, found.recall, found.density, found.coverage) == pytest.approx(expected)
    apart = torch.cdist(synthetic.double(), real.double())
    torch.testing.assert_close(found.to_real, apart.amin(1), atol=1e-6, rtol=0)
    torch.testing.assert_close(found.to_synthetic, apart.amin(0), atol=1e-6, rtol=0)


def test_a_set_covers_itself_and_nothing_far_away(generator):
    features = torch.randn(50, 4, generator=generator)
    same = neighbours((features, features), (own_each(features), own_each(features)))
    assert same.precision == same.recall == same.coverage == 1 and float(same.to_real.max()) < 1e-6
    far = neighbours((features + 100, features), (own_each(features), own_each(features)))
    assert far.precision == far.recall == far.density == far.coverage == 0


def test_a_set_of_one_recording_sees_its_own_poses(generator):
    features = torch.randn(30, 4, generator=generator)
    one = ball_radii(features, torch.zeros(30, dtype=torch.int64), (3,))
    torch.testing.assert_close(one, ball_radii(features, own_each(features), (3,)))


def test_too_few_poses_for_a_neighbourhood_are_refused():
    with pytest.raises(ValueError, match="expected more than 5"):
        neighbours((torch.zeros(5, 2), torch.zeros(5, 2)), (torch.arange(5), torch.arange(5)))


def test_diversity_is_the_mean_over_all_pairs(generator):
    joints = torch.randn(12, 4, 3, generator=generator)
    pairs = [(joints[i] - joints[j]).norm(dim=-1).mean() for i in range(12) for j in range(12) if i != j]
    assert pairwise_diversity(joints, generator) == pytest.approx(float(sum(pairs) / len(pairs)), rel=0.01)
    assert pairwise_diversity(joints[:1].repeat(9, 1, 1), generator) == 0
