"""The two file formats of checkpoints: a zip of pickle and storages (PyTorch 1.6 and later), or one stream."""

import io
import pickle
import struct
import sys
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from data.files.pickles import Global, RefusedError
from data.files.stream import Stream
from posenets.checkpoints.tensors import unpickle

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001  # of the stream format


def members_of(path: Path) -> dict[str, Tensor]:
    """Read the members of PyTorch's zip by name; BadZipFile if damaged. Saved without checksums, all CRC-32 are 0."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _check_entries(entries, path.stat().st_size)
            if not any(entry.CRC for entry in entries):
                for entry in entries:
                    entry.CRC = None  # pyright: ignore[reportAttributeAccessIssue] zipfile then skips the check
            return {entry.filename: _member(archive, entry) for entry in entries}
    except zipfile.BadZipFile:
        raise
    except Exception as error:  # broken headers make zipfile raise errors of many types
        raise zipfile.BadZipFile(str(error)) from error


def _check_entries(entries: list[zipfile.ZipInfo], size: int) -> None:
    """Refuse zips that PyTorch never writes, before unpacking. size: of the file, bytes."""
    if any(entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size for entry in entries):
        raise zipfile.BadZipFile("a member is compressed, which PyTorch's never are")
    if sum(entry.file_size for entry in entries) > size:
        raise zipfile.BadZipFile("its members claim more bytes than the file has")
    if len({entry.filename for entry in entries}) < len(entries):
        raise zipfile.BadZipFile("two members have one name")


def _member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Tensor:
    """Read a member into a tensor; zipfile compares its CRC-32 with the entry's."""
    content = torch.empty(entry.file_size, dtype=torch.uint8)
    with archive.open(entry) as stream:
        Stream(stream, entry.file_size, entry.file_size).fill(content.numpy())  # pyright: ignore[reportArgumentType]
    return content


def read_members(members: dict[str, Tensor]) -> Any:
    """Unpickle the content of the members of a zip."""
    root = next((name.removesuffix("data.pkl") for name in members if name.endswith("/data.pkl")), "")
    if not root or not all(name.startswith(root) for name in members):
        raise RefusedError("it is a zip file but not PyTorch's, which has one folder with data.pkl in it")
    order = bytes(members[f"{root}byteorder"].tolist()) if f"{root}byteorder" in members else b"little"
    if order not in (b"little", b"big"):
        raise RefusedError(f"it has the byte order {str(order[:20])}")

    def storage(claim: Any) -> Tensor:
        dtype, key, count = _claimed(claim)
        numbers = members.get(f"{root}data/{key}")
        if numbers is None or len(numbers) != count * dtype.itemsize:
            held, wanted = "no" if numbers is None else len(numbers), count * dtype.itemsize
            raise RefusedError(f"a tensor in it needs {wanted} bytes of data/{key[:20]}, which has {held}")
        if order.decode() != sys.byteorder:
            numbers = numbers.view(-1, dtype.itemsize).flip(1).flatten()
        return numbers.view(dtype)

    pickled = members[f"{root}data.pkl"].numpy().tobytes()
    return unpickle(Stream(io.BytesIO(pickled), len(pickled), len(pickled)), storage)


def _claimed(claim: Any) -> tuple[torch.dtype, str, int]:
    """Parse a pickle's persistent id of a storage: number type, key, and count."""
    if not isinstance(claim, tuple) or len(claim) not in (5, 6) or claim[0] != "storage":
        raise RefusedError("its pickle names a storage in an unknown way")
    _, storage, key, _, count = claim[:5]
    dtype = storage.value if type(storage) is Global else None
    if not isinstance(dtype, torch.dtype) or not isinstance(key, str) or type(count) is not int or count < 0:
        raise RefusedError("its pickle names a storage in an unknown way")
    return dtype, key, count


class _StreamStorages:
    """The storages of a stream, allocated first: their bytes follow the pickle. size: of the file, bytes."""

    def __init__(self, size: int) -> None:
        self.storages: dict[str, Tensor] = {}
        self._left = size

    def __call__(self, claim: Any) -> Tensor:
        """Return the numbers of a storage that a persistent id names: all of them, or a part."""
        dtype, key, count = _claimed(claim)
        if key not in self.storages:
            self._left -= count * dtype.itemsize
            if self._left < 0:
                raise EOFError("its tensors claim more bytes than the file has")
            self.storages[key] = torch.empty(count, dtype=dtype)
        numbers = self.storages[key]
        if numbers.dtype != dtype or len(numbers) != count:
            raise RefusedError(f"two tensors in it disagree about the storage {key[:20]}")
        if len(claim) < 6 or claim[5] is None:
            return numbers
        _, offset, length = claim[5]
        if type(offset) is not int or type(length) is not int or not 0 <= offset <= offset + length <= count:
            raise RefusedError(f"a tensor in it sees what is not in the storage {key[:20]}")
        return numbers[offset : offset + length]

    def fill(self, keys: Any, stream: Stream) -> None:
        """Read the storages to the end of the file; each is preceded by its length."""
        if not isinstance(keys, list) or sorted(keys) != sorted(self.storages):
            raise RefusedError("its list of storages does not match its tensors")
        for key in keys:
            (count,) = struct.unpack("<q", stream.read(8))
            if count != len(self.storages[key]):
                raise RefusedError(f"its storage {key[:20]} has another number of values than its tensors say")
            stream.fill(self.storages[key].view(torch.uint8).numpy())
        if stream.left:
            raise RefusedError("it goes on after its last storage")


def read_stream(path: Path) -> Any:
    """Read a file of PyTorch before 1.6 (`_use_new_zipfile_serialization=False`), which has no checksums."""
    size = path.stat().st_size
    storage = _StreamStorages(size)
    with open(path, "rb") as file:
        begins = file.peek(1)[:1] == pickle.PROTO
        stream = Stream(file, size, size)
        if not begins or (unpickle(stream, storage), unpickle(stream, storage)) != (MAGIC, PROTOCOL):
            raise RefusedError("this is not a PyTorch file")
        machine, content = unpickle(stream, storage), unpickle(stream, storage)
        if not isinstance(machine, dict) or machine.get("little_endian") is not (sys.byteorder == "little"):
            raise RefusedError("it was written on a machine with another byte order")
        storage.fill(unpickle(stream, storage), stream)
    return content
