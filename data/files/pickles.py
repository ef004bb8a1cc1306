"""Pickles read without running what is in them.

A pickle is a program: it calls what it names with what it likes. Here the few names that arrays and plain containers
need stand for nothing but themselves (stand_ins.py); what they are called with is checked.
"""

import pickle
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from data.files.archive import shortened
from data.files.plain_arrays import NotPlainError, array_of_bytes
from data.files.stand_ins import SCALARS, Function, PendingArray, Plain, Type, buffer_of
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
_LONGEST_KEY = 8


def restricted_load(stream: Stream, most_bytes: int) -> Any:
    """What a pickle holds: arrays of plain types, object arrays of plain values, plain containers and scalars.

    most_bytes: of what may come of it. OrderedDict and defaultdict become dict.
    """
    value = _Unpickler(stream, most_bytes).load()
    return Plain(most_bytes).of(value).value


def _checked_key(key: Any) -> Any:
    """A dictionary's key: plain, since hashing a tuple of tuples of tuples takes as long as its maker likes."""
    parts = key if type(key) is tuple and len(key) <= _LONGEST_KEY else (key,)
    if not all(type(part) in SCALARS or isinstance(part, np.generic) for part in parts):
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
        return Function(name)

    def load_reduce(self) -> None:
        arguments, called = self.stack.pop(), self.stack[-1]
        if type(called) is not Function or type(arguments) is not tuple:
            raise ValueError("it calls what is no function")
        self.stack[-1] = self._called(called.name, arguments)

    def _called(self, name: str, arguments: tuple[Any, ...]) -> Any:
        match name, arguments:
            case "_reconstruct", (Function(name="ndarray"), _, _):
                return PendingArray()
            case "dtype", (code, *_):
                return Type(code)
            case "scalar", (Type(dtype=np.dtype() as dtype), raw):
                return array_of_bytes(bytearray(buffer_of(raw)), dtype, (), False)[()]
            case "_frombuffer", (raw, Type() as array_type, shape, "C" | "F" as order):
                pending = PendingArray()
                pending.give(shape, array_type, order == "F", raw)
                return pending
            case "encode", (str() as text, "latin1" | "latin-1"):
                self.bytes_left -= len(text)
                if self.bytes_left < 0:
                    raise ValueError("it comes to far more bytes than it has")
                return buffer_of(text)
            case "bytes", ():
                return b""
            case "set", (list() as items,):
                return {_checked_key(item) for item in items}
            case "OrderedDict", ():
                return {}
            case "OrderedDict", (list() as pairs,):
                return {_checked_key(key): value for key, value in pairs}
            case "defaultdict", () | (Function(),):
                return {}
        raise ValueError(f"it calls {name} with other arguments than expected")

    def load_build(self) -> None:
        state, built = self.stack.pop(), self.stack[-1]
        match built, state:
            case Type(), (3, order, None, None, None, size, _, _):
                built.set_order(order, size)
            case PendingArray(), (_, shape, Type() as array_type, fortran, content):
                built.give(shape, array_type, fortran, content)
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
    dispatch = {code: pickle._Unpickler.dispatch[code] for code in _kept} | {
        code[0]: handler for code, handler in _own.items()
    }
