"""Learning without 3D labels: what is hidden, what it is held against, and that labels are gone."""

from dataclasses import replace

import pytest
import torch

from augment.detector_noise.model import DetectorNoise
from data import REAL, SYNTHETIC, PoseBatch, load_dataset
from data.multiview.dataset import MultiViewDataset
from kinematics.triangulation import triangulate
from posenets import Lifter
from run_fk_gan import update_lifter
from tests.tiny_cmu import FLAGS, SETTINGS
from training.building import build_lifter
from training.config import Settings, read_settings
from training.detections import RunDetectorNoise
from training.lifting import LifterTrainer
from training.self_supervision import SelfSupervision, without_labels

SMALL = f"{FLAGS} --posenet_name esmformer --frames 3 --posenet_width 16 --posenet_blocks 1 --views 3 --threads 1"


@pytest.fixture(scope="module")
def real() -> MultiViewDataset:
    """A short walk and a jump of one person, clips of three frames seen by three cameras."""
    settings = replace(SETTINGS, subjects_train=("02",), views=3)
    recordings = [recording[:30] for recording in load_dataset("cmu", settings).train]
    return MultiViewDataset.from_recordings(recordings, frames=3, views=3)


def settings_of(*flags: str) -> Settings:
    own = "--recipe none --input_mode rays --self_supervised True"
    return read_settings([*SMALL.split(), *own.split(), *flags])


def lifter_and_loss(
    real: MultiViewDataset, *flags: str, noise: DetectorNoise | None = None
) -> tuple[Lifter, SelfSupervision]:
    settings = settings_of(*flags)
    torch.manual_seed(0)
    lifter = build_lifter(settings, "h36m_16")
    return lifter, SelfSupervision(settings, lifter, len(real), real.device, noise)


def test_labels_are_gone_and_triangulated_joints_in_their_place(real: MultiViewDataset):
    spoilt = real.replaced(joints_3d=torch.full_like(real.joints_3d, torch.nan))
    found, _ = without_labels(spoilt, RunDetectorNoise(), 0)
    torch.testing.assert_close(found.joints_3d, real.joints_3d, atol=1e-3, rtol=0)


def test_labels_are_those_of_what_the_detector_saw_once(real: MultiViewDataset):
    noise = RunDetectorNoise(DetectorNoise.default(), on_real=True)
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


def test_real_poses_are_seen_with_the_error_twice_and_judged_without(real: MultiViewDataset):
    lifter, loss = lifter_and_loss(real, noise=DetectorNoise.default())
    batch = replace(real.batch(torch.arange(200) % len(real)), source=torch.tensor([REAL, SYNTHETIC] * 100))
    shown = loss._shown(batch, batch.source == SYNTHETIC)
    moved = (shown.joints_2d - batch.joints_2d).norm(dim=-1).flatten(1).median(dim=1).values
    assert (moved[::2] > 0).all() and (moved[1::2] == 0).all()
    assert (shown.certainty()[::2] < 1).all() and (shown.certainty()[1::2] == 1).all()
    torch.manual_seed(0)
    first = loss(lifter.eval(), batch)
    torch.manual_seed(0)
    torch.testing.assert_close(first, loss(lifter, batch), msg="the seed of a run says which errors")


def test_without_an_error_exact_triangulation_has_no_loss(real: MultiViewDataset):
    lifter, loss = lifter_and_loss(real)
    batch = replace(real.batch(torch.arange(8)), source=torch.tensor([REAL, SYNTHETIC] * 4))
    assert loss(lifter.eval(), batch).item() < 1e-4
    screen = batch.joints_2d.clone()
    screen[::2, 0, :, 5] += 0.1
    assert loss(lifter, replace(batch, joints_2d=screen)).item() > 5e-4


def test_published_self_supervision_learns_from_one_frame_of_the_screen(real: MultiViewDataset):
    flags = "--input_mode screen --tri_loss 1 --reproj_loss 1 --adaptive_loss 1".split()
    lifter, loss = lifter_and_loss(real, *flags)
    assert lifter.posenet.sizes["self_supervised"] and loss.noise is None
    value = loss(lifter, real.batch(torch.arange(8)))
    value.backward()
    assert torch.isfinite(value.detach()) and loss.weights is not None and len(loss.weights.weights.unique()) > 1


def test_what_cannot_be_learnt_from_is_refused(real: MultiViewDataset):
    with pytest.raises(ValueError, match="--noisier2noise on: the 2D is exact"):
        lifter_and_loss(real, "--noisier2noise", "on")
    with pytest.raises(ValueError, match="needs data of several views"):
        without_labels(real.flat, RunDetectorNoise(), 0)


def test_training_without_labels_beats_triangulation():
    """On people it has not learnt from, seen by other rigs, from detections alone."""
    splits = load_dataset("cmu", replace(SETTINGS, views=3))
    noise, parts = DetectorNoise.default(), {}
    for seed, (name, recordings) in enumerate({"train": splits.train, "test": splits.validation}.items()):
        true = MultiViewDataset.from_recordings(recordings, frames=9, views=3)
        parts[name] = (true, *without_labels(true, RunDetectorNoise(noise, on_real=True), seed)[:1])
    own = "--lr 2e-3 --frames 9 --posenet_width 32".split()
    settings, (_, seen), (true, detected) = settings_of(*own), parts["train"], parts["test"]
    torch.manual_seed(0)
    lifter = build_lifter(settings, "h36m_16")
    before, target = lifter.predict_batch(detected.all()), lifter.target(true.all())[:, 4]
    trainer = LifterTrainer(lifter, settings.learning, SelfSupervision(settings, lifter, len(seen), seen.device, noise))
    generator = torch.Generator().manual_seed(0)
    for _ in range(30):
        update_lifter(trainer, seen.random_batch(64, generator))
    after = lifter.predict_batch(detected.all())
    errors = [1000 * float((joints - target).norm(dim=-1).mean()) for joints in (before, after)]
    assert errors[1] < 0.97 * errors[0], errors


def test_samples_weights_go_into_the_state_and_come_back(real: MultiViewDataset):
    lifter, loss = lifter_and_loss(real, "--adaptive_loss", "1")
    batch: PoseBatch = real.batch(torch.arange(8))
    loss(lifter, replace(batch, joints_2d=batch.joints_2d + 0.05 * torch.rand_like(batch.joints_2d)))
    _, other = lifter_and_loss(real, "--adaptive_loss", "1")
    other.load_state_dict(loss.state_dict())
    assert loss.weights is not None and other.weights is not None
    torch.testing.assert_close(other.weights.weights, loss.weights.weights)
    assert not torch.equal(loss.weights.weights, torch.ones(len(real)))
