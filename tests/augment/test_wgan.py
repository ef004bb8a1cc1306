import pytest
import torch

from augment.gan.critics import Critic2D
from augment.gan.wgan import critic_loss, frozen, generator_loss, step


def test_frozen_critics_pass_gradients_on_but_keep_none(generator):
    critic = Critic2D(width=8)
    fake = torch.randn(4, 16, 2, generator=generator, requires_grad=True)
    with frozen(critic):
        generator_loss(critic, fake).backward()
    assert fake.grad is not None and fake.grad.abs().sum() > 0
    assert all(p.grad is None and p.requires_grad for p in critic.parameters())


def test_frozen_parameters_thaw_after_an_error():
    critic = Critic2D(width=8)
    with pytest.raises(RuntimeError), frozen(critic):
        raise RuntimeError
    assert all(p.requires_grad for p in critic.parameters())


def test_critic_learns_to_tell_poses_apart(generator):
    torch.manual_seed(0)
    critic = Critic2D(width=32)
    optimizer = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.5, 0.9))
    distances = []
    for _ in range(60):
        real, fake = torch.randn(2, 64, 16, 2, generator=generator)
        loss, distance = critic_loss(critic, real + 1, fake, torch.rand(64, 1, generator=generator))
        loss.backward()
        step(optimizer)
        distances.append(float(distance))
    # Real poses are sqrt(32) away from fake ones: that is what a critic of slope 1 can see.
    assert distances[-1] > 3 > distances[0]


def test_gradients_are_averaged_between_backward_and_step():
    parameter = torch.nn.Parameter(torch.zeros(2))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    parameter.grad = torch.ones(2)

    def average(parameters: list[torch.Tensor]) -> None:
        for p in parameters:
            assert p.grad is not None
            p.grad.mul_(0.25)

    step(optimizer, average)
    torch.testing.assert_close(parameter.detach(), torch.full((2,), -0.25))
    assert parameter.grad is None
