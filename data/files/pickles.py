"""Pickles read without running what is in them.

A pickle is a program: it calls what it names with what it likes. Here the few names that arrays and plain containers
need stand for nothing but themselves; what they are called with is checked, and plain_arrays.py makes the arrays.
"""

import math
import pickle
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import numpy as np

from data.files.archive import shortened
from data.files.plain_arrays import NotPlainError, array_of_bytes, checked_shape, plain_dtype
from data.files.stream import Stream

# Exactly what arrays, dicts, lists, strings and numbers need, under the module names of numpy 1 and 2, Python 2 and 3.
# Anything else in a pickle is code of somebody's choice.
_MULTIARRAY, _BUILTINS = ("numpy.core.multiarray", "numpy._core.multiarray"), ("builtins", "__builtin__")
_CALLABLE = {
    "_reconstruct": _MULTIARRAY,
    "scalar": _MULTIARRAY,
    "_frombuffer": ("numpy.core.numeric", "numpy._core.numeric"),
    "ndarray": ("numpy",),
    "dtype": ("numpy",),
    "OrderedDict": ("collections",),
    "defaultdict": ("collections",),
    "encode": ("_codecs",),  # how old pickle protocols spell bytes
    **dict.fromkeys("bytes set dict list tuple str int float bool".split(), _BUILTINS),
}
_OBJECT_TYPES = ("O", "O4", "O8")
_SCALARS = (type(None), bool, int, float, str, bytes)
DEEPEST, LONGEST_KEY, MOST_OBJECT_AXES = 32, 8, 2
_VALUE_BYTES = 16  # what a value counts, beside its own bytes, when everything is added up


class _Global:
    """A name that a pickle may call."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class _Type:
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


class _Array:
    """An array that was announced, and then given: numbers and text as `array`, objects as their list and shape."""

    __slots__ = ("array", "fortran", "objects", "shape")

    def __init__(self) -> None:
        self.array: np.ndarray | None = None
        self.objects: list[Any] | None = None
        self.shape, self.fortran = (), False

    def give(self, shape: Any, kind: _Type, fortran: Any, content: Any) -> None:
        """What it holds. content: a list of objects, or bytes."""
        if self.array is not None or self.objects is not None or type(fortran) not in (bool, int):
            raise ValueError("it has an array that is given twice, or not as numpy gives it")
        self.shape, self.fortran = checked_shape(shape), bool(fortran)
        if kind.dtype is not None:
            self.array = array_of_bytes(_buffer(content), kind.dtype, self.shape, self.fortran)
        elif type(content) is list and len(content) == math.prod(self.shape) and len(shape) <= MOST_OBJECT_AXES:
            self.objects = content
        else:
            raise ValueError(f"it has an array of objects of shape {self.shape} that does not fit its list of them")


def restricted_load(stream: Stream, most_bytes: int) -> Any:
    """What a pickle holds: arrays of plain types, object arrays of plain values, plain containers and scalars.

    most_bytes: of what may come of it. OrderedDict and defaultdict become dict.
    """
    value = _Unpickler(stream, most_bytes).load()
    return _Plain(most_bytes).of(value).value


def _buffer(raw: Any) -> bytearray:
    """Bytes as a pickle has them: Python 2 wrote text, one character for each."""
    if type(raw) is bytearray:
        return raw
    if type(raw) not in (bytes, str):
        raise ValueError("it has an array without bytes")
    return bytearray(raw.encode("latin1") if type(raw) is str else raw)


def _checked_key(key: Any) -> Any:
    """A dictionary's key: plain, since hashing a tuple of tuples of tuples takes as long as its maker likes."""
    parts = key if type(key) is tuple and len(key) <= LONGEST_KEY else (key,)
    if not all(type(part) in _SCALARS or isinstance(part, np.generic) for part in parts):
        raise ValueError("it has a dictionary or set with keys that are no words or numbers")
    return key


class _Unpickler(pickle._Unpickler):
    """The unpickler in Python, since the one in C takes memory that a file names; its operations are those of dispatch.

    Nothing on its stack has methods of a file's choosing: types are compared exactly.
    """

    dispatch: ClassVar[dict[int, Any]]
    stack: list[Any]
    append: Callable[[Any], None]
    pop_mark: Callable[[], list[Any]]
    read: Callable[[int], bytes]

    def __init__(self, stream: Stream, most_bytes: int) -> None:
        super().__init__(stream, encoding="latin1")  # type: ignore[arg-type]  # asked for read and readline alone
        self.stream, self.bytes_left = stream, most_bytes
        self.read, self.readline = stream.read, stream.readline
        self.stack, self.metastack, self.proto = [], [], 0
        self.append = self.stack.append

    def load(self) -> Any:
        stop = pickle.STOP[0]
        while (code := self.read(1)[0]) != stop:
            if code not in self.dispatch:
                raise ValueError(f"it has the operation {code:#x}, which arrays and plain containers do not need")
            self.dispatch[code](self)
        return self.stack.pop()

    def find_class(self, module: str, name: str) -> Any:
        if module not in _CALLABLE.get(name, ()):
            raise NotPlainError(shortened(f"{module}.{name}"))
        return _Global(name)

    def load_reduce(self) -> None:
        arguments, called = self.stack.pop(), self.stack[-1]
        if type(called) is not _Global or type(arguments) is not tuple:
            raise ValueError("it calls what is no function")
        self.stack[-1] = self._called(called.name, arguments)

    def _called(self, name: str, arguments: tuple[Any, ...]) -> Any:
        match name, arguments:
            case "_reconstruct", (_Global(name="ndarray"), _, _):
                return _Array()
            case "dtype", (code, *_):
                return _Type(code)
            case "scalar", (_Type(dtype=np.dtype() as dtype), raw):
                return array_of_bytes(bytearray(_buffer(raw)), dtype, (), False)[()]
            case "_frombuffer", (raw, _Type() as kind, shape, "C" | "F" as order):
                found = _Array()
                found.give(shape, kind, order == "F", raw)
                return found
            case "encode", (str() as text, "latin1" | "latin-1"):
                self.bytes_left -= len(text)
                if self.bytes_left < 0:
                    raise ValueError("it comes to far more bytes than it has")
                return _buffer(text)
            case "bytes", ():
                return b""
            case "set", (list() as items,):
                return {_checked_key(item) for item in items}
            case "OrderedDict", ():
                return {}
            case "OrderedDict", (list() as pairs,):
                return {_checked_key(key): value for key, value in pairs}
            case "defaultdict", () | (_Global(),):
                return {}
        raise ValueError(f"it calls {name} with other arguments than expected")

    def load_build(self) -> None:
        state, built = self.stack.pop(), self.stack[-1]
        match built, state:
            case _Type(), (3, order, None, None, None, size, _, _):
                built.set_order(order, size)
            case _Array(), (_, shape, _Type() as kind, fortran, content):
                built.give(shape, kind, fortran, content)
            case _:
                raise ValueError("it has an object with a state that no plain array has")

    def load_append(self) -> None:
        value = self.stack.pop()
        self._extend([value])

    def load_appends(self) -> None:
        self._extend(self.pop_mark())

    def _extend(self, items: list[Any]) -> None:
        if type(self.stack[-1]) is not list:
            raise ValueError("it adds items to what is no list")
        self.stack[-1].extend(items)

    def load_setitem(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._update([key, value])

    def load_setitems(self) -> None:
        self._update(self.pop_mark())

    def load_dict(self) -> None:
        items = self.pop_mark()
        self.append({})
        self._update(items)

    def _update(self, items: list[Any]) -> None:
        if type(self.stack[-1]) is not dict or len(items) % 2:
            raise ValueError("it adds entries to what is no dictionary")
        self.stack[-1].update((_checked_key(key), value) for key, value in zip(items[::2], items[1::2], strict=True))

    def load_additems(self) -> None:
        items = self.pop_mark()
        if type(self.stack[-1]) is not set:
            raise ValueError("it adds items to what is no set")
        self.stack[-1].update(map(_checked_key, items))

    def load_binbytes(self) -> None:
        self.append(self.stream.buffer(int.from_bytes(self.read(4), "little")))

    def load_binbytes8(self) -> None:
        self.append(self.stream.buffer(int.from_bytes(self.read(8), "little")))

    def load_frame(self) -> None:
        self.read(8)  # a frame only says how much to read at once

    _own = {
        pickle.REDUCE: load_reduce, pickle.BUILD: load_build, pickle.APPEND: load_append,
        pickle.APPENDS: load_appends, pickle.SETITEM: load_setitem, pickle.SETITEMS: load_setitems,
        pickle.DICT: load_dict, pickle.ADDITEMS: load_additems, pickle.BINBYTES: load_binbytes,
        pickle.BINBYTES8: load_binbytes8, pickle.BYTEARRAY8: load_binbytes8, pickle.FRAME: load_frame,
    }  # fmt: skip
    _kept = (
        b"(012FGIJKLMNSTUVX)]}cghjlpqrt" + pickle.PROTO + pickle.TUPLE1 + pickle.TUPLE2 + pickle.TUPLE3
        + pickle.NEWTRUE + pickle.NEWFALSE + pickle.LONG1 + pickle.SHORT_BINBYTES + pickle.SHORT_BINUNICODE
        + pickle.BINUNICODE8 + pickle.EMPTY_SET + pickle.STACK_GLOBAL + pickle.MEMOIZE
    )  # fmt: skip
    dispatch = {code: pickle._Unpickler.dispatch[code] for code in _kept} | {code[0]: own for code, own in _own.items()}


class _Found(NamedTuple):
    """A plain value; what it comes to as if nothing in it were shared: bytes, and containers inside each other."""

    value: Any
    size: int
    depth: int


class _Plain:
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
        if type(value) in _SCALARS or isinstance(value, np.generic):
            return _Found(value, _VALUE_BYTES + (len(value) if isinstance(value, str | bytes) else 0), 0)
        if id(value) not in self.done:
            self.done[id(value)] = None
            self.done[id(value)] = self._container(value, level + 1) if level < DEEPEST else _TOO_DEEP
        found = self.done[id(value)]
        if found is None:
            raise ValueError("it has a container that contains itself")
        if found.depth > DEEPEST:
            raise ValueError(f"it has containers inside each other more than {DEEPEST} deep")
        if found.size > self.most_bytes:
            raise ValueError("it comes to far more bytes than it has")
        return found

    def _container(self, value: Any, level: int) -> _Found:
        if type(value) is _Array and value.array is not None:
            return _Found(value.array, _VALUE_BYTES + value.array.nbytes, 0)
        objects = value.objects if type(value) is _Array else value
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
