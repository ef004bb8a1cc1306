"""JSON from anybody: whatever is in the file, it is read or refused in one sentence."""

import contextlib
import json
import math
from pathlib import Path

import numpy as np
import pytest

from augment.detector_noise.model import DetectorNoise
from data.files import json_file
from data.files.json_file import read_json

CASES = Path(__file__).parents[4] / "shared" / "cases"


def load(content: bytes, folder: Path):
    (folder / "x.json").write_bytes(content)
    return read_json(folder / "x.json", "a keypoint file")


def test_what_python_writes_comes_back(tmp_path: Path) -> None:
    content = {"é": [1, -2.5, True, None, "x" * 1000, 10**39], "in": {"side": [[[]]]}}
    for text in (json.dumps(content), json.dumps(content, ensure_ascii=False), "\ufeff" + json.dumps(content)):
        assert load(text.encode(), tmp_path) == content
    assert math.isnan(load(b"NaN", tmp_path)) and load(b"[Infinity]", tmp_path) == [math.inf]


@pytest.mark.parametrize(
    "content, words",
    [
        (b"[" * 65 + b"]" * 65, "more than 64 deep"), (b"[" * 100_000, "more than 64 deep"),
        (b'{"a":' * 900 + b"1" + b"}" * 900, "more than 64 deep"), (b"1" * 5000, "a whole number of 5,000 digits"),
        (b"[" + b"1" * 41 + b"]", "a whole number of 41 digits"), (b"[1, 2", "line 1, column 6.*cut short"),
        ('["é"]'.encode("latin1"), "not a JSON file"), ('["a"]'.encode("utf-16"), "not a JSON file"),
        (b"", "0 bytes"), (b"\x00" * 100, "not a JSON file"), (b"{]", "line 1, column 2"),
    ],
)  # fmt: skip
def test_what_is_no_sound_json_is_refused_in_one_sentence(content: bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"x\.json .*{words}") as caught:
        load(content, tmp_path)
    assert "\n" not in str(caught.value) and "a keypoint file" in str(caught.value) and len(str(caught.value)) < 400


def test_64_levels_are_read(tmp_path: Path) -> None:
    assert load(b"[" * 64 + b"]" * 64, tmp_path) != []


def test_what_would_fill_the_memory_is_refused_before_it_is_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_file, "MOST_CONTAINERS", 1000)
    with pytest.raises(ValueError, match="has 1,001 lists and objects, at most 1,000 are read.*cut it up"):
        load(b"[" + b"{}," * 999 + b"{}]", tmp_path)
    monkeypatch.setattr(json_file, "MOST_BYTES", 1000)
    with pytest.raises(ValueError, match="has 1,001 bytes, at most 1,000 are read.*cut it up"):
        load(b"1" * 1001, tmp_path)


def test_any_change_of_a_noise_file_is_read_or_refused(tmp_path: Path) -> None:
    DetectorNoise.default().save(tmp_path / "n.json")
    whole, draw = (tmp_path / "n.json").read_bytes(), np.random.default_rng(0)
    pieces = [b"NaN", b"-1", b"1e999", b"9" * 400, b"null", b"[]", b"{}", b'"', b",", b"[" * 2000, b"\xff", b""]
    for _ in range(500):
        place = int(draw.integers(len(whole)))
        kept = place + int(draw.integers(5))
        (tmp_path / "n.json").write_bytes(whole[:place] + pieces[draw.integers(len(pieces))] + whole[kept:])
        with contextlib.suppress(ValueError):
            DetectorNoise.load(tmp_path / "n.json")


def test_the_collected_case_is_refused() -> None:
    if not CASES.is_dir():
        pytest.skip("no collected cases beside this checkout")
    with pytest.raises(ValueError, match=r"n\.json .*more than 64 deep"):
        DetectorNoise.load(CASES / "broken/18/n.json")
