"""Pickles from every writer come back, and nothing in a pickle chooses a type, a size, a call or how long it takes."""

import codecs
import contextlib
import itertools
import pickle
import struct
from collections import OrderedDict, defaultdict
from io import BufferedReader, BytesIO
from typing import Any

import numpy as np
import pytest

from data.files.archive import BROKEN_FILE
from data.files.plain_arrays import restricted_load
from data.files.stream import Stream

MOST = 1 << 20
PLAIN = ("?", "i1", "u2", "i4", "u8", "f2", "f4", "f8", "S3", "U2", ">f4", ">i2", ">U2")


def load(content: bytes) -> Any:
    stream = Stream(BufferedReader(BytesIO(content)), len(content), len(content))  # type: ignore[arg-type]
    stream.pieces_left = 10_000
    return restricted_load(stream, MOST)


def some_array(code: str, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).integers(0, 9, shape)).astype(code)


class Calls:
    """Pickles as a call, and a state if there is one."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def __reduce__(self) -> tuple:
        return self.parts


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_of_every_plain_type_come_back(protocol: int) -> None:
    for code, shape in itertools.product(PLAIN, [(), (0, 3), (5,), (2, 3, 4)]):
        array = some_array(code, shape)
        for written in (array, array.copy(order="F"), array[()]):
            found = load(pickle.dumps({"x": [written]}, protocol))["x"][0]
            np.testing.assert_array_equal(found, written)
            assert found.dtype.isnative and found.dtype.kind == array.dtype.kind
            if isinstance(written, np.ndarray):
                assert isinstance(found, np.ndarray) and found.flags.writeable and found.shape == shape


@pytest.mark.parametrize("protocol", range(6))
def test_containers_come_back_as_plain_ones(protocol: int) -> None:
    ragged = np.empty((2, 1), dtype=object)
    ragged[:, 0] = [np.arange(3), {"a": (1, 2.5, None, True)}]
    shared = ["left"]
    written = {
        "words": ["é", b"", b"\xff" * 300, "x" * 70_000],
        "ordered": OrderedDict(a=1),
        "grouped": defaultdict(list, a=[1]),
        ("S1", 2): {1, 2},
        "numbers": [2**63, -(2**63), 1e300],
        "shared": [shared, shared],
        "ragged": ragged,
    }
    found = load(pickle.dumps(written, protocol))
    np.testing.assert_array_equal(found["ragged"][0, 0], np.arange(3))
    assert found.pop("ragged")[1, 0] == written.pop("ragged")[1, 0] and found == written
    assert type(found["ordered"]) is type(found["grouped"]) is dict


def test_an_array_of_python_2_comes_back() -> None:
    """Its bytes are text, and its module is numpy.core."""
    array = np.arange(4, dtype="<f8") - 2
    head = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x00cnumpy\nndarray\nq\x01K\x00\x85U\x01b\x87Rq\x02"
    kind = b"cnumpy\ndtype\nq\x03U\x02f8K\x00K\x01\x87Rq\x04(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    raw = b"T" + struct.pack("<i", array.nbytes) + array.tobytes()
    np.testing.assert_array_equal(load(head + b"(K\x01K\x04\x85" + kind + b"\x89" + raw + b"tb."), array)


def doubled(levels: int, kind: type = list) -> Any:
    """2^levels items, in a pickle of some bytes for each level."""
    inner: Any = kind([0, 0])
    for _ in range(levels):
        inner = kind([inner, inner])
    return inner


class Metadata(np.ndarray):
    """A kind of array of somebody's own."""


def with_state(*state: Any) -> Calls:
    return Calls(np.ndarray.__reduce__(np.zeros(0))[0], (np.ndarray, (0,), b"b"), state)


def dtype_state(code: str, *state: Any) -> Calls:
    return Calls(np.dtype, (code, False, True), state)


F8, PLAIN_STATE = np.dtype("f8"), (3, "<", None, None, None, -1, -1, 0)
FORGED = {
    "structured": np.zeros(2, dtype=[("a", "O"), ("b", "f4")]),
    "sub-array": with_state(1, (1,), dtype_state("V8", 3, "|", (F8, (1,)), None, None, 8, 1, 0), False, bytes(8)),
    "object type over raw bytes": with_state(
        1, (3,), dtype_state("V8", 3, "|", None, ("a",), {"a": (np.dtype("O"), 0)}, 8, 1, 0), False, b"A" * 24
    ),
    "fields of a plain type": with_state(
        1, (1,), dtype_state("f8", 3, "<", None, ("a",), {"a": (np.dtype("O"), 0)}, 8, 1, 0), False, bytes(8)
    ),
    "items of another size": with_state(1, (1,), dtype_state("f8", *PLAIN_STATE[:5], 800, 1, 0), False, bytes(8)),
    "an odd byte order": with_state(1, (1,), dtype_state("f8", 3, "A", *PLAIN_STATE[2:]), False, bytes(8)),
    "complex": np.zeros(2, dtype="c16"),
    "time": np.array(["2020-01-01"], dtype="M8[D]"),
    "objects as bytes": with_state(1, (1,), np.dtype("O"), False, b"A" * 8),
    "objects that are too few": with_state(1, (5,), np.dtype("O"), False, [1]),
    "objects in three axes": np.empty((1, 1, 1), dtype=object),
    "objects in objects": np.array([np.array([{}], dtype=object), None], dtype=object),
    "a shape beyond its bytes": with_state(1, (10**6,), F8, False, bytes(8)),
    "a negative shape": with_state(1, (-1, -1), F8, False, bytes(8)),
    "a shape of words": with_state(1, ("a",), F8, False, bytes(8)),
    "a type of many words": Calls(np.dtype, (doubled(60, tuple),)),
    "a shape of many words": with_state(1, doubled(60, tuple), F8, False, bytes(8)),
    "no bytes": with_state(1, (1,), F8, False, [1.0]),
    "bool that is neither": with_state(1, (2,), np.dtype("?"), False, b"\x01\x07"),
    "text beyond the last character": with_state(1, (1,), np.dtype("<U1"), False, b"\xff\xff\xff\xff"),
    "ndarray called": Calls(np.ndarray, ((3,), F8)),
    "a subclass": np.zeros(3).view(Metadata),
    "a scalar of objects": Calls(np.float64(0).__reduce__()[0], (np.dtype("O"), b"A" * 8)),
    "bytes of a size": Calls(bytes, (10**12,)),
    "a whole number of text": Calls(int, ("9" * 4000,)),
    "a list of a generator": Calls(list, ("abc",)),
    "a state for a dictionary": Calls(OrderedDict, (), {"items": 1}),
    "a type for a value": [np.dtype("f8")],
    "an announced array": Calls(np.zeros(0).__reduce__()[0], (np.ndarray, (0,), b"b")),
    "another encoding": Calls(codecs.encode, ("abc", "utf-16")),
    "a whole number beyond 64 bits": 2**64,
}  # fmt: skip


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("what", FORGED)
def test_forged_states_and_calls_are_refused(what: str, protocol: int) -> None:
    with pytest.raises((ValueError, EOFError)):
        load(pickle.dumps({"x": FORGED[what]}, protocol))


def nested(levels: int, inner: Any = 0) -> Any:
    for _ in range(levels):
        inner = [inner]
    return inner


def in_a_row() -> list[Any]:
    """Lists of twenty levels, each with the one before it at its end."""
    row = []
    for _ in range(5):
        row.append(nested(20, row[-1] if row else 0))
    return row


def endless() -> Any:
    inner: list[Any] = []
    inner.append({"again": inner})
    return inner


def encoded(times: int) -> list[Calls]:
    """The same text as bytes, many times over."""
    text = "x" * 100_000
    return [Calls(codecs.encode, (text, "latin1")) for _ in range(times)]


BOMBS = {
    "a deep list": pickle.dumps(nested(400)),
    "deep lists in a row": pickle.dumps(in_a_row()),
    "lists doubled in lists": pickle.dumps(doubled(60)),
    "tuples doubled in tuples": pickle.dumps(doubled(60, tuple)),
    "tuples doubled in tuples as a key": b"\x80\x04}K\x00" + b"2\x86" * 60 + b"K\x01s.",
    "tuples doubled in tuples in a set": b"\x80\x04\x8f(K\x00" + b"2\x86" * 60 + b"\x90.",
    "a list that holds itself": pickle.dumps(endless()),
    "an array named a thousand times": pickle.dumps([np.zeros(10_000)] * 1000),
    "a text encoded again and again": pickle.dumps(encoded(20), 2),
    "arrays made of one text again and again": (
        b"\x80\x02]cnumpy\ndtype\nX\x02\0\0\0u1\x85Rq\x00X\x50\xc3\0\0"
        + b"x" * 50_000
        + b"q\x01"
        + b"0("
        + b"cnumpy.core.numeric\n_frombuffer\n(h\x01h\x00MP\xc3\x85X\x01\0\0\0CtR0" * 100
        + b"e."
    ),
    "bytes that are not there": b"\x80\x04\x8e" + b"\xff" * 7 + b"\x0f.",
    "bytes that are not there, to write to": b"\x80\x05\x96" + b"\xff" * 7 + b"\x0f.",
    "text that is not there": b"\x80\x04\x8d" + b"\xff" * 7 + b"\x0f.",
    "a long number that is not there": b"\x80\x04\x8b\xff\xff\xff\x7f.",
    "more small pieces than allowed": b"\x80\x04" + b"]" * 20_000 + b".",
    "an extension": b"\x80\x02\x82\x01.",
    "a persistent name": b"Pname\n.",
    "an instance": b"(ios\nsystem\n.",
    "nothing on the stack": b"\x80\x02R.",
    "no end": b"\x80\x02]",
}


@pytest.mark.parametrize("what", BOMBS)
def test_what_would_take_memory_or_time_is_refused(what: str) -> None:
    with pytest.raises((ValueError, EOFError, IndexError)):
        load(BOMBS[what])


def test_a_far_place_in_the_memo_takes_no_memory() -> None:
    assert load(b"\x80\x02K\x01r\xff\xff\xff\xff.") == 1


def test_any_change_of_a_byte_is_read_or_refused() -> None:
    whole = pickle.dumps({"S1": {"Walking": [some_array("f4", (3, 2)), np.float32(2)], "name": "h36m"}}, 2)
    draw = np.random.default_rng(0)
    for _ in range(500):
        content = bytearray(whole)
        for place in draw.integers(0, len(content), draw.integers(1, 4)):
            content[place] = draw.integers(256)
        with contextlib.suppress(BROKEN_FILE):
            load(bytes(content))
