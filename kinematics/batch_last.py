"""Tensors in rows: the same shapes and numbers, laid out in memory the other way round.

Usually the x, y and z of a joint are neighbours in memory. Elementwise arithmetic on a CPU is several times as fast
where the neighbour of a number is the same one of the next pose: (B, T, J, 3) as T * J * 3 rows of B numbers.
`to_batch_last` lays tensors out like that, `to_batch_first` back; most functions of kinematics keep the layout of the
points they get.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def is_batch_last(values: Tensor) -> bool:
    """Whether neighbours in memory belong to different poses: the first dimension runs fastest, not the last."""
    return values.ndim > 1 and values.shape[0] > 1 and values.stride(0) == 1 and values.stride(-1) != 1


def to_batch_last(values: Float[Tensor, "batch *rest"]) -> Float[Tensor, "batch *rest"]:
    """The same values, each of a pose's numbers a row over the batch."""
    if values.ndim == 1 or is_batch_last(values):
        return values
    rows = values.flatten(1).t().contiguous()  # PyTorch transposes matrices in blocks, all else number by number
    return rows.unflatten(0, values.shape[1:]).movedim(-1, 0)


def _from_matrix(matrix: Tensor, like: Tensor) -> Tensor:
    """A matrix of rows as a batch of the things that `like` has. PyTorch is fastest at matrices."""
    return matrix.unflatten(0, like.shape[1:]).movedim(-1, 0)


def to_batch_first(values: Tensor) -> Tensor:
    """The same values as contiguous tensor."""
    return values.flatten(1).contiguous().view(values.shape) if is_batch_last(values) else values.contiguous()


def stack(parts: Sequence[Tensor], dim: int, like: Tensor) -> Tensor:
    """torch.stack, the result in rows if `like` is. dim: from the end, negative."""
    if not is_batch_last(like):
        if len(parts) == 2 and dim == -1 and parts[0].is_cpu and not torch.compiler.is_compiling():
            return torch.view_as_real(torch.complex(*parts))  # the same, several times as fast
        return torch.stack(list(parts), dim=dim)
    return torch.stack([part.movedim(0, -1) for part in parts], dim=dim - 1).movedim(-1, 0)


def index_select(values: Tensor, rows: Tensor) -> Tensor:
    """values[rows] for rows (int64, none negative), several times as fast; in rows if the values are."""
    if not is_batch_last(values):
        return values.index_select(0, rows)
    return _from_matrix(values.flatten(1).t().index_select(1, rows), values)


def cat(parts: Sequence[Tensor]) -> Tensor:
    """torch.cat of batches, in rows if the first is."""
    if not is_batch_last(parts[0]):
        return torch.cat(list(parts))
    return torch.cat([part.movedim(0, -1) for part in parts], dim=-1).movedim(-1, 0)
