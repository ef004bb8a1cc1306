"""settings.json and checkpoints rebuild a run's network with nothing else at hand: every recipe, every lifter."""

import json

import pytest
import torch

from posenets import ALIASES, LIFTERS, lifter_from_checkpoint
from training.building import build_lifter
from training.config import from_plain, read_settings, to_plain

RECIPES = ("none", "dh-aug", "posefk")


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("name", [*LIFTERS, *ALIASES])
def test_settings_and_checkpoints_rebuild_the_network(name: str, recipe: str):
    small = ["--posenet_width", "8", *(["--frames", "3"] if name == "esmformer" else [])]
    settings = read_settings(["--dataset", "cmu", "--posenet_name", name, "--recipe", recipe, *small])
    torch.manual_seed(0)
    lifter = build_lifter(settings, "h36m_16").eval()
    stored = json.loads(json.dumps(to_plain(settings)))
    again = build_lifter(from_plain(stored), "h36m_16").eval()
    assert again.posenet.sizes == lifter.posenet.sizes and type(again) is type(lifter)
    again.load_state_dict(lifter.state_dict())
    loaded = lifter_from_checkpoint(lifter.to_checkpoint(settings=stored), "last.pt")
    views = (lifter.views,) if lifter.views > 1 else ()
    joints_2d = torch.rand(2, *views, lifter.frames, 16, lifter.posenet.in_features)
    answer = lifter.posenet(joints_2d)
    assert torch.equal(again.posenet(joints_2d), answer) and torch.equal(loaded.posenet(joints_2d), answer)
    assert loaded.input_mode == lifter.input_mode == settings.lifter.input_mode
