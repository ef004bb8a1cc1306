import zlib
from pathlib import Path

import numpy as np
import pytest

from augment.export.checksums import combined, crc32_as_written, crc32_of


def test_the_checksum_of_two_pieces_follows_from_theirs():
    random = np.random.default_rng(0)
    for first, second in ((0, 0), (0, 9), (9, 0), (1, 1), (1000, 12345)):
        pieces = random.bytes(first), random.bytes(second)
        found = combined(zlib.crc32(pieces[0]), zlib.crc32(pieces[1]), second)
        assert found == zlib.crc32(pieces[0] + pieces[1])


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_npz_file_has_the_checksum_of_its_bytes(save, tmp_path: Path):
    path = tmp_path / "some.npz"
    save(path, big=np.random.default_rng(0).normal(size=300_000), empty=np.zeros(0), words=np.array(["a", "b"]))
    expected = f"{zlib.crc32(path.read_bytes()):08x}"
    assert crc32_as_written(path) == crc32_of(path) == expected


def test_other_and_empty_files_are_read(tmp_path: Path):
    path = tmp_path / "some.json"
    for content in (b"", b"{}", bytes(3_000_000)):
        path.write_bytes(content)
        assert crc32_as_written(path) == crc32_of(path) == f"{zlib.crc32(content):08x}"
