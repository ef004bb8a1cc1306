"""Arrays of plain types, from raw bytes and from pickles: whatever a file says is checked before NumPy hears of it."""

import math
import re
import reprlib
from typing import Any, NamedTuple

import numpy as np

from data.files.archive import shortened
from data.files.pickles import (
    SCALARS,
    Global,
    NotPlainError,
    RefusedError,
    RestrictedUnpickler,
    StandIn,
    as_bytes,
    checked_key,
    checked_pairs,
)
from data.files.stream import Stream

MOST_AXES, MOST_OBJECT_AXES = 32, 2
_PLAIN = re.compile(r"[<>=|]?(b1|[iu][1248]|f[248]|[SU][1-9][0-9]{0,8})")
_OBJECTS = ("O", "O4", "O8")
_LAST_CHARACTER, _SURROGATES = 0x10FFFF, (0xD800, 0xDFFF)
_DEEPEST = 32
_VALUE_BYTES = 16  # what a value counts, beside its own bytes, when everything is added up


def plain_dtype(code: Any, order: Any = "=") -> np.dtype[Any]:
    """The type of a plain string ("<f4", "b1", "U12"): bool, integer, float or text, and no other.

    order: "<", ">", "=" or "|", how its bytes are where the string does not say it.
    """
    if type(code) is not str or not _PLAIN.fullmatch(code):
        raise NotPlainError(f"an array of the type {shortened(reprlib.repr(code))}")
    if type(order) is not str or order not in ("<", ">", "=", "|"):
        raise RefusedError("an array whose byte order is neither little nor big")
    dtype = np.dtype(code)
    return dtype if code[0] in "<>=|" or order in "=|" else dtype.newbyteorder(order)


def checked_shape(shape: Any) -> tuple[int, ...]:
    """A tuple of axis lengths."""
    if type(shape) is not tuple or len(shape) > MOST_AXES or not all(type(n) is int and 0 <= n < 2**62 for n in shape):
        raise RefusedError(
            f"an array of the shape {shortened(reprlib.repr(shape))}, expected a few lengths of 0 or more"
        )
    return shape


def check_bytes(dtype: np.dtype[Any], shape: tuple[int, ...], size: int) -> None:
    """Whether an array is exactly as long as its bytes."""
    wanted = math.prod(shape) * dtype.itemsize
    if wanted != size:
        raise RefusedError(f"an array {shape} of {dtype} has {wanted:,} bytes, {size:,} are there")


def array_of_bytes(raw: Any, dtype: np.dtype[Any], shape: tuple[int, ...], fortran: bool) -> np.ndarray:
    """The array, in this machine's byte order. raw: a buffer that can be written to, which the array may keep."""
    check_bytes(dtype, shape, len(raw))
    if dtype.kind == "b" and (np.frombuffer(raw, np.uint8) > 1).any():
        raise RefusedError("an array of bool has bytes other than 0 and 1")
    if dtype.kind == "U":
        codes = np.frombuffer(raw, np.dtype(np.uint32).newbyteorder(dtype.byteorder))
        low, high = _SURROGATES
        if ((codes > _LAST_CHARACTER) | ((codes >= low) & (codes <= high))).any():
            raise RefusedError("an array of text has codes that are no characters")
    array = np.frombuffer(raw, dtype).reshape(shape, order="F" if fortran else "C")
    return array.astype(dtype.newbyteorder("="), copy=False)


class _Type(StandIn):
    """A type of arrays; dtype is None for arrays of objects."""

    def __init__(self, code: Any, *_: object) -> None:
        self.code, self.dtype = code, None if code in _OBJECTS else plain_dtype(code)

    def set_state(self, state: Any) -> None:
        """The byte order, which a pickle gives after the type itself, and a size: -1 or the type's own."""
        match state:
            case (3, order, None, None, None, size, _, _) if self.dtype is None or size in (-1, self.dtype.itemsize):
                self.dtype = plain_dtype(self.code, order) if self.dtype is not None else None
            case _:
                raise RefusedError(f"it has an array of {self.code} with fields, or with items of another size")


class _PendingArray(StandIn):
    """An array that was announced, and then given: numbers and text as `array`, objects as their list and shape."""

    def __init__(self) -> None:
        self.array: np.ndarray | None = None
        self.objects: list[Any] | None = None
        self.shape, self.fortran, self.nbytes = (), False, 0

    def set_state(self, state: Any) -> None:
        match state:
            case (_, shape, _Type() as array_type, bool() | int() as fortran, content):
                self.give(shape, array_type, bool(fortran), content)
            case _:
                raise RefusedError("it has an array that is not given as numpy gives it")

    def give(self, shape: Any, array_type: _Type, fortran: bool, content: Any) -> None:
        """What it holds. content: a list of objects, or bytes."""
        if self.array is not None or self.objects is not None:
            raise RefusedError("it has an array that is given twice")
        self.shape, self.fortran = checked_shape(shape), fortran
        if array_type.dtype is not None:
            self.array = array_of_bytes(_buffer_of(content), array_type.dtype, self.shape, self.fortran)
            self.nbytes = self.array.nbytes
        elif type(content) is list and len(content) == math.prod(self.shape) and len(shape) <= MOST_OBJECT_AXES:
            self.objects = content
        else:
            raise RefusedError(f"it has an array of objects of shape {self.shape} that does not fit its list of them")


def _buffer_of(raw: Any) -> bytearray:
    """Bytes as a pickle has them: Python 2 wrote text, one character for each."""
    if type(raw) is bytearray:
        return raw
    if type(raw) not in (bytes, str):
        raise RefusedError("it has an array without bytes")
    return bytearray(raw.encode("latin1") if type(raw) is str else raw)


def _announced(array_class: Any, *_: object) -> _PendingArray:
    if type(array_class) is not Global or array_class.name != "numpy.ndarray":
        raise RefusedError("it has an array of an unknown class")
    return _PendingArray()


def _from_buffer(raw: Any, array_type: Any, shape: Any, order: Any) -> _PendingArray:
    """How protocol 5 has arrays."""
    if type(array_type) is not _Type or order not in ("C", "F"):
        raise RefusedError("it has an array that is not given as numpy gives it")
    array = _PendingArray()
    array.give(shape, array_type, order == "F", raw)
    return array


def _scalar(array_type: Any, raw: Any) -> Any:
    if type(array_type) is not _Type or array_type.dtype is None:
        raise RefusedError("it has a number that is not given as numpy gives it")
    return array_of_bytes(_buffer_of(raw), array_type.dtype, (), False)[()]


# Exactly what arrays, dicts, lists, strings and numbers need, under the module names of numpy 1 and 2, Python 2 and 3.
# Anything else in a pickle is code of somebody's choice. None: named, but not called.
_ARRAYS = {
    **{f"numpy.{core}.multiarray._reconstruct": _announced for core in ("core", "_core")},
    **{f"numpy.{core}.multiarray.scalar": _scalar for core in ("core", "_core")},
    **{f"numpy.{core}.numeric._frombuffer": _from_buffer for core in ("core", "_core")},
    "numpy.ndarray": None,
    "numpy.dtype": _Type,
    "collections.OrderedDict": checked_pairs,
    "collections.defaultdict": lambda factory=None: {},
    "_codecs.encode": as_bytes,
}
for _builtins in ("builtins", "__builtin__"):
    _ARRAYS |= dict.fromkeys([f"{_builtins}.{name}" for name in "dict list tuple str int float bool".split()])
    _ARRAYS[f"{_builtins}.bytes"] = lambda: b""
    _ARRAYS[f"{_builtins}.set"] = lambda items: set(map(checked_key, items))


def restricted_load(stream: Stream, most_bytes: int) -> Any:
    """What a pickle holds: arrays of plain types, object arrays of plain values, plain containers and scalars.

    most_bytes: of what may come of it. OrderedDict and defaultdict become dict.
    """
    value = RestrictedUnpickler(stream, _ARRAYS, most_bytes).load()
    return _Plain(most_bytes).of(value).value


class _Sized(NamedTuple):
    """A plain value; what it comes to as if nothing in it were shared: bytes, and containers inside each other."""

    value: Any
    size: int
    depth: int


class _Plain:
    """What came off the stack as values that know nothing of pickles."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.done: dict[int, _Sized | None] = {}

    def of(self, value: Any, level: int = 0) -> _Sized:
        """level: of the containers it is in."""
        if type(value) is int and not -(2**63) <= value < 2**64:
            raise RefusedError("it has a whole number of more than 64 bits")
        if type(value) is bytearray:
            value = bytes(value)
        if type(value) in SCALARS or isinstance(value, np.generic):
            return _Sized(value, _VALUE_BYTES + (len(value) if isinstance(value, str | bytes) else 0), 0)
        if id(value) not in self.done:
            if level >= _DEEPEST:
                raise RefusedError(f"it has containers inside each other more than {_DEEPEST} deep")
            self.done[id(value)] = None
            self.done[id(value)] = self._container(value, level + 1)
        plain = self.done[id(value)]
        if plain is None:
            raise RefusedError("it has a container that contains itself")
        if plain.depth + level > _DEEPEST:
            raise RefusedError(f"it has containers inside each other more than {_DEEPEST} deep")
        if plain.size > self.most_bytes:
            raise RefusedError("it comes to far more bytes than it has")
        return plain

    def _container(self, value: Any, level: int) -> _Sized:
        if type(value) is _PendingArray and value.array is not None:
            return _Sized(value.array, _VALUE_BYTES + value.nbytes, 0)
        objects = value.objects if type(value) is _PendingArray else value
        if not isinstance(objects, list | tuple | dict | set):
            raise RefusedError("it has the name of a function, or an array that is not given, for a value")
        inside = [self.of(child, level) for child in (objects.values() if isinstance(objects, dict) else objects)]
        plain = [child.value for child in inside]
        size = _VALUE_BYTES + sum(child.size for child in inside)
        depth = 1 + max((child.depth for child in inside), default=0)
        if isinstance(value, dict):
            size += sum(self.of(key, level).size for key in value)
            return _Sized(dict(zip(value, plain, strict=True)), size, depth)
        if isinstance(value, list | tuple | set):
            return _Sized(type(value)(plain), size, depth)
        if any(isinstance(child, np.ndarray) and child.dtype == object for child in plain):
            raise RefusedError("it has arrays of objects inside an array of objects")
        array = np.fromiter(plain, dtype=object, count=len(plain))
        return _Sized(array.reshape(value.shape, order="F" if value.fortran else "C"), size, depth)
