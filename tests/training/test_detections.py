"""Runs on detected 2D: whose noise, on which poses, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from augment import DetectorNoise
from data import PoseDataset, Recording, View
from data.batch import PoseBatch
from data.h36m.cameras import H36M_CAMERAS
from data.recordings import view_from_world
from run_fk_gan import update_lifter
from training.building import build_lifter
from training.config import LearningSettings, LifterSettings, Settings, read_settings
from training.detections import RunDetectorNoise, check_confidence
from training.lifting import LifterTrainer

READS = LifterSettings(posenet_name="simple_baseline", posenet_width=16, confidence=True)


def data_of(detected: bool, scores: bool = False) -> PoseDataset:
    draw = np.random.default_rng(0)
    view = view_from_world(draw.normal(size=(300, 16, 3)) * 0.3 + [0, 0, 1], H36M_CAMERAS["S1"][0], "c")
    error = draw.normal(size=view.joints_2d.shape) * 0.01 * detected
    confidence = draw.random((300, 16)).astype(np.float32) if scores else None
    seen = View("c", view.camera, view.joints_3d, (view.joints_2d + error).astype(np.float32), confidence)
    return PoseDataset.from_recordings([Recording("S1", "A", (seen,), 50.0, np.ones(300, dtype=bool))])


def settings_of(*words: str) -> Settings:
    return read_settings(["--dataset", "cmu", *words])


@pytest.mark.parametrize(
    "detected, words, model, on_real",
    [
        (True, [], True, False),
        (True, ["--recipe", "none"], False, False),
        (True, ["--detector_noise", "none"], False, False),
        (True, ["--detector_noise", "default"], True, False),
        (True, ["--recipe", "dh-aug"], False, False),
        (False, [], False, False),
        (False, ["--detector_noise", "default"], True, True),
        (False, ["--detector_noise", "default", "--recipe", "none"], True, True),
    ],
)
def test_noise_comes_from_detections_or_by_name_and_real_detections_get_none(
    detected: bool, words: list[str], model: bool, on_real: bool
):
    noise = RunDetectorNoise.from_settings(settings_of(*words), data_of(detected))
    assert (noise.model is not None, noise.on_real) == (model, on_real)
    if noise.model is not None and words == []:
        assert noise.model != DetectorNoise.default()


def test_a_continued_run_keeps_its_noise_whatever_the_data_say_now():
    first = RunDetectorNoise.from_settings(settings_of(), data_of(True))
    again = RunDetectorNoise.from_settings(settings_of(), data_of(True, scores=True), {"noise": first.to_plain()})
    assert again == first and first.model is not None
    assert RunDetectorNoise.from_settings(settings_of(), data_of(True), {}) == RunDetectorNoise()  # an old run


def test_confidences_that_nobody_gives_are_refused_in_a_sentence():
    settings = settings_of("--confidence", "True")
    default = RunDetectorNoise(DetectorNoise.default(), on_real=True)
    check_confidence(settings, data_of(False), default)
    check_confidence(settings, data_of(True, scores=True), RunDetectorNoise())
    check_confidence(settings_of(), data_of(False), RunDetectorNoise())
    for data, noise in ((data_of(False), RunDetectorNoise()), (data_of(True), replace(default, on_real=False))):
        with pytest.raises(ValueError, match=r"--confidence True: .*\(--keypoints gt\) has no confidences: .*third"):
            check_confidence(settings, data, noise)


@pytest.mark.slow
def test_a_lifter_learns_what_only_the_confidences_tell(generator: torch.Generator):
    losses = {}
    for reads in (False, True):
        torch.manual_seed(0)
        settings = replace(READS, confidence=reads, posenet_width=64, dropout=0.0)
        learning = LearningSettings(lr=5e-3, flip_augment="none")
        trainer = LifterTrainer(build_lifter(Settings(recipe="none", lifter=settings), "h36m_16"), learning)
        for _ in range(100):
            joints_2d = torch.rand(256, 1, 16, 2, generator=generator)
            confidence = torch.rand(256, 1, 1, generator=generator).expand(-1, -1, 16)  # one number per pose, its depth
            joints_3d = torch.cat([torch.zeros_like(joints_2d), confidence[..., None]], dim=-1)
            joints_3d[:, :, 0] = 0
            batch = PoseBatch.of(joints_3d, joints_2d, None, confidence=confidence)
            losses[reads] = float(update_lifter(trainer, batch))
    assert losses[True] < 0.6 * losses[False]
