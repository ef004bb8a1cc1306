"""Pickles read without running what is in them.

A pickle is a program: it calls what it names with what it likes. Here it may name what a table has, and the function
that stands behind a name checks what it is called with. There is a table for numpy's files (plain_arrays.py) and one
for PyTorch's (posenets/checkpoints/tensors.py).
"""

import pickle
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from data.files.archive import shortened
from data.files.stream import Stream

SCALARS = (type(None), bool, int, float, str, bytes)
_LONGEST_KEY = 8


class RefusedError(ValueError):
    """What a file holds that its kind does not need, or that does not fit together."""


class NotPlainError(RefusedError):
    """A function or a type of arrays that a file may not name; the text is its name."""


class Global:
    """A name in a pickle. value: the function to call for it, if it may be called, or what it stands for."""

    __slots__ = ("name", "value")

    def __init__(self, name: str, value: Any) -> None:
        self.name, self.value = name, value


class StandIn:
    """Stands for an object of a file; by itself it keeps nothing of its parts and its state."""

    nbytes = 0

    def __init__(self, *parts: object) -> None:
        pass

    def set_state(self, state: Any) -> None:
        pass


def checked_key(key: Any) -> Any:
    """A dictionary's key: plain, since hashing a tuple of tuples of tuples takes as long as its maker likes."""
    parts = key if type(key) is tuple and len(key) <= _LONGEST_KEY else (key,)
    if not all(type(part) in (*SCALARS, StandIn) or isinstance(part, np.generic) for part in parts):
        raise RefusedError(f"a dictionary or set in it has a {type(key).__name__} for a key, no word and no number")
    return key


def checked_pairs(pairs: Any = ()) -> dict[Any, Any]:
    """What an OrderedDict is made of."""
    return {checked_key(key): value for key, value in pairs}


def as_bytes(text: Any, encoding: Any) -> bytearray:
    """What old pickle protocols spell as text."""
    if type(text) is not str or encoding not in ("latin1", "latin-1"):
        raise RefusedError("it has bytes in an unknown spelling")
    return bytearray(text, "latin1")


def _no_storage(_: Any) -> Any:
    raise RefusedError("it names a thing outside of itself")


class RestrictedUnpickler(pickle._Unpickler):
    """The unpickler in Python, since the one in C takes memory that a file names; its operations are those of dispatch.

    allowed: "module.name" -> what stands for it, see Global. most_bytes: of what may come of all calls. storage: what
    a persistent id stands for. Nothing on its stack has methods of a file's choosing.
    """

    dispatch: ClassVar[dict[int, Any]]
    stack: list[Any]
    append: Callable[[Any], None]
    pop_mark: Callable[[], list[Any]]
    read: Callable[[int], bytes]

    def __init__(
        self, stream: Stream, allowed: Mapping[str, Any], most_bytes: int, storage: Callable[[Any], Any] = _no_storage
    ) -> None:
        super().__init__(stream, encoding="latin1")  # type: ignore[arg-type]  # asked for read and readline alone
        self.stream, self.allowed, self.bytes_left, self.storage = stream, allowed, most_bytes, storage
        self.read, self.readline = stream.read, stream.readline
        self.stack, self.metastack, self.proto = [], [], 0
        self.append = self.stack.append

    def load(self) -> Any:
        stop = pickle.STOP[0]
        while (code := self.read(1)[0]) != stop:
            if code not in self.dispatch:
                raise RefusedError(f"it has the operation {code:#x}, which plain values do not need")
            self.dispatch[code](self)
        return self.stack.pop()

    def find_class(self, module: str, name: str) -> Global:
        name = f"{module}.{name}"
        if name not in self.allowed:
            raise NotPlainError(shortened(name))
        return Global(name, self.allowed[name])

    def load_reduce(self) -> None:
        arguments, called = self.stack.pop(), self.stack[-1]
        if type(called) is not Global or not callable(called.value) or type(arguments) is not tuple:
            raise RefusedError("it calls what is no function")
        try:
            self.stack[-1] = called.value(*arguments)
        except TypeError as error:
            raise RefusedError(f"it calls {called.name} with other arguments than expected") from error
        self._count(self.stack[-1])

    def load_build(self) -> None:
        state, built = self.stack.pop(), self.stack[-1]
        if isinstance(built, StandIn):
            built.set_state(state)
            self._count(built)
        elif type(built) is not OrderedDict:  # which has PyTorch's notes on versions, that are not needed
            raise RefusedError("it has an object with a state that no plain value has")

    def _count(self, made: Any) -> None:
        """A few bytes of a file may be made into values again and again."""
        if isinstance(made, StandIn | np.generic):
            self.bytes_left -= made.nbytes
        elif isinstance(made, bytes | bytearray):
            self.bytes_left -= len(made)
        if self.bytes_left < 0:
            raise RefusedError("it comes to far more bytes than it has")

    def load_append(self) -> None:
        self._extend([self.stack.pop()])

    def load_appends(self) -> None:
        self._extend(self.pop_mark())

    def _extend(self, items: list[Any]) -> None:
        if type(self.stack[-1]) is not list:
            raise RefusedError("it adds items to what is no list")
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
        if not isinstance(self.stack[-1], dict) or len(items) % 2:
            raise RefusedError("it adds entries to what is no dictionary")
        self.stack[-1].update(checked_pairs(zip(items[::2], items[1::2], strict=True)))

    def load_additems(self) -> None:
        items = self.pop_mark()
        if type(self.stack[-1]) is not set:
            raise RefusedError("it adds items to what is no set")
        self.stack[-1].update(map(checked_key, items))

    def load_binpersid(self) -> None:
        self.append(self.storage(self.stack.pop()))

    def load_binbytes(self) -> None:
        self.append(self.stream.buffer(int.from_bytes(self.read(4), "little")))

    def load_binbytes8(self) -> None:
        self.append(self.stream.buffer(int.from_bytes(self.read(8), "little")))

    def load_frame(self) -> None:
        self.read(8)  # a frame only says how much to read at once

    _checked = {
        pickle.REDUCE: load_reduce, pickle.NEWOBJ: load_reduce, pickle.BUILD: load_build, pickle.APPEND: load_append,
        pickle.APPENDS: load_appends, pickle.SETITEM: load_setitem, pickle.SETITEMS: load_setitems,
        pickle.DICT: load_dict, pickle.ADDITEMS: load_additems, pickle.BINPERSID: load_binpersid,
        pickle.BINBYTES: load_binbytes, pickle.BINBYTES8: load_binbytes8, pickle.BYTEARRAY8: load_binbytes8,
        pickle.FRAME: load_frame,
    }  # fmt: skip
    _kept = (
        b"(012FGIJKLMNSTUVX)]}cghjlpqrt" + pickle.PROTO + pickle.TUPLE1 + pickle.TUPLE2 + pickle.TUPLE3
        + pickle.NEWTRUE + pickle.NEWFALSE + pickle.LONG1 + pickle.SHORT_BINBYTES + pickle.SHORT_BINUNICODE
        + pickle.BINUNICODE8 + pickle.EMPTY_SET + pickle.STACK_GLOBAL + pickle.MEMOIZE
    )  # fmt: skip
    dispatch = {code: pickle._Unpickler.dispatch[code] for code in _kept} | {
        code[0]: handler for code, handler in _checked.items()
    }
