"""Tar archives, plain or compressed, read in one pass and bounded before anything is unpacked."""

import bz2
import gzip
import lzma
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from data.files.archive import BROKEN_FILE, check_size, check_unpacked, in_short, most_bytes, shortened

_OPENERS: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open, b"\x5d\x00\x00": lzma.open,
}  # fmt: skip
_AT_ONCE = 1 << 20  # what is read in larger pieces is a header
_BROKEN = (*BROKEN_FILE, tarfile.TarError, lzma.LZMAError)
Members = Iterator[tuple[tarfile.TarInfo, Callable[[], bytes]]]


class _Bounded:
    """An unpacked stream, read neither beyond what it may come to nor in large pieces: headers have no bound."""

    def __init__(self, file: Any, most: int) -> None:
        self.file, self.most = file, most

    def read(self, size: int) -> bytes:
        if not 0 <= size <= _AT_ONCE:
            raise ValueError(f"it has a header of {size:,} bytes")
        self._check(self.file.tell() + size)
        return self.file.read(size)

    def seek(self, place: int) -> int:
        self._check(place)
        return self.file.seek(place)

    def tell(self) -> int:
        return self.file.tell()

    def _check(self, place: int) -> None:
        if not 0 <= place <= self.most:
            raise ValueError(f"it says that it goes on to byte {place:,}")


@contextmanager
def open_tar(path: Path, expected: str) -> Iterator[Members]:
    """What is in the archive: entry -> function that reads it, to be called before the next is asked for.

    expected: what the archive should have been, for the message.
    """
    with open(path, "rb") as file:
        start = file.read(6)
    opener = next((opener for magic, opener in _OPENERS.items() if start.startswith(magic)), open)
    with opener(path, "rb") as file:
        bounded: Any = _Bounded(file, most_bytes(path.stat().st_size))
        try:
            archive = tarfile.open(fileobj=bounded, mode="r:")
        except _BROKEN as error:
            raise ValueError(
                f"{path} is no whole archive ({in_short(error)}), expected {expected}. Copy or download it again."
            ) from error
        with archive:
            yield _members(archive, path)


def _members(archive: tarfile.TarFile, path: Path) -> Members:
    total = 0
    while True:
        try:
            member = archive.next()
        except _BROKEN as error:
            raise _damaged(path, error) from error
        if member is None:
            return _check_end(archive, path)
        archive.members = []  # type: ignore[attr-defined]  # it would keep an entry for every one
        total += max(member.size, 0)
        check_unpacked(path, total)
        yield member, partial(_content, archive, member, path)


def _check_end(archive: tarfile.TarFile, path: Path) -> None:
    """tarfile takes a damaged entry for the end."""
    try:
        archive.fileobj.seek(archive.offset)  # type: ignore[union-attr]
        rest = archive.fileobj.read(tarfile.BLOCKSIZE)  # type: ignore[union-attr]
    except _BROKEN as error:
        raise _damaged(path, error) from error
    if rest.strip(b"\0"):
        raise _damaged(path, ValueError(f"no entry at byte {archive.offset:,}"))


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> bytes:
    check_size(f"{path}: {shortened(member.name)}", member.size)
    try:
        stream = archive.extractfile(member)
        content = b"" if stream is None else b"".join(iter(lambda: stream.read(_AT_ONCE), b""))
    except _BROKEN as error:
        raise _damaged(path, error) from error
    if len(content) != member.size:
        raise _damaged(path, EOFError(f"{shortened(member.name)} ends early"))
    return content


def _damaged(path: Path, error: BaseException) -> ValueError:
    return ValueError(f"{path} is damaged or cut short ({in_short(error)}). Copy or download it again.")
