"""Synthetic poses of a GPU: other ones than the CPU's, of the same distribution."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from augment import Augmenter
from augment.detector_noise.detections import as_detected
from augment.detector_noise.model import DetectorNoise
from augment.settings import AugmentSettings, Mixture, recipe
from data import PoseBatch, PoseDataset, load_dataset
from tests.tiny_cmu import SETTINGS

pytestmark = pytest.mark.gpu
CPU = torch.device("cpu")
COUNT = 3000
STANDARD_ERRORS = 6.0  # of some hundred means, none is farther off by chance
SPREADS = 0.15  # of a standard deviation
MIXTURES = {
    "posefk": replace(recipe("posefk"), mixture=replace(recipe("posefk").mixture, gan=0.1)),
    "dh-aug": recipe("dh-aug"),
    "the other sources": AugmentSettings(
        mixture=Mixture(angle_swap=1.0, clipped_normal=1.0, real=1.0), bodies="templates"
    ),
}


@pytest.fixture(scope="module")
def real() -> PoseDataset:
    return PoseDataset.from_recordings(load_dataset("cmu", SETTINGS).train)


def described(batch: PoseBatch) -> Tensor:
    """(poses, numbers): joints about the hip in the world and on the screen, where the hip and the camera are."""
    assert batch.camera is not None
    world = batch.joints_world()[:, 0]
    about = world - world[:, :1]
    parts = [about, batch.joints_2d[:, 0], world[:, 0], batch.camera.translation, batch.camera.intrinsics[:, :2]]
    return torch.cat([part.flatten(1) for part in parts], dim=1).double().cpu()


def assert_alike(one: Tensor, other: Tensor) -> None:
    """Means and standard deviations of every number."""
    deviation = (one.var(0) + other.var(0)).div(2).sqrt().clamp_min(1e-6)
    off = (one.mean(0) - other.mean(0)).abs() / deviation * (len(one) / 2) ** 0.5
    assert off.max() < STANDARD_ERRORS, f"a mean is {off.max():.1f} standard errors off"
    spread = (one.std(0) - other.std(0)).abs() / deviation
    assert spread.max() < SPREADS, f"a standard deviation differs by {spread.max():.2f} of itself"


@pytest.mark.parametrize("name", MIXTURES)
def test_samples_are_of_the_cpu_s_distribution(device: torch.device, real: PoseDataset, name: str):
    settings = replace(MIXTURES[name], one_camera_per_batch=False)  # else every number of a batch hangs on one draw
    batches, acceptance = [], []
    for place, seed in ((CPU, 1), (device, 2)):
        augmenter = Augmenter(settings, real.to(place), device=place)
        batches.append(augmenter.sample(COUNT, torch.Generator(place).manual_seed(seed)))
        acceptance.append(augmenter.acceptance)
        assert batches[-1].joints_2d.device.type == place.type
    assert_alike(*map(described, batches))
    for source, share in acceptance[0].items():
        assert abs(share - acceptance[1][source]) < 0.06, source


def test_a_detector_errs_alike(device: torch.device, real: PoseDataset):
    noise = DetectorNoise.default("h36m_16")
    seen: list[Tensor] = []
    for place, seed in ((CPU, 1), (device, 2)):
        batch = real.to(place).batch(torch.arange(COUNT, device=place) % len(real))
        noisy = as_detected(batch, noise, torch.Generator(place).manual_seed(seed))
        assert noisy.confidence is not None
        error = (noisy.joints_2d - batch.joints_2d).abs().clamp_max(0.02)  # few outliers would decide the spread
        seen.append(torch.cat([error.flatten(1), noisy.confidence.clamp_min(0.7).flatten(1)], dim=1).double().cpu())
    assert_alike(*seen)


def test_a_gan_learns_from_the_same_losses(device: torch.device, real: PoseDataset):
    """After a few updates from the same weights on poses of chance the critics stand about where the CPU's do."""

    def learnt(place: torch.device) -> dict[str, float]:
        augmenter = Augmenter(replace(recipe("posefk"), max_reference=500), real.to(place), device=place)
        rows = torch.arange(256, device=place) % len(real)
        for _ in range(10):
            losses = augmenter.update(real.to(place).batch(rows))
        return losses

    expected, found = learnt(CPU), learnt(device)
    assert expected.keys() == found.keys() and "generator_loss" in found
    for name, value in expected.items():
        assert abs(found[name] - value) < 0.1 + 0.2 * abs(value), name
