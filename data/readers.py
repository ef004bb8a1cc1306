"""Files at the door: npz without running what is pickled inside, MATLAB files of both kinds, atomic writing."""

import contextlib
import errno
import io
import os
import pickle
import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

# Exactly what arrays, dicts, lists, strings and numbers need, under the module names of numpy 1 and 2. Anything else
# in a pickle is code of somebody's choice.
_MULTIARRAY = ("numpy.core.multiarray", "numpy._core.multiarray")
_ALLOWED_GLOBALS = {
    *((module, name) for module in _MULTIARRAY for name in ("_reconstruct", "scalar")),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("collections", "OrderedDict"),
    ("collections", "defaultdict"),
    ("_codecs", "encode"),  # how old pickle protocols spell bytes
    *(("builtins", name) for name in "dict list tuple set str bytes int float bool complex".split()),
}
# What damaged files make zipfile, zlib, pickle, numpy, scipy and h5py raise.
_BROKEN_FILE = (
    OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, NotImplementedError, ImportError,
    MemoryError, RecursionError, OverflowError, RuntimeError, struct.error, zlib.error, zipfile.BadZipFile,
    pickle.UnpicklingError,
)  # fmt: skip

DISK_TROUBLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EACCES)


class UnsafePickleError(ValueError):
    """A pickle that asks for more than arrays and plain containers."""


class _RestrictedUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED_GLOBALS:
            raise UnsafePickleError(f"{module}.{name}")
        return super().find_class(module, name)


def require_file(path: str | Path, how_to_make: str = "") -> Path:
    """The path, if there is a file with something in it; otherwise one sentence ending in `how_to_make`."""
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, expected a file. {how_to_make}".strip())
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing. {how_to_make}".strip())
    if path.stat().st_size == 0:
        raise ValueError(f"{path} is empty (0 bytes). Copy or make it again. {how_to_make}".strip())
    return path


@contextlib.contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Yields a temporary path in the folder of `path` (same suffix); it takes the place of `path` if all went well.

    The folder is made if need be. After an error the old file is as it was and nothing else is left behind.
    """
    path = Path(path)
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.touch()
        part.unlink()  # ext4 writes a file out, at once, that is opened to be emptied: it has to be new
    except OSError as error:
        raise PermissionError(
            f"Cannot write {path}: {error.strerror or error} ({path.parent}). Choose a folder that can be written to."
        ) from error
    try:
        yield part
        try:
            os.replace(part, path)
        except OSError as error:
            raise PermissionError(
                f"Cannot replace {path}: {error.strerror or error}. Move it out of the way."
            ) from error
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(folder: str | Path) -> Iterator[Path]:
    """Yields an empty folder inside `folder`; its files move into `folder` if all went well, and none otherwise.

    A folder that cannot be written to is refused before anything is computed; a full disk is one sentence too.
    """
    folder = Path(folder)
    made = not folder.exists()
    part = folder / f".{os.getpid()}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.mkdir()
    except OSError as error:
        raise PermissionError(
            f"Cannot write into {folder}: {error.strerror or error}. Choose a folder that can be written to."
        ) from error
    try:
        yield part
        for file in sorted(part.iterdir()):
            os.replace(file, folder / file.name)
    except OSError as error:
        if error.errno not in DISK_TROUBLE:
            raise
        raise OSError(
            f"Cannot write into {folder}: {error.strerror}. Nothing was kept; make room or choose another folder."
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
        if made and not any(folder.iterdir()):
            folder.rmdir()


def _restricted_array(stream: io.BytesIO) -> Any:
    """One npy member: a numeric array, or the unpickled object array (0-d ones unwrapped)."""
    version = np.lib.format.read_magic(stream)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    _, _, dtype = header(stream)
    if not dtype.hasobject:
        stream.seek(0)
        return np.lib.format.read_array(stream, allow_pickle=False)
    array = _RestrictedUnpickler(stream, encoding="latin1").load()
    return array.item() if isinstance(array, np.ndarray) and array.ndim == 0 else array


def _parse_restricted(path: Path, member: str, content: bytes) -> Any:
    try:
        return _restricted_array(io.BytesIO(content))
    except UnsafePickleError as error:
        raise ValueError(
            f"{path} was refused: '{member}' asks to load {error}, expected only arrays, dicts, lists, strings and "
            "numbers. Nothing of it was run; get the file from a source you trust."
        ) from error
    except _BROKEN_FILE as error:
        raise ValueError(f"{path} is damaged: '{member}' cannot be read ({error}). Copy or make it again.") from error


def load_npz_restricted(path: str | Path, how_to_make: str = "") -> dict[str, Any]:
    """All members of an npz file. Pickled members are read only if made of arrays and plain containers.

    Returns name -> array, or what a 0-d object array holds (usually a dict), as VideoPose3D writes its files.
    """
    path = require_file(path, how_to_make)
    try:
        with zipfile.ZipFile(path) as archive:
            contents = {name.removesuffix(".npy"): archive.read(name) for name in archive.namelist()}
    except _BROKEN_FILE as error:
        raise ValueError(
            f"{path} is not a whole npz file ({error}). Copy or make it again. {how_to_make}".strip()
        ) from error
    return {name: _parse_restricted(path, name, content) for name, content in contents.items()}


def load_npy_restricted(path: str | Path) -> Any:
    """An npy file under the same rule as load_npz_restricted."""
    path = require_file(path)
    return _parse_restricted(path, path.name, path.read_bytes())


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
