"""HDF5 files."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from data.files.present import require_file


def load_hdf5(path: str | Path, names: Iterable[str], how_to_make: str = "") -> dict[str, np.ndarray]:
    """Those of the named arrays that an HDF5 file has."""
    import h5py

    path = require_file(path, how_to_make)
    try:
        with h5py.File(path, "r") as file:
            found = {name: file[name] for name in names if name in file}
            return {name: np.asarray(node[()]) for name, node in found.items() if isinstance(node, h5py.Dataset)}
    except Exception as error:  # h5py takes damaged bytes for sizes and types and fails in any way
        raise ValueError(f"{path} is not a whole HDF5 file ({error}). Copy or make it again.") from error
