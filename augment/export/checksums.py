"""CRC-32 of files, the checksum of zip, gzip and PNG: as eight hexadecimal digits.

Against damage, not against forgery. An npz file has those of its members in its directory, and from checksums of parts
that of the whole can be worked out: who has just written one need not read it again.
"""

import zipfile
import zlib
from io import BufferedReader, FileIO
from pathlib import Path

_POLYNOMIAL = 0xEDB88320  # of CRC-32, lowest power in the highest bit
_ONE, _X = 1 << 31, 1 << 30  # the polynomials 1 and x
_BUFFER_BYTES = 1 << 20
_LOCAL_HEADER_BYTES = 30


def crc32_of(path: Path) -> str:
    """Of what the file holds now."""
    with open(path, "rb", buffering=0) as stream:
        return f"{_read(stream, path.stat().st_size):08x}"


def crc32_as_written(path: Path) -> str:
    """Of a file as it was written; uncompressed members of zip files count as what their directory says."""
    if path.suffix != ".npz":
        return crc32_of(path)
    checksum = done = 0
    with zipfile.ZipFile(path) as archive, open(path, "rb") as stream:
        stored = [member for member in archive.infolist() if member.compress_type == zipfile.ZIP_STORED]
        for member in sorted(stored, key=lambda member: member.header_offset):
            stream.seek(member.header_offset)
            header = stream.read(_LOCAL_HEADER_BYTES)
            names = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
            begin = member.header_offset + _LOCAL_HEADER_BYTES + names
            stream.seek(done)
            checksum = combined(_read(stream, begin - done, checksum), member.CRC, member.file_size)
            done = stream.seek(begin + member.file_size)
        return f"{_read(stream, path.stat().st_size - done, checksum):08x}"


def _read(stream: BufferedReader | FileIO, size: int, checksum: int = 0) -> int:
    """The checksum after `size` bytes more."""
    buffer = memoryview(bytearray(min(size, _BUFFER_BYTES)))
    while size and (count := stream.readinto(buffer[:size])):
        checksum, size = zlib.crc32(buffer[:count], checksum), size - count
    return checksum


def combined(first: int, second: int, length: int) -> int:
    """CRC-32 of two pieces one after the other, from theirs. length: of the second, bytes.

    As zlib's crc32_combine: a checksum is the remainder of a polynomial, which what follows multiplies by a power of x.
    """
    power, square, exponent = _ONE, _X, 8 * length
    while exponent:
        if exponent & 1:
            power = _product(power, square)
        square, exponent = _product(square, square), exponent >> 1
    return _product(power, first) ^ second


def _product(first: int, second: int) -> int:
    """Of two polynomials, modulo that of CRC-32."""
    product = 0
    for power in range(31, -1, -1):
        if first >> power & 1:
            product ^= second
        second = second >> 1 ^ (_POLYNOMIAL if second & 1 else 0)
    return product
