import json
from pathlib import Path

import pytest

from evaluation.triangulation import Triangulation, main, run
from kinematics import PoseFKError
from tests.tiny_cmu import FLAGS, ROOT


@pytest.fixture(scope="module")
def noisy() -> list:
    """Two, three and four views of CMU-X's test people under the default detector's error."""
    return run(Triangulation(data_root=str(ROOT), test_sets=("cmux2_a",), noise="default"))


def test_true_2d_triangulates_exactly_with_any_number_of_views():
    rows = run(Triangulation(data_root=str(ROOT), views=(2, 4)))
    sets = [(row.test_set, row.views) for row in rows]
    assert sets == [(name, views) for name in ("cmux2_a", "cmux2_b", "cmux2_b_coco", "cmux_b") for views in (2, 4)]
    for row in rows:
        assert row.mpjpe < 0.1 and row.p_mpjpe < 0.1 and row.absolute < 0.1 and row.poses > 150


def test_under_noise_more_views_come_nearer(noisy: list):
    errors = [row.mpjpe for row in noisy]
    assert [row.views for row in noisy] == [2, 3, 4] and errors == sorted(errors, reverse=True) and errors[-1] > 1


def test_confidences_help(noisy: list):
    blind = run(
        Triangulation(data_root=str(ROOT), test_sets=("cmux2_a",), noise="default", views=(4,), use_confidence=False)
    )
    assert noisy[-1].mpjpe < blind[0].mpjpe


def test_the_command_prints_and_writes_the_rows(tmp_path: Path, capsys: pytest.CaptureFixture):
    main([*FLAGS.split(), "--test_sets", "cmux2_a", "--views", "3", "--json", str(tmp_path / "rows.json")])
    (row,) = json.loads((tmp_path / "rows.json").read_text())
    assert row["views"] == 3 and f"{row['poses']:,}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words, expected",
    [("--dataset cum", "choose from cmu"), ("--views 9", "views is 9"), ("--noise loud", "there is no such file"),
     ("--test_sets h36m", "cmu has cmux2_a, cmux2_b"), (f"--json {__file__}/x.json", "x.json cannot be written")],
)  # fmt: skip
def test_bad_flags_are_one_sentence(words: str, expected: str):
    with pytest.raises((PoseFKError, ValueError, OSError), match=expected):
        main([*FLAGS.split(), *words.split()])
