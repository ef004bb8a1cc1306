"""Metrics against numbers computed by the original projects (oracles/metrics_reference.npz) and by properties."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial import procrustes

from evaluation.metrics import (
    auc,
    joint_errors,
    mpjpe,
    n_mpjpe,
    p_mpjpe,
    pck,
    pck_of_errors,
    scale_aligned,
    similarity_aligned,
    velocity_error,
)

ORACLE = np.load(Path(__file__).parents[1] / "oracles" / "metrics_reference.npz")


@pytest.fixture
def poses(float_dtype) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(ORACLE["J17_pred_m"]).to(float_dtype), torch.from_numpy(ORACLE["J17_gt_m"]).to(float_dtype)


@pytest.mark.parametrize(
    "metric, key",
    [
        (mpjpe, "J17_mpjpe_m"), (p_mpjpe, "J17_p_mpjpe_m"), (n_mpjpe, "J17_n_mpjpe_m"),
        (velocity_error, "J17_velocity_error_m_per_frame"), (pck, "J17_pck150_dhaug_all_joints_pct"),
        (auc, "J17_auc_dhaug_all_joints_pct"),
    ],
)  # fmt: skip
def test_metrics_equal_the_originals(metric, key, poses):
    found = metric(*poses)
    assert type(found) is float
    assert found == pytest.approx(float(ORACLE[key]), rel=1e-9 if poses[0].dtype == torch.float64 else 1e-5)


def test_numpy_arrays_give_the_same_numbers():
    prediction, target = ORACLE["J17_pred_m"], ORACLE["J17_gt_m"]
    for metric, key in ((mpjpe, "mpjpe_m"), (p_mpjpe, "p_mpjpe_m"), (n_mpjpe, "n_mpjpe_m")):
        assert metric(prediction, target) == pytest.approx(float(ORACLE[f"J17_{key}"]), rel=1e-9)


def test_parts_equal_the_originals(poses):
    prediction, target = poses
    weights = torch.from_numpy(ORACLE["J17_weights"]).to(prediction.dtype)
    close = dict(rel=1e-5)
    assert mpjpe(prediction, target, weights) == pytest.approx(float(ORACLE["J17_weighted_mpjpe_m"]), **close)
    assert joint_errors(prediction, target).flatten(0, -2).mean(0).numpy() == pytest.approx(
        ORACLE["J17_mpjpe_byjoint_m"], **close
    )
    aligned = joint_errors(similarity_aligned(prediction, target), target).mean(1)
    assert aligned.numpy() == pytest.approx(ORACLE["J17_p_mpjpe_perframe_m"], **close)
    scaled = joint_errors(scale_aligned(prediction, target), target).mean(1)
    assert scaled.numpy() == pytest.approx(ORACLE["J17_n_mpjpe_perframe_m"], **close)
    curve = pck_of_errors(joint_errors(prediction, target))
    assert curve.numpy() == pytest.approx(ORACLE["J17_pck_curve_dhaug_pct"], **close)
    without_root = (prediction[:, 1:], target[:, 1:])
    assert pck(*without_root) == pytest.approx(float(ORACLE["J17_pck150_without_root_pct"]), **close)
    assert auc(*without_root) == pytest.approx(float(ORACLE["J17_auc_without_root_pct"]), **close)


def random_poses(generator, count=20, dtype=torch.float64) -> torch.Tensor:
    return torch.randn(count, 16, 3, generator=generator, dtype=dtype)


def random_rotations(generator, count=20, dtype=torch.float64) -> torch.Tensor:
    rotation = torch.linalg.qr(torch.randn(count, 3, 3, generator=generator, dtype=dtype)).Q
    return rotation * torch.linalg.det(rotation)[:, None, None]


def test_alignment_undoes_a_similarity(generator, float_dtype):
    target = random_poses(generator, dtype=float_dtype)
    moved = 1.7 * target @ random_rotations(generator, dtype=float_dtype).mT + 3.0
    assert p_mpjpe(moved, target) < 1e-5
    assert n_mpjpe(1.7 * target, target) < 1e-6


def test_alignment_does_not_mirror(generator):
    target = random_poses(generator)
    assert p_mpjpe(target * torch.tensor([-1.0, 1.0, 1.0]), target) > 0.1


def test_alignment_equals_scipys_where_scipy_needs_no_mirror(generator):
    target = random_poses(generator)
    prediction = target + 0.1 * random_poses(generator)
    aligned = similarity_aligned(prediction, target)
    for frame in range(len(target)):
        standard, fitted, _ = procrustes(target[frame].numpy(), prediction[frame].numpy())
        spread = (target[frame] - target[frame].mean(0)).norm().item()
        expected = np.linalg.norm(standard - fitted, axis=-1).mean() * spread
        assert mpjpe(aligned[frame], target[frame]) == pytest.approx(expected, rel=1e-9)


def test_frames_are_aligned_alone_whatever_the_batch_dimensions(generator):
    target, prediction = random_poses(generator), random_poses(generator)
    batched = similarity_aligned(prediction.view(4, 5, 16, 3), target.view(4, 5, 16, 3)).view(20, 16, 3)
    single = torch.stack([similarity_aligned(p, t) for p, t in zip(prediction, target, strict=True)])
    assert torch.allclose(batched, single, atol=1e-12)


@pytest.mark.parametrize("degenerate", ["point", "line", "plane", "equal"])
def test_degenerate_poses_give_finite_errors(degenerate, generator, float_dtype):
    target = random_poses(generator, dtype=float_dtype)
    prediction = random_poses(generator, dtype=float_dtype)
    if degenerate == "point":
        prediction = torch.zeros_like(prediction)
    elif degenerate == "line":
        prediction[..., 1:] = 0
    elif degenerate == "plane":
        prediction[..., 2] = 0
    else:
        prediction = target
    for metric in (mpjpe, p_mpjpe, n_mpjpe, velocity_error, pck, auc):
        assert np.isfinite(metric(prediction, target))
    assert p_mpjpe(prediction, target) <= mpjpe(target.mean(1, keepdim=True).expand_as(target), target) * 1.3


def test_a_prediction_in_a_point_is_put_on_the_targets_centre(generator):
    target = random_poses(generator)
    centre = target.mean(1, keepdim=True).expand_as(target)
    assert p_mpjpe(torch.full_like(target, 0.3), target) == pytest.approx(mpjpe(centre, target))


def test_pck_is_strict_and_auc_averages_31_thresholds(float_dtype):
    target = torch.zeros(1, 4, 3, dtype=float_dtype)
    prediction = target.clone()
    prediction[0, :, 0] = torch.tensor([0.0, 0.0749, 0.15, 0.1499])
    assert pck(prediction, target) == 75.0  # exactly 150 mm does not count
    assert auc(prediction, target) == pytest.approx(100 / 4 * (30 + 16 + 0 + 1) / 31)
    assert pck(prediction, target, threshold=0.05) == 25.0


def test_shapes_that_differ_or_are_empty_are_refused():
    with pytest.raises(ValueError, match=r"\(3, 16, 3\), target \(2, 16, 3\)"):
        mpjpe(torch.zeros(3, 16, 3), torch.zeros(2, 16, 3))
    with pytest.raises(ValueError, match="at least one pose"):
        mpjpe(torch.zeros(0, 16, 3), torch.zeros(0, 16, 3))
    with pytest.raises(ValueError, match="at least 2 consecutive frames"):
        velocity_error(torch.zeros(1, 16, 3), torch.zeros(1, 16, 3))
