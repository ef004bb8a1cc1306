"""Constants as tensors, cached per device: copying a list to a GPU waits for all work queued there."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor


def constant(values: Sequence[Any], like: Tensor) -> Tensor:
    """Make a tensor of nested numbers, with the type and device of another. Do not write to it."""
    return _on_device(tuple(values), like.dtype, like.device)


def indices(values: Sequence[Any], like: Tensor) -> Tensor:
    """Make an int64 index tensor on the device of another. Do not write to it."""
    return _on_device(tuple(values), torch.int64, like.device)


def _on_device(values: tuple[Any, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    if torch.compiler.is_compiling():  # a traced graph keeps its own constants
        return torch.tensor(values, dtype=dtype, device=device)
    return _kept(values, dtype, device)


@lru_cache(maxsize=512)
def _kept(values: tuple[Any, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    with torch.inference_mode(False):  # inference tensors cannot be used in training
        return torch.tensor(values, dtype=dtype, device=device)
