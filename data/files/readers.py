"""MATLAB and HDF5 files, read by a process of their own (isolated/); their faults are told in one sentence."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from data.files.isolated.answers import OtherContentError
from data.files.isolated.client import NAMES, UnreadableError, read_isolated
from data.files.present import require_file


def load_mat(path: str | Path, how_to_make: str = "") -> dict[str, Any]:
    """Read a MATLAB file, v5 (scipy) or v7.3 (HDF5), as name -> array, cell array (object array) or dict (struct).

    v7.3 stores column-major, so arrays come back with their axes in MATLAB's order, as v5 gives them. What is neither
    numbers nor text, such as a function or a sparse matrix, is None.
    """
    return _read("matlab", path, how_to_make)


def load_hdf5(path: str | Path, names: Iterable[str], how_to_make: str = "") -> dict[str, np.ndarray]:
    """Read those of the named arrays that an HDF5 file has."""
    return _read("hdf5", path, how_to_make, names=list(names))["arrays"]


def _read(reader: str, path: str | Path, how_to_make: str, **request: Any) -> Any:
    path = require_file(path, how_to_make)
    try:
        return read_isolated(reader, path, **request)
    except UnreadableError as error:
        raise ValueError(f"{path} is not a whole {NAMES[reader]} file ({error}). Copy or make it again.") from error
    except OtherContentError as error:
        raise ValueError(f"{path}: {error}. {how_to_make}".strip()) from error
