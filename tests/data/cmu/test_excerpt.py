"""The motion that ships with the project."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from data import cmu
from data.benchmark_cameras import FPS
from data.cmu import excerpt
from data.cmu.clips import CMUX_CLIPS
from data.cmu.coding import EXCERPT, STEP, decode, encode
from data.cmu.prepared import read_clips
from data.recordings import DataSettings
from kinematics import PoseFKError, Skeleton


@given(arrays(np.float32, (5, 17, 3), elements=st.floats(-1, 1, width=32)))
def test_joints_come_back_to_half_a_step(joints):
    np.testing.assert_allclose(decode(encode(joints)), joints, atol=STEP / 2 + 1e-6)


def test_a_leap_that_does_not_fit_is_refused():
    joints = np.zeros((3, 17, 3), np.float32)
    joints[1] = 40
    with pytest.raises(PoseFKError, match="more than 16 m in a frame"):
        encode(joints)


def test_what_ships_is_cmu_x_whole_small_and_acknowledged(tmp_path):
    assert EXCERPT.stat().st_size < 1_500_000
    with np.load(EXCERPT) as file:
        assert "obtained from mocap.cs.cmu.edu" in str(file["about"])
    clips = cmu.read_prepared(tmp_path)
    assert list(clips) == list(CMUX_CLIPS) and sum(clip.usable.size for clip in clips.values()) == 30_920
    assert all(clip.fps == pytest.approx(FPS, abs=1e-3) for clip in clips.values())
    walker = clips["35_01"]
    layout = Skeleton("h36m_17")
    lengths = bone_lengths_of(walker.joints_world, layout)
    limbs = [layout.joints.index(name) for name in ("RKnee", "RAnkle", "LElbow", "LWrist")]
    assert (lengths[:, limbs].std(axis=0) < STEP).all() and (lengths[:, limbs].mean(axis=0) > 0.2).all()


def bone_lengths_of(joints: np.ndarray, layout: Skeleton) -> np.ndarray:
    return np.linalg.norm(joints - joints[:, [max(parent, 0) for parent in layout.parents]], axis=-1)


def test_a_data_set_without_a_file_is_the_motion_that_ships_and_says_so(tmp_path):
    splits = cmu.load(DataSettings(dataset="cmu", data_root=str(tmp_path), actions=("walk",)))
    assert splits.notes[0] == f"CMU-X: the motion that ships with PoseFK; {tmp_path / cmu.FILE_NAME} is not there."
    assert splits.train and splits.validation and splits.tests["cmux_b"]


def test_a_prepared_file_comes_before_what_ships(prepared):
    assert len(cmu.read_prepared(prepared)) == 5


def test_the_command_writes_the_same_clips_at_the_benchmark_s_rate(prepared, tmp_path, monkeypatch, capsys):
    before = read_clips(prepared / cmu.FILE_NAME)
    monkeypatch.setattr(excerpt, "CMUX_CLIPS", dict.fromkeys(before))
    excerpt.main(["--data_root", str(prepared), "--out", str(tmp_path / "x.npz")])
    assert "off by 0.25 mm at most" in capsys.readouterr().out
    for name, clip in read_clips(tmp_path / "x.npz").items():
        wanted = before[name].at_fps(FPS)
        np.testing.assert_allclose(clip.joints_world, wanted.joints_world, atol=STEP / 2 + 1e-6)
        assert (clip.usable == wanted.usable).all() and clip.source_format == wanted.source_format


def test_a_file_that_lacks_clips_is_refused_by_name(prepared, tmp_path):
    with pytest.raises(PoseFKError, match="lacks 139 clips of CMU-X, first 01_02"):
        excerpt.main(["--data_root", str(prepared), "--out", str(tmp_path / "x.npz")])
    assert not list(tmp_path.iterdir())


def test_a_damaged_excerpt_is_one_sentence(tmp_path):
    content = dict(np.load(EXCERPT))
    content["second_differences"] = content["second_differences"][:, :2]
    np.savez(tmp_path / "x.npz", **content)
    with pytest.raises(ValueError, match=r"x\.npz.* array \(17, 2, 30920\).*expected \(17, 3, frames\)"):
        read_clips(tmp_path / "x.npz")
