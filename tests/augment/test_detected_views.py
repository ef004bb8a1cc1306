"""What a detector sees in several views, and of a whole data set once."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from augment import Augmenter, DetectorNoise, detected_dataset
from augment.detector_noise.detections import (
    LONGEST_RUN,
    as_detected,
    build_detector_noise,
    detection_pairs,
    is_projected,
)
from augment.detector_noise.model import person_size
from augment.settings import AugmentSettings, Mixture
from data.batch import PoseBatch
from data.dataset import PoseDataset
from data.multiview.dataset import MultiViewDataset
from data.recordings import Recording

Motion, Rigged = Callable[..., Recording], Callable[..., PoseBatch]
NOISE = DetectorNoise("h36m_16", (0.03,) * 16, (0.0,) * 16, (0.0,) * 16, seconds=0.2, fps=25.0)


def gapped(recording: Recording, frames: list[int]) -> Recording:
    """The second camera has no record of some frames."""
    present = ~np.isin(np.arange(len(recording)), frames)
    first, second, *others = recording.views
    zeros = np.where(present[:, None, None], second.joints_2d, 0).astype(np.float32)
    return replace(recording, views=(first, replace(second, present=present, joints_2d=zeros), *others))


def errors(seen: PoseDataset, true: PoseDataset) -> torch.Tensor:
    """(N, J, 2) over the person's size."""
    return (seen.joints_2d - true.joints_2d) / person_size(true.joints_2d)[:, None, None]


def correlation(first: torch.Tensor, second: torch.Tensor) -> float:
    return float((first * second).mean() / (first.square().mean() * second.square().mean()).sqrt())


@pytest.fixture(scope="module")
def data(motion: Motion) -> MultiViewDataset:
    lengths = (600, 1, 300, 257, 40)
    return MultiViewDataset.from_recordings([motion(count, seed) for seed, count in enumerate(lengths)])


def test_every_view_has_errors_of_its_own(rigged: Rigged, generator: torch.Generator):
    real = rigged(3, frames=2)
    seen = as_detected(real, NOISE, generator)
    assert seen.joints_2d.shape == real.joints_2d.shape and seen.confidence.shape == (200, 3, 2, 16)
    error = (seen.joints_2d - real.joints_2d) / person_size(real.joints_2d)[..., None, None]
    assert float(error.std()) == pytest.approx(0.03, rel=0.03)
    assert abs(correlation(error[:, 0], error[:, 1])) < 0.05 < 0.5 < correlation(error[:, :, 0], error[:, :, 1])
    gone = replace(real, visible=real.visible & (torch.arange(3) != 1)[:, None, None])
    assert (as_detected(gone, NOISE, generator).certainty()[:, 1] == 0).all()


def test_views_one_by_one_get_the_same_errors(rigged: Rigged):
    real = rigged(3)
    random = (torch.Generator().manual_seed(4) for _ in range(2))
    single, several = (as_detected(batch, NOISE, next(random)) for batch in (real.one_by_one(), real))
    assert torch.equal(single.joints_2d, several.joints_2d.flatten(0, 1))


def test_synthetic_views_are_seen_by_the_detector(rigged: Rigged):
    settings = AugmentSettings(mixture=Mixture(limb_swap=1.0))
    batch = Augmenter(settings, rigged(3), detector_noise=NOISE).sample(50)
    assert batch.confidence is not None and batch.confidence.shape == (50, 3, 1, 16)
    assert 1e-3 < (batch.camera.project(batch.joints_3d) - batch.joints_2d).abs().mean() < 0.1


def test_a_detected_data_set_has_the_errors_of_the_model(data: MultiViewDataset):
    seen = detected_dataset(data, NOISE, 0)
    error = errors(seen.flat, data.flat)
    assert (error != 0).any(dim=(1, 2)).all(), "every frame of every view is seen"
    assert float(error.std()) == pytest.approx(0.03, rel=0.03)
    found = build_detector_noise("auto", seen)
    assert found is not None and found.seconds == pytest.approx(0.2, rel=0.1)
    assert found.certain == pytest.approx(NOISE.certain, rel=0.05) and not is_projected(seen)
    batch = seen.batch(torch.tensor([5, 700]))
    assert torch.equal(batch.joints_2d, seen.flat.joints_2d[seen.flat.sample[seen.rows[[5, 700]]]][:, :, None])
    assert batch.confidence is not None and torch.equal(batch.joints_3d, data.batch(torch.tensor([5, 700])).joints_3d)


def test_errors_follow_time_within_a_view_and_nothing_else(data: MultiViewDataset):
    error = errors(detected_dataset(data, NOISE, 0).flat, data.flat)
    first, second = error[:600], error[600:1200]  # the two views of the first clip
    assert abs(correlation(first, second)) < 0.06
    within = correlation(first[1:LONGEST_RUN], first[: LONGEST_RUN - 1])
    assert within == pytest.approx(NOISE.correlation, abs=0.03) and NOISE.correlation > 0.8
    ends = torch.tensor([600, 1200, 1201, 1202, 1502, 1802, 2059, 2316, 2356])  # where other views or clips begin
    assert abs(correlation(error[ends], error[ends - 1])) < 0.25


def test_the_error_is_the_seed_s_and_the_original_stays(data: MultiViewDataset):
    before = data.flat.joints_2d.clone()
    first, second, third = (detected_dataset(data, NOISE, seed) for seed in (1, 1, 2))
    assert torch.equal(first.flat.joints_2d, second.flat.joints_2d)
    assert torch.equal(first.flat.confidence, second.flat.confidence)
    assert not torch.equal(first.flat.joints_2d, third.flat.joints_2d)
    assert torch.equal(before, data.flat.joints_2d) and data.flat.confidence is None
    single = detected_dataset(data.flat, NOISE, 1)
    assert isinstance(single, PoseDataset) and torch.equal(single.joints_2d, first.flat.joints_2d)


def test_windows_of_a_clip_share_their_frames_errors(motion: Motion):
    seen = detected_dataset(PoseDataset.from_recordings([motion(30, 0)], frames=5), NOISE, 0)
    early, late = seen.batch(torch.tensor([10, 11])).joints_2d
    assert torch.equal(early[1:], late[:-1])


def test_frames_without_a_record_are_left_alone_and_no_pairs(motion: Motion):
    recording = gapped(motion(60, 0, 3), [7, 8, 30])
    data = MultiViewDataset.from_recordings([recording])
    seen = detected_dataset(data, NOISE, 0)
    missing = torch.tensor([67, 68, 90])
    assert (seen.flat.joints_2d[missing] == 0).all() and (seen.flat.confidence[missing] == 1).all()
    assert (errors(seen.flat, data.flat)[~torch.isin(torch.arange(180), missing)] != 0).any(dim=(1, 2)).all()
    for pairs in (detection_pairs(seen), detection_pairs(seen.batch(torch.arange(60)))):
        assert len(pairs.true) == 177 and (pairs.detected - pairs.true).abs().max() < 0.2
    follows = detection_pairs(seen).follows
    assert (~follows).nonzero().flatten().tolist() == [0, 60, 67, 88, 117]  # after the gaps nothing follows
