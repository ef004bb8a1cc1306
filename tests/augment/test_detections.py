"""From detections of a data set to the noise of a run, and from that to what a lifter gets."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from augment import Augmenter, DetectorNoise
from augment.detector_noise.detections import RUN, build_detector_noise, detection_pairs, is_projected
from augment.settings import AugmentSettings, Mixture, recipe
from data.batch import PoseBatch
from data.dataset import PoseDataset
from data.recordings import Recording

NOISE = DetectorNoise("h36m_16", (0.04,) * 16, (0.05,) * 16, (0.01,) * 16, seconds=0.2, slope=10.0, fps=25.0)
REAL_AND_NEW = AugmentSettings(mixture=Mixture(real=0.5, limb_swap=0.5))
Motion = Callable[..., Recording]


def seen_by_detector(recording: Recording, seed: int, scores: bool = True) -> Recording:
    generator = torch.Generator().manual_seed(seed)
    views = []
    for view in recording.views:
        seen, confidence = NOISE.apply(torch.from_numpy(view.joints_2d)[None], generator)
        views.append(replace(view, joints_2d=seen[0].numpy(), confidence=confidence[0].numpy() if scores else None))
    return replace(recording, views=tuple(views))


@pytest.fixture(scope="module")
def detected(motion: Motion) -> PoseDataset:
    return PoseDataset.from_recordings([seen_by_detector(motion(400, seed), seed) for seed in range(8)], frames=3)


def test_pairs_are_detections_beside_projections_in_order(detected: PoseDataset, motion: Motion):
    pairs = detection_pairs(detected)
    true = PoseDataset.from_recordings([motion(400, seed) for seed in range(8)]).joints_2d
    torch.testing.assert_close(pairs.true, true, atol=1e-5, rtol=0)
    assert torch.equal(pairs.detected, detected.joints_2d) and torch.equal(pairs.follows, detected.follows())
    assert int((~pairs.follows).sum()) == 16


def test_pairs_of_clips_are_those_of_their_frames(detected: PoseDataset):
    batch = detected.batch(torch.tensor([5, 900]))
    pairs = detection_pairs(batch)
    assert pairs.follows.tolist() == [False, True, True] * 2
    assert torch.equal(pairs.detected[1], detected.joints_2d[5])
    assert pairs.confidence is not None and pairs.confidence.shape == (6, 16)


def test_a_large_data_set_is_fitted_in_runs_spread_over_it(detected: PoseDataset, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("augment.detector_noise.detections.MOST_POSES", 4 * RUN)
    pairs, whole = detection_pairs(detected), detected.joints_2d
    starts = [0, 2050, 4100, 6150]  # even over 6,400 frames
    assert len(pairs.true) == 4 * RUN
    for run, start in enumerate(starts):
        assert torch.equal(pairs.detected[run * RUN : (run + 1) * RUN], whole[start : start + RUN])
        assert not pairs.follows[run * RUN]


def test_auto_finds_the_detector_of_detections_and_none_in_projections(detected: PoseDataset, motion: Motion):
    found = build_detector_noise("auto", detected)
    assert found is not None and not is_projected(detected)
    assert np.mean(found.sd) == pytest.approx(0.04, rel=0.05)
    assert np.mean(found.outliers) == pytest.approx(0.05, abs=0.01)
    assert found.seconds == pytest.approx(0.2, rel=0.15) and found.slope == pytest.approx(10, rel=0.1)
    assert build_detector_noise("auto", detected) == found
    projected = PoseDataset.from_recordings([motion(40, 0)])
    assert is_projected(projected) and build_detector_noise("auto", projected) is None
    assert build_detector_noise("none", detected) is None


def test_default_and_files_take_the_layout_and_the_rate_of_the_data(detected: PoseDataset, tmp_path: Path):
    assert build_detector_noise("default", detected) == DetectorNoise.default("h36m_16", 25.0)
    DetectorNoise.default("h36m_17", 50.0).save(tmp_path / "noise.json")
    assert build_detector_noise(str(tmp_path / "noise.json"), detected) == DetectorNoise.default("h36m_16", 25.0)
    with pytest.raises(FileNotFoundError, match="Choose from auto, none, default, or give a JSON file"):
        build_detector_noise("defualt", detected)


def test_synthetic_poses_are_seen_as_the_detector_sees_real_ones(people: PoseBatch):
    noisy = Augmenter(replace(REAL_AND_NEW, detector_noise="default"), people)
    clean = Augmenter(replace(REAL_AND_NEW, detector_noise="none"), people)
    seen, true = (augmenter.sample(2000, torch.Generator().manual_seed(3)) for augmenter in (noisy, clean))
    assert torch.equal(seen.joints_3d, true.joints_3d) and true.confidence is None and seen.confidence is not None
    found = DetectorNoise.fit(seen.joints_2d[:, 0], true.joints_2d[:, 0], seen.confidence[:, 0])
    default = DetectorNoise.default()
    assert np.mean(found.sd) == pytest.approx(np.mean(default.sd), rel=0.03)  # 32,000 joints
    assert found.slope == pytest.approx(default.slope, rel=0.15)


def test_an_augmenter_of_projections_adds_no_noise_and_a_given_one_counts(people: PoseBatch):
    assert Augmenter(REAL_AND_NEW, people).sample(10).confidence is None
    given = Augmenter(REAL_AND_NEW, people, detector_noise=NOISE)
    assert given.sample(10).confidence is not None and given.detector_noise == NOISE


def test_the_published_recipe_has_no_noise_and_the_gan_sees_clean_fakes(people: PoseBatch):
    assert recipe("dh-aug").detector_noise == "none" and recipe("posefk").detector_noise == "auto"
    settings = replace(recipe("posefk"), mixture=Mixture(gan=1.0))
    states = []
    for noise in ("none", "default"):
        augmenter = Augmenter(replace(settings, detector_noise=noise), people, seed=1)
        states.append([augmenter.update(people) for _ in range(2)])
    assert states[0] == states[1]


def test_critics_see_real_detections_as_projections_because_fakes_are(detected: PoseDataset, motion: Motion):
    projected = PoseDataset.from_recordings([motion(400, seed) for seed in range(8)], frames=3)
    rows, settings = torch.arange(0, len(projected), 100), replace(recipe("dh-aug"), max_reference=50)
    losses = [Augmenter(settings, data, seed=1).update(data.batch(rows)) for data in (detected, projected)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
