"""Runs with known focal lengths: told of a share of the poses, evaluated with and without; off, nothing changes."""

import pytest
import torch

from data import PoseBatch, PoseDataset
from evaluation.evaluate import columns_of
from run_fk_gan import update_lifter
from tests.training.test_detections import data_of
from training.building import build_lifter
from training.config import LearningSettings, LifterSettings, Settings, read_settings
from training.detections import RunDetectorNoise
from training.evaluator import Evaluator
from training.lifting import LifterTrainer
from training.reporting.log import VALIDATION


def settings_of(share: float, **lifter: str) -> Settings:
    small = LifterSettings(posenet_name="simple_baseline", posenet_width=16, posenet_blocks=1, **lifter)
    return Settings(recipe="none", lifter=small, learning=LearningSettings(known_focal=share))


def trainer_of(share: float, real: PoseDataset) -> LifterTrainer:
    torch.manual_seed(0)
    settings = settings_of(share)
    return LifterTrainer.from_settings(build_lifter(settings, "h36m_16"), settings, real, RunDetectorNoise())


def test_the_lifter_is_told_of_the_share_that_was_asked_for_and_of_mirror_images_alike():
    real = data_of(False)
    trainer, batch = trainer_of(0.3, real), PoseBatch.cat([real.all()] * 10)
    plain, mirrored = trainer.variants(batch)
    assert abs(plain.focals_known().float().mean() - 0.3) < 0.04
    assert torch.equal(plain.focals_known(), mirrored.focals_known())
    assert not torch.equal(trainer.variants(batch)[0].focals_known(), plain.focals_known())


def test_off_no_random_number_is_drawn_and_the_network_is_the_published_one():
    real = data_of(False)
    trainer = trainer_of(0.0, real)
    before = torch.get_rng_state()
    assert all(variant.focal_known is None for variant in trainer.variants(real.all()))
    assert torch.equal(torch.get_rng_state(), before)
    assert trainer.lifter.posenet.in_features == 2 and not trainer.lifter.reads_focal


def test_what_is_told_is_learnt_from():
    real = data_of(False)
    trainer = trainer_of(0.5, real)
    flags = lambda: trainer.lifter.posenet.get_parameter("w1.weight").detach()[:, 2::3].clone()  # noqa: E731
    before = flags()
    update_lifter(trainer, real.all())
    assert (flags() - before).abs().max() > 1e-5


def test_test_sets_with_cameras_get_both_columns():
    real = data_of(False)
    trainer = trainer_of(0.5, real)
    evaluator = Evaluator({}, trainer.lifter, torch.device("cpu"), True)
    no_cameras = data_of(False)
    no_cameras.cameras = None
    evaluator.datasets = {VALIDATION: real, "cmux2_a": real, "ski": no_cameras}
    lines = evaluator.evaluate(trainer.lifter, 1, "real") or []
    names = [line["test_set"] for line in lines]
    assert names == ["validation", "validation_known_focal", "cmux2_a", "cmux2_a_known_focal", "ski"]
    assert lines[2]["mpjpe"] == lines[4]["mpjpe"] != lines[3]["mpjpe"]
    assert columns_of(trainer_of(0.0, real).lifter, real, "cmux2_a") == {"cmux2_a": False}


def test_training_poses_without_cameras_and_settings_that_cannot_be_are_refused():
    real = data_of(False)
    real.cameras = None
    with pytest.raises(ValueError, match="--known_focal 0.5: the cameras of the training poses are not known"):
        trainer_of(0.5, real)
    for words, sentence in {
        "--known_focal 1": "--known_focal 1.0: expected a share from 0 to under 1",
        "--known_focal 0.5 --posenet_name esmformer --frames 3": "rays always reads the cameras",
    }.items():
        with pytest.raises(ValueError, match=sentence):
            read_settings(["--dataset", "cmu", *words.split()])
