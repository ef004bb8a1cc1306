"""Wasserstein GAN with gradient penalty (Gulrajani et al. 2017), in plain functions."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn

from kinematics.precision import full_precision
from posenets.finite_step import finite_step

PENALTY_WEIGHT = 10.0
# Keeps the root of a zero gradient differentiable; far below any gradient a critic has.
_TINY = 1e-12


@full_precision
def gradient_penalty(
    critic: nn.Module, real: Float[Tensor, "batch *pose"], fake: Float[Tensor, "batch *pose"],
    alpha: Float[Tensor, "batch 1"], weight: float | int = PENALTY_WEIGHT,
) -> Float[Tensor, ""]:  # fmt: skip
    """weight * mean of (|gradient of the score| - 1)^2 at alpha * real + (1 - alpha) * fake, one alpha per pose."""
    alpha = alpha.reshape(-1, *(1,) * (real.ndim - 1))
    between = torch.lerp(fake.detach(), real.detach(), alpha).requires_grad_()
    score = critic(between)
    (gradient,) = torch.autograd.grad(score.sum(), between, create_graph=True)
    norm = (gradient.flatten(1).square().sum(1) + _TINY).sqrt()
    return weight * (norm - 1).square().mean()


@full_precision
def critic_loss(
    critic: nn.Module, real: Float[Tensor, "batch *pose"], fake: Float[Tensor, "batch *pose"],
    alpha: Float[Tensor, "batch 1"], penalty_weight: float | int = PENALTY_WEIGHT,
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:  # fmt: skip
    """Loss of a critic, and the distance E[score(real)] - E[score(fake)] it sees (detached)."""
    distance = critic(real).mean() - critic(fake).mean()
    return gradient_penalty(critic, real, fake, alpha, penalty_weight) - distance, distance.detach()


def generator_loss(critic: nn.Module, fake: Float[Tensor, "batch *pose"]) -> Float[Tensor, ""]:
    """Minus the mean score of the fakes. Give the critic frozen, and mirror images with their gradients."""
    return -critic(fake).mean()


@contextmanager
def frozen(*modules: nn.Module) -> Iterator[None]:
    """Inside, the parameters of the modules want no gradient: the generator's step skips their half of the work."""
    parameters = [p for module in modules for p in module.parameters() if p.requires_grad]
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)


def step(optimizer: torch.optim.Optimizer, average_gradients: Callable[[list[Tensor]], None] | None = None) -> None:
    """Take one optimiser step on the gradients that are there, averaged over processes first (see finite_step)."""
    if average_gradients is not None:
        average_gradients([p for group in optimizer.param_groups for p in group["params"]])
    finite_step(optimizer)
