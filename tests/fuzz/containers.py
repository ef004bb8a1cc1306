"""What seed files hold, as plain values, and files made of such values again. Only trusted seeds are decoded."""

import io
import json
import pickle
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import scipy.io
import torch

from data.files.plain_arrays import restricted_load
from data.files.stream import Stream
from posenets.checkpoints.safetensors_file import CONTENT, DIGEST, UNSIGNED, sign


class Container(NamedTuple):
    """decode: the bytes of a file -> dictionaries, lists, arrays; encode: back, after the value was changed."""

    decode: Callable[[bytes], Any]
    encode: Callable[[Any], bytes]


def _plain(value: Any) -> Any:
    """For JSON: arrays as lists, bytes as text."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return repr(value) if isinstance(value, bytes | complex | set) else str(value)


def _read_npz(raw: bytes) -> dict[str, Any]:
    with np.load(io.BytesIO(raw), allow_pickle=True) as file:
        held = {name: file[name] for name in file.files}
    return {
        name: array.item() if array.shape == () and array.dtype == object else array for name, array in held.items()
    }


def _as_array(value: Any) -> np.ndarray:
    if isinstance(value, np.ndarray):
        return value
    array = np.empty((), dtype=object)
    array[()] = value
    return array


def _write_npz(held: Any) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in held.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, _as_array(value))
            archive.writestr(f"{name}.npy", member.getvalue())
    return stream.getvalue()


def _read_hdf5(raw: bytes) -> dict[str, Any]:
    with h5py.File(io.BytesIO(raw), "r") as file:
        held = {name: node[()] for name, node in file.items() if isinstance(node, h5py.Dataset)}
        return held | {f"@{name}": value for name, value in file.attrs.items()}


def _write_hdf5(held: Any) -> bytes:
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        for name, value in held.items():
            if name.startswith("@"):
                file.attrs[name[1:]] = value
            elif isinstance(value, dict):
                file.create_group(name)
            else:
                file[name] = value
    return stream.getvalue()


def _read_mat(raw: bytes) -> dict[str, Any]:
    return {name: value for name, value in scipy.io.loadmat(io.BytesIO(raw)).items() if not name.startswith("__")}


def _write_mat(held: Any) -> bytes:
    stream = io.BytesIO()
    scipy.io.savemat(stream, held)
    return stream.getvalue()


def _write_torch(held: Any) -> bytes:
    stream = io.BytesIO()
    torch.save(held, stream)
    return stream.getvalue()


def _write_array(value: Any) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, _as_array(value))
    return stream.getvalue()


def _read_safetensors(raw: bytes) -> Any:
    """Tensors by name and metadata, in which the JSON of ours is read."""
    from safetensors import safe_open

    with tempfile.NamedTemporaryFile(suffix=".safetensors") as file:
        Path(file.name).write_bytes(raw)
        with safe_open(file.name, "pt") as held:
            metadata = held.metadata() or {}
            metadata |= {CONTENT: json.loads(metadata[CONTENT])} if CONTENT in metadata else {}
            return {"tensors": {name: held.get_tensor(name) for name in held.keys()}, "metadata": metadata}


def _write_safetensors(held: Any) -> bytes:
    """As save_file writes them; ours under a right checksum, so that what is inside is read."""
    from safetensors.torch import save_file

    metadata = dict(held["metadata"])
    if CONTENT in metadata:
        metadata |= {CONTENT: json.dumps(metadata[CONTENT], default=_plain), DIGEST: UNSIGNED}
    with tempfile.NamedTemporaryFile(suffix=".safetensors") as file:
        save_file(held["tensors"], file.name, metadata or None)
        if CONTENT in metadata:
            sign(Path(file.name))
        return Path(file.name).read_bytes()


HDF5 = Container(_read_hdf5, _write_hdf5)
CONTAINERS = {
    ".json": Container(json.loads, lambda held: json.dumps(held, default=_plain).encode()),
    ".npz": Container(_read_npz, _write_npz),
    ".npy": Container(lambda raw: np.load(io.BytesIO(raw), allow_pickle=True), _write_array),
    ".pkl": Container(lambda raw: restricted_load(Stream(io.BytesIO(raw), len(raw), len(raw)), 1 << 30), pickle.dumps),
    ".h5": HDF5,
    ".mat": Container(_read_mat, _write_mat),
    ".pt": Container(lambda raw: torch.load(io.BytesIO(raw), weights_only=True), _write_torch),
    ".safetensors": Container(_read_safetensors, _write_safetensors),
}


def container_of(name: str, raw: bytes) -> Container | None:
    """The container of a file, by its name and beginning."""
    suffix = Path(name).suffix
    if b"\x89HDF\r\n" in (raw[:6], raw[512:518]):
        return HDF5 if suffix != ".mat" else None  # behind MATLAB's header only bytes are changed
    return CONTAINERS.get({".bin": ".pt", ".pth": ".pt"}.get(suffix, suffix))
