"""Optimiser steps that are skipped where a gradient is NaN or infinite, without waiting for the device."""

import torch
from torch import Tensor, nn


def finite_step(optimizer: torch.optim.Optimizer) -> Tensor:
    """Step on the gradients and clear them; weights and moments stay if a gradient is not finite.

    optimizer: a fused one, which reads found_inf, as GradScaler sets it. Returns a boolean on the device: was it
    skipped?
    """
    gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
    skipped = ~nn.utils.get_total_norm(gradients).isfinite()
    optimizer.found_inf = skipped.float()  # pyright: ignore[reportAttributeAccessIssue]
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return skipped


def keep_where(skipped: Tensor, tensors: list[Tensor], before: list[Tensor]) -> None:
    """Put tensors back to what they were before a step that was skipped."""
    for tensor, old in zip(tensors, before, strict=True):
        tensor.copy_(torch.where(skipped, old, tensor))
