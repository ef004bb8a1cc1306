"""HDF5 files."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from data.files.isolated.answers import OtherContentError
from data.files.isolated.client import UnreadableError, read_isolated
from data.files.present import require_file


def load_hdf5(path: str | Path, names: Iterable[str], how_to_make: str = "") -> dict[str, np.ndarray]:
    """Those of the named arrays that an HDF5 file has."""
    path = require_file(path, how_to_make)
    try:
        return read_isolated("hdf5", path, names=list(names))["arrays"]
    except UnreadableError as error:
        raise ValueError(f"{path} is not a whole HDF5 file ({error}). Copy or make it again.") from error
    except OtherContentError as error:
        raise ValueError(f"{path}: {error}. {how_to_make}".strip()) from error
