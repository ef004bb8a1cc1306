"""Zip archives, and what any packed file may come to, bounded before anything is unpacked."""

import pickle
import re
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

FREE_BYTES, MOST_TIMES = 512 << 20, 30  # poses of float32 shrink to a half at best, text to a tenth
MOST_MEMBER_BYTES = 256 << 20  # of one text or HDF5 file; CMU's longest clip has 20 MB, Human3.6M's longest recording 5
_QUOTED = re.compile(r"""(['"]).{80,}\1""")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # zipfile unpacks the others without a bound
# What damaged files make zipfile, zlib, pickle, numpy, scipy and h5py raise.
BROKEN_FILE = (
    OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, NotImplementedError, ImportError,
    MemoryError, RecursionError, OverflowError, RuntimeError, SystemError, struct.error, zlib.error,
    zipfile.BadZipFile, pickle.UnpicklingError,
)  # fmt: skip


def most_bytes(size: int) -> int:
    """What a file of so many bytes may unpack to."""
    return max(FREE_BYTES, MOST_TIMES * size)


def check_unpacked(path: str | Path, wanted: int) -> None:
    """Refuse a file that unpacks to more than a data set does. wanted: bytes."""
    size = Path(path).stat().st_size
    if wanted > most_bytes(size):
        raise ValueError(
            f"{path} has {size:,} bytes and would unpack to {wanted:,}, more than {MOST_TIMES} times as many and than "
            f"{FREE_BYTES:,}. If you trust it, unpack it yourself and save it without compression."
        )


@contextmanager
def open_zip(
    path: str | Path, format_name: str = "zip archive", what_to_do: str = "Copy or make it again."
) -> Iterator[zipfile.ZipFile]:
    """A zip archive to read; one that is none, or not a whole one, is refused."""
    try:
        archive = zipfile.ZipFile(path)
    except BROKEN_FILE as error:
        raise ValueError(f"{path} is not a whole {format_name} ({in_short(error)}). {what_to_do}") from error
    with archive:
        yield archive


def check_members(path: str | Path, members: Iterable[zipfile.ZipInfo]) -> None:
    """Refuse what could not be read, or not within bounds, judging from the archive's own list."""
    members = list(members)
    for member in members:
        name = shortened(member.filename)
        if member.flag_bits & 1:
            raise ValueError(f"{path}: {name} is encrypted. Unpack it with its password first.")
        if member.compress_type not in _METHODS:
            raise ValueError(
                f"{path}: {name} is packed by method {member.compress_type}, only 0 (stored) and 8 (deflated) are "
                "read: unpack it and pack it as an ordinary zip file."
            )
    name, times = Counter(member.filename for member in members).most_common(1)[0] if members else ("", 0)
    if times > 1:
        raise ValueError(f"{path} has {times} members called {shortened(name)}, expected one. Copy or make it again.")
    check_unpacked(path, sum(member.file_size for member in members))


def read_member(archive: zipfile.ZipFile, path: str | Path, name: str) -> bytes:
    """One file of an archive, of at most MOST_MEMBER_BYTES."""
    member = archive.getinfo(name)
    check_members(path, [member])
    check_size(f"{path}: {shortened(name)}", member.file_size)
    try:
        with archive.open(member) as stream:
            return stream.read(member.file_size + 1)
    except BROKEN_FILE as error:
        raise ValueError(
            f"{path}: {shortened(name)} is damaged ({in_short(error)}). Copy or download it again."
        ) from error


def check_size(name: str, size: int) -> None:
    """Refuse a single file of a capture that is larger than any."""
    if size > MOST_MEMBER_BYTES:
        raise ValueError(f"{name} says it has {size:,} bytes, at most {MOST_MEMBER_BYTES:,} are read. Leave it out.")


def in_short(error: BaseException) -> str:
    """What a library says, which may quote as much of a file as it likes."""
    return shortened(_QUOTED.sub(lambda match: shortened(match[0]), " ".join(str(error).split())), 200)


def shortened(text: str, most: int = 80) -> str:
    """A name out of a file, or words that may quote it, for messages."""
    return text if len(text) <= most else f"{text[: most - 20]}...{text[-17:]}"
