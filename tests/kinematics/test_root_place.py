"""Where a body stands, from its joints and their rays: exact, in the metres of the joints, by what was seen."""

import torch

from kinematics.root_place import root_from_rays, smoothed


def seen(generator: torch.Generator, frames: int = 40) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A random body walks past at 25 frames a second: joints about the root, where that is, and rays."""
    joints = 0.4 * torch.randn(frames, 16, 3, generator=generator, dtype=torch.float64)
    joints[:, 0] = 0
    step = torch.tensor([0.05, 0.0, 0.03], dtype=torch.float64)
    root = torch.tensor([-0.5, 0.3, 4.0], dtype=torch.float64) + torch.arange(frames)[:, None] * step
    points = joints + root[:, None]
    return joints, root, points[..., :2] / points[..., 2:]


def off(found: torch.Tensor, root: torch.Tensor) -> float:
    return float((found - root).norm(dim=-1).amax())


def test_exact_joints_and_rays_give_the_exact_place(generator):
    joints, root, rays = seen(generator)
    assert off(root_from_rays(joints, rays, torch.rand(40, 16, generator=generator)), root) < 1e-5


def test_a_body_twice_as_large_stands_twice_as_far_away(generator):
    joints, root, rays = seen(generator)
    weights = torch.ones(40, 16)
    noisy = rays + 0.01 * torch.randn(rays.shape, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(
        root_from_rays(2 * joints, noisy, weights, 3), 2 * root_from_rays(joints, noisy, weights, 3)
    )


def test_a_joint_nobody_saw_moves_nothing_and_one_half_seen_little(generator):
    joints, root, rays = seen(generator)
    rays[:, 5] += 0.2
    weights = torch.ones(40, 16)
    errors = []
    for confidence in (1.0, 0.1, 0.0):
        weights[:, 5] = confidence
        errors.append(off(root_from_rays(joints, rays, weights), root))
    assert errors[0] > 4 * errors[1] > 4 * errors[2] and errors[2] < 0.01


def test_smoothing_takes_the_noise_off_the_depth_and_leaves_the_walk(generator):
    joints, root, rays = seen(generator, 80)
    noisy = rays + 0.003 * torch.randn(rays.shape, generator=generator, dtype=torch.float64)
    weights = torch.ones(80, 16)
    raw, smooth = (root_from_rays(joints, noisy, weights, sd)[20:-20] - root[20:-20] for sd in (0, 5))
    assert smooth[:, 2].std() < 0.5 * raw[:, 2].std() and smooth.abs().amax() < 0.1


def test_one_frame_and_joints_at_one_point_have_an_answer(generator):
    joints, root, rays = seen(generator, 1)
    assert off(root_from_rays(joints, rays, torch.ones(1, 16), 5), root) < 1e-5
    assert torch.isfinite(root_from_rays(0 * joints, 0 * rays, torch.zeros(1, 16))).all()


def test_constant_speed_is_kept_to_the_ends_whatever_the_weights(generator):
    line = torch.arange(9.0)[:, None] * torch.randn(1, 3, generator=generator) + 2
    torch.testing.assert_close(smoothed(line, 4, torch.rand(9, generator=generator) + 0.1), line)
    torch.testing.assert_close(smoothed(line[:2], 4), line[:2])
    assert torch.equal(smoothed(line, 0), line) and torch.equal(smoothed(line[:1], 4), line[:1])
