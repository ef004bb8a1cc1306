"""HumanEva as VideoPose3D's files have it: the people's split, the lenses, COCO's detections, lifters of 15 and 16."""

from pathlib import Path

import numpy as np
import pytest

from augment.detector_noise.detections import is_projected
from data import load_dataset, load_test_set
from data.dataset import PoseDataset
from data.domains.humaneva import camera_at, fit_lens
from data.recordings import DataSettings
from tests.data.domains.conftest import LENS, humaneva_pixels


def test_each_chunk_is_a_recording_of_three_cameras_in_its_part_of_the_split(tmp_path: Path, write_humaneva):
    chunks = write_humaneva(tmp_path)
    splits = load_dataset("humaneva", DataSettings("humaneva", str(tmp_path), num_joints=15))
    for part, recordings in (("Train", splits.train), ("Validate", splits.tests["humaneva"])):
        assert {recording.group["sequence"] for recording in recordings} == {c for c in chunks if c.startswith(part)}
        for recording in recordings:
            assert [view.camera_name for view in recording.views] == ["C1", "C2", "C3"] and recording.fps == 60
            for view in recording.views:
                np.testing.assert_allclose(view.joints_world, chunks[recording.group["sequence"]], atol=1e-5)
                given = humaneva_pixels(
                    chunks[recording.group["sequence"]], recording.subject, int(view.camera_name[1]) - 1
                )
                pixels = (view.joints_2d + [1, 0.75]) * 320
                assert np.abs(pixels - given).max() < 0.1
    assert not splits.validation and any("trained on, as in VideoPose3D" in note for note in splits.notes)


def test_a_lens_is_found_from_what_it_projects(walk):
    joints = walk(400, "humaneva_15")
    camera = camera_at("S2", 1)
    assert fit_lens(camera, joints, humaneva_pixels(joints, "S2", 1)) < 1e-4
    assert camera.intrinsics.tolist() == pytest.approx(LENS, abs=0.03)


def test_people_and_actions_are_chosen_as_in_videopose3d(tmp_path: Path, write_humaneva):
    write_humaneva(tmp_path)
    settings = DataSettings("humaneva", str(tmp_path), num_joints=15, subjects_test=("S2",), actions=("Walk",))
    splits = load_dataset("humaneva", settings)
    assert {recording.subject for recording in splits.train} == {"S1", "S2"}
    assert [(r.subject, r.action) for r in splits.tests["humaneva"]] == [("S2", "Walking 1")]


def test_a_lifter_of_16_joints_reads_a_made_up_spine_between_pelvis_and_thorax(tmp_path: Path, write_humaneva):
    write_humaneva(tmp_path)
    notes: list[str] = []
    recordings = load_test_set("humaneva", DataSettings(data_root=str(tmp_path), num_joints=16), notes=notes)
    joints = PoseDataset.from_recordings(recordings).joints_3d
    np.testing.assert_allclose(joints[:, 7], (joints[:, 0] + joints[:, 8]) / 2, atol=1e-6)
    assert any("HumanEva has no Spine: made up for the lifter, and not scored" in note for note in notes)


def test_detected_coco_keypoints_become_the_15_joints_and_stay_detections(tmp_path: Path, write_humaneva):
    write_humaneva(tmp_path)
    settings = DataSettings("humaneva", str(tmp_path), keypoints="detectron_pt_coco", num_joints=15)
    dataset = PoseDataset.from_recordings(load_dataset("humaneva", settings).train, "humaneva_15")
    assert not is_projected(dataset) and dataset.cameras is not None
    settings.keypoints = "gt"
    projected = PoseDataset.from_recordings(load_dataset("humaneva", settings).train, "humaneva_15")
    assert is_projected(projected)
    limbs = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]
    np.testing.assert_allclose(dataset.joints_2d[:, limbs], projected.joints_2d[:, limbs], atol=0.02)
    (tmp_path / "data_2d_humaneva15_gt.npz").unlink()
    settings.keypoints = "detectron_pt_coco"
    splits = load_dataset("humaneva", settings)
    assert splits.train[0].views[0].camera is None and any("lenses are not known" in note for note in splits.notes)


def test_joints_that_jump_are_not_samples(tmp_path: Path, write_humaneva):
    write_humaneva(tmp_path)
    path = tmp_path / "data_3d_humaneva15.npz"
    content = np.load(path, allow_pickle=True)["positions_3d"].item()
    content["Validate/S1"]["Box 1 chunk1"][20:, 4] += [0.5, 0, 0]  # 30 m/s
    np.savez(path, positions_3d=np.array(content, dtype=object))
    settings = DataSettings(data_root=str(tmp_path), num_joints=15)
    recordings = {r.group["sequence"]: r for r in load_test_set("humaneva", settings)}
    assert np.flatnonzero(~recordings["Validate/S1 Box 1 chunk1"].usable).tolist() == [18, 19, 20, 21]


def millimetres(content: dict) -> None:
    content["Train/S1"]["Box 1 chunk0"] = 1000 * content["Train/S1"]["Box 1 chunk0"]


def other_joints(content: dict) -> None:
    content["Train/S1"]["Box 1 chunk0"] = np.zeros((4, 17, 3), np.float32)


def cut(content: dict) -> None:
    content["Train/S2"]["Box 1 chunk0"] = content["Train/S2"]["Box 1 chunk0"][:9]


def renamed(content: dict) -> None:
    content["Train/S2"]["Box 2 chunk0"] = content["Train/S2"]["Box 1 chunk0"]


def backwards(content: dict) -> None:
    for part in ("Train/S1", "Validate/S1"):
        content[part] = {name: joints[::-1] for name, joints in content[part].items()}


@pytest.mark.parametrize(
    "change, message",
    [
        (other_joints, r"\(4, 17, 3\), expected \(frames, 15, 3\)"),
        (millimetres, "millimetres"),
        (dict.clear, "has no chunk of Train/S1"),
        (renamed, "nothing, expected an array for each of 3 cameras"),
        (cut, r"expected pixels \(9, 15 or 17, 2\)"),
        (backwards, "beside its 2D in C1"),
    ],
)
def test_files_of_something_else_are_one_sentence(tmp_path: Path, write_humaneva, change, message):
    write_humaneva(tmp_path)
    path = tmp_path / "data_3d_humaneva15.npz"
    content = np.load(path, allow_pickle=True)["positions_3d"].item()
    change(content)
    np.savez(path, positions_3d=np.array(content, dtype=object))
    with pytest.raises(ValueError, match=message):
        load_dataset("humaneva", DataSettings("humaneva", str(tmp_path), num_joints=15))


def test_what_humaneva_has_not_is_one_sentence(tmp_path: Path, write_humaneva):
    write_humaneva(tmp_path)
    with pytest.raises(ValueError, match="HumanEva is read as 15, 16 or 17 joints"):
        load_dataset("humaneva", DataSettings("humaneva", str(tmp_path), num_joints=14))
    with pytest.raises(ValueError, match="choose from S1, S2, S3"):
        load_dataset("humaneva", DataSettings(data_root=str(tmp_path), num_joints=15, subjects_train=("S4",)))
    with pytest.raises(ValueError, match="choose from Box, Walking"):
        load_dataset("humaneva", DataSettings(data_root=str(tmp_path), num_joints=15, actions=("Swim",)))
    with pytest.raises(FileNotFoundError, match="--keypoints cpn needs it"):
        load_dataset("humaneva", DataSettings(data_root=str(tmp_path), num_joints=15, keypoints="cpn"))
