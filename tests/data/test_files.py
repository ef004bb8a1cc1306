"""Reading what others wrote: nothing inside a file runs, and what is damaged is said in one sentence."""

import os
import pickle
import zipfile
from collections import OrderedDict, defaultdict
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

from data.files.npz import load_npy_restricted, load_npz_restricted
from data.files.readers import load_mat
from data.files.writing import atomic_write


class _Runs:
    """Unpickling this would make a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.folder),)


def test_nested_dicts_of_arrays_come_back_as_written(tmp_path: Path) -> None:
    written = {"S1": {"Walking": np.arange(12.0, dtype=np.float32).reshape(2, 2, 3), "number": np.float64(2.5)}}
    lists = {"keypoints_symmetry": [[4, 5], (1, 2)], "name": "h36m", "more": OrderedDict(a=1), "nothing": None}
    np.savez_compressed(tmp_path / "a.npz", positions=np.array(written), metadata=np.array(lists), plain=np.arange(3))
    read = load_npz_restricted(tmp_path / "a.npz")
    np.testing.assert_array_equal(read["positions"]["S1"]["Walking"], written["S1"]["Walking"])
    assert read["positions"]["S1"]["number"] == 2.5
    assert read["metadata"] == lists
    np.testing.assert_array_equal(read["plain"], np.arange(3))


def test_what_is_read_equals_what_numpy_unpickles(tmp_path: Path) -> None:
    ragged = np.empty(2, dtype=object)
    ragged[:] = [np.arange(3), np.arange(4.0)]
    np.savez(tmp_path / "a.npz", ragged=ragged, words=np.array(["a", "bc"]), grouped=np.array(defaultdict(list, a=[1])))
    ours = load_npz_restricted(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz", allow_pickle=True) as theirs:
        for left, right in zip(ours["ragged"], theirs["ragged"], strict=True):
            np.testing.assert_array_equal(left, right)
        np.testing.assert_array_equal(ours["words"], theirs["words"])
        assert ours["grouped"] == theirs["grouped"].item()


@pytest.mark.parametrize("module", [b"numpy.core", b"numpy._core"])
def test_pickles_of_numpy_1_and_2_are_both_read(tmp_path: Path, module: bytes) -> None:
    array = np.array({"x": np.arange(4.0), "y": np.float32(2)}, dtype=object)
    pickled = pickle.dumps(array, protocol=2).replace(b"numpy._core", b"numpy.core").replace(b"numpy.core", module)
    with open(tmp_path / "old.npy", "wb") as stream:
        np.lib.format.write_array_header_1_0(stream, np.lib.format.header_data_from_array_1_0(array))
        stream.write(pickled)
    read = load_npy_restricted(tmp_path / "old.npy")
    np.testing.assert_array_equal(read["x"], np.arange(4.0))
    assert read["y"] == 2


def test_code_in_a_pickle_is_refused_and_does_not_run(tmp_path: Path) -> None:
    target = tmp_path / "made by the pickle"
    np.savez(tmp_path / "evil.npz", positions_3d=np.array({"S1": _Runs(target)}, dtype=object))
    with pytest.raises(ValueError, match=r"positions_3d.*mkdir.*Nothing of it was run"):
        load_npz_restricted(tmp_path / "evil.npz")
    assert not target.exists()


@pytest.mark.parametrize(
    "module, name",
    [("builtins", "eval"), ("builtins", "getattr"), ("os", "system"), ("numpy", "load"), ("numpy", "f2py")],
)
def test_no_other_global_is_allowed(tmp_path: Path, module: str, name: str) -> None:
    with open(tmp_path / "evil.npy", "wb") as stream:
        array = np.array(None, dtype=object)
        np.lib.format.write_array_header_1_0(stream, np.lib.format.header_data_from_array_1_0(array))
        stream.write(f"c{module}\n{name}\n.".encode())
    with pytest.raises(ValueError, match=f"asks to load {module}.{name}"):
        load_npy_restricted(tmp_path / "evil.npy")


def _npz(folder: Path) -> bytes:
    np.savez_compressed(folder / "whole.npz", positions_3d=np.array({"S1": np.random.default_rng(0).random(500)}))
    return (folder / "whole.npz").read_bytes()


@pytest.mark.parametrize("kept", [1, 30, 400, -1])
def test_truncated_npz_is_refused_by_name(tmp_path: Path, kept: int) -> None:
    (tmp_path / "part.npz").write_bytes(_npz(tmp_path)[:kept])
    with pytest.raises(ValueError, match=r"part\.npz is not a whole npz file"):
        load_npz_restricted(tmp_path / "part.npz")


def test_flipped_bytes_are_refused_by_name(tmp_path: Path) -> None:
    content = bytearray(_npz(tmp_path))
    content[200:240] = bytes(40)
    (tmp_path / "flipped.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"flipped\.npz .* Copy or make it again"):
        load_npz_restricted(tmp_path / "flipped.npz")


def test_member_that_is_no_array_is_refused_by_name(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "odd.npz", "w") as archive:
        archive.writestr("notes.npy", "not an array")
    with pytest.raises(ValueError, match=r"odd\.npz is damaged: 'notes'"):
        load_npz_restricted(tmp_path / "odd.npz")


def test_missing_empty_and_folder_each_get_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty.npz").touch()
    with pytest.raises(FileNotFoundError, match=r"none\.npz is missing\. Make it with: x"):
        load_npz_restricted(tmp_path / "none.npz", "Make it with: x")
    with pytest.raises(ValueError, match=r"empty \(0 bytes\)"):
        load_npz_restricted(tmp_path / "empty.npz")
    with pytest.raises(IsADirectoryError, match="is a folder, expected a file"):
        load_npz_restricted(tmp_path)


def test_matlab_5_and_7_3_give_the_same_arrays(tmp_path: Path) -> None:
    array = np.arange(24.0).reshape(2, 3, 4)
    scipy.io.savemat(tmp_path / "v5.mat", {"annot": array, "info": {"fps": 25.0, "name": "TS1"}})
    with h5py.File(tmp_path / "v73.mat", "w", userblock_size=512) as file:
        file["annot"] = array.T  # MATLAB stores column-major
        file["info/fps"] = np.array([[25.0]])
        name = file.create_dataset("info/name", data=np.frombuffer(b"TS1", np.uint8).astype(np.uint16)[:, None])
        name.attrs["MATLAB_class"] = np.bytes_("char")
        file["hidden"] = np.ones((1, 5))
        file["#refs#/a"] = np.ones(3)
        cells = file.create_dataset("cells", (2, 1), dtype=h5py.ref_dtype)
        cells[0, 0], cells[1, 0] = file["annot"].ref, file["hidden"].ref
    with open(tmp_path / "v73.mat", "r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file".ljust(128))
    old, new = load_mat(tmp_path / "v5.mat"), load_mat(tmp_path / "v73.mat")
    np.testing.assert_array_equal(old["annot"], array)
    np.testing.assert_array_equal(new["annot"], array)
    assert float(old["info"]["fps"].item()) == float(new["info"]["fps"].item()) == 25.0
    assert str(old["info"]["name"].item()) == new["info"]["name"] == "TS1"
    assert new["cells"].shape == (1, 2) and new["cells"][0, 1].shape == (5, 1)
    np.testing.assert_array_equal(new["cells"][0, 0], array)
    assert "#refs#" not in new


@pytest.mark.parametrize("content", [b"neither", b"\x89HDF\r\n\x1a\n" + bytes(40), b"MATLAB 5.0 MAT-file".ljust(200)])
def test_damaged_mat_file_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.mat").write_bytes(content)
    with pytest.raises(ValueError, match=r"bad\.mat is not a whole MATLAB file"):
        load_mat(tmp_path / "bad.mat")


def test_atomic_write_replaces_at_the_end_only(tmp_path: Path) -> None:
    target = tmp_path / "new folder" / "a.npz"
    for value in (1, 2):
        with atomic_write(target) as part:
            np.savez(part, value=np.array(value))
            assert part.parent == target.parent and part.suffix == ".npz"
            assert target.exists() == (value == 2)
        assert load_npz_restricted(target)["value"] == value
    assert [file.name for file in target.parent.iterdir()] == ["a.npz"]


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(RuntimeError, match="half way"), atomic_write(tmp_path / "a.txt") as part:
        part.write_text("new, but")
        raise RuntimeError("half way")
    assert (tmp_path / "a.txt").read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def test_unwritable_folder_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(PermissionError, match=r"Cannot write .*a\.npz: .*Choose a folder"):
        with atomic_write(tmp_path / "file" / "a.npz"):
            pass
