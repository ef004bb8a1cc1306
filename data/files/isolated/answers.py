"""What the reading process sends: JSON frames and the bytes of plain arrays. Nothing that runs when it is received.

An answer is any number of arrays, each `{"array": dtype, "shape": ..., "transposed": ...}` followed by its bytes in
pieces of `{"bytes": n}`, and then `{"tree": ...}`: how the arrays hang together. `{"error": words, "cause": ...}` may
come in place of any frame. A frame is its length in eight bytes and JSON.
"""

import json
import math
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

LENGTH = struct.Struct("<Q")
PLAIN = re.compile(r"[<>|](b1|[iu][1248]|f[248]|c8|c16|[SU]\d{1,8})")
LONGEST_FRAME, MOST_ARRAYS, DEEPEST, MOST_AXES = 1 << 26, 100_000, 60, 32
HIGHEST_CHARACTER = 0x10FFFF


def room(file_bytes: int) -> int:
    """Bytes that the arrays of a file may take: pose files unpack to a few times their size."""
    return (1 << 28) + 16 * file_bytes


def seconds(file_bytes: int) -> int:
    """Of computing, between two signs of progress, after which reading has come to a loop: a MB takes hundredths."""
    return 3 + file_bytes // 1_000_000


def is_plain(dtype: np.dtype) -> bool:
    """Whether a dtype is numbers or text of a fixed length."""
    return dtype.names is None and dtype.subdtype is None and bool(PLAIN.fullmatch(dtype.str))


@dataclass
class Blocks:
    """An array that is sent as it is read. shape: as in the file; transposed: its axes are to be reversed."""

    dtype: np.dtype
    shape: tuple[int, ...]
    pieces: Iterator[np.ndarray]
    transposed: bool = False


class Sender:
    """The reading process's end. write: takes all of a buffer; room_left: bytes that arrays may still take."""

    def __init__(self, write: Callable[[Any], None], room_left: int) -> None:
        self.write, self.room_left, self.sent = write, room_left, 0

    def frame(self, content: dict[str, Any]) -> None:
        text = json.dumps(content).encode()
        if len(text) > LONGEST_FRAME:
            raise ValueError("more names and text inside than any file of poses has")
        self.write(LENGTH.pack(len(text)) + text)

    def answer(self, value: Any) -> None:
        """Send dicts, object arrays, strings, plain arrays and Blocks; anything else arrives as None."""
        self.frame({"tree": self._node(value, DEEPEST)})

    def _node(self, value: Any, depth: int) -> Any:
        if depth == 0:
            raise ValueError(f"cells or structs within each other to a depth of more than {DEEPEST}")
        if isinstance(value, dict):
            return {"struct": [[str(name), self._node(inner, depth - 1)] for name, inner in value.items()]}
        if isinstance(value, str):
            return {"text": str(value)}
        if isinstance(value, Blocks):
            return self._array(value)
        if isinstance(value, np.ndarray) and value.dtype == object:
            return {"cell": [list(value.shape), [self._node(inner, depth - 1) for inner in value.flat]]}
        if isinstance(value, (np.ndarray, np.generic)) and is_plain(value.dtype):
            array = np.asarray(value)
            turned = array.flags.f_contiguous and not array.flags.c_contiguous
            inner = np.ascontiguousarray(array.T if turned else array).reshape(array.T.shape if turned else array.shape)
            return self._array(Blocks(array.dtype, inner.shape, iter([inner]), bool(turned)))
        return None

    def _array(self, blocks: Blocks) -> dict[str, int]:
        size = math.prod(blocks.shape) * blocks.dtype.itemsize
        if size > self.room_left:
            raise ValueError(f"an array of shape {blocks.shape} inside, more than a file of that size can hold")
        if self.sent == MOST_ARRAYS:
            raise ValueError(f"more than {MOST_ARRAYS:,} arrays inside")
        self.room_left -= size
        self.frame({"array": blocks.dtype.str, "shape": list(blocks.shape), "transposed": blocks.transposed})
        for piece in blocks.pieces if size else ():
            self.frame({"bytes": piece.nbytes})
            self.write(np.ascontiguousarray(piece).reshape(-1).view(np.uint8).data)
        self.sent += 1
        return {"array": self.sent - 1}


class OtherContentError(ValueError):
    """A sound file that does not hold what is wanted of it."""


class OddAnswerError(ValueError):
    """What came through the pipe is no answer: the process that reads was damaged by what it read."""


class Receiver:
    """The asking process's end. read: fills a buffer; refuse: raises what an error frame says."""

    def __init__(
        self, read: Callable[[memoryview], None], room_left: int, refuse: Callable[[dict[str, Any]], None]
    ) -> None:
        self.read, self.room_left, self.refuse = read, room_left, refuse

    def frame(self) -> dict[str, Any]:
        start = bytearray(LENGTH.size)
        self.read(memoryview(start))
        (length,) = LENGTH.unpack(start)
        if length > LONGEST_FRAME:
            raise OddAnswerError
        text = bytearray(length)
        self.read(memoryview(text))
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise OddAnswerError from error
        if not isinstance(content, dict):
            raise OddAnswerError
        if "error" in content:
            self.refuse(content)
        return content

    def answer(self) -> Any:
        """What Sender.answer was given. Raises OddAnswerError on anything that it would not have sent."""
        arrays: list[np.ndarray] = []
        while "tree" not in (frame := self.frame()):
            if len(arrays) == MOST_ARRAYS:
                raise OddAnswerError
            arrays.append(self._array(frame))
        return _built(frame["tree"], arrays, DEEPEST)

    def _array(self, frame: dict[str, Any]) -> np.ndarray:
        name, shape = frame.get("array"), frame.get("shape")
        if not isinstance(name, str) or not PLAIN.fullmatch(name) or not isinstance(shape, list) or not _fits(shape):
            raise OddAnswerError
        dtype = np.dtype(name)
        size = math.prod(shape) * dtype.itemsize
        if size > self.room_left:
            raise OddAnswerError
        self.room_left -= size
        try:
            array = np.empty(shape, dtype)
        except ValueError as error:  # axes of no length beside axes that are too long
            raise OddAnswerError from error
        left = array.reshape(-1).view(np.uint8).data if size else memoryview(b"")
        while left:
            count = self.frame().get("bytes")
            if not isinstance(count, int) or not 0 < count <= len(left):
                raise OddAnswerError
            self.read(left[:count])
            left = left[count:]
        _check_values(array)
        return array.T if frame.get("transposed") is True else array


def _fits(shape: list[Any]) -> bool:
    return len(shape) <= MOST_AXES and all(type(length) is int and 0 <= length < 1 << 62 for length in shape)


def _check_values(array: np.ndarray) -> None:
    """Refuse bytes that are no truth value and no character: numpy trusts them."""
    if array.dtype.kind == "b" and array.size and array.view(np.uint8).max() > 1:
        raise OddAnswerError
    if array.dtype.kind == "U" and array.nbytes:
        codes = array.reshape(-1).view(np.dtype("u4").newbyteorder(array.dtype.byteorder))
        if codes.max() > HIGHEST_CHARACTER:
            raise OddAnswerError


def _built(node: Any, arrays: list[np.ndarray], depth: int) -> Any:
    if node is None:
        return None
    if depth == 0 or not isinstance(node, dict) or len(node) != 1:
        raise OddAnswerError
    try:
        ((node_type, content),) = node.items()
        if node_type == "array" and content >= 0:
            return arrays[content]
        if node_type == "text" and isinstance(content, str):
            return content
        if node_type == "struct":
            return {str(name): _built(inner, arrays, depth - 1) for name, inner in content}
        if node_type == "cell" and _fits(content[0]) and math.prod(content[0]) == len(content[1]):
            cells = np.empty(len(content[1]), dtype=object)
            for index, inner in enumerate(content[1]):
                cells[index] = _built(inner, arrays, depth - 1)
            return cells.reshape(content[0])
    except (TypeError, ValueError, LookupError) as error:
        raise OddAnswerError from error
    raise OddAnswerError
