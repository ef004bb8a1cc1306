"""Optimiser steps that are skipped where a gradient is NaN or infinite."""

import torch
from torch import Tensor, nn


def finite_step(optimizer: torch.optim.Optimizer, norm: Tensor | None = None) -> Tensor:
    """Step on the gradients and clear them; weights and moments stay if a gradient is not finite.

    optimizer: a fused one reads found_inf, as GradScaler sets it; for any other the device is waited for. norm: of all
    gradients, where it is known. Returns a boolean on the device: was it skipped?
    """
    if norm is None:
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        norm = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
    skipped = ~norm.isfinite()
    fused = all(group.get("fused") for group in optimizer.param_groups)
    if fused:
        optimizer.found_inf = skipped.float()  # pyright: ignore[reportAttributeAccessIssue]
    if fused or not skipped:
        optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return skipped


def keep_where(skipped: Tensor, tensors: list[Tensor], before: list[Tensor]) -> None:
    """Put tensors back to what they were before a step that was skipped."""
    for tensor, old in zip(tensors, before, strict=True):
        tensor.copy_(torch.where(skipped, old, tensor))
