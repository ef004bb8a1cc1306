"""How often a step waits for its device, counted on one that is not there (tests/pretended). Nothing in a step may lie
on the CPU: that device refuses it.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TO_HOST, OF_UNKNOWN_SIZE, FROM_HOST = "numbers to the host", "sizes only the device knows", "constants from the host"
TRIES = 5  # AugmentSettings.tries
SOURCES = {"dh-aug": 2, "posefk": 3}  # of a sample; dh-aug's one source is drawn for again from where real poses stood


@pytest.fixture(scope="module")
def waits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, dict[str, int]]]:
    """Run -> part of a step -> kind of wait -> the most in any call but the first."""
    folder = tmp_path_factory.mktemp("waits")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(ROOT / "tests/pretended/steps.py"), str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((folder / "waits.json").read_text())


def test_a_step_of_the_lifter_waits_for_nothing(waits):
    for run in ("none", "dh-aug", "posefk", "dh-aug, clips", "posefk, clips"):
        assert waits[run]["lifter step"] == {}, run
        assert waits[run]["noise on real poses"] == {}, run
        assert set(waits[run]["real batch"]) <= {FROM_HOST}, run  # a new order, once in a pass over the data
        assert waits[run]["real batch"].get(FROM_HOST, 0) <= 1, run


def test_an_update_of_the_gan_waits_once_for_its_losses(waits):
    for run in ("dh-aug", "posefk", "dh-aug, clips", "posefk, clips"):
        assert waits[run]["GAN update"] == {TO_HOST: 1}, run


def test_a_sample_waits_once_for_each_try_of_each_source(waits):
    for run in ("dh-aug", "posefk", "dh-aug, clips", "posefk, clips"):
        sample = waits[run]["sampling"]
        assert set(sample) == {OF_UNKNOWN_SIZE}, run
        assert sample[OF_UNKNOWN_SIZE] <= SOURCES[run.split(",")[0]] * TRIES, run


def test_without_labels_an_update_waits_for_how_many_poses_are_real_and_for_the_usual_losses(waits):
    updates = 2  # a batch and its mirror image
    assert waits["posefk, views without labels"]["lifter step"] == {TO_HOST: updates, OF_UNKNOWN_SIZE: updates}
