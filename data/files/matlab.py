"""MATLAB files of both kinds."""

from pathlib import Path
from typing import Any

import numpy as np

from data.files.present import require_file


def load_mat(path: str | Path, how_to_make: str = "") -> dict[str, Any]:
    """A MATLAB file, v5 (scipy) or v7.3 (HDF5), as name -> array, cell array (object array) or dict (struct).

    v7.3 stores column-major, so arrays come back with their axes in MATLAB's order, as v5 gives them.
    """
    path = require_file(path, how_to_make)
    with open(path, "rb") as stream:
        start = stream.read(520)
    try:
        if b"MATLAB 7.3" in start[:128] or b"\x89HDF\r\n" in start[:8] or b"\x89HDF\r\n" in start[512:]:
            return _load_mat_hdf5(path)
        from scipy.io import loadmat

        content = loadmat(path, struct_as_record=False)
    except Exception as error:  # scipy and h5py take damaged bytes for sizes and types and fail in any way
        raise ValueError(f"{path} is not a whole MATLAB file ({error}). Copy or make it again.") from error
    return {name: _plain(value) for name, value in content.items() if not name.startswith("__")}


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


def _load_mat_hdf5(path: Path) -> dict[str, Any]:
    import h5py

    def read(node: Any) -> Any:
        if isinstance(node, h5py.Group):
            return {name: read(child) for name, child in node.items()}
        if node.dtype == h5py.ref_dtype:
            cells = node[()].T
            found = np.empty(cells.shape, dtype=object)
            for index in np.ndindex(cells.shape):
                found[index] = read(node.file[cells[index]])
            return found
        array = np.asarray(node[()]).T
        if node.attrs.get("MATLAB_class") == b"char":
            return "".join(map(chr, array.ravel(order="C")))
        return array

    with h5py.File(path, "r") as file:
        return {name: read(node) for name, node in file.items() if not name.startswith("#")}
