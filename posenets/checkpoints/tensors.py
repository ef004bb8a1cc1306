"""The names that pickles in checkpoints may use: containers, and tensors that lie inside their storages.

PyTorch's own restricted unpickler lets a tensor exceed its storage (which then grows by uninitialized memory) and
builds sparse, quantised and nested ones unchecked. Here a tensor lies inside its storage or the file is refused.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from data.files.archive import most_bytes
from data.files.pickles import NotPlainError, RefusedError, RestrictedUnpickler, StandIn, as_bytes, checked_pairs
from data.files.stream import Stream

Storage = Callable[[Any], Tensor]  # what a pickle says of a storage -> its numbers, one after the other
_STORAGES = {
    "Float": torch.float32, "Double": torch.float64, "Half": torch.float16, "BFloat16": torch.bfloat16,
    "Long": torch.int64, "Int": torch.int32, "Short": torch.int16, "Char": torch.int8, "Byte": torch.uint8,
    "Bool": torch.bool,
}  # fmt: skip
# VideoPose3D and PoseFormer also save their loader's numpy RandomState, others counters and sets. Nothing of it is
# needed, so each of these names becomes a stand-in that keeps nothing, and no code of theirs runs.
_NOT_NEEDED = [
    *(f"numpy.random._pickle.__{name}_ctor" for name in ("randomstate", "bit_generator", "generator")),
    *(f"numpy.random.{name}" for name in ("__RandomState_ctor", "_mt19937.MT19937", "_pcg64.PCG64")),
    *(f"numpy.{core}.multiarray.{name}" for core in ("core", "_core") for name in ("_reconstruct", "scalar")),
    "numpy.ndarray", "numpy.dtype", "collections.Counter", "torch.device",
    *(f"{module}.{name}" for module in ("builtins", "__builtin__") for name in ("set", "complex", "bytearray")),
    *(str(dtype) for dtype in _STORAGES.values()),
]  # fmt: skip


def _ordered(pairs: Any = ()) -> OrderedDict[Any, Any]:
    """Build an OrderedDict, PyTorch's type of state dicts."""
    return OrderedDict(checked_pairs(pairs))


def _tensor(storage: Any, offset: Any, lengths: Any, stride: Any, *_: object) -> Tensor:
    """Build a tensor on a storage that must hold all of it. lengths, stride: of each dimension, in numbers."""
    if not isinstance(storage, Tensor) or not isinstance(lengths, tuple) or not isinstance(stride, tuple):
        raise RefusedError("a tensor in it is not described by a storage, a size and a stride")
    numbers = (offset, *lengths, *stride)
    if len(lengths) != len(stride) or any(type(number) is not int or number < 0 for number in numbers):
        raise RefusedError(f"a tensor in it has the size {str(lengths)[:60]} and the stride {str(stride)[:60]}")
    count, last = 1, offset
    for length, step in zip(lengths, stride, strict=True):
        count, last = count * length, last + (length - 1) * step
    if count > len(storage) or (count and last >= len(storage)):
        raise RefusedError(f"a tensor in it claims {count} numbers of a storage that holds {len(storage)}")
    return storage.as_strided(lengths, stride, offset if count else 0)


def _parameter(data: Any, *_: object) -> Tensor:
    if not isinstance(data, Tensor):
        raise RefusedError("a parameter in it is not a tensor")
    return data


def _size(lengths: Any = ()) -> tuple[Any, ...]:
    if not isinstance(lengths, (list, tuple)):
        raise RefusedError(f"its pickle takes a {type(lengths).__name__} for a size")
    return tuple(lengths)


_TENSORS = {
    "collections.OrderedDict": _ordered,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "torch.Size": _size,
    "_codecs.encode": lambda text, encoding: bytes(as_bytes(text, encoding)),
    **{f"torch.{name}Storage": dtype for name, dtype in _STORAGES.items()},
    **dict.fromkeys(_NOT_NEEDED, StandIn),
}


def unpickle(stream: Stream, storage: Storage) -> Any:
    """Read the next pickle of a stream. Raises RefusedError, or Python's errors for a broken pickle."""
    try:
        return RestrictedUnpickler(stream, _TENSORS, most_bytes(stream.left), storage).load()
    except NotPlainError as error:
        raise RefusedError(f"it asks to run {str(error).removeprefix('builtins.')}") from error
    except EOFError as error:
        raise RefusedError("its pickle is broken off") from error
