"""Infer sizes of a network from the shapes and names of its weights."""

import re
from collections.abc import Mapping

from torch import Tensor


def length(weights: Mapping[str, Tensor], key: str, dimension: int = 0) -> int:
    """Return the size of a weight along a dimension; ValueError if it has none."""
    if key not in weights:
        raise ValueError(f"it lacks {key}.")
    if weights[key].ndim <= dimension or weights[key].numel() == 0:
        raise ValueError(f"it has {key} of shape {tuple(weights[key].shape)}.")
    return weights[key].shape[dimension]


def count_modules(weights: Mapping[str, Tensor], pattern: str) -> int:
    """Count the modules of a numbered list. pattern: matches the number."""
    return max((int(match[1]) for key in weights if (match := re.match(pattern, key))), default=-1) + 1
