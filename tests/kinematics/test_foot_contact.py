"""Clips that stand on their feet: what carries the body stays where it is."""

import pytest
import torch

from evaluation.motion import FEET, foot_slides
from kinematics.foot_contact import SOFT_M, _smoothed_on_gpu, lowest_heights, remove_foot_skate, smoothed

RIGHT, LEFT = FEET


@pytest.fixture
def bodies(generator, float_dtype) -> torch.Tensor:
    """(5, 12, 16, 3): random joints half a metre and more above the right foot; that and the hip stand still."""
    clips = torch.randn(5, 12, 16, 3, generator=generator, dtype=float_dtype)
    clips[..., 2] = clips[..., 2].abs() + 0.5
    clips[:, :, 0] = clips[:, :1, 0]
    clips[:, :, RIGHT] = clips[:, :1, RIGHT]
    clips[:, :, RIGHT, 2] = 0.0
    return clips


def test_a_body_on_a_standing_foot_stays_where_it_is(bodies):
    torch.testing.assert_close(remove_foot_skate(bodies), bodies, atol=1e-4, rtol=0)


def test_a_steady_slide_is_undone_and_the_middle_frame_stays(bodies, generator):
    speed = torch.randn(5, 1, 1, 3, generator=generator, dtype=bodies.dtype) * torch.tensor([1, 1, 0])
    sliding = bodies + 0.05 * speed * (torch.arange(12)[:, None, None] - 3.0)
    stood = remove_foot_skate(sliding)
    torch.testing.assert_close(stood - stood[:, :1], bodies - bodies[:, :1], atol=1e-4, rtol=0)
    assert float(foot_slides(stood, 25.0)[0][..., 0].amax()) < 2e-3
    assert torch.equal(stood[:, 6], sliding[:, 6])


def test_the_hip_s_own_track_does_not_matter(generator, float_dtype):
    clips = torch.randn(4, 9, 16, 3, generator=generator, dtype=float_dtype)
    track = torch.randn(4, 9, 1, 3, generator=generator, dtype=float_dtype) * torch.tensor([1, 1, 0])
    track[:, 4] = 0
    torch.testing.assert_close(remove_foot_skate(clips + track), remove_foot_skate(clips), atol=1e-5, rtol=0)


def test_a_hip_that_moves_on_over_a_standing_foot_goes_on_doing_so(bodies):
    frames = torch.arange(12, dtype=bodies.dtype)
    bodies[:, :, 0, 0] += 0.03 * frames  # walks on over the foot at a steady pace
    torch.testing.assert_close(remove_foot_skate(bodies), bodies, atol=1e-4, rtol=0)


def test_heights_and_poses_are_untouched(generator, float_dtype):
    clips = torch.randn(4, 9, 16, 3, generator=generator, dtype=float_dtype)
    moved = remove_foot_skate(clips)
    assert torch.equal(moved[..., 2], clips[..., 2])
    hip = slice(0, 1)
    torch.testing.assert_close(moved - moved[:, :, hip], clips - clips[:, :, hip], atol=1e-5, rtol=0)


def test_a_single_frame_is_left_alone(generator):
    pose = torch.randn(4, 1, 16, 3, generator=generator)
    assert torch.equal(remove_foot_skate(pose), pose)


def test_the_foot_that_is_lower_decides(bodies):
    bodies[:, :, LEFT, :2] = bodies[:, :1, LEFT, :2] + 0.02 * torch.arange(12)[:, None].to(bodies)
    for height, carried_by in ((10 * SOFT_M, RIGHT), (-10 * SOFT_M, LEFT)):
        bodies[:, :, LEFT, 2] = height
        track = remove_foot_skate(bodies)[:, :, carried_by, :2]
        assert float((track - track[:, :1]).abs().amax()) < 1e-3


def test_the_soft_lowest_height_is_a_little_lower_and_smooth(generator):
    clips = torch.randn(4, 9, 16, 3, generator=generator, dtype=torch.float64).requires_grad_()
    hard, soft = lowest_heights(clips), lowest_heights(clips, softly=True)
    assert (soft <= hard + 1e-9).all() and (soft >= hard - SOFT_M * torch.tensor(16.0).log()).all()
    (gradient,) = torch.autograd.grad(soft.sum(), clips)
    assert float(gradient[..., 2].sum(-1).sub(1).abs().amax()) < 1e-9  # raised as a whole, it rises as much
    torch.testing.assert_close(lowest_heights(clips + 0.3, softly=True), soft + 0.3)


def test_smoothing_keeps_what_is_steady_and_equals_a_loop(generator):
    steady = torch.randn(3, 1, 2, generator=generator).expand(3, 7, 2)
    torch.testing.assert_close(smoothed(steady), steady)
    series = torch.randn(2, 7, 2, generator=generator, dtype=torch.float64)
    found = smoothed(series)
    weights = [torch.tensor(-0.5 * (k / 2) ** 2).exp().item() for k in range(-6, 7)]
    for t in range(7):
        places = [min(max(t + k, 0), 6) for k in range(-6, 7)]
        expected = sum(w * series[:, place] for w, place in zip(weights, places, strict=True)) / sum(weights)
        torch.testing.assert_close(found[:, t], expected, atol=1e-6, rtol=1e-5)


def test_gradients_reach_the_legs(bodies):
    joints = bodies.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(remove_foot_skate(joints)[:, :, 0, :2].square().sum(), joints)
    assert torch.isfinite(gradient).all()
    assert float(gradient[:, :, RIGHT].abs().amax()) > 0


def test_what_a_gpu_smooths_with_gives_the_same_and_the_same_gradient(generator, float_dtype):
    series = torch.randn(3, 8, 2, generator=generator, dtype=float_dtype, requires_grad=True)
    weights = torch.rand(13, generator=generator, dtype=float_dtype)
    weights = weights / weights.sum()
    extended = torch.nn.functional.pad(series.mT, (6, 6), mode="replicate").flatten(0, 1)
    wanted = torch.nn.functional.conv1d(extended[:, None], weights[None, None]).reshape(3, 2, 8)
    found = _smoothed_on_gpu(series.mT, weights)
    torch.testing.assert_close(found, wanted)
    upstream = torch.randn(3, 2, 8, generator=generator, dtype=float_dtype)
    (one,), (other,) = (torch.autograd.grad(each, series, upstream) for each in (found, wanted))
    torch.testing.assert_close(one, other)
