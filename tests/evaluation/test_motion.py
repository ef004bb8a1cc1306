"""How clips move, on motions whose numbers are known."""

import math

import numpy as np
import pytest
import torch

from evaluation.motion import (
    FEET,
    about_root,
    bone_variation,
    distribution_distance,
    foot_contacts,
    foot_slides,
    joint_accelerations,
    joint_speeds,
    motion_distances,
    motion_statistics,
    quantiles,
)
from kinematics import BONE_JOINTS, BONES

FPS = 25.0


def random_clips(generator, dtype=torch.float64, clips=4, frames=9) -> torch.Tensor:
    return torch.randn(clips, frames, 16, 3, generator=generator, dtype=dtype)


def turning_bodies(generator, rate, frames=20, dtype=torch.float64) -> torch.Tensor:
    """Random rigid bodies that turn about the vertical through the origin by `rate` rad/s."""
    body = torch.randn(3, 1, 16, 3, generator=generator, dtype=torch.float64)
    angle = rate * torch.arange(frames, dtype=torch.float64)[:, None] / FPS
    x, y, z = body.expand(-1, frames, -1, -1).unbind(-1)
    return torch.stack([angle.cos() * x - angle.sin() * y, angle.sin() * x + angle.cos() * y, z], -1).to(dtype)


def standing_feet(generator, slide=0.0, frames=10, dtype=torch.float64) -> torch.Tensor:
    """Random joints half a metre and more over two feet, of which the left one slides at `slide` m/s."""
    clips = random_clips(generator, dtype, clips=5, frames=frames)
    clips[..., 2] = clips[..., 2].abs() + 0.5
    right, left = FEET
    clips[:, :, [right, left]] = clips[:, :1, [right, left]]
    clips[:, :, [right, left], 2] = 0.08
    clips[:, :, left, 0] += slide * torch.arange(frames, dtype=dtype) / FPS
    return clips


def test_a_turning_body_has_the_speed_and_acceleration_of_its_radius(generator, float_dtype):
    rate = 0.7
    clips = turning_bodies(generator, rate, dtype=float_dtype)
    radius = clips[..., :2].norm(dim=-1)
    chord = 2 * math.sin(rate / FPS / 2) * FPS  # per frame a chord, not the arc
    close = dict(rtol=1e-3, atol=2e-3) if float_dtype == torch.float32 else dict(rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(joint_speeds(clips, FPS), chord * radius[:, 1:], **close)
    torch.testing.assert_close(joint_accelerations(clips, FPS), chord**2 * radius[:, 1:-1], **close)
    assert float(bone_variation(clips).amax()) < 1e-4


def test_speeds_and_accelerations_equal_a_loop_in_numpy(generator, float_dtype):
    clips = random_clips(generator, float_dtype)
    speeds, accelerations = joint_speeds(clips, FPS), joint_accelerations(clips, FPS)
    joints = clips.double().numpy()
    for clip in range(joints.shape[0]):
        for joint in range(16):
            for t in range(1, joints.shape[1]):
                velocity = (joints[clip, t, joint] - joints[clip, t - 1, joint]) * FPS
                assert float(speeds[clip, t - 1, joint]) == pytest.approx(np.sqrt((velocity**2).sum()), rel=1e-5)
                if t > 1:
                    before = (joints[clip, t - 1, joint] - joints[clip, t - 2, joint]) * FPS
                    change = (velocity - before) * FPS
                    found = float(accelerations[clip, t - 2, joint])
                    assert found == pytest.approx(np.sqrt((change**2).sum()), rel=1e-4)


def test_speed_about_the_root_does_not_know_where_the_body_goes(generator):
    clips = random_clips(generator)
    track = torch.randn(4, 9, 1, 3, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(joint_speeds(about_root(clips + track), FPS), joint_speeds(about_root(clips), FPS))
    assert float(joint_speeds(about_root(clips), FPS)[..., 0].amax()) == 0


def test_motion_scales_with_the_frame_rate(generator):
    clips = random_clips(generator)
    torch.testing.assert_close(joint_speeds(clips, 2 * FPS), 2 * joint_speeds(clips, FPS))
    torch.testing.assert_close(joint_accelerations(clips, 2 * FPS), 4 * joint_accelerations(clips, FPS))


def test_feet_that_stand_do_not_skate_and_a_sliding_foot_skates_at_its_speed(generator, float_dtype):
    for slide in (0.0, 0.4):
        clips = standing_feet(generator, slide, dtype=float_dtype)
        speeds, touching = foot_slides(clips, FPS)
        assert touching.all()
        assert float(speeds[..., 0].amax()) == 0
        assert speeds[..., 1].numpy() == pytest.approx(slide, abs=1e-4)
        statistics = motion_statistics(clips, FPS)
        assert statistics.skating == pytest.approx(slide / 2, abs=1e-4)
        assert statistics.contact == 1


def test_a_lifted_foot_may_move(generator):
    clips = standing_feet(generator, slide=2.0)
    clips[:, 1:, FEET[1], 2] += 0.051
    assert motion_statistics(clips, FPS).skating == 0
    contact = foot_contacts(clips)
    assert contact[..., 0].all() and contact[:, 0, 1].all() and not contact[:, 1:, 1].any()


def test_feet_in_the_air_over_a_lying_body_are_not_in_contact(generator):
    clips = standing_feet(generator)
    clips[..., 8, 2] = -1.0
    statistics = motion_statistics(clips, FPS)
    assert statistics.contact == 0
    assert math.isnan(statistics.skating)


def test_stretched_bones_are_found_where_they_are(generator, float_dtype):
    for bone, name in ((BONES.index("left_forearm"), "limb_bones"), (BONES.index("neck"), "trunk_bones")):
        clips = turning_bodies(generator, 0.5, dtype=float_dtype)
        parent, child = BONE_JOINTS[bone]  # bones at a body's end: nothing hangs from them
        length = clips[:, 5, child] - clips[:, 5, parent]
        clips[:, 5, child] += 0.1 * length
        variation = bone_variation(clips)
        frames = clips.shape[1]
        expected = 0.1 / ((frames - 1 + 1.1) / frames)
        assert variation[:, bone].numpy() == pytest.approx(expected, rel=1e-3)
        variation[:, bone] = 0
        assert float(variation.amax()) < 1e-4
        statistics = motion_statistics(clips, FPS)
        assert getattr(statistics, name) == pytest.approx(expected, rel=1e-3)
        other = {"limb_bones": "trunk_bones", "trunk_bones": "limb_bones"}[name]
        assert getattr(statistics, other) < 1e-4


def test_distance_of_shifted_numbers_is_the_shift_and_to_themselves_zero(generator, float_dtype):
    values = torch.randn(500, generator=generator, dtype=float_dtype)
    assert distribution_distance(values, values) == 0
    assert distribution_distance(values, values + 0.3) == pytest.approx(0.3, abs=1e-5)
    shuffled = values[torch.randperm(500, generator=generator)].reshape(20, 25)
    assert distribution_distance(values, shuffled) == 0


def test_distances_between_sets_of_clips_are_theirs(generator):
    slow = turning_bodies(generator, 0.5)
    distances = motion_distances(slow, slow[:2, :12], FPS)
    assert distances.acceleration < 1.5 and distances.speed < 1.5
    same = motion_distances(slow, slow, FPS)
    assert (same.speed, same.limb_speed, same.acceleration) == (0, 0, 0)
    still = slow[:, :1].expand_as(slow)
    assert motion_distances(slow, still, FPS).speed == pytest.approx(float(joint_speeds(slow, FPS).mean()))


def test_quantiles_are_numpy_s(generator):
    values = torch.rand(7, 11, generator=generator, dtype=torch.float64)
    expected = np.quantile(values.numpy(), [0.1, 0.5, 0.95], method="lower")
    assert quantiles(values, (0.1, 0.5, 0.95)) == pytest.approx(expected)


def test_too_short_clips_are_refused(generator):
    with pytest.raises(ValueError, match="expected 3 or more"):
        joint_accelerations(random_clips(generator, frames=2), FPS)
    with pytest.raises(ValueError, match="expected 2 or more"):
        joint_speeds(random_clips(generator, frames=1), FPS)
