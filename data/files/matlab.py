"""MATLAB files of both kinds."""

from pathlib import Path
from typing import Any

from data.files.isolated.client import UnreadableError, read_isolated
from data.files.present import require_file


def load_mat(path: str | Path, how_to_make: str = "") -> dict[str, Any]:
    """A MATLAB file, v5 (scipy) or v7.3 (HDF5), as name -> array, cell array (object array) or dict (struct).

    v7.3 stores column-major, so arrays come back with their axes in MATLAB's order, as v5 gives them. What is neither
    numbers nor text, such as a function or a sparse matrix, is None.
    """
    path = require_file(path, how_to_make)
    try:
        return read_isolated("matlab", path)
    except UnreadableError as error:
        raise ValueError(f"{path} is not a whole MATLAB file ({error}). Copy or make it again.") from error
