"""Damaged files: ones that their libraries do not survive, made from sound ones in the same place every time."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.io

SIZES_OF_INDEX, VARIABLE = 6, 8  # kinds of a CDF's records


def patch_cdf(path: Path, kind: int, at: int, value: int) -> None:
    """Put a 4-byte number at a place of the first record of a kind."""
    content, start = bytearray(path.read_bytes()), 8
    while True:
        length, found = struct.unpack_from(">qi", content, start)
        if found == kind:
            break
        start += length
    struct.pack_into(">i", content, start + at, value)
    path.write_bytes(content)


@pytest.fixture
def sound_cdf(tmp_path: Path, write_cdf: Callable) -> Path:
    write_cdf(tmp_path / "sound.cdf", np.arange(5 * 96.0).reshape(5, 96))
    return tmp_path / "sound.cdf"


@pytest.fixture
def endless_cdf(tmp_path: Path, write_cdf: Callable) -> Path:
    """Its index counts 2^31 blocks, which cdflib goes through one by one."""
    write_cdf(tmp_path / "endless.cdf", np.ones((5, 96)))
    patch_cdf(tmp_path / "endless.cdf", SIZES_OF_INDEX, 24, 2**31 - 1)
    return tmp_path / "endless.cdf"


@pytest.fixture
def greedy_cdf(tmp_path: Path, write_cdf: Callable) -> Path:
    """Its variable counts records of 2 GB in all."""
    write_cdf(tmp_path / "greedy.cdf", np.ones((5, 96)))
    patch_cdf(tmp_path / "greedy.cdf", VARIABLE, 24, 2 * 10**9 // (5 * 96 * 8))
    return tmp_path / "greedy.cdf"


@pytest.fixture
def deadly_mat(tmp_path: Path) -> Path:
    """A real array that says to be complex: scipy reads its imaginary part from nowhere and crashes."""
    scipy.io.savemat(tmp_path / "deadly.mat", {"a": np.arange(3.0), "s": "t"})
    content = bytearray((tmp_path / "deadly.mat").read_bytes())
    content[145] = 9
    (tmp_path / "deadly.mat").write_bytes(content)
    return tmp_path / "deadly.mat"


@pytest.fixture
def write_packed_cdf() -> Callable[[Path], Path]:
    """The sound file's content in a CDF that is compressed as a whole."""
    from cdflib.cdfwrite import CDF

    def write(path: Path) -> Path:
        file = CDF(path, cdf_spec={"Compressed": 6}, delete=True)
        spec = {"Variable": "Pose", "Data_Type": 45, "Num_Elements": 1, "Rec_Vary": True, "Dim_Sizes": [5, 96]}
        file.write_var(spec, var_data=np.arange(5 * 96.0).reshape(1, 5, 96))
        file.close()
        return path

    return write
