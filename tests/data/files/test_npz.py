"""npz and npy files: headers, sizes and members are checked before anything is unpacked or parsed."""

import contextlib
import io
import os
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest

from data.files import archive
from data.files.npz import load_npy_restricted, load_npz_restricted
from data.keypoints.formats import Hints, read_keypoints

CASES = Path(__file__).parents[4] / "shared" / "cases"


def header(text: str, body: bytes = bytes(48), version: bytes = b"\x01\x00") -> bytes:
    return b"\x93NUMPY" + version + len(text).to_bytes(2 if version[0] == 1 else 4, "little") + text.encode() + body


def load(content: bytes, folder: Path):
    (folder / "x.npy").write_bytes(content)
    return load_npy_restricted(folder / "x.npy")


GOOD = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }"


@pytest.mark.parametrize(
    "text, shape",
    [
        (GOOD + " " * 60 + "\n", (2, 3)),
        (GOOD.replace("(2, 3)", "(6,)"), (6,)),
        (GOOD.replace("(2, 3)", "(2L, 3L)"), (2, 3)),
        (GOOD.replace(", }", "}"), (2, 3)),
        (GOOD.replace("False", "True"), (2, 3)),
    ],
)
@pytest.mark.parametrize("version", [b"\x01\x00", b"\x02\x00", b"\x03\x00"])
def test_headers_of_every_version_are_read(text: str, shape: tuple, version: bytes, tmp_path: Path) -> None:
    values = np.arange(6.0)
    found = load(header(text, values.tobytes(), version), tmp_path)
    np.testing.assert_array_equal(found, values.reshape(shape, order="F" if "True" in text else "C"))
    assert found.flags.writeable


@pytest.mark.parametrize(
    "text",
    [
        GOOD + "  (", "(" * 5000, GOOD.replace("(2, 3)", "(6)"), GOOD.replace("(2, 3)", "(2, -3)"),
        GOOD.replace("(2, 3)", "(99999999999999999999,)"), GOOD.replace("(2, 3)", "(1000000, 1000000)"),
        GOOD.replace("(2, 3)", "(2, 4)"), GOOD.replace("(2, 3)", f"({'1, ' * 40})"), GOOD.replace("<f8", "<c16"),
        GOOD.replace("<f8", "<f16"), GOOD.replace("<f8", "|V8"), GOOD.replace("'<f8'", "[('a', '<f8')]"),
        GOOD.replace("<f8", "<U999999999"), GOOD.replace("<f8", "|S0"), GOOD.replace("<f8", "<M8[D]"), "{}", "", "1",
        GOOD + " " * 10_000, "\x00" * 50, GOOD.replace("'shape'", "'shape', 'more'"),
    ],
)  # fmt: skip
def test_other_headers_are_refused_in_one_sentence(text: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"x\.npy") as caught:
        load(header(text), tmp_path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


def test_any_change_of_a_header_is_read_or_refused(tmp_path: Path) -> None:
    whole, draw = header(GOOD + " " * 30 + "\n"), np.random.default_rng(0)
    for _ in range(500):
        content = bytearray(whole)
        for place in draw.integers(0, len(GOOD) + 12, draw.integers(1, 4)):
            content[place] = draw.choice(list(b"()[]{}',:0123456789<>|OUSbfi \\\n\x00\xff"))
        with contextlib.suppress(ValueError):
            load(bytes(content), tmp_path)


def test_numbers_and_text_that_are_none_are_refused(tmp_path: Path) -> None:
    for code, body in (("|b1", b"\x00\x02"), ("<U1", b"\x00\x00\x11\x00"), (">U1", b"\x00\x00\xd8\x00")):
        size = len(body) // np.dtype(code).itemsize
        text = f"{{'descr': '{code}', 'fortran_order': False, 'shape': ({size},), }}"
        with pytest.raises(ValueError, match="an array of (bool|text) has"):
            load(header(text, body), tmp_path)


def npz(path: Path, method: int = zipfile.ZIP_DEFLATED, **arrays: np.ndarray) -> Path:
    with zipfile.ZipFile(path, "w", method) as file:
        for name, array in arrays.items():
            stream = io.BytesIO()
            np.save(stream, array)
            file.writestr(f"{name}.npy", stream.getvalue())
    return path


def test_what_unpacks_to_more_than_data_sets_do_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "FREE_BYTES", 1 << 20)
    path = npz(tmp_path / "bomb.npz", a=np.zeros(100_000), b=np.zeros(100_000))
    with pytest.raises(ValueError, match=r"bomb\.npz has .* would unpack to 1,6.*more than 30 times.*save it without"):
        load_npz_restricted(path)
    assert len(load_npz_restricted(npz(tmp_path / "a.npz", a=np.zeros(100_000)))["a"]) == 100_000
    stored = npz(tmp_path / "stored.npz", zipfile.ZIP_STORED, a=np.zeros(200_000))
    assert len(load_npz_restricted(stored)["a"]) == 200_000


def edited(path: Path, change) -> Path:
    """The archive with its central directory changed: change(entry of 46 bytes)."""
    content = bytearray(path.read_bytes())
    for place in [found.start() for found in re.finditer(b"PK\x01\x02", bytes(content))]:
        entry = content[place : place + 46]
        change(entry)
        content[place : place + 46] = entry
    path.write_bytes(content)
    return path


def set_size(entry: bytearray, size: int) -> None:
    entry[24:28] = size.to_bytes(4, "little")


ODD_ARCHIVES = {
    "a size below the real one": (lambda entry: set_size(entry, 200), "bad.npz"),
    "a size above the real one": (lambda entry: set_size(entry, 10**6), "bad.npz"),
    "a size beyond all": (lambda entry: set_size(entry, 2**32 - 2), "would unpack to 4,2"),
    "encrypted": (lambda entry: entry.__setitem__(8, entry[8] | 1), "a.npy is encrypted"),
    "packed by another method": (lambda entry: entry.__setitem__(10, 14), "packed by method 14"),
    "packed by an unknown method": (lambda entry: entry.__setitem__(10, 77), "packed by method 77"),
    "elsewhere": (lambda entry: entry.__setitem__(slice(42, 46), b"\xff\xff\xff\x7f"), "bad.npz"),
}


@pytest.mark.parametrize("what", ODD_ARCHIVES)
def test_odd_archives_are_refused_in_one_sentence(what: str, tmp_path: Path) -> None:
    change, words = ODD_ARCHIVES[what]
    with pytest.raises(ValueError, match=words) as caught:
        load_npz_restricted(edited(npz(tmp_path / "bad.npz", a=np.arange(1000.0)), change))
    assert "bad.npz" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    for second in ("a.npy", "a"):
        path = npz(tmp_path / "twice.npz", a=np.zeros(3))
        with zipfile.ZipFile(path, "a") as file:
            file.writestr(second, header(GOOD))
        with pytest.raises(ValueError, match="2 members called a|two members called a"):
            load_npz_restricted(path)


@pytest.mark.parametrize("name", ["40_forged_array/input.npz", "broken/12/x.npy"])
def test_the_collected_cases_are_refused_as_keypoints(name: str) -> None:
    if not CASES.is_dir():
        pytest.skip("no collected cases beside this checkout")
    with pytest.raises(ValueError, match=os.path.basename(name)):
        read_keypoints(CASES / name, Hints())
