"""A restricted unpickler for checkpoints: containers, numbers, strings and tensors, and nothing else.

PyTorch's own restricted unpickler lets a tensor exceed its storage (which then grows by uninitialized memory) and
builds sparse, quantised and nested ones unchecked. Here a tensor lies inside its storage or the file is refused.
"""

import pickletools
from collections import OrderedDict
from collections.abc import Callable
from io import BufferedIOBase
from typing import Any

import torch
from torch import Tensor

Storage = Callable[[Any], Tensor]  # what a pickle says of a storage -> its numbers, one after the other
DTYPES = {
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
    *(f"torch.{str(dtype).removeprefix('torch.')}" for dtype in DTYPES.values()),
]  # fmt: skip


class NoWeightsError(ValueError):
    """Raised for pickles with unexpected or inconsistent content; its text follows "but"."""


class NotKept:
    """Stands in for objects in a checkpoint besides its weights."""

    def __init__(self, *parts: object) -> None:
        pass


def ordered(pairs: Any = ()) -> OrderedDict[Any, Any]:
    """Build an OrderedDict, PyTorch's type of state dicts."""
    entries: OrderedDict[Any, Any] = OrderedDict()
    for key, value in pairs:
        entries[_key(key)] = value
    return entries


def tensor(storage: Any, offset: Any, lengths: Any, stride: Any, *_: object) -> Tensor:
    """Build a tensor on a storage that must hold all of it. lengths, stride: of each dimension, in numbers."""
    if not isinstance(storage, Tensor) or not isinstance(lengths, tuple) or not isinstance(stride, tuple):
        raise NoWeightsError("a tensor in it is not described by a storage, a size and a stride")
    numbers = (offset, *lengths, *stride)
    if len(lengths) != len(stride) or any(type(number) is not int or number < 0 for number in numbers):
        raise NoWeightsError(f"a tensor in it has the size {str(lengths)[:60]} and the stride {str(stride)[:60]}")
    count, last = 1, offset
    for length, step in zip(lengths, stride, strict=True):
        count, last = count * length, last + (length - 1) * step
    if count > len(storage) or (count and last >= len(storage)):
        raise NoWeightsError(f"a tensor in it claims {count} numbers of a storage that holds {len(storage)}")
    return storage.as_strided(lengths, stride, offset if count else 0)


def parameter(data: Any, *_: object) -> Tensor:
    if not isinstance(data, Tensor):
        raise NoWeightsError("a parameter in it is not a tensor")
    return data


def as_bytes(text: Any, *_: object) -> bytes:
    """Decode bytes from the encoding of old pickles."""
    return _of(str, text).encode("latin1")


def size(lengths: Any = ()) -> tuple[Any, ...]:
    return tuple(_of((list, tuple), lengths))


_BUILDERS: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": ordered,
    "torch._utils._rebuild_tensor": tensor,
    "torch._utils._rebuild_tensor_v2": tensor,
    "torch._utils._rebuild_parameter": parameter,
    "torch.Size": size,
    "_codecs.encode": as_bytes,
    **dict.fromkeys(_NOT_NEEDED, NotKept),
}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_VALUES = (
    "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINSTRING", "BINSTRING",
)  # fmt: skip
_NEW = {"EMPTY_DICT": dict, "EMPTY_LIST": list}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def unpickle(stream: BufferedIOBase, storage: Storage) -> Any:
    """Read the next pickle of a stream. Raises NoWeightsError, or pickletools' errors for a broken pickle."""
    machine = _Machine(storage)
    for word, argument, _ in pickletools.genops(stream):  # pyright: ignore[reportArgumentType]
        if word.name == "STOP":
            break
        machine.do(word.name, argument)
    return machine.stack.pop()


class _Machine:
    """The pickle machine: a stack, the stacks below its marks, and a memo."""

    def __init__(self, storage: Storage) -> None:
        self.stack: list[Any] = []
        self._below: list[list[Any]] = []
        self._memo: dict[int, Any] = {}
        self._storage = storage

    def do(self, word: str, argument: Any) -> None:
        stack = self.stack
        if word in _VALUES:
            stack.append(argument)
        elif word in _CONSTANTS:
            stack.append(_CONSTANTS[word])
        elif word in _NEW:
            stack.append(_NEW[word]())
        elif word in _TUPLES:
            count = _TUPLES[word]
            if len(stack) < count:
                raise NoWeightsError("its pickle is broken off")
            stack[-count:] = [tuple(stack[-count:])]
        elif word == "MARK":
            self._below.append(stack)
            self.stack = []
        elif word in ("BINPUT", "LONG_BINPUT"):
            self._memo[argument] = stack[-1]
        elif word in ("BINGET", "LONG_BINGET"):
            stack.append(self._memo[argument])
        elif word == "GLOBAL":
            stack.append(_known(argument.replace(" ", ".")))
        elif word != "PROTO":
            self._build(word)

    def _build(self, word: str) -> None:
        """Execute the opcodes that build objects."""
        if word in ("SETITEMS", "APPENDS", "TUPLE"):
            items, self.stack = self.stack, self._below.pop()
        elif word in ("SETITEM", "APPEND"):
            count = 2 if word == "SETITEM" else 1
            items, self.stack[-count:] = self.stack[-count:], []
        else:
            items = [self.stack.pop()]
        if word == "TUPLE":
            self.stack.append(tuple(items))
        elif word in ("SETITEM", "SETITEMS"):
            pairs = zip(items[::2], items[1::2], strict=True)
            _of(dict, self.stack[-1]).update((_key(key), value) for key, value in pairs)
        elif word in ("APPEND", "APPENDS"):
            _of(list, self.stack[-1]).extend(items)
        elif word in ("REDUCE", "NEWOBJ"):
            builder = self.stack.pop()
            if not callable(builder):  # only a global name puts callables on the stack
                raise NoWeightsError("its pickle calls what cannot be called")
            self.stack.append(builder(*_of(tuple, items[0])))
        elif word == "BINPERSID":
            self.stack.append(self._storage(items[0]))
        elif word != "BUILD" or not isinstance(self.stack[-1], (OrderedDict, NotKept)):
            raise NoWeightsError(f"its pickle says {word}")  # BUILD would add notes on versions that are not needed


def _known(name: str) -> Any:
    """Resolve a global name to a builder, or to the number type of a storage."""
    dtype = name.removeprefix("torch.").removesuffix("Storage")
    if name == f"torch.{dtype}Storage" and dtype in DTYPES:
        return DTYPES[dtype]
    if name not in _BUILDERS:
        raise NoWeightsError(f"it asks to run {name.removeprefix('builtins.')[:80]}")
    return _BUILDERS[name]


def _of(types: type | tuple[type, ...], thing: Any) -> Any:
    if not isinstance(thing, types):
        raise NoWeightsError(f"its pickle takes a {type(thing).__name__} for something else")
    return thing


def _key(key: Any) -> Any:
    """Check a dictionary's key; nested tuples are refused, since hashing a deep one crashes Python."""
    for part in key if isinstance(key, tuple) else (key,):
        if not isinstance(part, (str, int, float, bytes, NotKept)) and part is not None:
            raise NoWeightsError(f"a dictionary in it has a {type(part).__name__} for a key")
    return key
