"""MATLAB files of both kinds, with scipy (up to v7) and h5py (v7.3). Runs in the child."""

import os
import struct
from typing import Any

import h5py
import numpy as np
from scipy.io import loadmat

from data.files.isolated.answers import DEEPEST, Sender, is_plain
from data.files.isolated.hdf5 import blocks, checked

MOST_NODES = 5_000  # of v7.3: a training sequence has 70
ORDERS = {b"IM": "<", b"MI": ">"}


def read(path: str, request: dict[str, Any], sender: Sender) -> None:
    """Send every variable."""
    with open(path, "rb") as stream:
        start = stream.read(520)
    if b"MATLAB 7.3" in start[:128] or b"\x89HDF\r\n" in start[:8] or b"\x89HDF\r\n" in start[512:]:
        with h5py.File(path, "r") as file:
            hdf5 = _Hdf5(file, sender.room_left)
            sender.answer({name: hdf5.value(node) for name, node in file.items() if not name.startswith("#")})
        return
    _check_elements(path, start[126:128])
    content = loadmat(path, struct_as_record=False)
    sender.answer({name: _plain(value) for name, value in content.items() if not name.startswith("__")})


def _check_elements(path: str, mark: bytes) -> None:
    """Refuse an element that is longer than what is left of the file."""
    size, start = os.stat(path).st_size, 128
    if mark not in ORDERS:  # v4 has no such header, anything else scipy refuses
        return
    with open(path, "rb") as stream:
        while start + 8 <= size:
            stream.seek(start)
            _, length = struct.unpack(f"{ORDERS[mark]}II", stream.read(8))
            start += 8 + length
            if start > size:
                left = size - start + length
                raise ValueError(f"a variable of {length:,} bytes is announced where {left:,} are left")


def _plain(value: Any) -> Any:
    """scipy's struct objects as dicts, 1x1 struct arrays as the struct itself."""
    if hasattr(value, "_fieldnames"):
        return {name: _plain(getattr(value, name)) for name in value._fieldnames}
    if isinstance(value, np.ndarray) and value.dtype == object:
        if value.size == 1 and hasattr(value.flat[0], "_fieldnames"):
            return _plain(value.flat[0])
        plain = np.empty(value.shape, dtype=object)
        for index in np.ndindex(value.shape):
            plain[index] = _plain(value[index])
        return plain
    return value


class _Hdf5:
    """v7.3: groups are structs, references are cells. Both may lead back to where they came from."""

    def __init__(self, file: h5py.File, room: int) -> None:
        self.file, self.room, self.nodes = file, room, 0

    def value(self, node: Any, depth: int = DEEPEST) -> Any:
        self.nodes += 1
        if self.nodes > MOST_NODES or depth == 0:
            raise ValueError("cells or structs without end: they hold each other")
        if isinstance(node, h5py.Group):
            return {name: self.value(child, depth - 1) for name, child in node.items()}
        if not isinstance(node, h5py.Dataset) or node.shape is None:
            return None
        if h5py.check_ref_dtype(node.dtype) is h5py.Reference:
            return self._cells(node, depth)
        if not is_plain(node.dtype):
            return None
        dataset = checked(node, str(node.name), self.room)
        if dataset.attrs.get("MATLAB_class") == b"char":
            return "".join(map(chr, np.asarray(dataset[()]).T.ravel(order="C")))
        return blocks(dataset, transposed=True)

    def _cells(self, node: Any, depth: int) -> np.ndarray:
        if node.size > MOST_NODES:
            raise ValueError(f"{node.size:,} cells in {node.name}")
        cells = node[()].T
        objects = np.empty(cells.shape, dtype=object)
        for index in np.ndindex(cells.shape):
            objects[index] = self.value(self.file[cells[index]], depth - 1)
        return objects
