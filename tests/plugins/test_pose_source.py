"""A source of poses that is one file outside the package, in the real command."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import run_fk_gan
from posenets.checkpoints import files
from tests.tiny_cmu import FLAGS

SOURCE = '''
"""Real people with an arm stretched out to the side, farther and farther the longer it has learnt."""

import torch

from augment import PoseSource, register_source


@register_source("stretched_arm")
class StretchedArm(PoseSource):
    learns = True
    updates = 0

    def draw(self, indices, generator):
        joints = self.reference.joints_world[indices].clone()
        joints[..., 15, :] += 0.001 * self.updates * torch.rand(len(indices), 1, 3, generator=generator)
        return joints

    def update(self, real, motion=True):
        self.updates += 1
        return {"stretch": 0.001 * self.updates}

    def state_dict(self):
        return {"updates": self.updates}

    def load_state_dict(self, state):
        self.updates = state["updates"]
'''
TINY = (
    f"{FLAGS} --epochs 2 --steps_per_epoch 3 --batch_size 32 --posenet_name simple_baseline "
    "--posenet_width 16 --test_sets cmux2_a --figures False --threads 1 --gan_interval 1 --recipe posefk --gan 0 "
    "--real 0 --limb_swap 0 --range_of_motion 0.5"
)


def train(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, run_fk_gan.__file__, *words]
    return subprocess.run(command, capture_output=True, text=True)


def test_a_source_from_another_file_learns_draws_is_saved_and_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    plugin = tmp_path / "stretched_arm.py"
    plugin.write_text(SOURCE)
    chosen = ["--plugins", str(plugin), "--sources", "stretched_arm=0.5"]
    done = train(*TINY.split(), *chosen, "--checkpoint", str(tmp_path / "runs"))
    assert done.returncode == 0, done.stderr
    assert "stretched_arm " in done.stdout and "range_of_motion " in done.stdout
    last = next((tmp_path / "runs").rglob("last.safetensors"))
    with pytest.raises(ValueError, match="add --plugins .*stretched_arm.py"):
        files.read_checkpoint(last)
    monkeypatch.setattr(files, "refuse_missing_plugins", lambda *_: None)
    content = files.read_checkpoint(last)
    assert content["run"]["augmenter"]["sources"] == {"stretched_arm": {"updates": 6}}
    settings = json.loads((last.parent / "settings.json").read_text())
    assert settings["augment"]["mixture"]["sources"] == ["stretched_arm=0.5"]
    again = train("--resume", str(last.parent), "--plugins", str(plugin))
    assert again.returncode == 0, again.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--sources stretched_arm=0.5", "There is no source of poses stretched_arm: choose from gan, angle_swap"),
        ("--sources stretched_arm", "expected NAME=SHARE, as in --sources stretched_arm=0.5"),
        ("--sources gan=-1", "The share of the source gan is -1: expected a number of 0 or more"),
        ("--limb_swap nan", "The share of the source limb_swap is nan: expected a number of 0 or more"),
    ],
)
def test_what_is_no_source_or_no_share_is_said_in_one_sentence(
    words: str, sentence: str, tmp_path: Path, refusal_of: Callable[..., str]
):
    flags = [*TINY.split(), *words.split(), "--checkpoint", str(tmp_path / "runs")]
    assert sentence in refusal_of(run_fk_gan.main, flags)
