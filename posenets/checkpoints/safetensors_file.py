"""Checkpoints as safetensors: tensors, and all else as JSON in the file's metadata, under one SHA-256 of every byte."""

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from data.files.json_file import check_containers, parse_json
from data.files.pickles import RefusedError
from posenets.checkpoints.nested import from_tensors_and_json, to_tensors_and_json

CONTENT, DIGEST = "posefk", "sha256"  # keys of the metadata
UNSIGNED = "0" * 64  # stands in the digest's place while it is computed
LONGEST_HEADER = 100_000_000  # bytes, safetensors' own bound
_DIGEST = re.compile(rb'"%b":"([0-9a-f]{64})"' % DIGEST.encode())  # quotes inside the JSON are escaped
CHUNK = 1 << 20  # bytes


class DamagedError(ValueError):
    """A file that is not as it was written."""


def write_safetensors(path: Path, content: Any) -> None:
    """Write nested dictionaries and lists of tensors and plain values; OSError where the disk refuses."""
    tensors, plain = to_tensors_and_json(content)
    try:
        save_file(tensors, path, {CONTENT: json.dumps(plain, allow_nan=False), DIGEST: UNSIGNED})
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1]))) from error
    sign(path)


def sign(path: Path) -> None:
    """Put the digest of a file in its place."""
    place, _ = _signature(path)
    with open(path, "r+b") as file:
        file.seek(place)
        file.write(_digest(path, place).encode())


def read_safetensors(path: Path) -> Any:
    """Read a file of write_safetensors, or any other's tensors by name; DamagedError where it is not as written."""
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            if CONTENT in metadata or DIGEST in metadata:  # of others there is no checksum
                place, digest = _signature(path)
                if CONTENT not in metadata or digest != _digest(path, place):
                    raise DamagedError("its bytes are not those that its SHA-256 is of")
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise DamagedError(f"it is no safetensors file, or not all of one: {error}") from error
    if CONTENT not in metadata:
        return tensors
    raw = metadata[CONTENT].encode()
    try:
        check_containers(raw, "it")
        return from_tensors_and_json(tensors, parse_json(raw))
    except (ValueError, RecursionError) as error:
        raise RefusedError(f"its JSON cannot be read: {error}") from error


def _signature(path: Path) -> tuple[int, str]:
    """Return where in a file its digest stands, in bytes, and what it says; 0 and nothing if it has none."""
    with open(path, "rb") as file:
        length = min(int.from_bytes(file.read(8), "little"), LONGEST_HEADER)
        match = _DIGEST.search(file.read(length))
    return (8 + match.start(1), match[1].decode()) if match else (0, "")


def _digest(path: Path, place: int) -> str:
    """Compute the SHA-256 of a file without the digest that it holds at a place, which counts as zeros."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        digest.update(file.read(place) + UNSIGNED.encode())
        file.seek(len(UNSIGNED), os.SEEK_CUR)
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
