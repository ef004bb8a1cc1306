"""npz and npy files, without running what is pickled inside."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np

from data.files.archive import BROKEN_FILE, check_members, in_short, most_bytes, open_zip, shortened
from data.files.pickles import NotPlainError
from data.files.plain_arrays import array_of_bytes, check_bytes, checked_shape, plain_dtype, restricted_load
from data.files.present import require_file
from data.files.stream import Stream

_BUFFER = 1 << 16
_MAGIC, _LONGEST_HEADER, _OBJECTS = b"\x93NUMPY", 10_000, ("|O", "O", "|O4", "|O8")
# numpy's own parser of headers compiles what stands there as Python.
_HEADER = re.compile(
    r"\{ *'descr': *'(?P<type>[^']*)', *'fortran_order': *(?P<order>True|False), *'shape': *\((?P<shape>[^()]*)\),? *\}"
    r" *\n?"
)
_LENGTH = re.compile(r" *([0-9]{1,18})L? *")  # Python 2 wrote an L


def _header(stream: Stream) -> tuple[str, bool, tuple[int, ...]]:
    """An npy file's type, whether its order is Fortran's, and its shape."""
    start = stream.read(8)
    version = tuple(start[6:])
    if start[:6] != _MAGIC or version not in ((1, 0), (2, 0), (3, 0)):
        raise ValueError("it does not begin as an npy file of version 1, 2 or 3")
    length = int.from_bytes(stream.read(2 if version == (1, 0) else 4), "little")
    if length > _LONGEST_HEADER:
        raise ValueError(f"its header has {length:,} bytes")
    match = _HEADER.fullmatch(stream.read(length).decode("latin1"))
    lengths = match["shape"].split(",") if match else [""]
    if match is None or (len(lengths) == 1 and lengths[0].strip()):  # (3) is a number
        raise ValueError("its header is not that of a plain array")
    if not lengths[-1].strip():
        lengths.pop()
    numbers = [_LENGTH.fullmatch(word) for word in lengths]
    shape = tuple(int(number[1]) for number in numbers if number)
    if len(shape) < len(numbers):
        raise ValueError("its header has a shape that is no row of lengths")
    return match["type"], match["order"] == "True", checked_shape(shape)


def _restricted_array(stream: Stream, most: int) -> Any:
    """One npy member: a numeric or text array, or the unpickled object array (0-d ones unwrapped)."""
    descr, fortran, shape = _header(stream)
    if descr not in _OBJECTS:
        dtype = plain_dtype(descr)
        check_bytes(dtype, shape, stream.left)
        return array_of_bytes(stream.buffer(stream.left), dtype, shape, fortran)
    array = restricted_load(stream, most)
    if stream.left:
        raise ValueError(f"{stream.left:,} bytes follow its end")
    return array.item() if isinstance(array, np.ndarray) and array.ndim == 0 else array


@contextmanager
def refused_in_words(path: Path, member: str = "it") -> Iterator[None]:
    """Turn what reading arrays and pickles raises into one sentence. member: of an archive, in quotes."""
    try:
        yield
    except NotPlainError as error:
        raise ValueError(
            f"{path} was refused: {member} asks to load {error}, expected only arrays of bool, integer, float or "
            "text, dicts, lists, strings and numbers. Nothing of it was run; get the file from a source you trust."
        ) from error
    except BROKEN_FILE as error:
        raise ValueError(
            f"{path} is damaged: {member} cannot be read ({in_short(error)}). Copy or make it again."
        ) from error


def _parse_restricted(path: Path, member: str, open_member: Callable[[], Any], size: int) -> Any:
    file_bytes = path.stat().st_size
    with refused_in_words(path, f"'{member}'"), BufferedReader(open_member(), _BUFFER) as file:
        return _restricted_array(Stream(file, size, file_bytes), most_bytes(file_bytes))


def load_npz_restricted(path: str | Path, how_to_make: str = "") -> dict[str, Any]:
    """All members of an npz file. Pickled members are read only if made of arrays and plain containers.

    Returns name -> array, or what a 0-d object array holds (usually a dict), as VideoPose3D writes its files. A file
    that would unpack to more than 512 MiB and 30 times its size is refused.
    """
    path = require_file(path, how_to_make)
    with open_zip(path, "npz file", f"Copy or make it again. {how_to_make}".strip()) as archive:
        members = archive.infolist()
        check_members(path, members)
        arrays = {}
        for member in members:
            name = member.filename.removesuffix(".npy")
            if name in arrays:
                raise ValueError(f"{path} has two members called {shortened(name)}, expected one. Make it again.")
            arrays[name] = _parse_restricted(path, shortened(name), partial(archive.open, member), member.file_size)
    return arrays


def load_npy_restricted(path: str | Path) -> Any:
    """An npy file under the same rule as load_npz_restricted."""
    path = require_file(path)
    return _parse_restricted(path, path.name, partial(open, path, "rb", buffering=0), path.stat().st_size)
