import pytest
import torch

from kinematics import JOINT_ANGLES, joint_limits
from kinematics.limits import ANATOMICAL_LIMBS, ANATOMICAL_TRUNK

TABLES = pytest.mark.parametrize("name", ["dh-aug", "anatomical"])


def degrees(name: str, angle: str) -> tuple[float, float]:
    limits, index = joint_limits(name), JOINT_ANGLES.index(angle)
    return round(float(torch.rad2deg(limits.lower[index])), 6), round(float(torch.rad2deg(limits.upper[index])), 6)


@TABLES
def test_raw_and_radians_undo_each_other(name, generator, float_dtype):
    limits = joint_limits(name)
    raw = torch.rand(2, 3, 28, generator=generator, dtype=float_dtype) * 2 - 1
    radians = limits.to_radians(raw)
    assert radians.dtype == float_dtype
    torch.testing.assert_close(limits.to_raw(radians), raw, rtol=0, atol=1e-6)
    assert bool((radians > limits.lower).all() and (radians < limits.upper).all())


@TABLES
def test_the_ends_of_raw_are_the_limits(name):
    limits = joint_limits(name)
    torch.testing.assert_close(limits.to_radians(torch.ones(28, dtype=torch.float64)), limits.upper)
    torch.testing.assert_close(limits.to_radians(-torch.ones(28, dtype=torch.float64)), limits.lower)


@TABLES
def test_left_and_right_limbs_mirror_each_other(name):
    for angle in ("hip_twist", "hip_abduction", "hip_flexion", "knee", "shoulder_twist", "shoulder_abduction",
                  "shoulder_flexion", "elbow"):  # fmt: skip
        lower, upper = degrees(name, "right_" + angle)
        mirrored = (-upper, -lower) if angle.endswith(("twist", "abduction")) else (lower, upper)
        assert degrees(name, "left_" + angle) == mirrored


def test_the_original_s_arms_have_the_ranges_meant_for_them():
    assert degrees("dh-aug", "right_shoulder_twist") == (-155, 65)
    assert degrees("dh-aug", "left_shoulder_abduction") == (-65, 155)
    assert degrees("dh-aug", "right_shoulder_flexion") == (-100, 180)
    assert degrees("dh-aug", "left_elbow") == (0, 180)
    assert degrees("dh-aug", "neck_flexion") == (-180, 180)


def test_anatomical_knees_and_elbows_bend_the_natural_way_only():
    assert degrees("anatomical", "right_knee") == (-150, 5)
    assert degrees("anatomical", "left_elbow") == (-5, 150)


def test_the_spine_s_joints_share_the_range_of_the_whole():
    def total(motion: str, end: int) -> float:
        return sum(degrees("anatomical", f"{part}_{motion}")[end] for part in ("waist", "spine", "chest"))

    assert total("flexion", 1) <= 85 and total("flexion", 0) >= -35
    assert total("twist", 1) <= 55
    assert degrees("anatomical", "waist_lean")[1] + degrees("anatomical", "spine_lean")[1] == 35


def test_every_angle_is_documented_with_motion_and_source():
    names = {row.angle for row in ANATOMICAL_TRUNK}
    names |= {f"{side}_{row.angle}" for row in ANATOMICAL_LIMBS for side in ("left", "right")}
    assert names == set(JOINT_ANGLES)
    assert all(row.positive and row.negative and row.source for row in ANATOMICAL_LIMBS + ANATOMICAL_TRUNK)


def test_uniform_samples_violate_nothing_and_fill_the_ranges(generator):
    limits = joint_limits("anatomical")
    samples = limits.sample_uniform(2000, generator, torch.float64)
    assert torch.equal(limits.violation_rate(samples), torch.zeros(28, dtype=torch.float64))
    raw = limits.to_raw(samples)
    assert bool((raw.amax(0) > 0.98).all() and (raw.amin(0) < -0.98).all())


def test_violations_are_counted_per_angle_beyond_the_tolerance():
    limits = joint_limits("anatomical")
    angles = torch.zeros(4, 1, 28, dtype=torch.float64)
    knee = JOINT_ANGLES.index("right_knee")
    angles[0, 0, knee] = limits.upper[knee] + 0.1
    angles[1, 0, knee] = limits.lower[knee] - 0.3
    assert limits.violation_rate(angles)[knee] == 0.5
    assert limits.violation_rate(angles, 0.2)[knee] == 0.25
    assert limits.violation_rate(angles).sum() == 0.5


def test_whole_turns_are_no_violation(generator):
    limits = joint_limits("dh-aug")
    samples = limits.sample_uniform(200, generator, torch.float64)
    torch.testing.assert_close(limits.wrap(samples + 2 * torch.pi * 3), samples)
    assert limits.violation_rate(samples - 4 * torch.pi, 1e-9).sum() == 0


def test_unknown_tables_are_refused_by_name():
    with pytest.raises(ValueError, match="choose from dh-aug, anatomical"):
        joint_limits("yoga")
