"""3DPW's pickles of Python 2, read without running them, and PoseAug's file of it."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from data import load_dataset, load_test_set
from data.dataset import PoseDataset
from data.domains.three_dpw import FROM_SMPL
from data.recordings import DataSettings
from evaluation.protocols import PROTOCOLS


@pytest.fixture
def folder(tmp_path: Path, write_3dpw) -> Path:
    for split in ("train", "validation", "test"):
        write_3dpw(tmp_path / "3dpw" / "sequenceFiles" / split / f"downtown_{split}_00.pkl")
    return tmp_path


def test_a_sequence_becomes_what_the_phone_saw_of_each_person(tmp_path: Path, write_3dpw):
    content = write_3dpw(tmp_path / "sequenceFiles" / "test" / "downtown_walking_00.pkl")
    first, second = load_test_set("3dpw", DataSettings(data_root=str(tmp_path)))
    for recording, joints, pixels in zip((first, second), content["camera_frame"], content["pixels"], strict=True):
        (view,) = recording.views
        joints, pixels = joints[:, list(FROM_SMPL.values())], pixels[:, list(FROM_SMPL.values()), :2]
        usable = recording.usable
        np.testing.assert_allclose(view.joints_3d[usable], joints[usable], atol=1e-5)
        screen = pixels / 1080 * 2 - [1, 1920 / 1080]  # held upright: 1080 pixels wide
        np.testing.assert_allclose(view.joints_2d[usable], screen[usable], atol=1e-5)
        assert view.moves and recording.fps == 30
        heights = view.joints_world[usable, 0, 2]
        assert heights == pytest.approx(0.95, abs=1e-4)  # the world was turned to have z up
    assert first.usable.all() and np.flatnonzero(second.usable).tolist() == list(range(20))
    assert (first.action, first.group["sequence"]) == ("downtown_walking", "downtown_walking_00")


def test_the_official_splits_are_the_data_set_s(folder: Path):
    splits = load_dataset("3dpw", DataSettings("3dpw", str(folder)))
    parts = {"train": splits.train, "validation": splits.validation, "test": splits.tests["3dpw"]}
    assert {name: {r.action for r in of} for name, of in parts.items()} == {
        name: {f"downtown_{name}"} for name in parts
    }
    assert splits.notes == ["3DPW train: 60 frames of 2 people have a valid camera and 6 detected joints."]


def test_windows_of_several_frames_see_the_camera_frame_without_its_movement(folder: Path):
    settings = DataSettings(data_root=str(folder), num_joints=17)
    clips = PoseDataset.from_recordings(load_test_set("3dpw", settings, frames=9), "h36m_17", frames=9)
    single = PoseDataset.from_recordings(load_test_set("3dpw", settings), "h36m_17")
    assert clips.cameras is None and single.cameras is not None and len(single.cameras) == 80
    assert (clips.all().joints_3d[:, 4] == single.all().joints_3d[:, 0]).all()


def test_detections_are_the_files_own_and_gaps_of_them_are_cut(folder: Path):
    detected = load_test_set("3dpw_detected", DataSettings(data_root=str(folder)))
    projected = load_test_set("3dpw", DataSettings(data_root=str(folder)))
    assert [len(recording) for recording in detected] == [40, 20]
    limbs = list(PROTOCOLS["limbs"].scored)
    joints = [list(FROM_SMPL).index(name) for name in limbs]
    for seen, true in zip(detected, projected, strict=True):
        view = seen.views[0]
        difference = view.joints_2d[:, joints] - true.views[0].joints_2d[: len(seen), joints]
        assert np.abs(difference).max() < 1e-5 and view.confidence == pytest.approx(0.8)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"poses2d": []}, "of 2, 2 and 0 people"),
        ({"jointPositions": [np.zeros((40, 66))] * 2}, r"expected \(40, 72\) of real numbers"),
        ({"cam_poses": np.zeros((39, 4, 4))}, r"'jointPositions', expected \(39, 72\)"),
        ({"cam_poses": np.ones((40, 4, 4))}, "without a rotation"),
        ({"campose_valid": [np.zeros(40, dtype=np.uint8)] * 2}, "no sequence at all with a person in sight"),
    ],
)
def test_files_of_something_else_are_one_sentence(tmp_path: Path, write_3dpw, changes, message):
    write_3dpw(tmp_path / "sequenceFiles" / "test" / "downtown_walking_00.pkl", **changes)
    with pytest.raises(ValueError, match=message):
        load_test_set("3dpw", DataSettings(data_root=str(tmp_path)))


def test_millimetres_are_told(tmp_path: Path, write_3dpw):
    path = tmp_path / "sequenceFiles" / "test" / "downtown_walking_00.pkl"
    joints, poses = (write_3dpw(path)[name] for name in ("jointPositions", "cam_poses"))
    poses = poses.copy()
    poses[:, :3, 3] *= 1000
    write_3dpw(path, jointPositions=[1000 * of for of in joints], cam_poses=poses)
    with pytest.raises(ValueError, match="6.*m from the world's origin|They look like mm"):
        load_test_set("3dpw", DataSettings(data_root=str(tmp_path)))


class Attack:
    def __reduce__(self):
        return (Path.touch, (Path("attacked"),))


def test_nothing_in_a_pickle_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "sequenceFiles" / "test" / "a_00.pkl"
    path.parent.mkdir(parents=True)
    path.write_bytes(pickle.dumps({"poses2d": Attack()}))
    with pytest.raises(ValueError, match="Nothing of it was run"):
        load_test_set("3dpw", DataSettings(data_root=str(tmp_path)))
    assert not (tmp_path / "attacked").exists()
    for content, message in (
        (b"\x80\x02}q\x00U\x09seq", "is damaged: it cannot be read"),
        (pickle.dumps([1]), "holds a list"),
    ):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=message):
            load_test_set("3dpw", DataSettings(data_root=str(tmp_path)))


def test_missing_folders_and_people_that_have_no_names_are_one_sentence(folder: Path, tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"has no \*.pkl, expected 3DPW's sequences"):
        load_test_set("3dpw", DataSettings(data_root=str(tmp_path / "none")))
    with pytest.raises(ValueError, match="do not name their people"):
        load_test_set("3dpw", DataSettings(data_root=str(folder), subjects_test=("S1",)))
    with pytest.raises(ValueError, match="no sequence office with a person"):
        load_test_set("3dpw", DataSettings(data_root=str(folder), actions=("office",)))
    with pytest.raises(ValueError, match="views is 2, but 3dpw has 1"):
        load_test_set("3dpw", DataSettings(data_root=str(folder), views=2))


def test_poseaug_s_file_of_single_poses(tmp_path: Path, walk):
    joints = walk(7, "h36m_16")
    (tmp_path / "test_set").mkdir()
    np.savez(tmp_path / "test_set" / "test_3dpw.npz", pose3d=joints, pose2d=joints[..., :2])
    settings = DataSettings(data_extra_root=str(tmp_path))
    (recording,) = load_test_set("3dpw_poseaug", settings)
    assert recording.views[0].camera is None and len(recording) == 7
    np.testing.assert_array_equal(recording.views[0].joints_3d, joints.astype(np.float32))
    with pytest.raises(ValueError, match=r"the lifter reads 9 frame\(s\)"):
        load_test_set("3dpw_poseaug", settings, frames=9)
    np.savez(tmp_path / "test_set" / "test_3dpw.npz", pose3d=joints, pose2d=joints[..., :2] * 1000)
    with pytest.raises(ValueError, match="half image widths"):
        load_test_set("3dpw_poseaug", settings)
