"""A file, or a member of an archive, read in pieces that never reach beyond what is there."""

from io import BufferedIOBase
from typing import Any

_AT_ONCE = 1 << 22
# Every piece of a pickle may become an object of 50 to 200 bytes.
_FREE_PIECES, _BYTES_PER_PIECE = 5_000_000, 4


class Stream:
    """left: bytes not read yet; pieces_left: reads that may still be done, more of a larger file_size."""

    def __init__(self, file: BufferedIOBase, size: int, file_size: int) -> None:
        self._file, self.left, self.pieces_left = file, size, _FREE_PIECES + file_size // _BYTES_PER_PIECE

    def read(self, size: int) -> bytes:
        """So many bytes; EOFError, before anything is allocated, where there are not as many."""
        self._check(size)
        content = self._file.read(size)
        self._count(len(content), size)
        return content

    def readline(self) -> bytes:
        """Up to the end of the line."""
        line = self._file.readline(self.left)
        self._count(len(line), len(line))
        return line

    def buffer(self, size: int) -> bytearray:
        """So many bytes that can be written to."""
        self._check(size)
        content = bytearray(size)
        self.fill(content)
        return content

    def fill(self, room: Any) -> None:
        """So many bytes as there is room for. room: bytes, in one axis."""
        view = memoryview(room)
        self._check(len(view))
        for start in range(0, len(view), _AT_ONCE):
            part = view[start : start + _AT_ONCE]
            self._count(self._file.readinto(part), len(part))

    def _check(self, size: int) -> None:
        if not 0 <= size <= self.left:
            raise EOFError(f"{size:,} bytes are wanted where {self.left:,} are left")

    def _count(self, came: int, wanted: int) -> None:
        if came != wanted:
            raise EOFError(f"it is cut short: {wanted:,} bytes are wanted where {came:,} are left")
        self.left -= wanted
        self.pieces_left -= 1
        if self.pieces_left < 0:
            raise ValueError("it is made of too many small pieces: save arrays instead of lists of numbers")
