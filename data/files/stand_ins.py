"""What stands for arrays, their types and functions while a pickle is read, and the plain values made of it."""

import math
from typing import Any, NamedTuple

import numpy as np

from data.files.plain_arrays import array_of_bytes, checked_shape, plain_dtype

_OBJECT_TYPES = ("O", "O4", "O8")
SCALARS = (type(None), bool, int, float, str, bytes)
DEEPEST, MOST_OBJECT_AXES = 32, 2
_VALUE_BYTES = 16  # what a value counts, beside its own bytes, when everything is added up


class Function:
    """A name that a pickle may call."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class Type:
    """A type of arrays; dtype is None for arrays of objects."""

    __slots__ = ("code", "dtype")

    def __init__(self, code: Any) -> None:
        self.code, self.dtype = code, None if code in _OBJECT_TYPES else plain_dtype(code)

    def set_order(self, order: Any, size: Any) -> None:
        """The byte order, which a pickle gives after the type itself; size: -1 or the type's own."""
        if self.dtype is not None:
            if size not in (-1, self.dtype.itemsize):
                raise ValueError(f"it has an array of {self.code} with items of another size")
            self.dtype = plain_dtype(self.code, order)


class PendingArray:
    """An array that was announced, and then given: numbers and text as `array`, objects as their list and shape."""

    __slots__ = ("array", "fortran", "objects", "shape")

    def __init__(self) -> None:
        self.array: np.ndarray | None = None
        self.objects: list[Any] | None = None
        self.shape, self.fortran = (), False

    def give(self, shape: Any, array_type: Type, fortran: Any, content: Any) -> None:
        """What it holds. content: a list of objects, or bytes."""
        if self.array is not None or self.objects is not None or type(fortran) not in (bool, int):
            raise ValueError("it has an array that is given twice, or not as numpy gives it")
        self.shape, self.fortran = checked_shape(shape), bool(fortran)
        if array_type.dtype is not None:
            self.array = array_of_bytes(buffer_of(content), array_type.dtype, self.shape, self.fortran)
        elif type(content) is list and len(content) == math.prod(self.shape) and len(shape) <= MOST_OBJECT_AXES:
            self.objects = content
        else:
            raise ValueError(f"it has an array of objects of shape {self.shape} that does not fit its list of them")


def buffer_of(raw: Any) -> bytearray:
    """Bytes as a pickle has them: Python 2 wrote text, one character for each."""
    if type(raw) is bytearray:
        return raw
    if type(raw) not in (bytes, str):
        raise ValueError("it has an array without bytes")
    return bytearray(raw.encode("latin1") if type(raw) is str else raw)


class _Found(NamedTuple):
    """A plain value; what it comes to as if nothing in it were shared: bytes, and containers inside each other."""

    value: Any
    size: int
    depth: int


class Plain:
    """What came off the stack as values that know nothing of pickles."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.done: dict[int, _Found | None] = {}

    def of(self, value: Any, level: int = 0) -> _Found:
        """level: of the containers it is in."""
        if type(value) is int and not -(2**63) <= value < 2**64:
            raise ValueError("it has a whole number of more than 64 bits")
        if type(value) is bytearray:
            value = bytes(value)
        if type(value) in SCALARS or isinstance(value, np.generic):
            return _Found(value, _VALUE_BYTES + (len(value) if isinstance(value, str | bytes) else 0), 0)
        if id(value) not in self.done:
            self.done[id(value)] = None
            self.done[id(value)] = self._container(value, level + 1) if level < DEEPEST else _TOO_DEEP
        plain = self.done[id(value)]
        if plain is None:
            raise ValueError("it has a container that contains itself")
        if plain.depth > DEEPEST:
            raise ValueError(f"it has containers inside each other more than {DEEPEST} deep")
        if plain.size > self.most_bytes:
            raise ValueError("it comes to far more bytes than it has")
        return plain

    def _container(self, value: Any, level: int) -> _Found:
        if type(value) is PendingArray and value.array is not None:
            return _Found(value.array, _VALUE_BYTES + value.array.nbytes, 0)
        objects = value.objects if type(value) is PendingArray else value
        if not isinstance(objects, list | tuple | dict | set):
            raise ValueError("it has the name of a function, or an array that is not given, for a value")
        inside = [self.of(child, level) for child in (objects.values() if isinstance(objects, dict) else objects)]
        plain = [child.value for child in inside]
        size = _VALUE_BYTES + sum(child.size for child in inside)
        depth = 1 + max((child.depth for child in inside), default=0)
        if isinstance(value, dict):
            size += sum(self.of(key, level).size for key in value)
            return _Found(dict(zip(value, plain, strict=True)), size, depth)
        if isinstance(value, list | tuple | set):
            return _Found(type(value)(plain), size, depth)
        if any(isinstance(child, np.ndarray) and child.dtype == object for child in plain):
            raise ValueError("it has arrays of objects inside an array of objects")
        array = np.fromiter(plain, dtype=object, count=len(plain))
        return _Found(array.reshape(value.shape, order="F" if value.fortran else "C"), size, depth)


_TOO_DEEP = _Found(None, 0, DEEPEST + 1)
