"""What goes through the pipe: plain arrays arrive as they were, and nothing else can be made of what arrives."""

import io
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra.numpy import array_shapes, arrays, scalar_dtypes

from data.files.isolated.answers import LENGTH, OddAnswerError, Receiver, Sender, is_plain, room


class RefusedError(Exception):
    pass


def received(content: bytes, most: int = 1 << 20) -> Any:
    stream = io.BytesIO(content)

    def read(into: memoryview) -> None:
        if stream.readinto(into) != len(into):
            raise EOFError

    def refuse(frame: dict[str, Any]) -> None:
        raise RefusedError(frame["error"])

    return Receiver(read, most, refuse).answer()


def sent(value: Any, most: int = 1 << 20) -> bytes:
    stream = io.BytesIO()
    Sender(stream.write, most).answer(value)
    return stream.getvalue()


def frames(*contents: Any) -> bytes:
    """JSON frames, bytes as they are."""
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in contents]
    framed = zip(parts, contents, strict=True)
    return b"".join(own if isinstance(it, bytes) else LENGTH.pack(len(own)) + own for own, it in framed)


PLAIN = scalar_dtypes().filter(is_plain).flatmap(lambda dtype: arrays(dtype, array_shapes(min_dims=0, min_side=0)))


@given(PLAIN, some.booleans())
def test_arrays_arrive_bit_for_bit_and_in_the_same_order_in_memory(array: np.ndarray, turned: bool) -> None:
    array = array.T if turned else array
    found = received(sent(array))
    assert found.dtype == array.dtype and found.shape == array.shape and found.tobytes() == array.tobytes()
    assert found.flags.f_contiguous == array.flags.f_contiguous and found.flags.writeable


def test_structs_and_cells_arrive_as_they_hang_together() -> None:
    cells = np.empty((2, 1), dtype=object)
    cells[0, 0], cells[1, 0] = np.arange(3), {"name": "ä\0b", "function": len}
    found = received(sent({"cells": cells, "empty": np.empty((0, 4), dtype=object), "text": np.array(["ab", "c"])}))
    assert found["cells"].shape == (2, 1) and found["cells"][1, 0] == {"name": "ä\0b", "function": None}
    np.testing.assert_array_equal(found["cells"][0, 0], np.arange(3))
    assert found["empty"].shape == (0, 4) and found["text"].tolist() == ["ab", "c"]


def test_what_is_more_than_a_file_can_hold_or_nested_without_end_is_not_sent() -> None:
    with pytest.raises(ValueError, match="more than a file of that size can hold"):
        sent(np.zeros(1000), 7999)
    nested: dict[str, Any] = {}
    nested["again"] = nested
    with pytest.raises(ValueError, match="to a depth of more than 60"):
        sent(nested)
    assert room(10**9) > 10 * 10**9


TREE = {"tree": {"array": 0}}
HEAD = {"array": "<f8", "shape": [2], "transposed": False}


@pytest.mark.parametrize(
    "content",
    [
        [{**HEAD, "array": "|O"}, TREE],
        [{**HEAD, "array": "<f8,<f8"}, TREE],
        [{**HEAD, "array": "<m8[s]"}, TREE],
        [{**HEAD, "array": ["<f8"]}, TREE],
        [{**HEAD, "shape": [1 << 40]}, TREE],
        [{**HEAD, "shape": [-1]}, TREE],
        [{**HEAD, "shape": [True, 2]}, TREE],
        [{**HEAD, "shape": [0, 1 << 61]}, TREE],
        [{**HEAD, "shape": [1] * 40}, TREE],
        [{**HEAD, "shape": 2}, TREE],
        [HEAD, {"bytes": 17}, bytes(17), TREE],
        [HEAD, {"bytes": 0}, TREE],
        [HEAD, {"bytes": "16"}, bytes(16), TREE],
        [HEAD, TREE],
        [{**HEAD, "array": "|b1"}, {"bytes": 2}, b"\1\2", TREE],
        [{**HEAD, "array": "<U1"}, {"bytes": 8}, b"\xff" * 8, TREE],
        [{"tree": {"array": 0}}],
        [{"tree": {"array": -1}}],
        [{"tree": {"array": "0"}}],
        [{"tree": {"cell": [[3], [None]]}}],
        [{"tree": {"cell": [[1 << 61], []]}}],
        [{"tree": {"struct": [["a"]]}}],
        [{"tree": {"struct": 1}}],
        [{"tree": {"text": 1}}],
        [{"tree": [1]}],
        [{"tree": {"call": "os.system"}}],
        [["tree"]],
        [LENGTH.pack(1 << 40)],
        [LENGTH.pack(200_000) + b"[" * 200_000],
        [LENGTH.pack(3) + b"nul"],
    ],
)
def test_forged_answers_are_refused(content: list[Any]) -> None:
    with pytest.raises(OddAnswerError):
        received(frames(*content))


def test_a_tree_without_end_is_refused() -> None:
    tree: Any = None
    for _ in range(70):
        tree = {"cell": [[1], [tree]]}
    with pytest.raises(OddAnswerError):
        received(frames({"tree": tree}))


def test_an_error_may_come_in_the_middle_of_an_array() -> None:
    with pytest.raises(RefusedError, match="a damaged chunk"):
        received(frames(HEAD, {"bytes": 8}, bytes(8), {"error": "a damaged chunk", "cause": "content"}))
