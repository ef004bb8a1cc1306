"""How sure a lifter is: calibrated where the error's law is known, and kept with the lifter."""

import pytest
import torch

from evaluation.calibration import calibration_curve, calibration_scores, coverage, gaussian_nll
from kinematics import Skeleton
from posenets import ScreenLifter, build_posenet, load_lifter
from posenets.checkpoints.files import read_checkpoint, write_checkpoint
from posenets.uncertainty import JointUncertainty, Lifted, fit_joint_uncertainty

BODY = Skeleton("h36m_16")


def _lifted(count: int, seed: int) -> tuple[Lifted, torch.Tensor, torch.Tensor]:
    """Poses whose errors have a known deviation, metres: larger where the mirror image differs, and in depth."""
    draw = torch.Generator().manual_seed(seed)
    joints_2d = torch.randn(count, 16, 2, generator=draw) * 0.2
    target = torch.randn(count, 16, 3, generator=draw) * 0.4
    apart = 0.002 + 0.08 * torch.rand(count, 1, 1, generator=draw) * torch.ones(count, 16, 3)
    sd = (0.01 + apart) * torch.tensor([0.5, 1.0, 2.0])
    mean = target + sd * torch.randn(count, 16, 3, generator=draw)
    for tensor in (target, mean, apart, sd):
        tensor[:, BODY.root] = 0
    return Lifted(joints_2d, mean + apart, mean - apart), target, sd


@pytest.fixture(scope="module")
def model() -> JointUncertainty:
    lifted, target, _ = _lifted(6000, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("posenets.uncertainty.STEPS", 400)
        return fit_joint_uncertainty(lifted, target, BODY)


def test_coverage_is_what_a_gaussian_has_on_fresh_poses(model: JointUncertainty):
    lifted, target, true_sd = _lifted(3000, 2)
    sd = model(lifted)
    scores = calibration_scores(lifted.mean - target, sd)
    assert abs(scores["cover_50"] - 50) < 3 and abs(scores["cover_95"] - 95) < 2 and scores["ece"] < 2
    ratio = (sd / true_sd)[:, 1:]
    assert 0.8 < float(ratio.quantile(0.05)) and float(ratio.quantile(0.95)) < 1.25
    assert not sd[:, BODY.root].any() and (sd[:, 1:] > 0).all()


def test_it_grows_with_what_tells_the_error(model: JointUncertainty):
    lifted, *_ = _lifted(500, 3)
    means = []
    for factor in (0.5, 1.0, 2.0):
        apart = factor * (lifted.prediction - lifted.mirrored) / 2
        means.append(float(model(lifted._replace(prediction=lifted.mean + apart, mirrored=lifted.mean - apart)).mean()))
    assert means[0] < means[1] < means[2]


def test_the_same_seed_gives_the_same_fit_and_leaves_other_random_numbers_alone(monkeypatch):
    monkeypatch.setattr("posenets.uncertainty.STEPS", 20)
    lifted, target, _ = _lifted(600, 4)
    state = torch.get_rng_state()
    first, second = (fit_joint_uncertainty(lifted, target, BODY, seed=5).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert torch.equal(state, torch.get_rng_state())


def test_poses_far_from_the_fit_get_finite_deviations_of_bodies(model: JointUncertainty):
    lifted, *_ = _lifted(50, 6)
    sd = model(Lifted(*(1e4 * part for part in lifted)))[:, 1:]
    assert torch.isfinite(sd).all() and (sd >= 0.001).all() and (sd <= 2).all()


def _lifter(**sizes: int) -> ScreenLifter:
    torch.manual_seed(0)
    return ScreenLifter(build_posenet("simple_baseline", linear_size=16, **sizes), "virtual_camera").eval()


def test_a_checkpoint_keeps_it_bit_for_bit_and_half_precision_within_a_percent(model: JointUncertainty, tmp_path):
    lifter, clip = _lifter(), torch.randn(20, 16, 2, generator=torch.Generator().manual_seed(1)) * 0.2
    lifter.uncertainty = model
    content = lifter.to_checkpoint()
    write_checkpoint(tmp_path / "a.safetensors", content)
    joints, sd = lifter.predict_clip_with_sd(clip)
    loaded, loaded_sd = load_lifter(tmp_path / "a.safetensors").predict_clip_with_sd(clip)
    assert torch.equal(joints, loaded) and torch.equal(sd, loaded_sd)
    assert all(not parameter.requires_grad for parameter in model.parameters())
    halved = {name: weight.half() for name, weight in content["uncertainty"].items()}
    write_checkpoint(tmp_path / "b.safetensors", content | {"uncertainty": halved})
    rounded = load_lifter(tmp_path / "b.safetensors").predict_clip_with_sd(clip)[1]
    torch.testing.assert_close(rounded, sd, rtol=0.01, atol=1e-5)


def test_checkpoints_without_it_predict_as_ever(tmp_path):
    lifter, clip = _lifter(), torch.randn(9, 16, 2, generator=torch.Generator().manual_seed(2)) * 0.2
    content = lifter.to_checkpoint()
    del content["uncertainty"]
    write_checkpoint(tmp_path / "old.safetensors", content)
    joints, sd = load_lifter(tmp_path / "old.safetensors").predict_clip_with_sd(clip)
    assert sd is None and torch.equal(joints, lifter.predict_clip(clip))


@pytest.mark.parametrize(
    "change", [{"mean": torch.zeros(3)}, {"std": torch.full((131,), torch.nan)}, {"more": torch.ones(1)}]
)
def test_weights_that_do_not_fit_are_refused(model: JointUncertainty, tmp_path, change):
    lifter = _lifter()
    lifter.uncertainty = model
    content = lifter.to_checkpoint()
    write_checkpoint(tmp_path / "a.safetensors", content | {"uncertainty": content["uncertainty"] | change})
    with pytest.raises(ValueError, match="a.safetensors"):
        load_lifter(tmp_path / "a.safetensors")
    assert read_checkpoint(tmp_path / "a.safetensors")["format"]


def test_predictions_are_those_without_it_and_one_without_the_mirror_is_less_sure(model: JointUncertainty):
    lifter, clip = _lifter(), torch.randn(20, 16, 2, generator=torch.Generator().manual_seed(1)) * 0.2
    plain = [lifter.predict_clip(clip, flip) for flip in (True, False)]
    lifter.uncertainty = model
    (mean, sd), (single, single_sd) = (lifter.predict_clip_with_sd(clip, flip) for flip in (True, False))
    torch.testing.assert_close(mean, plain[0], rtol=0, atol=1e-6)
    assert torch.equal(single, plain[1])
    torch.testing.assert_close(single_sd.square(), sd.square() + (single - mean).square(), rtol=1e-4, atol=1e-8)


def test_scores_of_errors_whose_law_is_known():
    draw = torch.Generator().manual_seed(0)
    sd = 0.01 + 0.1 * torch.rand(4000, 3, 3, generator=draw)
    error = sd * torch.randn(4000, 3, 3, generator=draw)
    right, twice = calibration_scores(error, sd), calibration_scores(error, 2 * sd)
    assert right["ece"] < 1 < twice["ece"] and right["nll"] < twice["nll"] and twice["cover_68"] > 90
    assert right["spearman"] == twice["spearman"] > 0.4
    exact = calibration_scores(error, error.norm(dim=-1, keepdim=True).expand_as(error))
    shuffled = calibration_scores(error, sd[torch.randperm(4000, generator=draw)])
    assert exact["ause"] == pytest.approx(0, abs=1e-9) and right["ause"] < shuffled["ause"]
    levels, covered = calibration_curve(error, sd)
    assert covered == sorted(covered) and max(abs(a - b) for a, b in zip(levels, covered, strict=True)) < 0.02
    assert gaussian_nll(torch.zeros(4), torch.ones(4)) == pytest.approx(0.9189385)
    assert coverage(torch.tensor([0.5, 1.5]), torch.ones(2), 0.68) == 0.5
