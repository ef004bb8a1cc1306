"""Batch last: a memory layout with a contiguous batch dimension, several times as fast on a CPU; shapes stay."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def is_batch_last(values: Tensor) -> bool:
    """Whether a tensor is laid out batch last: its first dimension is contiguous, not its last."""
    return values.ndim > 1 and values.shape[0] > 1 and values.stride(0) == 1 and values.stride(-1) != 1


def to_batch_last(values: Float[Tensor, "batch *rest"]) -> Float[Tensor, "batch *rest"]:
    """Lay a tensor out batch last."""
    if values.ndim == 1 or is_batch_last(values):
        return values
    # PyTorch transposes matrices in blocks, other tensors element by element.
    return _from_matrix(values.flatten(1).t().contiguous(), values)


def _from_matrix(matrix: Tensor, like: Tensor) -> Tensor:
    """Reshape a matrix (numbers, batch) to a batch-last tensor of `like`'s shape beyond the batch."""
    return matrix.unflatten(0, like.shape[1:]).movedim(-1, 0)


def to_batch_first(values: Tensor) -> Tensor:
    """Make a tensor contiguous."""
    return values.flatten(1).contiguous().view(values.shape) if is_batch_last(values) else values.contiguous()


def stack(parts: Sequence[Tensor], dim: int, like: Tensor) -> Tensor:
    """Stack tensors; the result is batch last if `like` is. dim: from the end, negative."""
    if not is_batch_last(like):
        if len(parts) == 2 and dim == -1 and parts[0].is_cpu and not torch.compiler.is_compiling():
            return torch.view_as_real(torch.complex(*parts))  # the same, several times as fast
        return torch.stack(list(parts), dim=dim)
    return torch.stack([part.movedim(0, -1) for part in parts], dim=dim - 1).movedim(-1, 0)


def index_select(values: Tensor, indices: Tensor) -> Tensor:
    """Select values[indices] (int64, none negative), several times as fast; batch last if the values are."""
    if not is_batch_last(values):
        return values.index_select(0, indices)
    return _from_matrix(values.flatten(1).t().index_select(1, indices), values)


def cat(parts: Sequence[Tensor]) -> Tensor:
    """Concatenate batches; batch last if the first is."""
    if not is_batch_last(parts[0]):
        return torch.cat(list(parts))
    return torch.cat([part.movedim(0, -1) for part in parts], dim=-1).movedim(-1, 0)
