"""A tiny run's last.pt: a generator of clips and a lifter, both as they are before any training."""

import importlib.util
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch

from augment import Augmenter, AugmentSettings
from augment.export.poses import standing_person
from augment.settings import GanSettings, Mixture
from posenets import ScreenLifter, build_posenet

FRAMES = 9
if importlib.util.find_spec("viser") is None:
    collect_ignore_glob = ["test_*.py"]


def checkpoint_of(gan: GanSettings, share: float = 1.0) -> dict[str, Any]:
    """What the last.pt of a run holds. share: of the GAN in the mixture; 0: the run has none."""
    settings = AugmentSettings(mixture=Mixture(gan=share, range_of_motion=1.0, limb_swap=1.0), gan=gan)
    augmenter = Augmenter(settings, standing_person(FRAMES))
    torch.manual_seed(0)
    lifter = ScreenLifter(build_posenet("videopose", frames=FRAMES, channels=8), "root")
    lifter.fps = 25.0
    content = lifter.to_checkpoint(1, {"augment": asdict(settings)})
    return {**content, "run": {"augmenter": augmenter.state_dict()}}


@pytest.fixture(scope="session")
def small_gan() -> GanSettings:
    return GanSettings(
        latent_dim=8, generator_width=16, critic_width_3d=8, critic_width_2d=8, motion_critic_width=8, max_tilt=0.3
    )


@pytest.fixture(scope="session")
def content(small_gan: GanSettings) -> dict[str, Any]:
    return checkpoint_of(small_gan)


@pytest.fixture(scope="session")
def last_pt(content: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run") / "last.pt"
    torch.save(content, path)
    return path


@pytest.fixture(scope="session")
def run_pt(small_gan: GanSettings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a run without a GAN."""
    path = tmp_path_factory.mktemp("run") / "last.pt"
    torch.save(checkpoint_of(small_gan, share=0.0), path)
    return path


@pytest.fixture(scope="session")
def lifter_pt(content: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run") / "best_demo.pt"
    torch.save({name: value for name, value in content.items() if name != "run"}, path)
    return path


@pytest.fixture
def contents_of():
    return checkpoint_of
