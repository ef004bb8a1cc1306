"""Nested states as tensors by name and plain JSON, and back: what a checkpoint without pickle holds."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

Tensors = dict[str, Tensor]
# What JSON cannot say is an object of one key: a tensor's name, a dictionary with keys that are no words, NaN, inf.
TENSOR, PAIRS, FLOAT = "$tensor", "$pairs", "$float"
TAGS = (TENSOR, PAIRS, FLOAT)


def to_tensors_and_json(content: Any) -> tuple[Tensors, Any]:
    """Split nested dictionaries and lists into tensors and JSON, which names them; tuples become lists.

    A tensor that appears twice is kept once. Raises TypeError for anything but tensors, words, numbers, True, False,
    None and what holds them.
    """
    tensors: Tensors = {}
    known: dict[tuple[Any, ...], str] = {}

    def encode(value: Any, name: str) -> Any:
        if isinstance(value, Tensor):
            return {TENSOR: _keep(value.detach(), name, tensors, known)}
        if isinstance(value, Mapping):
            if all(isinstance(key, str) and key not in TAGS for key in value):
                return {key: encode(part, f"{name}.{key}" if name else key) for key, part in value.items()}
            return {PAIRS: [[encode(key, name), encode(part, f"{name}.{key}")] for key, part in value.items()]}
        if isinstance(value, list | tuple):
            return [encode(part, f"{name}.{i}") for i, part in enumerate(value)]
        if isinstance(value, float) and not math.isfinite(value):
            return {FLOAT: repr(value)}
        if value is None or isinstance(value, bool | int | float | str):
            return value
        raise TypeError(f"A checkpoint cannot hold a {type(value).__name__} ({name}).")

    return tensors, encode(content, "")


def from_tensors_and_json(tensors: Mapping[str, Tensor], encoded: Any) -> Any:
    """Put together what to_tensors_and_json split; ValueError where the two do not fit together."""
    if isinstance(encoded, list):
        return [from_tensors_and_json(tensors, part) for part in encoded]
    if not isinstance(encoded, dict):
        return encoded
    (tag, value), *more = encoded.items() or [("", None)]
    if tag not in TAGS or more:
        return {key: from_tensors_and_json(tensors, part) for key, part in encoded.items()}
    if tag == TENSOR and isinstance(value, str) and value in tensors:
        return tensors[value]
    if tag == FLOAT and value in ("nan", "inf", "-inf"):
        return float(value)
    if tag == PAIRS and isinstance(value, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in value):
        keys = [from_tensors_and_json(tensors, key) for key, _ in value]
        if all(isinstance(key, str | int | float | None) for key in keys):
            return {key: from_tensors_and_json(tensors, part) for key, (_, part) in zip(keys, value, strict=True)}
    raise ValueError(f"its JSON has a {tag} that is none: {str(value)[:60]}")


def _keep(tensor: Tensor, name: str, tensors: Tensors, known: dict[tuple[Any, ...], str]) -> str:
    """Add a tensor under its name, or one like it, unless the same numbers are there. Returns where they are."""
    place = (tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride(), tensor.device)
    if tensor.numel() and place in known:
        return known[place]
    while name in tensors or not name or name.startswith("__"):  # "a.b" in "c", and "b" in "c.a"
        name = f"tensor_{name}"
    # numbers of its own, one after the other: views of one storage would be refused
    tensors[name] = tensor.cpu().clone(memory_format=torch.contiguous_format)
    known[place] = name
    return name
