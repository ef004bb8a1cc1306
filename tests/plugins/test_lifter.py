"""A lifter that is one file outside the package, in the real commands."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import run_fk_gan
from evaluation.predict import __main__ as predict
from tests.tiny_cmu import FLAGS, ROOT

LIFTER = '''
"""One linear layer from the joints of a window to those of its middle frame."""

from torch import nn

from posenets import PoseNet
from posenets.registry import LifterSpec, register_lifter


@register_lifter(
    LifterSpec(
        name="linear_map", aliases=("flat",), signature="bottleneck.weight", width="rank", dropout="dropout",
        training={"linear_map": {"lifter": {"frames": 3}}}, recipes={"posefk": {"learning": {"lr": 0.02, "ema": 0.5}}},
    )
)
class LinearMap(PoseNet):
    def __init__(self, num_joints=16, frames=1, rank=8, dropout=0.0, in_features=2):
        super().__init__(num_joints, frames, in_features, dict(rank=rank, dropout=dropout))
        self.bottleneck = nn.Linear(frames * num_joints * in_features, rank)
        self.out = nn.Sequential(nn.Dropout(dropout), nn.Linear(rank, 3 * num_joints))

    def forward(self, joints_2d):
        self.check_input(joints_2d)
        return self.out(self.bottleneck(joints_2d.flatten(1))).unflatten(-1, (self.num_joints, 3))
'''
JUDGE = """
import sys
import run_fk_gan
from evaluation.predict.__main__ import main as predict
last, plugin, root, *words = sys.argv[1:]
predict([*words, "--plugins", plugin])
flags = ["--dataset", "cmu", "--data_root", root, "--test_sets", "cmux2_a", "--plugins", plugin]
run_fk_gan.main(["--evaluate", last, *flags])
"""
TINY = f"{FLAGS} --epochs 1 --steps_per_epoch 3 --batch_size 32 --test_sets cmux2_a "


def run(*words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(run_fk_gan.__file__).parent)}
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, env=environment)


def test_a_lifter_from_another_file_is_trained_judged_and_lifts_a_video(tmp_path: Path, refusal_of: Callable[..., str]):
    plugin = tmp_path / "linear_map.py"
    plugin.write_text(LIFTER)
    known = ["--plugins", str(plugin)]
    words = f"{TINY} --figures False --posenet_name flat --posenet_width 5 --recipe posefk --threads 1".split()
    done = run(run_fk_gan.__file__, *words, *known, "--checkpoint", str(tmp_path / "runs"))
    assert done.returncode == 0, done.stderr
    last = next((tmp_path / "runs").rglob("last.safetensors"))
    settings = json.loads((last.parent / "settings.json").read_text())
    assert (settings["lifter"]["frames"], settings["learning"]["lr"], settings["learning"]["ema"]) == (3, 0.02, 0.5)
    people = [{"image_id": i, "category_id": 1, "score": 1, "keypoints": [200.0, 300.0, 0.9] * 17} for i in range(4)]
    points = np.random.default_rng(0).uniform(200, 800, (4, 17, 2))
    for person, frame in zip(people, points, strict=True):
        person["keypoints"] = np.c_[frame, np.full(17, 0.9)].ravel().tolist()
    (tmp_path / "clip.json").write_text(json.dumps(people))
    words = ["--checkpoint", str(last), "--keypoints", str(tmp_path / "clip.json")]
    words += ["--image_size", "1000", "1000", "--film", "none", "--out", str(tmp_path / "lifted")]
    done = run("-c", JUDGE, str(last), str(plugin), str(ROOT), *words)  # in one process, to import PyTorch once
    assert done.returncode == 0 and "MPJPE" in done.stdout, done.stderr
    with np.load(tmp_path / "lifted" / "pose.npz") as file:
        assert file["joints_3d"].shape == (4, 16, 3)
    assert "linear_map.py" in refusal_of(predict.main, words)  # this process has no plugin


def test_two_lifters_of_one_name_are_refused():
    from posenets import PoseNet
    from posenets.registry import LIFTERS, LifterSpec, register_lifter

    class Other(PoseNet):
        pass

    for name in ("videopose", "martinez"):
        with pytest.raises(ValueError, match=f"Two lifters are called {name}"):
            register_lifter(LifterSpec(name=name, signature="w"))(Other)
    assert "martinez" not in LIFTERS
