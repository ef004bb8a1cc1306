"""A run that is killed at random moments, and while it writes, goes on to the numbers of an undisturbed one."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from posenets.checkpoints.files import LAST, read_checkpoint
from tests.training.test_stopping import TINY, environment, points_of, results_of

RANDOM_KILLS = int(os.environ.get("POSEFK_KILLS", 0))  # 20, and the further moments of writing, compute for two minutes


def tensors_of(content: Any, name: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    """All tensors of a checkpoint: weights, optimisers, GAN, random numbers."""
    if isinstance(content, torch.Tensor):
        yield name, content
    for key, part in content.items() if isinstance(content, dict) else ():
        yield from tensors_of(part, f"{name}/{key}")
    for place, part in enumerate(content if isinstance(content, list | tuple) else ()):
        yield from tensors_of(part, f"{name}/{place}")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads another process's clock, as Linux tells it")
def test_a_run_killed_at_random_moments_and_while_it_writes_ends_in_the_same_weights_lines_and_curves(tmp_path: Path):
    script = Path(__file__).with_name("killed_run.py")
    flags = [*TINY, "--checkpoint_minutes", "0.0005", *(["--epochs", "6"] if RANDOM_KILLS else [])]
    done = subprocess.run(
        [sys.executable, script, tmp_path, str(RANDOM_KILLS), *flags], env=environment(), text=True, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert sum(1 for run, code, _ in log if (run, code) == ("killed", -9)) == RANDOM_KILLS
    assert sum(1 for run, code, _ in log if (run, code) == ("written", -9)) >= (9 if RANDOM_KILLS else 1)
    (whole,) = (tmp_path / "whole").glob("*/*/*")
    for name in ("killed", "written") if RANDOM_KILLS else ("written",):
        (folder,) = (path.parent for path in (tmp_path / name).glob(f"*/*/*/{LAST}"))
        assert results_of(folder) == results_of(whole) and points_of(folder) == points_of(whole)
        assert not [path for path in folder.iterdir() if ".part" in path.name or path.name == ".lock"]
        for file in [LAST, *(path.name for path in whole.glob("best_*"))]:
            made, wanted = (dict(tensors_of(read_checkpoint(place / file))) for place in (folder, whole))
            assert made.keys() == wanted.keys() and len(made) > 10
            assert [key for key in made if not torch.equal(made[key], wanted[key])] == [], (name, file)
