"""Numbers that no body, no image and no camera can be: refused with the frame, the joint and the bound."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from data import load_test_set
from data.files.asf_amc import parse_asf
from data.files.bvh.reader import bvh_joints
from data.plausible import (
    FPS,
    IMAGE_SIZE,
    LEAST_REACH_M,
    MOST_SCREEN,
    MOST_WIDTHS,
    REACH_M,
    check_bodies,
    check_cameras,
    check_image_size,
    check_points,
    check_rate,
)
from data.recordings import check_images
from kinematics.camera import Camera
from tests.tiny_cmu import SETTINGS

ODD = [np.nan, np.inf, -np.inf, 1e30, -1e30, 1e4, -1e9]
STANDING = np.array(
    [[0, 0, 0.95], [0.13, 0, 0.95], [0.13, 0, 0.5], [0.13, 0, 0.08], [-0.13, 0, 0.95], [-0.13, 0, 0.5],
     [-0.13, 0, 0.08], [0, 0, 1.2], [0, 0, 1.45], [0, 0.05, 1.55], [0, 0, 1.7], [-0.18, 0, 1.42], [-0.2, 0, 1.12],
     [-0.2, 0.1, 0.9], [0.18, 0, 1.42], [0.2, 0, 1.12], [0.2, 0.1, 0.9]]
)  # fmt: skip


@pytest.fixture(scope="module")
def cmu_recording():
    return load_test_set("cmux2_a", SETTINGS)[0]


def _people(frames: int, dtype=np.float32, seed: int = 0, size: float = 1.0) -> np.ndarray:
    """(F, 17, 3): people who walk about within a hall, every joint shaken by some centimetres."""
    draw = np.random.default_rng(seed)
    walk = np.concatenate([draw.normal(size=(frames, 1, 2)).cumsum(0) * 0.1, np.zeros((frames, 1, 1))], axis=-1)
    return (size * (STANDING + 0.05 * draw.normal(size=(frames, 17, 3))) + walk).astype(dtype)


def _slow_twin(joints: np.ndarray, farthest: float) -> list[int]:
    """Frames that are no bodies, one by one."""
    found = []
    for frame, pose in enumerate(joints.astype(np.float64)):
        reach, away = np.linalg.norm(pose - pose[0], axis=-1).max(), np.linalg.norm(pose, axis=-1).max()
        if not (np.isfinite(pose).all() and LEAST_REACH_M <= reach <= REACH_M and away <= farthest):
            found.append(frame)
    return found


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [0.35, 1.0, 1.4])
def test_people_of_any_size_anywhere_in_a_hall_are_bodies(dtype, size):
    check_bodies(_people(1500, dtype, size=size), "a file")
    check_bodies(_people(1500, dtype, size=size)[:0], "a file")


@pytest.mark.parametrize("seed", range(20))
def test_frames_are_found_as_a_loop_finds_them(seed):
    draw = np.random.default_rng(seed)
    joints, farthest = _people(1200, np.float64, seed), 100.0
    for _ in range(draw.integers(1, 6)):
        frame, joint = draw.integers(1200), draw.integers(17)
        kind = draw.integers(4)
        if kind == 0:
            joints[frame, joint, draw.integers(3)] = draw.choice(ODD)
        elif kind == 1:
            joints[frame] += draw.choice([-1, 1]) * draw.uniform(50, 120, 3)
        elif kind == 2:
            joints[frame] = joints[frame, :1] + draw.uniform(0, 0.3) * (joints[frame] - joints[frame, :1])
        else:
            joints[frame, joint] = joints[frame, 0] + draw.uniform(3, 5) * np.array([0.6, 0.0, 0.8])
    wrong = _slow_twin(joints, farthest)
    if not wrong:
        check_bodies(joints, "a file", farthest=farthest)
    else:
        count = f"{len(wrong)} of 1200 are like that"
        with pytest.raises(ValueError, match=rf"a file: frame {wrong[0]} has .*{count}"):
            check_bodies(joints, "a file", farthest=farthest)


@pytest.mark.parametrize(
    "size, unit", [(1000, "They are bodies if they are millimetres: divide by 1000"), (100, "centimetres"), (7, "")]
)
def test_another_unit_is_named_only_where_it_makes_bodies(size, unit):
    with pytest.raises(ValueError, match=f"from the root.*{unit}") as caught:
        check_bodies(_people(10, size=size), "a file")
    assert unit or "divide" not in str(caught.value)


def test_numbers_beyond_float32_are_refused_without_a_warning():
    joints = _people(10, np.float64)
    joints[3, 2, 1] = 1e300
    with pytest.raises(ValueError, match=r"frame 3 has RKnee 1e\+300 m from the root, expected at most 4 m"):
        check_bodies(joints, "a file")


@pytest.mark.parametrize("odd", ODD)
def test_a_joint_in_no_image_is_refused_by_name_and_a_missing_one_is_not(odd):
    pixels = np.random.default_rng(0).uniform(-500, 1500, (30, 17, 2))
    check_points(pixels, "a file", 1000)
    pixels[7, 13, 0] = odd
    with pytest.raises(ValueError, match=f"a file: frame 7 has LWrist at .*expected at most {MOST_WIDTHS * 1000:g}"):
        check_points(pixels, "a file", 1000)
    with pytest.raises(ValueError, match=f"expected at most {MOST_SCREEN:g}"):
        check_points(np.full((3, 17, 2), odd), "a file")
    pixels[7, 13] = np.nan
    check_points(pixels, "a file", 1000, missing=True)
    pixels[8, 0, 1] = -np.inf
    with pytest.raises(ValueError, match="frame 8 has Hip at .*1 of 30"):
        check_points(pixels, "a file", 1000, missing=True)


@pytest.mark.parametrize("part", ["orientation_wxyz", "translation", "intrinsics", "aspect"])
@pytest.mark.parametrize("odd", [*ODD, 1e300])
def test_a_camera_that_nobody_built_is_refused(part, odd, cmu_recording):
    camera = cmu_recording.views[0].camera.to(torch.float64)
    check_cameras(camera, "a file")
    spoiled = getattr(camera, part).clone()
    spoiled.view(-1)[-1] = odd
    with pytest.raises(ValueError, match="a file has .*expected"):
        check_cameras(replace(camera, **{part: spoiled}), "a file")


def test_rates_and_image_sizes_have_bounds():
    for fps in (*FPS, 25, 29.97, 120.0):
        check_rate(fps, "a file")
    for fps in (0.0, -1.0, np.nan, np.inf, 1e9):
        with pytest.raises(ValueError, match="a file has .* frames a second, expected 0.1 to 1000"):
            check_rate(fps, "a file")
    check_image_size(*IMAGE_SIZE, "a file")
    for size in ((0, 800), (1000, -1), (10**30, 800), (np.nan, 800)):
        with pytest.raises(ValueError, match="a file has an image of .* pixels"):
            check_image_size(*size, "a file")


@pytest.mark.parametrize("odd", ODD)
def test_no_wild_place_in_an_image_is_a_sample_whatever_file_it_came_from(odd, cmu_recording):
    recording = cmu_recording
    spoiled = recording.views[0].joints_2d.copy()
    spoiled[11, 3, 1] = odd
    wild = replace(recording, views=(replace(recording.views[0], joints_2d=spoiled), *recording.views[1:]))
    with pytest.raises(
        ValueError, match=f"Recording {recording.subject}/{recording.action}, camera .*: frame 11 has RAnkle"
    ):
        check_images([wild])
    usable = recording.usable.copy()
    usable[11] = False  # a glitch is no sample, but windows see its 2D
    glitch = replace(wild, usable=usable)
    if np.isfinite(odd):
        check_images([glitch])
    else:
        with pytest.raises(ValueError, match="has NaN or infinity in its 2D"):
            check_images([glitch])


def test_a_body_behind_its_camera_is_no_sample(cmu_recording):
    recording, view = cmu_recording, cmu_recording.views[0]
    assert isinstance(view.camera, Camera)
    joints = view.joints_3d - view.joints_3d[:1, 5:6] + np.float32([0, 0, 1e-5])  # a joint in the lens
    screen = view.camera.project(torch.from_numpy(joints)).numpy()
    with pytest.raises(ValueError, match="half image widths, expected at most 20"):
        check_images([replace(recording, views=(replace(view, joints_3d=joints, joints_2d=screen),))])


@pytest.mark.parametrize("word", ["1e30", "-1e9", "nan", "inf", "1e300"])
def test_motion_files_hold_angles_and_places_that_somebody_can_have(word, tiny_capture):
    person = tiny_capture(frames=4)
    head, _, tail = person.bvh.rpartition(" ")
    with pytest.raises(ValueError, match="frame 5 holds .*, expected finite numbers of at most 100000"):
        bvh_joints(f"{head} {word}\n", None, "a.bvh")
    with pytest.raises(ValueError, match="frames a second|frames of"):
        bvh_joints(person.bvh.replace(".0083333", word), None, "a.bvh")
    with pytest.raises(ValueError, match="a.asf is not a readable ASF skeleton .*at most 100000"):
        parse_asf(person.asf.replace("axis 10 -5 20", f"axis 10 {word} 20"), "a.asf")
