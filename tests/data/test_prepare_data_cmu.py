"""The command that prepares CMU's capture: folders, archives, downloads, and what it says about bad ones."""

import re
import shutil
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from data import cmu
from data.prepare_data_cmu import main
from kinematics.errors import PoseFKError, exit_with_one_sentence

FRAMES = 125  # of each clip that conftest.py writes


def packed(folder: Path, path: Path) -> Path:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(folder.rglob("*.*")):
                archive.write(file, Path("all_asfamc") / file.relative_to(folder))
    else:
        with tarfile.open(path, "w:xz", preset=0) as archive:
            archive.add(folder, "raw")
    return path


def content(root: Path) -> dict[str, np.ndarray]:
    with np.load(root / cmu.FILE_NAME, allow_pickle=False) as file:
        return dict(file)


@pytest.mark.parametrize("name", ["capture.zip", "capture.tar.xz"])
def test_an_archive_gives_what_its_folder_gives(capture_folder, prepared, tmp_path, name):
    main(["--source", str(packed(capture_folder, tmp_path / name)), "--data_root", str(tmp_path)])
    expected, found = content(prepared), content(tmp_path)
    assert list(found) == list(expected)
    for key, array in expected.items():
        np.testing.assert_array_equal(found[key], array)


def test_the_end_table_counts_everything(capture_folder, tmp_path, capsys):
    main(["--source", str(capture_folder), "--data_root", str(tmp_path)])
    printed = capsys.readouterr()
    total = next(line for line in printed.out.splitlines() if line.split()[:1] == ["all"])
    assert total.split()[1:3] == ["5", str(5 * FRAMES)]
    assert "139 of the 144 clips of CMU-X" in printed.out
    assert "Reading clips" in printed.err


def test_all_clips_of_a_source_are_kept_on_request(capture_folder, tmp_path):
    shutil.copytree(capture_folder, tmp_path / "capture")
    shutil.copy(tmp_path / "capture/subjects/05/05_01.bvh", tmp_path / "capture/subjects/05/05_99.bvh")
    main(["--source", str(tmp_path / "capture"), "--data_root", str(tmp_path)])
    assert "05_99" not in content(tmp_path)["clips"]
    main(["--source", str(tmp_path / "capture"), "--data_root", str(tmp_path), "--clips", "all"])
    assert "05_99" in content(tmp_path)["clips"]


def edit(path, change):
    path.write_text(change(path.read_text()))


def no_motions(folder):
    for file in (*folder.rglob("*.amc"), *folder.rglob("*.bvh")):
        file.unlink()


def cut_to(path, share):
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    return path


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 0xFF
    path.write_bytes(data)
    return path


SUBJECT_01 = "subjects/01/01"


def _all_over(amc: str) -> str:
    """Somebody who jumps 6 m to and fro from frame to frame."""
    lines, place = amc.splitlines(), 0
    for number, line in enumerate(lines):
        if line.startswith("root "):
            x, *others = line.split()[1:]
            lines[number] = " ".join(["root", repr(float(x) + 100 * (place % 2)), *others])
            place += 1
    return "\n".join(lines)


BAD_SOURCES = {
    "missing": (lambda f, t: f / "nowhere", "nowhere is missing, expected a folder"),
    "empty folder": (lambda f, t: no_motions(f), "has no motion"),
    "no archive": (lambda f, t: f / "readme.txt", "no whole archive"),
    "empty file": (lambda f, t: (t / "x.zip").write_text("") or t / "x.zip", "no whole archive"),
    "truncated zip": (lambda f, t: cut_to(packed(f, t / "a.zip"), 0.7), "no whole archive"),
    "truncated tar.xz": (lambda f, t: cut_to(packed(f, t / "a.tar.xz"), 0.7), "damaged or cut short"),
    "cut to a stub": (lambda f, t: cut_to(packed(f, t / "a.tar.xz"), 0.001), "no whole archive|cut short"),
    "damaged zip": (lambda f, t: flip(packed(f, t / "a.zip")), "is damaged"),
    "empty zip": (lambda f, t: packed(t / "nothing", t / "a.zip"), "has no motion"),
    "AMC without ASF": (lambda f, t: (f / f"{SUBJECT_01}.asf").unlink(), "needs its subject's skeleton 01.asf"),
    "truncated AMC": (lambda f, t: cut_to(f / f"{SUBJECT_01}_01.amc", 0.71), "01_01.amc.*cut short"),
    "truncated BVH": (lambda f, t: cut_to(f / "subjects/05/05_01.bvh", 0.7), "05_01.bvh.*cut short"),
    "column count": (
        lambda f, t: edit(f / f"{SUBJECT_01}_01.amc", lambda s: s.replace("rtibia ", "rtibia 1 ")),
        "01_01.amc: rtibia has 2 numbers in frame 1, its skeleton 1",
    ),
    "NaN": (
        lambda f, t: edit(f / f"{SUBJECT_01}_01.amc", lambda s: s.replace("rtibia ", "rtibia nan ", 1)),
        "01_01.amc",
    ),
    "glitches": (
        lambda f, t: edit(f / f"{SUBJECT_01}_01.amc", _all_over),
        "01_01 has no frame to learn from, all 125 are glitches: joints faster than 20 m/s.*--skip_bad",
    ),
    "5 km": (
        lambda f, t: edit(f / f"{SUBJECT_01}_01.amc", lambda s: re.sub(r"root \S+", "root 90000", s, count=1)),
        "01_01.amc: frame 1 has .* m from the world's origin, expected at most 100 m .1 of 125",
    ),
    "centimetres": (
        lambda f, t: edit(f / f"{SUBJECT_01}.asf", lambda s: s.replace("length 0.45", "length 0.08")),
        r"thighs of 2.318 m, expected 0.25 to 0.6 m",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_SOURCES)
def test_a_bad_source_is_one_sentence_and_the_old_file_stays(capture_folder, tmp_path, case):
    folder = tmp_path / "capture"
    shutil.copytree(capture_folder, folder)
    (tmp_path / cmu.FILE_NAME).write_text("older")
    spoil, message = BAD_SOURCES[case]
    changed = spoil(folder, tmp_path)
    source = changed if isinstance(changed, Path) and not changed.is_relative_to(folder / "subjects") else folder
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises((ValueError, FileNotFoundError, PoseFKError), match=message) as caught:
        main(["--source", str(source), "--data_root", str(tmp_path)])
    assert "\n" not in str(caught.value)
    assert (tmp_path / cmu.FILE_NAME).read_text() == "older"
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_bad_clips_can_be_left_out(capture_folder, tmp_path, capsys):
    shutil.copytree(capture_folder, tmp_path / "capture")
    cut_to(tmp_path / "capture/subjects/05/05_01.bvh", 0.7)
    main(["--source", str(tmp_path / "capture"), "--data_root", str(tmp_path), "--skip_bad"])
    assert "05_01" not in content(tmp_path)["clips"] and len(content(tmp_path)["clips"]) == 4
    assert "Left out" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words, message",
    [
        ([], "either --source"),
        (["--source", "x", "--download"], "either --source"),
        (["--sauce", "x"], "meant: --source"),
        (["--download", "--clips", "some"], "choose from"),
    ],
)
def test_a_bad_command_line_is_one_sentence(words, message):
    with pytest.raises(PoseFKError, match=message):
        main(words)


def test_a_download_is_prepared_and_kept(capture_folder, tmp_path, capsys):
    archive = packed(capture_folder, tmp_path / "capture.zip")
    words = ["--download", "--url", archive.as_uri(), "--data_root", str(tmp_path)]
    main(words)
    assert (tmp_path / "downloads" / "capture.zip").read_bytes() == archive.read_bytes()
    assert len(content(tmp_path)["clips"]) == 5
    assert "sha256" in capsys.readouterr().out
    archive.unlink()
    main(words)  # from the archive already here
    with pytest.raises(PoseFKError, match="expected 00"):
        main([*words, "--sha256", "00"])


def test_the_command_ends_with_code_2_and_one_line(tmp_path, capsys):
    words = ["--source", str(tmp_path / "gone"), "--data_root", str(tmp_path)]
    with pytest.raises(SystemExit) as ended:
        exit_with_one_sentence(lambda: main(words))
    printed = capsys.readouterr().err
    assert ended.value.code == 2 and printed.count("\n") == 1 and "gone is missing" in printed
    assert list(tmp_path.iterdir()) == []
