"""A short slice of the fuzzing for every reader, and whether what judges it would see each kind of fault."""

import io
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.fuzz import judge as judging
from tests.fuzz.campaign import Campaign
from tests.fuzz.judge import ACCEPTED, REFUSED, judge
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", [name for name, target in TARGETS.items() if target.share])
def test_changed_files_end_in_a_result_or_in_one_sentence(name: str, tmp_path: Path):
    verdicts = [verdict for _, verdict in Campaign(name, 0, tmp_path).slice(TARGETS[name].share)]
    assert not [verdict for verdict in verdicts if verdict.is_finding]
    counts = Counter(verdict.kind for verdict in verdicts)
    assert counts[ACCEPTED] and counts[REFUSED]


def test_inputs_are_the_same_every_time_and_leave_the_seeds_as_they_were(tmp_path: Path):
    first, second = (Campaign("cmu_prepared", 3, tmp_path / name) for name in "ab")
    drawn = [first.draw(number) for number in range(30)]
    assert drawn == [second.draw(number) for number in range(30)] and len(set(drawn)) > 25
    first.judge(drawn[0])
    assert all((tmp_path / "a" / name).read_bytes() == raw for name, raw in first.files.items())


def test_half_of_the_changes_are_of_what_a_sound_container_holds(tmp_path: Path):
    campaign = Campaign("cmu_prepared", 0, tmp_path)
    sound = 0
    for number in range(100):
        try:
            with np.load(io.BytesIO(campaign.draw(number)[1:]), allow_pickle=False) as file:
                sound += len([file[name] for name in file.files]) > 0
        except Exception:  # whatever NumPy says
            continue
    assert 30 < sound < 90


def _raise(error: Exception):
    def read(folder: Path) -> None:
        raise error

    return read


def _allocate(folder: Path) -> None:
    np.ones(30_000_000)


def _wait(folder: Path) -> None:
    while True:
        pass


FAULTS = {
    "KeyError": _raise(KeyError("x")),
    "RecursionError": _raise(RecursionError()),
    "not our sentence, ValueError": lambda folder: float("x"),
    "not our sentence, FileNotFoundError": lambda folder: open(folder / "nothing"),
    "long sentence": _raise(ValueError("word " * 121)),
    "long quote": _raise(ValueError("It holds " + "0123456789" * 9)),
    "RuntimeWarning": lambda folder: np.float64(1e300).astype(np.float32),
    "outside of its folder": lambda folder: (folder.parent / "x").write_text("outside"),
    "memory": _allocate,
    "hang": _wait,
}  # fmt: skip


@pytest.mark.parametrize("kind", FAULTS)
def test_each_kind_of_fault_is_seen(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(judging, "SECONDS", 0.5)
    monkeypatch.setattr(judging, "MEMORY", 50_000_000)
    monkeypatch.setenv("TMPDIR", "/nowhere")
    (tmp_path / "inside").mkdir()
    verdict = judge(FAULTS[kind], tmp_path / "inside", b"0123456789" * 20)
    assert verdict.kind.startswith(kind) and verdict.is_finding


def test_a_sentence_of_ours_is_a_refusal_and_control_characters_do_not_come_through(tmp_path: Path):
    verdict = judge(_raise(ValueError("x.npz holds \x1b[2J\n, expected poses.")), tmp_path, b"")
    assert verdict == (REFUSED, "x.npz holds \\x1b[2J , expected poses.")
    assert judge(lambda folder: (folder / "x").write_text("inside"), tmp_path, b"") == (ACCEPTED, "")
