"""HDF5 files, with h5py. Runs in the child."""

from collections.abc import Iterator
from typing import Any, BinaryIO

import h5py
import numpy as np

from data.files.isolated.answers import Blocks, OtherContentError, Sender, is_plain

BLOCK_BYTES, ROWS_AT_ONCE_BYTES = 1 << 20, 1 << 24


def read(source: str | BinaryIO, request: dict[str, Any], sender: Sender) -> None:
    """Send those of the named arrays and attributes that the file has, or the shapes alone, or only some rows."""
    rows = np.array(request["rows"], dtype=np.int64) if request.get("rows") is not None else None
    with h5py.File(source, "r") as file:
        arrays: dict[str, Any] = {}
        for name in (name for name in request["names"] if name in file):
            dataset = checked(file[name], name, sender.room_left)
            if request.get("shapes_only"):
                arrays[name] = np.array(dataset.shape, dtype=np.int64)
            else:
                arrays[name] = blocks(dataset) if rows is None else _rows(dataset, rows)
        wanted = request.get("attributes", ())
        attributes = {name: _attribute(file.attrs[name]) for name in wanted if name in file.attrs}
        sender.answer({"arrays": arrays, "attributes": attributes})


def checked(node: Any, name: str, room: int) -> h5py.Dataset:
    """The node, if it is an array of numbers or text that lies in this file and can be held."""
    if not isinstance(node, h5py.Dataset):
        raise OtherContentError(f"'{name}' is a {type(node).__name__.lower()} inside, expected an array")
    if node.shape is None or not is_plain(node.dtype):
        raise OtherContentError(f"'{name}' holds {str(node.dtype)[:40]} inside, expected numbers")
    if node.external or node.is_virtual:
        raise OtherContentError(f"'{name}' lies in other files, expected an array inside")
    if node.nbytes > room:
        raise ValueError(f"'{name}' is said to have shape {node.shape}, more than a file of that size can hold")
    return node


def blocks(dataset: h5py.Dataset, transposed: bool = False) -> Blocks:
    """A dataset in pieces: never more of it in memory than a few of its chunks."""
    return Blocks(dataset.dtype, dataset.shape, _pieces(dataset, BLOCK_BYTES), transposed)


def _pieces(dataset: h5py.Dataset, most: int) -> Iterator[np.ndarray]:
    if not dataset.shape or not dataset.size:
        yield np.asarray(dataset[()])
        return
    step = max(1, most // max(dataset.nbytes // len(dataset), 1))
    if dataset.chunks:  # whole ones: a chunk is unpacked again for each piece of it
        step = -(-step // dataset.chunks[0]) * dataset.chunks[0]
    for start in range(0, len(dataset), step):
        yield dataset[start : start + step]


def _rows(dataset: h5py.Dataset, rows: np.ndarray) -> np.ndarray:
    """Some rows, in order. Blocks are read whole: HDF5 takes long over single rows."""
    parts = [dataset[:0]]
    if len(rows) and rows[-1] >= len(dataset):
        raise OtherContentError(f"the arrays inside differ in length: one has {len(dataset):,} rows, another more")
    step = max(1, ROWS_AT_ONCE_BYTES // max(dataset.nbytes // max(len(dataset), 1), 1))
    for start in range(0, len(dataset), step):
        in_chunk = rows[(rows >= start) & (rows < start + step)] - start
        if len(in_chunk):
            parts.append(dataset[start : start + step][in_chunk])
    return np.concatenate(parts)


def _attribute(value: Any) -> Any:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
