"""Files written whole or not at all, whatever the disk and other processes do."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from data.files.writing import DiskTrouble, append_line, atomic_folder, atomic_write, remove_dead_parts


@contextmanager
def small_disk() -> Iterator[None]:
    """No file may grow over 1000 bytes: not the log of the tests either, so it ends inside the test."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_told_and_leaves_the_old_file(tmp_path: Path):
    (tmp_path / "a.txt").write_text("old")
    with (
        small_disk(),
        pytest.raises(DiskTrouble, match="Cannot write .*a.txt: .* make room"),
        atomic_write(tmp_path / "a.txt") as part,
    ):
        part.write_bytes(bytes(2000))
    with small_disk(), pytest.raises(DiskTrouble, match="Nothing was kept"), atomic_folder(tmp_path) as part:
        (part / "b.txt").write_bytes(bytes(2000))
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"] and (tmp_path / "a.txt").read_text() == "old"


def test_errors_that_are_not_the_disk_s_stay_what_they_are(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="nowhere"), atomic_write(tmp_path / "a.txt"):
        (tmp_path / "nowhere").read_text()


def test_a_line_is_appended_whole_or_not_at_all(tmp_path: Path):
    for _ in range(3):
        append_line(tmp_path / "lines", "x" * 300)
    with small_disk(), pytest.raises(DiskTrouble, match="Cannot write .*lines"):
        append_line(tmp_path / "lines", "y" * 300)
    assert (tmp_path / "lines").read_text() == ("x" * 300 + "\n") * 3


def test_parts_of_dead_processes_go_and_those_of_living_ones_stay(tmp_path: Path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    living = [f".last.{os.getpid()}.part.pt", f".{os.getppid()}.part"]
    others = ["last.pt", ".last.part.pt", "notes.123456789.part", ".lock"]
    gone = [f".last.{dead.pid}.part.pt", f".settings.{dead.pid}.part", ".a.b.999999999.part.json"]
    for name in (*living, *others, *gone):
        (tmp_path / name).touch()
    (tmp_path / f".{dead.pid}.part").mkdir()
    (tmp_path / f".{dead.pid}.part" / "pose.npz").touch()
    remove_dead_parts(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*living, *others}
