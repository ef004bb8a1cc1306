"""Sound HDF5 and MATLAB files that hold something else than arrays of numbers, or without end."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
import scipy.sparse

from data.files.members import check_arrays, table
from data.files.readers import load_hdf5, load_mat
from data.h36m.sources import find_features
from data.mpi_inf_3dhp.official.test import SEQUENCES, read_official


def mat73(path: Path, fill: Callable[[h5py.File], object]) -> Path:
    with h5py.File(path, "w", userblock_size=512) as file:
        fill(file)
    with open(path, "r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file".ljust(128))
    return path


def _group_in_itself(file: h5py.File) -> None:
    group = file.create_group("a")
    group["again"] = group


def _cells_in_each_other(file: h5py.File) -> None:
    for name in "ab":
        file.create_dataset(name, (2, 1), dtype=h5py.ref_dtype)
    file["a"][:], file["b"][:] = [[file["b"].ref]] * 2, [[file["a"].ref]] * 2


def _cells_of_cells(file: h5py.File) -> None:
    """2^40 cells in 40 arrays."""
    file["0"] = np.ones(1)
    for level in range(1, 41):
        file.create_dataset(str(level), (2, 1), dtype=h5py.ref_dtype)[:] = [[file[str(level - 1)].ref]] * 2


def _many_cells(file: h5py.File) -> None:
    file.create_dataset("a", (10**9, 1), dtype=h5py.ref_dtype)


def _endless_array(file: h5py.File) -> None:
    file.create_dataset("a", (10**12,), "f8", chunks=(1000,))


@pytest.mark.parametrize(
    "fill, words",
    [
        (_group_in_itself, "without end: they hold each other"),
        (_cells_in_each_other, "without end: they hold each other"),
        (_cells_of_cells, "without end: they hold each other"),
        (_many_cells, "1,000,000,000 cells in /a"),
        (_endless_array, r"'/a' is said to have shape \(1000000000000,\), more than a file of that size can hold"),
    ],
)
def test_matlab_7_3_without_end_is_refused(fill: Callable, words: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"a\.mat is not a whole MATLAB file \(.*{words}"):
        load_mat(mat73(tmp_path / "a.mat", fill))


def test_what_is_no_array_is_none_and_the_rest_is_read(tmp_path: Path) -> None:
    content = {"sparse": scipy.sparse.eye(3).tocsc(), "cells": np.array([None, 1.0], dtype=object), "x": np.ones(3)}
    content["cells"][0] = scipy.sparse.eye(2).tocsc()
    scipy.io.savemat(tmp_path / "v5.mat", content)
    mat73(
        tmp_path / "v73.mat",
        lambda file: (file.create_dataset("words", data=["a", "b"]), file.create_dataset("x", data=1.0)),
    )
    old, new = load_mat(tmp_path / "v5.mat"), load_mat(tmp_path / "v73.mat")
    assert old["sparse"] is None and old["cells"][0, 0] is None and old["cells"][0, 1].item() == 1
    assert old["x"].shape == (1, 3) and new["words"] is None and new["x"] == 1


def test_a_variable_longer_than_the_file_is_said(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "cut.mat", {"a": np.random.default_rng(0).normal(size=(50, 3))})
    (tmp_path / "cut.mat").write_bytes((tmp_path / "cut.mat").read_bytes()[:800])
    with pytest.raises(ValueError, match=r"cut\.mat .*a variable of 1,248 bytes is announced where 664 are left"):
        load_mat(tmp_path / "cut.mat")


@pytest.mark.parametrize(
    "fill, words",
    [
        (lambda file: file.create_group("x"), "'x' is a group inside, expected an array"),
        (lambda file: file.create_dataset("x", data=["a"]), "'x' holds object inside, expected numbers"),
        (lambda file: file.create_dataset("x", (3,), dtype=h5py.ref_dtype), "'x' holds object inside"),
        (lambda file: file.create_dataset("x", (3,), "f8,i4"), r"'x' holds \[.* inside, expected numbers"),
        (lambda file: file.create_dataset("x", data=h5py.Empty("f8")), "expected numbers"),
        (lambda file: file.create_dataset("x", (9,), "f8", external="/dev/zero"), "'x' lies in other files"),
        (lambda file: file.create_dataset("x", (10**6, 10**6), "f8", chunks=True), "more than a file of that size"),
        (lambda file: file.__setitem__("x", h5py.SoftLink("/x")), "x.h5"),
    ],
)
def test_hdf5_of_another_kind_is_refused_by_name(fill: Callable, words: str, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        fill(file)
    with pytest.raises(ValueError, match=words) as caught:
        load_hdf5(tmp_path / "x.h5", ["x"], "Get it.")
    assert str(tmp_path / "x.h5") in str(caught.value)


def test_arrays_in_pieces_are_whole(tmp_path: Path) -> None:
    """More than one block, in chunks, packed or not, and without values."""
    array = np.random.default_rng(0).normal(size=(30_011, 17, 3))
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["plain"], file["none"], file["one"], file["turned"] = array, array[:0], array[0, 0, 0], array.T
        file.create_dataset("packed", data=array.astype(">f4"), chunks=(1000, 5, 2), compression="gzip")
        file.create_dataset("unwritten", (5000, 100), "f8", fillvalue=3.0)
    found = load_hdf5(tmp_path / "x.h5", ["plain", "none", "one", "turned", "packed", "unwritten", "lacking"])
    for name, own in {"plain": array, "none": array[:0], "one": array[0, 0, 0], "turned": array.T}.items():
        np.testing.assert_array_equal(found[name], own)
    assert found["packed"].dtype == ">f4" and (found["packed"] == array.astype("f4")).all()
    assert (found["unwritten"] == 3).all() and "lacking" not in found


def _recording(tmp_path: Path, name: str) -> Path:
    path = tmp_path / "S1/MyPoseFeatures/D3_Positions" / name
    path.parent.mkdir(parents=True)
    return path


@pytest.mark.parametrize("content", [{"data": "text"}, {"data": {"a": 1}}, {"data": np.zeros((0, 0), dtype=object)}])
def test_a_recording_without_numbers_is_refused_by_name(content: dict, tmp_path: Path) -> None:
    scipy.io.savemat(_recording(tmp_path, "Eating.cdf.mat"), content)
    with pytest.raises(ValueError, match=r"Eating\.cdf\.mat has an array of shape .*expected \(frames, 96\)"):
        find_features(tmp_path, ".cdf.mat").recordings[0].positions()


@pytest.mark.parametrize(
    ("joint", "value", "words"),
    [
        (7, 1e200, r"Eating\.cdf: frame 2 has LKnee 1e\+197 m from the root"),
        # a toe, which nobody lifts, is in the file as well, and 1e42 m are infinite in float32
        (5, 1e45, r"Eating\.cdf has a joint 1e\+42 m from the origin"),
    ],
)
def test_a_joint_that_is_nowhere_is_refused(
    joint: int, value: float, words: str, tmp_path: Path, write_cdf: Callable, h36m_poses: Callable
) -> None:
    poses = h36m_poses(4)
    poses[2, joint, 1] = value
    write_cdf(_recording(tmp_path, "Eating.cdf"), poses.reshape(4, 96))
    with pytest.raises(ValueError, match=words):
        find_features(tmp_path, ".cdf").recordings[0].positions()


@pytest.mark.parametrize("dtype", ["f4", "f8", "i8", "u8"])
def test_numbers_whose_squares_are_infinite_are_refused_where_they_enter(dtype: str) -> None:
    wild = np.array([1, 2e18, 3]).astype(dtype)
    for read in (lambda: table(wild, "x.npz"), lambda: check_arrays("x.npz", {"a": wild}, {"a": ("fiu", (3,))}, "")):
        with pytest.raises(ValueError, match=r"has the number 2e\+18, expected at most 1e\+15"):
            read()
    assert table(np.array([1, 9e14]).astype(dtype), "x.npz").dtype == dtype
    assert np.isnan(table(np.array([np.nan, np.inf, 5]), "x.npz")[0])


@pytest.mark.parametrize("key", ["annot2", "univ_annot3", "valid_frame", "activity_annotation"])
@pytest.mark.parametrize("value", ["text", {"a": 1.0}, np.array([["a", "b"]], dtype=object)])
def test_a_sequence_of_no_numbers_is_refused_by_name(key: str, value: object, tmp_path: Path) -> None:
    body = np.zeros((3, 17, 1, 2))
    content = {"annot2": body[:2], "univ_annot3": body, "valid_frame": np.ones(2), "activity_annotation": np.ones(2)}
    for name in SEQUENCES:
        (tmp_path / name).mkdir()
        scipy.io.savemat(tmp_path / name / "annot_data.mat", {**content, key: value})
    with pytest.raises(ValueError, match=rf"TS1.annot_data\.mat has '{key}' of"):
        read_official(tmp_path)
