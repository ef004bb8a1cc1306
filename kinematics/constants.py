"""Constants as tensors, made once per device: copying a list there waits for all the device was given before."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor


def constant(values: Sequence[Any], like: Tensor) -> Tensor:
    """Numbers, in sequences of any depth, of the type and on the device of a tensor. Not to be written to."""
    return _on_device(tuple(values), like.dtype, like.device)


def indices(values: Sequence[Any], like: Tensor) -> Tensor:
    """int64 numbers that index a tensor, on its device. Not to be written to."""
    return _on_device(tuple(values), torch.int64, like.device)


def _on_device(values: tuple[Any, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    if torch.compiler.is_compiling():  # a graph that is traced has constants of its own
        return torch.tensor(values, dtype=dtype, device=device)
    return _kept(values, dtype, device)


@lru_cache(maxsize=512)
def _kept(values: tuple[Any, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    with torch.inference_mode(False):  # what is made in inference mode cannot take part in training
        return torch.tensor(values, dtype=dtype, device=device)
