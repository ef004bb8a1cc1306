"""Arrays of plain types from raw bytes: whatever a file says about them is checked before NumPy hears of it."""

import math
import re
import reprlib
from typing import Any

import numpy as np

from data.files.archive import shortened

MOST_AXES = 32
_PLAIN = re.compile(r"[<>=|]?(b1|[iu][1248]|f[248]|[SU][1-9][0-9]{0,8})")
_LAST_CHARACTER, _SURROGATES = 0x10FFFF, (0xD800, 0xDFFF)


class NotPlainError(ValueError):
    """Something that is no array of a plain type, no plain container and no number or text."""


def plain_dtype(code: Any, order: Any = "=") -> np.dtype[Any]:
    """The type of a plain string ("<f4", "b1", "U12"): bool, integer, float or text, and no other.

    order: "<", ">", "=" or "|", how its bytes are where the string does not say it.
    """
    if type(code) is not str or not _PLAIN.fullmatch(code):
        raise NotPlainError(f"an array of the type {shortened(reprlib.repr(code))}")
    if type(order) is not str or order not in ("<", ">", "=", "|"):
        raise ValueError("an array whose byte order is neither little nor big")
    dtype = np.dtype(code)
    return dtype if code[0] in "<>=|" or order in "=|" else dtype.newbyteorder(order)


def checked_shape(shape: Any) -> tuple[int, ...]:
    """A tuple of axis lengths."""
    if type(shape) is not tuple or len(shape) > MOST_AXES or not all(type(n) is int and 0 <= n < 2**62 for n in shape):
        raise ValueError(f"an array of the shape {shortened(reprlib.repr(shape))}, expected a few lengths of 0 or more")
    return shape


def check_bytes(dtype: np.dtype[Any], shape: tuple[int, ...], size: int) -> None:
    """Whether an array is exactly as long as its bytes."""
    wanted = math.prod(shape) * dtype.itemsize
    if wanted != size:
        raise ValueError(f"an array {shape} of {dtype} has {wanted:,} bytes, {size:,} are there")


def array_of_bytes(raw: Any, dtype: np.dtype[Any], shape: tuple[int, ...], fortran: bool) -> np.ndarray:
    """The array, in this machine's byte order. raw: a buffer that can be written to, which the array may keep."""
    check_bytes(dtype, shape, len(raw))
    if dtype.kind == "b" and (np.frombuffer(raw, np.uint8) > 1).any():
        raise ValueError("an array of bool has bytes other than 0 and 1")
    if dtype.kind == "U":
        codes = np.frombuffer(raw, np.dtype(np.uint32).newbyteorder(dtype.byteorder))
        low, high = _SURROGATES
        if ((codes > _LAST_CHARACTER) | ((codes >= low) & (codes <= high))).any():
            raise ValueError("an array of text has codes that are no characters")
    array = np.frombuffer(raw, dtype).reshape(shape, order="F" if fortran else "C")
    return array.astype(dtype.newbyteorder("="), copy=False)
