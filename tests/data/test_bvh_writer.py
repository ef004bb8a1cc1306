from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from data.files.asf_amc import z_up
from data.files.bvh.clip import write_bvh
from data.files.bvh.reader import END_SITE, joint_origins, parse_bvh
from data.files.bvh.writer import SKELETON, bvh_text, without_jumps
from kinematics import JOINT_ANGLES, DHHuman, joint_limits
from kinematics.stature import average_bone_lengths

# Joint of the body -> the joint (or end) of the file whose origin it is.
ORIGIN = {
    "Hip": "Hips", "RHip": "RightUpLeg", "RKnee": "RightLeg", "RAnkle": "RightLeg" + END_SITE,
    "LHip": "LeftUpLeg", "LKnee": "LeftLeg", "LAnkle": "LeftLeg" + END_SITE,
    "Spine": "Spine", "Thorax": "Spine1", "Head": "Neck" + END_SITE,
    "LShoulder": "LeftArm", "LElbow": "LeftForeArm", "LWrist": "LeftForeArm" + END_SITE,
    "RShoulder": "RightArm", "RElbow": "RightForeArm", "RWrist": "RightForeArm" + END_SITE,
}  # fmt: skip


def read_back(text: str) -> tuple[np.ndarray, float]:
    motion = parse_bvh(text, "clip")
    origins = joint_origins(motion)
    return z_up(np.stack([origins[name] for name in ORIGIN.values()], axis=1)), motion.fps


@pytest.fixture
def body(generator: torch.Generator) -> tuple[torch.Tensor, ...]:
    """Angles, lengths, global rotation and root of 20 unrelated poses of one person."""
    lengths = average_bone_lengths().double()
    angles = joint_limits("anatomical").to_radians(2 * torch.rand(20, 28, generator=generator, dtype=torch.float64) - 1)
    turns = 3 * torch.randn(20, 3, generator=generator, dtype=torch.float64)
    return angles, lengths, turns, torch.randn(20, 3, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_reader_finds_the_joints_of_forward_kinematics(body: tuple[torch.Tensor, ...], dtype: torch.dtype):
    angles, lengths, turns, root = (values.to(dtype) for values in body)
    joints, fps = read_back(bvh_text(angles, lengths, turns, root, 29.97))
    expected = DHHuman()(angles, lengths, turns, root).double().numpy()
    assert np.abs(joints - expected).max() < 1e-5  # micrometres of rounding in the file
    assert fps == pytest.approx(29.97, rel=1e-6)


def test_a_clip_of_joints_comes_back_in_place(body: tuple[torch.Tensor, ...], tmp_path: Path):
    joints = DHHuman()(*body)
    write_bvh(tmp_path / "clip.bvh", joints, 50.0)
    found, _ = read_back((tmp_path / "clip.bvh").read_text())
    assert np.abs(found - joints.numpy()).max() < 1e-5
    assert [path.name for path in tmp_path.iterdir()] == ["clip.bvh"]


def test_smooth_motion_has_smooth_channels():
    """A person who turns twice about the vertical while an arm goes over the head: no channel leaps."""
    time = torch.linspace(0, 1, 100, dtype=torch.float64)
    angles, turns = torch.zeros(100, 28, dtype=torch.float64), torch.zeros(100, 3, dtype=torch.float64)
    angles[:, JOINT_ANGLES.index("right_shoulder_abduction")] = 3.0 * time
    turns[:, 2] = 4 * torch.pi * time
    lengths = average_bone_lengths().double()
    wrapped = torch.remainder(turns + torch.pi, 2 * torch.pi) - torch.pi
    values = parse_bvh(bvh_text(angles, lengths, wrapped, torch.zeros(100, 3), 25.0), "clip").values
    assert np.abs(np.diff(values[:, 3:], axis=0)).max() < 8  # degrees a frame: 720 / 99


def test_other_angles_of_the_same_turn_stay_the_same_turn(rng_angles: np.ndarray):
    for axes in {joint.axes for joint in SKELETON}:
        letters = "".join(axis[1].upper() for axis in axes)
        before = Rotation.from_euler(letters, rng_angles).as_matrix()
        after = Rotation.from_euler(letters, without_jumps(rng_angles)).as_matrix()
        assert np.abs(before - after).max() < 1e-9


@pytest.fixture
def rng_angles() -> np.ndarray:
    return np.random.default_rng(0).uniform(-np.pi, np.pi, (50, 3))
