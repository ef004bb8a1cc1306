"""Learning without 3D labels: what is hidden, what it is held against, and that labels are gone."""

from dataclasses import replace

import pytest
import torch

from augment.detector_noise import DetectorNoise
from data import REAL, SYNTHETIC, DataSettings, PoseBatch, load_dataset
from data.multiview import MultiViewDataset
from kinematics.triangulation import triangulate
from posenets import MultiViewLifter
from training.building import lifter_of_run
from training.config import Settings, read_settings
from training.detections import RunNoise
from training.lifting import LifterTrainer
from training.self_supervision import SelfSupervision, without, without_labels

SMALL = "--posenet_name esmformer --frames 3 --posenet_width 16 --posenet_blocks 1 --views 3 --dataset demo --threads 1"


@pytest.fixture(scope="module")
def real() -> MultiViewDataset:
    """Two short activities of one demo person, clips of three frames seen by three cameras."""
    settings = DataSettings(actions=("walk", "crawl"), subjects_train=("D1",), views=3)
    takes = [take[:30] for take in load_dataset("demo", settings).train]
    return MultiViewDataset.from_takes(takes, frames=3, views=3)


def settings_of(*flags: str) -> Settings:
    return read_settings([*SMALL.split(), "--recipe", "none", "--self_supervised", "True", *flags])


def lifter_and_loss(real: MultiViewDataset, *flags: str) -> tuple[MultiViewLifter, SelfSupervision]:
    settings = settings_of(*flags)
    torch.manual_seed(0)
    lifter = lifter_of_run(settings, "h36m_16")
    assert isinstance(lifter, MultiViewLifter)
    return lifter, SelfSupervision(settings, lifter, len(real), real.device)


def test_labels_are_gone_and_triangulated_joints_in_their_place(real: MultiViewDataset):
    spoilt = real.replaced(joints_3d=torch.full_like(real.joints_3d, torch.nan))
    found, _ = without_labels(spoilt, RunNoise(), 0)
    torch.testing.assert_close(found.joints_3d, real.joints_3d, atol=1e-3, rtol=0)


def test_labels_are_those_of_what_the_detector_saw_once(real: MultiViewDataset):
    noise = RunNoise(DetectorNoise.default(), on_real=True)
    seen, left = without_labels(real, noise, 5)
    assert not left.on_real and left.model is noise.model
    again, _ = without_labels(real, noise, 5)
    torch.testing.assert_close(seen.joints_2d, again.joints_2d)
    assert not torch.equal(seen.joints_2d, real.joints_2d)
    batch = seen.batch(torch.arange(4))
    points = triangulate(batch.joints_2d, batch.camera, batch.certainty())
    torch.testing.assert_close(batch.joints_world()[:, 1], points, atol=2e-3, rtol=0)
    error = (seen.joints_3d - real.joints_3d).norm(dim=-1).mean()
    assert 0.01 < float(error) < 0.2, "what is learnt from has the detector's error"


def test_hidden_joints_are_not_read(real: MultiViewDataset):
    lifter, loss = lifter_and_loss(real)
    batch = real.batch(torch.arange(8))
    torch.manual_seed(3)
    hidden = loss._hidden(batch)
    assert (hidden.sum(1) <= 1).all() and 0.5 < float(hidden.any(1).float().mean()) < 0.9
    torch.nn.init.normal_(lifter.posenet.get_submodule("regression.1").weight)
    lifter.eval()
    spoilt = replace(batch, joints_2d=torch.where(hidden[..., None], torch.rand_like(batch.joints_2d), batch.joints_2d))
    torch.testing.assert_close(lifter.lift(without(batch, hidden)), lifter.lift(without(spoilt, hidden)))


def test_only_hidden_joints_of_real_poses_judge(real: MultiViewDataset):
    lifter, loss = lifter_and_loss(real)
    batch = real.batch(torch.arange(8))
    batch = replace(batch, source=torch.tensor([REAL, SYNTHETIC] * 4))
    torch.manual_seed(3)
    hidden = loss._hidden(batch)
    assert not hidden[1::2].any() and hidden[::2].any()
    lifter.eval()
    values = []
    for moved in (0.0, 0.1):
        screen = batch.joints_2d.clone()
        screen[::2] += moved * hidden[::2, ..., None]
        torch.manual_seed(3)
        values.append(float(loss(lifter, replace(batch, joints_2d=screen))))
    assert values[0] < 1e-3 < values[1]


def test_published_self_supervision_learns_from_one_frame_of_the_screen(real: MultiViewDataset):
    flags = "--input_mode screen --tri_loss 1 --reproj_loss 1 --adaptive_loss 1".split()
    lifter, loss = lifter_and_loss(real, *flags)
    assert lifter.posenet.sizes["self_supervised"] and loss.held_out == 0
    value = loss(lifter, real.batch(torch.arange(8)))
    value.backward()
    assert torch.isfinite(value) and loss.weights is not None and len(loss.weights.weights.unique()) > 1


def test_what_is_hidden_must_be_told(real: MultiViewDataset):
    with pytest.raises(ValueError, match="--held_out 0.5: the lifter must be told what is hidden"):
        lifter_and_loss(real, "--input_mode", "screen", "--held_out", "0.5")
    with pytest.raises(ValueError, match="needs data of several views"):
        without_labels(real.flat, RunNoise(), 0)


def test_learning_without_labels_comes_nearer_to_the_truth_than_triangulation(real: MultiViewDataset):
    """On the frames it learns from, whose true 3D it has never seen."""
    seen, _ = without_labels(real, RunNoise(DetectorNoise.default(), on_real=True), 1)
    settings = settings_of("--lr", "3e-3", "--input_mode", "rays")
    torch.manual_seed(0)
    lifter = lifter_of_run(settings, "h36m_16")
    before, truth = lifter.lift_evaluated(seen.all()), lifter.truth(real.all())[:, 1]
    trainer = LifterTrainer(lifter, settings.learning, SelfSupervision(settings, lifter, len(seen), seen.device))
    generator = torch.Generator().manual_seed(0)
    for _ in range(40):
        trainer.step(seen.random_batch(64, generator))
    after = lifter.lift_evaluated(seen.all())
    errors = [float((joints - truth).norm(dim=-1).mean()) for joints in (before, after)]
    assert errors[1] < 0.95 * errors[0]


def test_samples_weights_go_into_the_state_and_come_back(real: MultiViewDataset):
    lifter, loss = lifter_and_loss(real, "--adaptive_loss", "1")
    batch: PoseBatch = real.batch(torch.arange(8))
    loss(lifter, replace(batch, joints_2d=batch.joints_2d + 0.05 * torch.rand_like(batch.joints_2d)))
    _, other = lifter_and_loss(real, "--adaptive_loss", "1")
    other.load_state_dict(loss.state_dict())
    assert loss.weights is not None and other.weights is not None
    torch.testing.assert_close(other.weights.weights, loss.weights.weights)
    assert not torch.equal(loss.weights.weights, torch.ones(len(real)))
