from dataclasses import replace

import pytest
import torch

from data import PoseBatch
from data.h36m.cameras import H36M_CAMERAS
from kinematics import Camera
from training.view_losses import (
    LEAST,
    ErrorAwareWeights,
    reprojection_loss,
    self_supervised,
    triangulated,
    triangulation_loss,
)


@pytest.fixture
def batch(generator: torch.Generator) -> PoseBatch:
    """Five clips of three frames in Human3.6M's room, seen by its four cameras, float64."""
    body = 0.3 * torch.randn(5, 1, 16, 3, generator=generator, dtype=torch.float64)
    path = torch.tensor([0.0, 0.5, 1.0]) + 0.1 * torch.randn(5, 3, 1, 3, generator=generator, dtype=torch.float64)
    rig = Camera.stack(H36M_CAMERAS["S1"]).to(torch.float64)
    camera = Camera(*(values.expand(5, *values.shape) for values in
                      (rig.orientation_wxyz, rig.translation, rig.intrinsics, rig.aspect)))  # fmt: skip
    seen = camera.world_to_camera((body + path)[:, None].expand(-1, 4, -1, -1, -1))
    return PoseBatch.of(seen, camera.project(seen), camera)


def ground_truth(batch: PoseBatch) -> torch.Tensor:
    world = batch.joints_world()[:, 0]
    return world - world[:, :, :1]


def test_the_true_pose_has_no_loss(batch: PoseBatch):
    for loss in (triangulation_loss, reprojection_loss):
        assert float(loss(ground_truth(batch), batch).max()) < 1e-6
    assert float(self_supervised(ground_truth(batch), batch, 0.8).max()) < 1e-6


def test_losses_are_in_metres_and_half_image_widths(batch: PoseBatch):
    moved = ground_truth(batch)
    moved[..., 1:, :] += torch.tensor([0.016, 0.0, 0.0])  # all but the hip
    third = torch.full((5,), 0.005, dtype=torch.float64)
    torch.testing.assert_close(triangulation_loss(moved, batch), third, atol=1e-6, rtol=0)
    # 16 mm at some five metres through a focal length of 2.3: at most 7 thousandths of half an image, on average less
    assert 0.001 < float(reprojection_loss(moved, batch).mean()) < 0.007


def test_labels_cannot_leak_into_self_supervision(batch: PoseBatch):
    without = replace(batch, joints_3d=torch.full_like(batch.joints_3d, torch.nan))
    prediction = ground_truth(batch) + 0.01
    for share in (0.0, 0.8, 1.0):
        blind = prediction.clone().requires_grad_()
        loss = self_supervised(blind, without, share)
        loss.sum().backward()
        assert torch.isfinite(loss).all() and torch.isfinite(blind.grad).all()
        torch.testing.assert_close(loss, self_supervised(prediction, batch, share))


def test_the_mix_is_the_weighted_sum_of_its_parts(batch: PoseBatch):
    prediction = ground_truth(batch) * 1.1
    expected = 0.8 * triangulation_loss(prediction, batch) + 0.2 * reprojection_loss(prediction, batch)
    torch.testing.assert_close(self_supervised(prediction, batch, 0.8), expected)


def test_a_missing_view_changes_nothing(batch: PoseBatch):
    visible = batch.visible.clone()
    visible[:, 2] = False
    wrong = batch.joints_2d.clone()
    wrong[:, 2] = 0.9
    blind = replace(batch, joints_2d=wrong, visible=visible)
    assert float(self_supervised(ground_truth(batch), blind, 0.5).max()) < 1e-6


def test_descending_the_loss_finds_the_pose(batch: PoseBatch):
    guess = torch.zeros_like(ground_truth(batch)).requires_grad_()
    optimizer = torch.optim.Adam([guess], lr=0.02)
    for _ in range(120):
        optimizer.zero_grad()
        self_supervised(guess, batch, 0.2).sum().backward()
        optimizer.step()
    assert float((guess.detach() - ground_truth(batch)).norm(dim=-1).mean()) < 0.02


def test_weights_of_samples_that_stay_bad_sink_and_of_good_ones_do_not():
    weights, losses = ErrorAwareWeights(50), torch.full((50,), 0.1)
    losses += 0.05 * torch.linspace(-1, 1, 50)
    losses[7] = 3.0
    first = weights.weighted(losses, torch.arange(50))
    torch.testing.assert_close(first, losses.mean())
    for _ in range(40):
        last = weights.weighted(losses, torch.arange(50))
    assert weights.weights[7] < 0.2 < weights.weights[[0, 20, 49]].min() and last < first


def test_a_batch_that_is_all_over_the_place_counts_for_almost_nothing():
    weights = ErrorAwareWeights(10)
    weights.weighted(torch.linspace(0, 20, 10), torch.arange(10))
    assert (weights.weights == LEAST).all()


def test_one_view_cannot_be_triangulated(batch: PoseBatch):
    with pytest.raises(ValueError, match="one view of each pose"):
        triangulated(batch.one_by_one())
    with pytest.raises(ValueError, match="no cameras"):
        triangulated(replace(batch, camera=None))
