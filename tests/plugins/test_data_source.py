"""A data set that is one file outside the package, in the real command."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import run_fk_gan
from data import DATA_SOURCES

SOURCE = '''
"""A part of CMU-X under a name of its own."""

from dataclasses import replace

from data import DataSource, DataSplits, load_dataset, register_dataset


def load(settings):
    splits = load_dataset("cmu", replace(settings, data_root="TINY"))
    tests = {"toy_test": splits.tests["cmux2_b"]}
    return DataSplits(splits.train[:2], splits.validation, tests, ["toy: a part of CMU-X."])


register_dataset("toy", DataSource(load, views=4, test_sets=("toy_test",), budget={
    "lifter": {"posenet_name": "simple_baseline", "posenet_width": 16},
    "learning": {"epochs": 1, "steps_per_epoch": 2, "batch_size": 32},
}))
'''


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    tiny = Path(__file__).parents[1] / "tiny_cmu"
    (tmp_path / "toy.py").write_text(SOURCE.replace("TINY", str(tiny)))
    return tmp_path


def test_a_data_set_from_another_file_is_trained_and_tested_on_with_its_budget(plugin: Path):
    command = [sys.executable, run_fk_gan.__file__, "--plugins", str(plugin / "toy.py"), "--dataset", "toy"]
    command += ["--recipe", "none", "--figures", "False", "--checkpoint", str(plugin / "runs")]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    (folder,) = (plugin / "runs").glob("simple_baseline/gt/*")
    settings = json.loads((folder / "settings.json").read_text())
    assert settings["learning"]["epochs"] == 1 and settings["lifter"]["posenet_width"] == 16
    lines = [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]
    assert {line["test_set"] for line in lines} == {"validation", "toy_test"}
    assert "toy: a part of CMU-X." in done.stdout and "toy" not in DATA_SOURCES


def test_a_data_set_that_nobody_registered_is_one_sentence(
    plugin: Path, monkeypatch: pytest.MonkeyPatch, refusal_of: Callable[..., str]
):
    monkeypatch.setitem(DATA_SOURCES, "toy", DATA_SOURCES["cmu"])  # so that it is taken out again at the end
    del DATA_SOURCES["toy"]
    words = ["--dataset", "toi", "--plugins", str(plugin / "toy.py")]
    assert "Perhaps you meant: toy" in refusal_of(run_fk_gan.main, words)
