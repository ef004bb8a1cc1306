"""VideoPose3D's kind of npz file, a dictionary of takes inside a 0-d object array, written take by take.

np.savez pickles such a dictionary as a whole: every pose of it is in memory, twice. Here the pickle is put together
from those of its parts, so memory does not grow, and what is written was made just before.
"""

import io
import pickle
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np

from augment.export.formats.chunk import object_array

_PROTOCOL = 3  # without frames, whose lengths would be those of whole pickles
_PLACE = b"the numbers of an array come here"
_PROTO, _HERE = 2, "the dictionary"  # bytes in front of a pickle; what stands for the dictionary in the array around it


class _Pickler(pickle.Pickler):
    """Pickles arrays as NumPy does, but with `_PLACE` for their numbers, which it keeps aside without a copy."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, _PROTOCOL)
        self.fast = True  # nothing is referred to by numbers, which would count from the start of the file
        self.numbers: list[memoryview] = []

    def reducer_override(self, value: Any) -> Any:
        if type(value) is not np.ndarray or value.dtype.hasobject or not 0 < value.nbytes < 2**32:
            return NotImplemented
        rebuild, arguments, (version, _, dtype, by_columns, _) = np.empty(0, value.dtype).__reduce__()
        self.numbers.append(np.ascontiguousarray(value).reshape(-1).view(np.uint8).data)
        return rebuild, arguments, (version, value.shape, dtype, by_columns, _PLACE)


class TakesMember:
    """A member {subject: {take: value}} of an npz file. Takes have to come subject by subject, in the order given.

    Used as a context; the archive takes its next member afterwards.
    """

    def __init__(self, archive: zipfile.ZipFile, name: str, subjects: Sequence[str]) -> None:
        self._archive, self._name, self._subjects, self._current = archive, f"{name}.npy", list(subjects), ""

    def __enter__(self) -> "TakesMember":
        array = object_array(_HERE)
        before, self._after = b"".join(_pickled(array)).split(b"".join(_pickled(_HERE)))
        self._member = self._archive.open(self._name, "w", force_zip64=True)
        np.lib.format.write_array_header_1_0(self._member, np.lib.format.header_data_from_array_1_0(array))
        self._write([pickle.PROTO + bytes([_PROTOCOL]), before, pickle.EMPTY_DICT])
        return self

    def __exit__(self, *error: object) -> None:
        if error[0] is None:
            while self._subjects:
                self._begin_subject()
            self._write([pickle.SETITEM, self._after, pickle.STOP])
        self._member.close()

    def add(self, subject: str, recording: str, value: Any) -> None:
        """Write a take: arrays, or lists and dictionaries of them."""
        while subject != self._current:
            self._begin_subject()
        self._write([*_pickled(recording), *_pickled(value), pickle.SETITEM])

    def _begin_subject(self) -> None:
        """Begin the next subject's dictionary and end the one before."""
        ended = [pickle.SETITEM] if self._current else []
        self._current = self._subjects.pop(0)
        self._write([*ended, *_pickled(self._current), pickle.EMPTY_DICT])

    def _write(self, chunks: Sequence[bytes | memoryview]) -> None:
        for chunk in chunks:
            self._member.write(chunk)


def _pickled(value: Any) -> list[bytes | memoryview]:
    """What puts a value on the stack of who reads the pickle: without its first two bytes and its last."""
    file = io.BytesIO()
    pickler = _Pickler(file)
    pickler.dump(value)
    around = file.getvalue()[_PROTO:-1].split(pickle.SHORT_BINBYTES + bytes([len(_PLACE)]) + _PLACE)
    chunks: list[bytes | memoryview] = [around[0]]
    for numbers, rest in zip(pickler.numbers, around[1:], strict=True):
        chunks += [pickle.BINBYTES + numbers.nbytes.to_bytes(4, "little"), numbers, rest]
    return chunks
