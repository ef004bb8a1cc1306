"""npz and npy files, without running what is pickled inside."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from data.files.pickles import BROKEN_FILE, RestrictedUnpickler, UnsafePickleError
from data.files.present import require_file


def _restricted_array(stream: io.BytesIO) -> Any:
    """One npy member: a numeric array, or the unpickled object array (0-d ones unwrapped)."""
    version = np.lib.format.read_magic(stream)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    _, _, dtype = header(stream)
    if not dtype.hasobject:
        stream.seek(0)
        return np.lib.format.read_array(stream, allow_pickle=False)
    array = RestrictedUnpickler(stream, encoding="latin1").load()
    return array.item() if isinstance(array, np.ndarray) and array.ndim == 0 else array


def _parse_restricted(path: Path, member: str, content: bytes) -> Any:
    try:
        return _restricted_array(io.BytesIO(content))
    except UnsafePickleError as error:
        raise ValueError(
            f"{path} was refused: '{member}' asks to load {error}, expected only arrays, dicts, lists, strings and "
            "numbers. Nothing of it was run; get the file from a source you trust."
        ) from error
    except BROKEN_FILE as error:
        raise ValueError(f"{path} is damaged: '{member}' cannot be read ({error}). Copy or make it again.") from error


def load_npz_restricted(path: str | Path, how_to_make: str = "") -> dict[str, Any]:
    """All members of an npz file. Pickled members are read only if made of arrays and plain containers.

    Returns name -> array, or what a 0-d object array holds (usually a dict), as VideoPose3D writes its files.
    """
    path = require_file(path, how_to_make)
    try:
        with zipfile.ZipFile(path) as archive:
            contents = {name.removesuffix(".npy"): archive.read(name) for name in archive.namelist()}
    except BROKEN_FILE as error:
        raise ValueError(
            f"{path} is not a whole npz file ({error}). Copy or make it again. {how_to_make}".strip()
        ) from error
    return {name: _parse_restricted(path, name, content) for name, content in contents.items()}


def load_npy_restricted(path: str | Path) -> Any:
    """An npy file under the same rule as load_npz_restricted."""
    path = require_file(path)
    return _parse_restricted(path, path.name, path.read_bytes())
