"""What a file of named members holds, held against what its reader is about to take it for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from data.files.archive import in_short, shortened

LONGEST_NAME = 200
LARGEST = 1e15  # of any number in a file of poses
_WORDS = {"f": "real numbers", "i": "whole numbers", "u": "", "b": "yes or no", "U": "text", "S": "", "O": ""}


def check_arrays(
    path: str | Path, content: Mapping[str, Any], wanted: Mapping[str, tuple[str, tuple[int | str, ...]]], advice: str
) -> dict[str, int]:
    """Refuse members that are missing, or no arrays as wanted: name -> (NumPy's letters for its types, shape).

    A length given as a word ("frames") is 1 or more, and the same wherever the word stands. Returns these lengths.
    """
    lengths: dict[str, int] = {}
    for name, (letters, shape) in wanted.items():
        array = content.get(name)
        expected = tuple(lengths.get(length, length) if isinstance(length, str) else length for length in shape)
        if isinstance(array, np.ndarray) and array.dtype.kind in letters and array.ndim == len(shape):
            fresh = {word: size for word, size in zip(expected, array.shape, strict=True) if isinstance(word, str)}
            lengths |= fresh
            refuse_beyond(array, f"{path}: '{shortened(name)}'")
            if array.shape == tuple(fresh[size] if isinstance(size, str) else size for size in expected) and all(
                fresh.values()
            ):
                continue
        words = " or ".join(_WORDS[letter] for letter in letters if _WORDS[letter])
        listed = ", ".join(map(str, expected))
        raise ValueError(
            f"{path} has {described(array)} for '{shortened(name)}', expected ({listed}) of {words}. {advice}".strip()
        )
    return lengths


def recordings_of(
    path: str | Path, content: Mapping[str, Any], name: str, advice: str = ""
) -> dict[str, dict[str, Any]]:
    """The member that maps subject -> recording -> poses, both by their names."""
    subjects = content.get(name)
    levels = [subjects, *(subjects.values() if isinstance(subjects, dict) else ())]
    if not all(
        isinstance(level, dict) and all(isinstance(key, str) and len(key) <= LONGEST_NAME for key in level)
        for level in levels
    ):
        held = ", ".join(shortened(key) for key in list(content)[:6]) or "nothing"
        raise ValueError(
            f"{path} has {held} inside, expected '{name}': subject -> recording -> poses. {advice}".strip()
        )
    return levels[0]


def is_list(value: Any) -> TypeGuard[list[Any] | tuple[Any, ...] | np.ndarray]:
    """Whether a value has a length and items: a list, a tuple, or an array with a dimension."""
    return isinstance(value, list | tuple) or isinstance(value, np.ndarray) and value.ndim > 0


def table(value: Any, where: str) -> np.ndarray:
    """An array, from nested lists as well; rows of different length and what is no number or text are refused."""
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"{where} holds something that is not a table of numbers ({in_short(error)}).") from error
    if array.dtype.kind not in "fiubUS":
        raise ValueError(f"{where} has {described(value)}, expected an array of numbers.")
    refuse_beyond(array, where)
    return array


def refuse_beyond(array: np.ndarray, where: str) -> None:
    """Refuse numbers whose squares are infinite in float32. NaN and infinity are their readers' business."""
    if array.dtype.kind not in "fiu" or not array.size:
        return
    if not max(float(np.fmax.reduce(array, None)), -float(np.fmin.reduce(array, None))) > LARGEST:
        return
    beyond = array[np.isfinite(array) & ((array > LARGEST) | (array < -LARGEST))]
    if len(beyond):
        raise ValueError(f"{where} has the number {float(beyond[0]):.4g}, expected at most {LARGEST:g}.")


def described(value: Any) -> str:
    """A value in a few words."""
    if value is None:
        return "nothing"
    if isinstance(value, np.ndarray):
        return f"an array {value.shape} of {value.dtype}"
    return f"a {type(value).__name__}"
