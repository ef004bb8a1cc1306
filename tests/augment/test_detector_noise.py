"""The noise of detections: its size, its kinds, its smoothness, its honesty, and that fitting finds it again."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from augment.detector_noise.model import MISSED_CONFIDENCE, DetectorNoise, person_size

QUIET = DetectorNoise("h36m_16", (0.03,) * 16, (0.0,) * 16, (0.0,) * 16)


def screen_clips(count: int, frames: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """(count, frames, 16, 2): people of any size, standing still."""
    generator = torch.Generator().manual_seed(seed)
    size = 0.1 + 0.5 * torch.rand(count, 1, 1, 1, generator=generator, dtype=dtype)
    poses = size * torch.randn(count, 1, 16, 2, generator=generator, dtype=dtype)
    return (poses + torch.randn(count, 1, 1, 2, generator=generator, dtype=dtype)).expand(-1, frames, -1, -1)


def a_detector(seed: int) -> DetectorNoise:
    """Numbers of chance, all joints different."""
    draw = torch.Generator().manual_seed(seed)

    def numbers(low: float, high: float) -> tuple[float, ...]:
        return tuple((low + (high - low) * torch.rand(16, generator=draw)).tolist())

    return DetectorNoise(
        "h36m_16", numbers(0.01, 0.08), numbers(0.01, 0.1), numbers(0.0, 0.05), seconds=0.25, certain=2.0, slope=8.0,
        spread=0.8, fps=30.0,
    )  # fmt: skip


def relative_error(noise: DetectorNoise, joints_2d: torch.Tensor, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Errors over the person's size, (B, T, J, 2), and the confidences."""
    seen, confidence = noise.apply(joints_2d, torch.Generator().manual_seed(seed))
    return (seen - joints_2d) / person_size(joints_2d)[..., None, None], confidence


def test_no_noise_leaves_the_joints_where_they_are(float_dtype: torch.dtype, generator: torch.Generator):
    silent = DetectorNoise("h36m_16", (0.0,) * 16, (0.0,) * 16, (0.0,) * 16, spread=0.0)
    joints_2d = screen_clips(20, 3, dtype=float_dtype)
    seen, confidence = silent.apply(joints_2d, generator)
    assert torch.equal(seen, joints_2d) and seen.dtype == confidence.dtype == float_dtype
    torch.testing.assert_close(confidence, torch.sigmoid(joints_2d.new_tensor(3.0)).expand(20, 3, 16))


def test_the_same_seed_gives_the_same_noise_and_another_one_another():
    joints_2d, noise = screen_clips(10, 5), DetectorNoise.default()
    one, two, other = (noise.apply(joints_2d, torch.Generator().manual_seed(seed)) for seed in (4, 4, 5))
    assert torch.equal(one[0], two[0]) and torch.equal(one[1], two[1])
    assert not torch.equal(one[0], other[0])


def test_errors_grow_with_the_person_on_the_screen_and_not_with_the_place():
    joints_2d, noise = screen_clips(30, 4), a_detector(0)
    near, confidence = noise.apply(3 * joints_2d + 0.5, torch.Generator().manual_seed(1))
    far, same = noise.apply(joints_2d, torch.Generator().manual_seed(1))
    torch.testing.assert_close(near - (3 * joints_2d + 0.5), 3 * (far - joints_2d), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(confidence, same, atol=1e-4, rtol=0)


def test_gaussian_errors_have_the_sd_of_their_joint():
    noise = replace(QUIET, sd=tuple(0.01 * (1 + joint) for joint in range(16)))
    error, _ = relative_error(noise, screen_clips(20_000, 1))
    sd = error.flatten(0, 1).std(dim=0)  # of 20,000 each: within 2 % in 4 standard errors
    torch.testing.assert_close(sd, torch.tensor(noise.sd)[:, None].expand(16, 2), rtol=0.02, atol=0)


def test_outliers_and_missed_joints_are_as_frequent_as_said_and_uniform_in_their_discs():
    shares = dict(sd=(0.0,) * 16, outliers=(0.3,) * 16, missed=(0.1,) * 16, slope=0.0)  # only the missed are unsure
    error, confidence = relative_error(replace(QUIET, **shares), screen_clips(5000, 1))
    distance, lost = error.norm(dim=-1).flatten(), (confidence <= MISSED_CONFIDENCE).flatten()
    kinds = {"missed": distance[lost] / 3, "outlier": distance[~lost & (distance > 1e-4)]}
    for kind, share in (("missed", 0.1), ("outlier", 0.3)):  # 80,000 joints: a share is known to 0.002
        assert len(kinds[kind]) / len(distance) == pytest.approx(share, abs=0.008)
        uniform = kinds[kind].square()  # of a point in the unit disc
        assert uniform.max() <= 1 + 1e-4
        assert [float(uniform.quantile(q)) for q in (0.25, 0.5, 0.75)] == pytest.approx([0.25, 0.5, 0.75], abs=0.03)


@pytest.mark.parametrize(("seconds", "fps"), [(0.1, 50.0), (0.1, 25.0), (0.4, 50.0), (0.0, 50.0)])
def test_errors_are_correlated_over_time_as_said(seconds: float, fps: float):
    noise = replace(QUIET, seconds=seconds, fps=fps)
    error, _ = relative_error(noise, screen_clips(4000, 9))
    assert error.std() == pytest.approx(0.03, rel=0.01)
    for lag in (1, 2, 8):
        measured = float((error[:, lag:] * error[:, :-lag]).mean() / error.square().mean())
        assert measured == pytest.approx(noise.correlation**lag, abs=0.01)
    assert float(error[:, -1].std() / error[:, 0].std()) == pytest.approx(1, abs=0.02)  # stationary


def test_outliers_last_when_errors_do():
    noise = replace(QUIET, outliers=(0.05,) * 16, seconds=0.4)
    error, _ = relative_error(noise, screen_clips(1000, 9))
    outlier = error.norm(dim=-1) > 0.2
    stays = (outlier[:, 1:] & outlier[:, :-1]).float().mean() / outlier.float().mean()
    assert stays > 0.5  # 0.05 if frames had nothing to do with each other


def test_confidence_falls_as_the_error_grows():
    error, confidence = relative_error(DetectorNoise.default(), screen_clips(20_000, 1))
    distance, confidence = error.norm(dim=-1).flatten(), confidence.flatten()
    edges = [0.0, 0.02, 0.04, 0.06, 0.1, 0.2, 0.4, 1.0, 3.0]
    means = [
        float(confidence[(distance >= low) & (distance < high)].mean())
        for low, high in zip(edges, edges[1:], strict=False)
    ]
    assert means == sorted(means, reverse=True) and means[0] > 0.9 and means[-1] < 0.05
    assert confidence.min() >= 0 and confidence.max() <= 1


@pytest.mark.parametrize("seed", [0, 1])
def test_fitting_finds_the_detector_again(seed: int):
    noise, clips = a_detector(seed), screen_clips(1500, 20, seed)
    seen, confidence = noise.apply(clips, torch.Generator().manual_seed(seed))
    follows = torch.ones(clips.shape[:2], dtype=torch.bool)
    follows[:, 0] = False
    flat = (part.flatten(0, 1) for part in (seen, clips, confidence, follows))
    found = DetectorNoise.fit(*flat, fps=30)
    # 30,000 frames with correlation 0.88 count as some 5,000: a sd is known to 1 %, a share of 0.05 to 0.003.
    assert found.sd == pytest.approx(noise.sd, rel=0.04)
    assert found.outliers == pytest.approx(noise.outliers, abs=0.012)
    assert found.missed == pytest.approx(noise.missed, abs=0.012)
    assert found.seconds == pytest.approx(noise.seconds, rel=0.1)
    assert (found.certain, found.spread) == pytest.approx((noise.certain, noise.spread), rel=0.05)
    assert found.slope == pytest.approx(noise.slope, rel=0.1)
    assert (found.skeleton, found.fps) == ("h36m_16", 30.0)


def test_fitting_without_confidence_or_time_keeps_to_what_can_be_known(generator: torch.Generator):
    clips = screen_clips(3000, 1)[:, 0]
    seen = a_detector(2).apply(clips[:, None], generator)[0][:, 0]
    found = DetectorNoise.fit(seen, clips)
    assert found.seconds == 0 and found.sd == pytest.approx(a_detector(2).sd, rel=0.1)
    assert (found.certain, found.slope, found.spread) == (QUIET.certain, QUIET.slope, QUIET.spread)
    perfect = DetectorNoise.fit(clips, clips)
    assert max(perfect.sd) < 1e-5 and max(perfect.outliers) == pytest.approx(0, abs=1e-3)
    with pytest.raises(ValueError, match="no pairs of detected and true"):
        DetectorNoise.fit(clips[:0], clips[:0])


def test_a_confidence_that_says_nothing_of_the_error_gets_no_slope(generator: torch.Generator):
    clips = screen_clips(3000, 1)[:, 0]
    seen = replace(QUIET).apply(clips[:, None], generator)[0][:, 0]
    error = (seen - clips).norm(dim=-1) / person_size(clips)[:, None]
    worse_is_surer = torch.sigmoid(20 * error)
    assert DetectorNoise.fit(seen, clips, worse_is_surer).slope == 0


def test_a_file_brings_the_same_numbers_back_to_the_last_bit(tmp_path: Path):
    noise = a_detector(3)
    noise.save(tmp_path / "new" / "noise.json")
    assert DetectorNoise.load(tmp_path / "new" / "noise.json") == noise
    assert json.loads((tmp_path / "new" / "noise.json").read_text())["sd"] == list(noise.sd)


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda c: c.pop("sd"), "expected a DetectorNoise: skeleton, sd"),
        (lambda c: c.update(sd=[0.1] * 15), r"DetectorNoise\.sd .*expected 16 numbers"),
        (lambda c: c.update(missed=[-0.1] * 16), r"missed .*expected 16 numbers of 0 or more"),
        (lambda c: c.update(outliers=[0.8] * 16, missed=[0.3] * 16), r"outliers \+ missed above 1"),
        (lambda c: c.update(seconds="long"), "not a DetectorNoise.*long"),
        (lambda c: c.update(fps=0), "fps is 0"),
        (lambda c: c.update(certain=float("nan")), "certain is nan"),
        (lambda c: c.update(certain=-1e30), "certain is -1e.30, expected a number, at most"),
        (lambda c: c.update(sd=[1e300] * 16), r"DetectorNoise\.sd .*at most 100"),
        (lambda c: c.update(missed_radius=1e30), "missed_radius is 1e.30, .*at most 100"),
        (lambda c: c.update(slope=10**400), "a whole number of 401 digits"),
        (lambda c: c.update(skeleton="h36m_18"), "h36m_18"),
    ],
)
def test_a_damaged_file_is_refused_in_one_sentence(change, words: str, tmp_path: Path):
    a_detector(0).save(tmp_path / "noise.json")
    content = json.loads((tmp_path / "noise.json").read_text())
    change(content)
    (tmp_path / "noise.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=rf"noise\.json .*{words}"):
        DetectorNoise.load(tmp_path / "noise.json")


def test_what_is_no_file_of_numbers_is_refused(tmp_path: Path):
    (tmp_path / "noise.json").write_text("not json")
    with pytest.raises(ValueError, match="not a JSON file"):
        DetectorNoise.load(tmp_path / "noise.json")
    with pytest.raises(FileNotFoundError, match="DetectorNoise.save"):
        DetectorNoise.load(tmp_path / "nothing.json")


def test_the_default_has_both_layouts_alike_and_sides_alike():
    small, large = DetectorNoise.default("h36m_16"), DetectorNoise.default("h36m_17", fps=25)
    assert large.of_joints("h36m_16") == replace(small, fps=25.0)
    assert small.sd[2] == small.sd[5] and max(small.sd) == small.sd[12]  # knees; the wrist errs most
    with pytest.raises(ValueError, match="no numbers for"):
        DetectorNoise.default("spin_24")


def test_poses_of_another_layout_are_refused(generator: torch.Generator):
    with pytest.raises(ValueError, match="17 joints on axis -2"):
        QUIET.apply(torch.zeros(2, 1, 17, 2), generator)
