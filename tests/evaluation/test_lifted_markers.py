"""Lifted clips for biomechanics: TRC and C3D as other programs read them, and the table of joint angles."""

import csv
import sys

import numpy as np
import pytest
import torch

from data.plausible import FPS
from evaluation.predict.files import WRITERS, check_outputs
from evaluation.predict.files.angles import angle_columns
from kinematics import DHHuman, Skeleton
from kinematics.errors import PoseFKError
from kinematics.stature import average_bone_lengths
from tests.evaluation.lifted_clips import BODY, as_lifted, recorded_clip


@pytest.fixture(scope="module")
def clip():
    return recorded_clip()


def _opensim_s_reading(path):
    """A TRC file by the rules of OpenSim's reader: line by line, cells between tabs, empty ones left out of headers."""
    lines = [line.split("\t") for line in path.read_text().split("\n")]
    full = [[cell for cell in line if cell] for line in lines[:5]]
    assert full[0][:3] == ["PathFileType", "4", "(X/Y/Z)"]
    values = dict(zip(full[1], full[2], strict=True))
    assert list(values) == ["DataRate", "CameraRate", "NumFrames", "NumMarkers", "Units", "OrigDataRate",
                            "OrigDataStartFrame", "OrigNumFrames"]  # fmt: skip
    assert full[3][:2] == ["Frame#", "Time"]
    markers = full[3][2:]
    assert len(markers) == int(values["NumMarkers"])
    assert full[4] == [f"{axis}{marker + 1}" for marker in range(len(markers)) for axis in "XYZ"]
    assert lines.pop() == [""]  # after the last line
    rows = np.array(lines[5:], dtype=float)
    assert rows.shape == (int(values["NumFrames"]), 2 + 3 * len(markers))
    return values, markers, rows


def _pose2sim_s_names(path):
    """Marker names by the rule of Pose2Sim's reader: every third cell of the fourth line but the last."""
    return path.read_text().split("\n")[3].split("\t")[2::3][:-1]


def test_trc_files_hold_the_joints_in_metres_with_y_up_for_opensim_and_pose2sim(clip, tmp_path):
    assert WRITERS["trc"](clip, tmp_path) == ["pose_1.trc", "pose_2.trc"]
    for name, frames in (("pose_1.trc", clip.pieces == 0), ("pose_2.trc", clip.pieces == 1)):
        values, markers, rows = _opensim_s_reading(tmp_path / name)
        assert values["Units"] == "m" and float(values["DataRate"]) == clip.fps
        assert markers == _pose2sim_s_names(tmp_path / name) == list(BODY.joints)
        np.testing.assert_array_equal(rows[:, 0], clip.frames[frames])
        np.testing.assert_allclose(rows[:, 1], clip.frames[frames] / clip.fps, atol=1e-6)
        x, y, z = np.moveaxis(rows[:, 2:].reshape(len(rows), 16, 3), -1, 0)
        np.testing.assert_allclose(np.stack([x, -z, y], axis=-1), clip.joints_world[frames], atol=1e-6)


def test_c3d_files_hold_the_joints_in_millimetres_with_z_up(clip, tmp_path):
    ezc3d = pytest.importorskip("ezc3d")
    assert WRITERS["c3d"](clip, tmp_path) == ["pose_1.c3d", "pose_2.c3d"]
    for name, frames in (("pose_1.c3d", clip.pieces == 0), ("pose_2.c3d", clip.pieces == 1)):
        file = ezc3d.c3d(str(tmp_path / name))
        point = {key: file["parameters"]["POINT"][key]["value"] for key in ("RATE", "UNITS", "LABELS", "FRAMES")}
        assert point["LABELS"] == list(BODY.joints) and point["UNITS"] == ["mm"] and point["RATE"] == [clip.fps]
        assert file["parameters"]["POINT"]["Y_SCREEN"]["value"] == ["+Z"] and point["FRAMES"] == [frames.sum()]
        np.testing.assert_allclose(file["data"]["points"][:3].T / 1000, clip.joints_world[frames], atol=1e-6)
        assert (file["data"]["meta_points"]["residuals"] == 0).all()  # -1 would mean missing


@pytest.mark.parametrize("fps", [*FPS, 29.97])
def test_frames_of_every_nth_number_keep_their_place_in_time(fps, tmp_path):
    world = np.random.default_rng(0).normal(0, 0.5, (6, 16, 3))
    frames = np.array([10, 15, 20, 40, 45, 50])
    clip = as_lifted(world, np.repeat([0, 1], 3), frames, fps)
    WRITERS["trc"](clip, tmp_path)
    _, _, rows = _opensim_s_reading(tmp_path / "pose_2.trc")
    np.testing.assert_allclose(rows[:, 1], np.array([8, 9, 10]) / fps, atol=1e-6)


def test_c3d_is_refused_before_any_work_without_its_library_or_room(monkeypatch):
    pytest.importorskip("ezc3d")
    check_outputs(["c3d"], frames=65_535)
    with pytest.raises(PoseFKError, match="65,536 without a gap"):
        check_outputs(["c3d"], frames=65_536)
    monkeypatch.setitem(sys.modules, "ezc3d", None)
    with pytest.raises(PoseFKError, match=r'pip install -e "\.\[c3d\]"'):
        check_outputs(["npz", "c3d"])
    check_outputs(["npz", "trc"])


@pytest.mark.parametrize("output", ["bvh", "csv"])
def test_outputs_of_the_body_are_refused_for_lifters_without_its_joints(output):
    with pytest.raises(PoseFKError, match="bvh and csv need the joints of h36m_16, the lifter has coco_17"):
        check_outputs([output], Skeleton("coco_17"))


def test_angles_are_named_and_signed_as_clinicians_do(tmp_path, capsys):
    """Bent knees and elbows, legs and arms apart and thighs turned inwards are positive on both sides."""
    motions = {"hip_abduction": 20, "hip_internal_rotation": 15, "knee_flexion": 40, "shoulder_abduction": 30,
               "shoulder_flexion": 25, "elbow_flexion": 50}  # fmt: skip
    wanted = {f"{side}_{motion}_deg": degrees for side in ("left", "right") for motion, degrees in motions.items()}
    names = [f"{joint}_{motion.replace(' ', '_')}_deg" for joint, motion, _ in angle_columns()]
    assert set(wanted) <= set(names) and len(set(names)) == 28
    signs = np.array([sign for _, _, sign in angle_columns()])
    degrees = signs * np.array([wanted.get(name, 0) for name in names])
    zero = torch.zeros(2, 3, dtype=torch.float64)
    joints = DHHuman()(torch.deg2rad(torch.tensor(degrees)).double(), average_bone_lengths().double(), zero, zero)
    at = dict(zip(BODY.joints, joints[0].numpy(), strict=True))  # the body faces +y, its right is +x
    assert at["RKnee"][0] > at["RHip"][0] + 0.1 and at["LKnee"][0] < at["LHip"][0] - 0.1
    assert at["RElbow"][0] > at["RShoulder"][0] + 0.1 and at["LElbow"][0] < at["LShoulder"][0] - 0.1
    assert at["RWrist"][1] > at["RElbow"][1] + 0.1 and at["RAnkle"][1] < at["RKnee"][1] - 0.1
    WRITERS["csv"](as_lifted(joints.numpy(), np.array([0, 1]), np.array([3, 7])), tmp_path)
    with (tmp_path / "angles.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["frame"], row["piece"]) for row in rows] == [("3", "1"), ("7", "2")]
    for row in rows:
        assert {name: float(row[name]) for name in names} == pytest.approx(
            {name: wanted.get(name, 0) for name in names}, abs=0.011
        )
    printed = capsys.readouterr().out
    assert "right knee: flexion 40 to 40" in printed and "left hip: internal rotation 15 to 15" in printed
    assert "waist" not in printed  # nothing moves there
