"""BVH files of lifted clips: a rigid body that is as near to the joints as one can be, and turns without leaps."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from data.files.asf_amc import z_up
from data.files.bvh.reader import H36M_16_FROM_DH, joint_origins, parse_bvh
from evaluation.predict.files import write_bvh_files
from evaluation.predict.lifted import LiftedClip
from kinematics.bones import bone_lengths, with_rigid_bones
from tests.evaluation.lifted_clips import BODY, as_lifted, recorded_clip


@pytest.fixture(scope="module")
def clip() -> LiftedClip:
    return recorded_clip()


def _read(path: Path) -> np.ndarray:
    origins = joint_origins(parse_bvh(path.read_text(), path.name))
    return z_up(np.stack([origins[H36M_16_FROM_DH[joint]] for joint in BODY.joints], axis=1))


def _turn(axis: str, degrees: float) -> np.ndarray:
    sin, cos = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    first, second = {"X": (1, 2), "Y": (2, 0), "Z": (0, 1)}[axis]
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = cos
    matrix[first, second], matrix[second, first] = -sin, sin
    return matrix


def _plainly_posed(text: str, frame: int) -> dict[str, np.ndarray]:
    """Origins of joints and ends in a frame, word by word as the format's description says, without our reader."""
    head, _, motion = text.partition("MOTION")
    numbers = iter(map(float, motion.splitlines()[3 + frame].split()))
    places, stack, words = {}, [], head.split()
    for at, word in enumerate(words):
        if word in ("ROOT", "JOINT", "End"):
            name = stack[-1][0] + "/end" if word == "End" else words[at + 1]
        elif word == "OFFSET":
            offset = np.array(words[at + 1 : at + 4], dtype=float)
            above, origin, axes = stack[-1] if stack else ("", np.zeros(3), np.eye(3))
            places[name] = origin + axes @ offset
            stack.append((name, places[name], axes))
        elif word == "CHANNELS":
            _, origin, axes = stack.pop()
            for channel in words[at + 2 : at + 2 + int(words[at + 1])]:
                if channel.endswith("position"):
                    origin = origin + next(numbers) * np.eye(3)["XYZ".index(channel[0])]
                else:
                    axes = axes @ _turn(channel[0], next(numbers))
            places[name] = origin
            stack.append((name, origin, axes))
        elif word == "}":
            stack.pop()
    return places


def test_joints_of_a_recorded_body_are_in_the_file_within_5_mm_and_the_distance_is_said(clip, tmp_path, capsys):
    assert write_bvh_files(clip, tmp_path) == ["pose_1.bvh", "pose_2.bvh"]
    joints = np.concatenate([_read(tmp_path / name) for name in ("pose_1.bvh", "pose_2.bvh")])
    apart = 1000 * np.linalg.norm(joints - clip.joints_world, axis=-1).mean(axis=0)
    assert 0 < apart.mean() < 5
    said = capsys.readouterr().out
    assert f"{apart.mean():.1f} mm" in said and f"the {BODY.joints[apart.argmax()]} {apart.max():.1f} mm" in said


@pytest.mark.parametrize(("units", "per_metre"), [("m", 1), ("cm", 100)])
def test_a_plain_reading_of_the_file_poses_the_nearest_rigid_body(units, per_metre, clip, tmp_path):
    write_bvh_files(clip, tmp_path, units)
    text = (tmp_path / "pose_2.bvh").read_text()
    rigid = with_rigid_bones(torch.from_numpy(clip.joints_world[-9:])).numpy()
    for frame in (0, 4, 8):
        places = _plainly_posed(text, frame)
        posed = z_up(np.stack([places[H36M_16_FROM_DH[joint]] for joint in BODY.joints])) / per_metre
        np.testing.assert_allclose(posed, rigid[frame], atol=2e-5)


def test_rigid_bones_keep_the_clip_s_mean_lengths_and_leave_rigid_bodies_alone(clip):
    stretched = torch.from_numpy(clip.joints_world)
    stretched = stretched + 0.02 * torch.randn(stretched.shape, generator=torch.Generator().manual_seed(0)).double()
    rigid = with_rigid_bones(stretched)
    lengths = bone_lengths(stretched).mean(dim=0)
    assert (bone_lengths(rigid) - lengths).abs().max() < 1e-4
    assert (with_rigid_bones(rigid) - rigid).norm(dim=-1).max() < 1e-4
    left = stretched - rigid  # at the nearest, neither moving the body nor turning a limb's last bone brings it nearer
    assert left.mean(dim=1).abs().max() < 1e-6
    for joint, end in (("LElbow", "LWrist"), ("RKnee", "RAnkle"), ("Thorax", "Head")):
        bone = rigid[:, BODY.joints.index(end)] - rigid[:, BODY.joints.index(joint)]
        assert torch.linalg.cross(bone, left[:, BODY.joints.index(end)]).abs().max() < 1e-4


def test_thighs_and_arms_do_not_flip_where_limbs_are_straight(clip, tmp_path):
    """A still body with straight limbs and 3 mm of noise: the plane of a limb's bend is not to be seen."""
    joints = clip.joints_world[:1].repeat(40, axis=0)
    for first, middle, last in (("RHip", "RKnee", "RAnkle"), ("LShoulder", "LElbow", "LWrist")):
        top, hinge, end = (BODY.joints.index(name) for name in (first, middle, last))
        joints[:, end] = joints[:, top] + 1.98 * (joints[:, hinge] - joints[:, top])
    joints = joints + np.random.default_rng(0).normal(0, 0.003, joints.shape)
    write_bvh_files(as_lifted(joints, np.zeros(40, dtype=int)), tmp_path)
    values = parse_bvh((tmp_path / "pose.bvh").read_text(), "it").values
    assert np.abs(np.diff(values[:, 3:], axis=0)).max() < 20  # degrees


def test_a_body_that_none_has_makes_a_file_all_the_same(tmp_path):
    """All joints on one line, a shin without length."""
    joints = np.arange(16)[None, :, None] * np.full((3, 1, 3), 0.1)
    joints[:, BODY.joints.index("RAnkle")] = joints[:, BODY.joints.index("RKnee")]
    write_bvh_files(as_lifted(joints, np.zeros(3, dtype=int)), tmp_path)
    np.testing.assert_allclose(_read(tmp_path / "pose.bvh"), joints, atol=1e-5)
