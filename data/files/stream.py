"""A file, or a member of an archive, read in pieces that never reach beyond what is there."""

from io import BufferedReader

_AT_ONCE = 1 << 22


class Stream:
    """left: bytes not read yet; pieces_left: reads that may still be done."""

    def __init__(self, file: BufferedReader, size: int, most_pieces: int) -> None:
        self._file, self.left, self.pieces_left = file, size, most_pieces

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
        view = memoryview(content)
        for start in range(0, size, _AT_ONCE):
            part = view[start : start + _AT_ONCE]
            self._count(self._file.readinto(part), len(part))
        return content

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
