"""The dataset card's command."""

import base64
import functools
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from augment.export import __main__ as export
from evaluation.synthetic_quality import __main__ as command
from evaluation.synthetic_quality.card.figures import direction_density
from evaluation.synthetic_quality.card.tables import number
from evaluation.synthetic_quality.pose_sets.sets import load_recordings
from evaluation.synthetic_quality.report import common_rate
from kinematics import JOINT_ANGLES, PoseFKError
from tests.tiny_cmu import ROOT, SETTINGS

FEW = f"--num_poses 150 --bootstrap 3 --data_root {ROOT}".split()


def exported(folder: Path, *flags: str) -> Path:
    export.main(["--num_poses", "200", "--format", "hdf5", "--data_root", str(ROOT), "--out", str(folder), *flags])
    return folder


def numbers_of(*flags: str | Path, out: Path) -> dict:
    command.main([str(flag) for flag in [*flags, "--out", out, *FEW]])
    return json.loads((out / "card.json").read_text())


@pytest.fixture
def quick(monkeypatch):
    """Fewer recordings, loaded once, and no figures."""
    monkeypatch.setattr(command, "load_recordings", lambda name, _: _recordings(name))
    monkeypatch.setattr(command, "pictures", lambda *_: [])


@functools.cache
def _recordings(name: str) -> list:
    return load_recordings(name, SETTINGS)


@pytest.fixture(scope="module")
def rom(tmp_path_factory) -> Path:
    return exported(tmp_path_factory.mktemp("exports") / "range_of_motion", "--recipe", "range_of_motion")


@pytest.fixture(scope="module")
def card(rom, tmp_path_factory) -> tuple[subprocess.CompletedProcess, Path]:
    """The command as a user gives it."""
    out = tmp_path_factory.mktemp("card") / "new"
    flags = ["--synthetic", rom, "--real", "cmu", "cmux2_b", "--out", out, *FEW]
    done = subprocess.run(
        [sys.executable, "-m", "evaluation.synthetic_quality", *map(str, flags)], capture_output=True, text=True
    )
    return done, out


def test_the_command_writes_a_page_and_numbers_and_says_where(card):
    done, out = card
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in out.iterdir()) == ["card.html", "card.json"]
    assert "Coverage" in done.stdout and done.stdout.strip().endswith(f"{out / 'card.json'} has all numbers")
    numbers = json.loads((out / "card.json").read_text())
    assert list(numbers["sets"]) == ["synthetic", "cmu", "cmux2_b"]
    assert list(numbers["compared"]) == list(numbers["floor"]) == ["cmu", "cmux2_b"]
    assert numbers["about"]["recipe"] == "range_of_motion" and numbers["notes"] == []
    for part in (*numbers["compared"].values(), *numbers["floor"].values()):
        assert part["frechet_joints_m2"]["lower"] <= part["frechet_joints_m2"]["value"]
        expected = 1000 * (part["frechet_joints_m2"]["value"] / 16) ** 0.5
        assert part["frechet_joints_mm"]["value"] == pytest.approx(expected)
        assert all(0 <= part[f"{name}_percent"] <= 100 for name in ("precision", "recall", "coverage"))
    assert list(numbers["sets"]["cmu"]["outside_limits"]["per_angle_percent"]) == list(JOINT_ANGLES)


def test_the_page_stands_alone_and_has_its_figures(card):
    html = (card[1] / "card.html").read_text()
    assert not re.search(r"https?:|<script|<link|@import|url\(", html)
    pictures = re.findall(r"src='data:image/png;base64,([^']+)'", html)
    assert len(pictures) == html.count("<img") == 4
    assert all(base64.b64decode(picture).startswith(b"\x89PNG") for picture in pictures)
    assert html.count("<table") == html.count("</table>") >= 5 and "recordings&#39; licence" in html
    assert "Nearer to the training set is not better" in html and "Motion of the clips" not in html


def test_the_same_seed_gives_the_same_card(rom, tmp_path, quick):
    first, second = (numbers_of("--synthetic", rom, "--real", "cmu", out=tmp_path / name) for name in ("a", "b"))
    assert first == second
    other = numbers_of("--synthetic", rom, "--real", "cmu", "--seed", "1", out=tmp_path / "a")
    assert other["compared"] != first["compared"]


def test_recorded_poses_are_nearer_to_recorded_ones_than_random_poses(rom, tmp_path, quick):
    random = numbers_of("--synthetic", rom, "--real", "cmu", out=tmp_path)["compared"]["cmu"]
    recorded = numbers_of("--synthetic", "cmu", "--real", "cmu", out=tmp_path)["compared"]["cmu"]
    for key in ("frechet_joints_m2", "frechet_angles_rad2"):
        assert recorded[key]["value"] < random[key]["value"]
    assert recorded["coverage_percent"] > random["coverage_percent"]
    assert recorded["precision_percent"] > random["precision_percent"]
    assert recorded["nearest_synthetic_mm"]["median"] < random["nearest_synthetic_mm"]["median"]


def test_clips_are_compared_in_motion_at_a_common_rate(tmp_path, quick):
    clips = exported(tmp_path / "clips", "--recipe", "limb_swap", "--frames", "9")
    standing = exported(tmp_path / "standing", "--recipe", "range_of_motion", "--frames", "9")
    for folder, fps in ((clips, 25), (standing, 50)):
        numbers = numbers_of("--synthetic", folder, "--real", "cmu", clips, out=tmp_path / "card")
        assert numbers["sets"]["synthetic"]["motion"]["fps"] == fps
        assert numbers["motion_distance"]["cmu"]["speed"] > 0
        assert "Motion of the clips" in (tmp_path / "card" / "card.html").read_text()
    assert numbers["motion_distance"]["clips"] is not None
    assert (common_rate(50, 25), common_rate(25, 50), common_rate(25, 25)) == ((2, 1), (1, 2), (1, 1))
    assert common_rate(30, 25) is None and common_rate(120.5, 120) == (1, 1)


def test_without_cameras_the_view_part_is_left_out_and_said_so(tmp_path):
    export.main(f"--num_poses 200 --format poseaug --out {tmp_path / 'blind'}".split())
    numbers = numbers_of("--synthetic", tmp_path / "blind", "--real", tmp_path / "blind", out=tmp_path / "card")
    html = (tmp_path / "card" / "card.html").read_text()
    assert not numbers["upright"] and "Camera views" not in html
    assert any("has no cameras: views are not compared" in note for note in numbers["notes"])
    assert any("What is up is not known of" in note and note.split()[0] in html for note in numbers["notes"])
    assert numbers["compared"]["blind"]["coverage_percent"] == 100  # the set against itself


@pytest.mark.parametrize(
    "flags, message",
    [
        ("--synthetic nowhere --real cmu", "nowhere is no file, no folder and none of cmu, h36m"),
        ("--synthetic cmu --real dmo", "dmo is no file"),
        ("--synthetic cmu --real", "--real is empty"),
        ("--synthetic cmu --num_poses 10", "--num_poses 10: expected 100 or more"),
        ("--synthetic cmu --bootstrap 1", "--bootstrap 1: expected 2 or more"),
        ("--synthetic cmu --reel cmu", "Perhaps you meant: --real"),
        (f"--synthetic cmu --real h36m {' '.join(FEW)}", "data_3d_h36m.npz is missing"),
        ("--real cmu", "--synthetic"),
    ],
)
def test_bad_input_is_one_sentence(flags, message, tmp_path):
    with pytest.raises((PoseFKError, ValueError, OSError)) as caught:
        command.main([*flags.split(), "--out", str(tmp_path / "out")])
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_bad_input_leaves_with_code_2_and_no_card(tmp_path, refusal_of):
    (tmp_path / "poses.h5").write_bytes(b"\x89HDF\r\n\x1a\n and then nothing")
    flags = ["--synthetic", str(tmp_path), "--out", str(tmp_path / "out"), *FEW]
    assert "poses.h5 cannot be read as an export's HDF5 file" in refusal_of(command.main, flags)
    assert not list((tmp_path / "out").iterdir())


def test_an_output_that_cannot_be_written_is_refused_before_anything_is_read(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(command, "load", lambda *_: pytest.fail("it was read"))
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(PoseFKError, match="cannot be written to"):
            command.main(["--synthetic", "cmu", "--out", str(out)])


def test_a_full_disk_leaves_no_half_page(tmp_path, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left on device.*make room"):
        command.write(tmp_path / "card.html", "text")
    assert not list(tmp_path.iterdir())


def test_the_map_of_a_uniform_set_is_flat_and_of_one_direction_a_spot(generator):
    directions = torch.nn.functional.normalize(torch.randn(200_000, 3, generator=generator), dim=-1)
    density = direction_density(directions.numpy())
    assert density.mean() == pytest.approx(1) and density.std() < 0.15
    ahead = direction_density(torch.tensor([[0.01, 1.0, 0.01]]).numpy())
    (row,), (column,) = (ahead == ahead).nonzero()
    assert ahead[row, column] == ahead.size and (row, column) == (12, 24)  # the middle


def test_numbers_have_three_digits_at_most():
    assert [number(value) for value in (1234.5, 12.345, 1.2345, 0.01234, 0)] == ["1234", "12.3", "1.2", "0.012", "0.0"]
