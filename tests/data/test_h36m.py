"""Human3.6M's prepared files -> recordings: who trains, who tests, and what every refusal says."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from data.dataset import PoseDataset
from data.h36m import recordings as h36m
from data.h36m.cameras import CAMERA_IDS, H36M_CAMERAS
from data.h36m.names import SUBJECTS
from data.recordings import DataSettings
from kinematics.skeleton import Skeleton

RECORDINGS = ("Sitting", "SittingDown 1", "Walking")


@pytest.fixture(scope="module")
def positions(h36m_poses: Callable) -> dict[str, dict[str, np.ndarray]]:
    """subject -> recording -> (F, 32, 3) metres."""
    return {
        subject: {
            recording: (h36m_poses(60 + i, 0.95 + 0.02 * i, seed=10 * i + j) / 1000).astype(np.float32)
            for j, recording in enumerate(RECORDINGS)
        }
        for i, subject in enumerate(SUBJECTS)
    }


def save_3d(folder: Path, positions: dict) -> DataSettings:
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "data_3d_h36m.npz", positions_3d=np.array(positions, dtype=object))
    return DataSettings(dataset="h36m", data_root=str(folder))


@pytest.fixture(scope="module")
def settings(positions: dict, tmp_path_factory: pytest.TempPathFactory) -> DataSettings:
    return save_3d(tmp_path_factory.mktemp("h36m"), positions)


def subjects(recordings: list) -> set[str]:
    return {recording.subject for recording in recordings}


def test_the_split_is_the_field_s_with_s8_held_out(settings: DataSettings) -> None:
    splits = h36m.load(settings)
    assert subjects(splits.train) == {"S1", "S5", "S6", "S7"}
    assert subjects(splits.validation) == {"S8"}
    assert subjects(splits.tests["h36m"]) == {"S9", "S11"}
    assert splits.notes == []
    recording = splits.train[1]
    assert (recording.action, recording.group["sequence"], recording.fps) == ("SittingDown", "S1 SittingDown 1", 50.0)
    assert [view.camera_name for view in recording.views] == list(CAMERA_IDS)


def test_validation_has_as_many_wide_cameras_as_a_lifter_sees(settings: DataSettings) -> None:
    alone, together = h36m.load(settings), h36m.load(replace(settings, views=2))
    assert len(alone.validation) == len(together.validation) > 0
    for one, two in zip(alone.validation, together.validation, strict=True):
        assert [view.camera_name for view in two.views] == ["wide", "wide, camera 2"]
        np.testing.assert_array_equal(one.views[0].joints_2d, two.views[0].joints_2d)
        np.testing.assert_allclose(two.views[1].joints_world, one.joints_world, atol=1e-5)
    for one, two in zip(alone.tests["h36m"], together.tests["h36m"], strict=True):
        np.testing.assert_array_equal(one.views[3].joints_2d, two.views[3].joints_2d)


def test_without_holding_out_s8_trains_too(settings: DataSettings) -> None:
    splits = h36m.load(replace(settings, hold_out_validation=False))
    assert subjects(splits.train) == {"S1", "S5", "S6", "S7", "S8"}
    assert subjects(splits.validation) == {"S8"}


def test_views_are_the_world_seen_by_the_subject_s_cameras(settings: DataSettings, positions: dict) -> None:
    recording = h36m.load(settings).tests["h36m"][0]
    world = Skeleton("h36m_32").convert(positions["S9"]["Sitting"], "h36m_16")
    np.testing.assert_allclose(recording.joints_world, world, atol=1e-5)
    for view, camera in zip(recording.views, H36M_CAMERAS["S9"], strict=True):
        joints_camera = camera.world_to_camera(torch.from_numpy(world).double())
        np.testing.assert_allclose(view.joints_3d, joints_camera.numpy(), atol=1e-5)
        np.testing.assert_allclose(view.joints_2d, camera.project(joints_camera).numpy(), atol=1e-6)


def test_validation_is_seen_by_wide_cameras_of_its_own(settings: DataSettings) -> None:
    validation = h36m.load(settings).validation
    assert sum(len(recording) for recording in validation) == sum(60 + SUBJECTS.index("S8") for _ in RECORDINGS)
    assert all(len(recording) <= 50 and len(recording.views) == 1 for recording in validation)
    focals = [float(recording.views[0].camera.intrinsics[0]) for recording in validation]  # type: ignore[union-attr]
    assert len(set(focals)) == len(focals) and all(1.2 <= focal <= 2.2 for focal in focals)
    again = h36m.load(replace(settings, subjects_train=("S1",), actions=("Walking",))).validation
    of_walking = [recording for recording in validation if recording.action == "Walking"]
    for one, other in zip(of_walking, again, strict=True):  # cameras do not depend on what else is loaded
        np.testing.assert_array_equal(one.views[0].joints_2d, other.views[0].joints_2d)


def test_17_joints_keep_the_neck(settings: DataSettings, positions: dict) -> None:
    recording = h36m.load(replace(settings, num_joints=17)).train[0]
    world = Skeleton("h36m_32").convert(positions["S1"]["Sitting"], "h36m_17")
    np.testing.assert_allclose(recording.joints_world, world, atol=1e-5)


def test_downsampling_thins_training_only(settings: DataSettings) -> None:
    whole, thin = h36m.load(settings), h36m.load(replace(settings, downsample=10))
    assert [len(recording) for recording in thin.train] == [-(-len(recording) // 10) for recording in whole.train]
    assert thin.train[0].fps == 5.0
    np.testing.assert_array_equal(thin.train[0].views[2].joints_2d, whole.train[0].views[2].joints_2d[::10])
    assert [len(recording) for recording in thin.tests["h36m"]] == [len(recording) for recording in whole.tests["h36m"]]


def test_one_subject_and_chosen_actions(settings: DataSettings) -> None:
    splits = h36m.load(replace(settings, subjects_train=("S1",), actions=("Sitting", "Walking")))
    assert subjects(splits.train) == {"S1"} and subjects(splits.validation) == {"S8"}
    assert [recording.action for recording in splits.train] == ["Sitting", "Walking"]  # and not SittingDown
    one = h36m.load(replace(settings, actions=("SittingDown 1",)))
    assert {recording.group["sequence"] for recording in one.tests["h36m"]} == {"S9 SittingDown 1", "S11 SittingDown 1"}


def save_2d(folder: Path, positions: dict, frames_more: int = 0, leave_out: str = "") -> None:
    draw = np.random.default_rng(0)
    content = {
        subject: {
            recording: [draw.uniform(100, 900, (len(joints) + frames_more, 17, 2)).astype(np.float32) for _ in range(4)]
            for recording, joints in recordings.items()
            if f"{subject} {recording}" != leave_out
        }
        for subject, recordings in positions.items()
    }
    np.savez(folder / "data_2d_h36m_cpn.npz", positions_2d=np.array(content, dtype=object))


def test_detections_replace_the_projection_and_cuts_are_told(positions: dict, tmp_path: Path) -> None:
    settings = save_3d(tmp_path, positions)
    save_2d(tmp_path, positions, frames_more=2, leave_out="S9 Walking")
    true, seen = h36m.load(settings), h36m.load(replace(settings, keypoints="cpn"))
    assert len(seen.tests["h36m"]) == len(true.tests["h36m"]) - 1
    for one, other in zip(true.train, seen.train, strict=True):
        np.testing.assert_array_equal(one.views[1].joints_3d, other.views[1].joints_3d)
        assert np.abs(one.views[1].joints_2d - other.views[1].joints_2d).max() > 0.1
    recordings = len(seen.train) + len(seen.tests["h36m"])
    assert f"in {recordings} recordings" in seen.notes[0] and f"{recordings * 4 * 2} frames of 2D" in seen.notes[0]
    assert "no keypoints for S9 Walking" in seen.notes[1]


def test_a_shorter_detection_cuts_the_3d(positions: dict, tmp_path: Path) -> None:
    settings = save_3d(tmp_path, positions)
    save_2d(tmp_path, positions, frames_more=-5)
    recording = h36m.load(replace(settings, keypoints="cpn")).train[0]
    assert len(recording) == len(recording.views[0].joints_3d) == len(recording.views[0].joints_2d) == 55


def test_missing_subjects_are_noted_and_named_ones_refused(positions: dict, tmp_path: Path) -> None:
    few = {subject: positions[subject] for subject in ("S1", "S9")}
    settings = save_3d(tmp_path, few)
    splits = h36m.load(settings)
    assert subjects(splits.train) == {"S1"} and splits.validation == []
    assert "S5, S6, S7, S8 not in data_3d_h36m.npz" in splits.notes[0] and "S11" in splits.notes[1]
    with pytest.raises(ValueError, match=r"Subject 'S7' is not known: choose from S1, S9"):
        h36m.load(replace(settings, subjects_train=("S7",)))


def test_a_file_of_test_subjects_is_enough_to_test(positions: dict, tmp_path: Path) -> None:
    splits = h36m.load(save_3d(tmp_path, {"S9": positions["S9"]}))
    assert splits.train == [] and "training is empty" in splits.notes[-1]
    assert len(PoseDataset.from_recordings(splits.tests["h36m"])) == 4 * 3 * len(positions["S9"]["Walking"])


def test_reduced_files_of_17_joints_are_read(positions: dict, tmp_path: Path) -> None:
    few = {s: {"Walking": Skeleton("h36m_32").convert(positions[s]["Walking"], "h36m_17")} for s in ("S1", "S9")}
    reduced = h36m.load(save_3d(tmp_path / "17", few))
    whole = h36m.load(save_3d(tmp_path / "32", {s: {"Walking": positions[s]["Walking"]} for s in ("S1", "S9")}))
    np.testing.assert_array_equal(reduced.train[0].views[0].joints_2d, whole.train[0].views[0].joints_2d)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"subjects_train": ("S2",)}, "Subject 'S2' is not known: choose from S1"),
        ({"subjects_train": ("S9",), "subjects_test": ("S9",)}, "S9 would be trained and tested on"),
        ({"actions": ("Walkin",)}, "Action 'Walkin' is not known.*Perhaps you meant: Walking"),
        ({"downsample": 0}, "downsample is 0, expected 1"),
        ({"num_joints": 20}, "No layout has 20 joints"),
        ({"keypoints": "cpn_ft_h36m_dbb"}, "data_2d_h36m_cpn_ft_h36m_dbb.npz is missing"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: DataSettings, changes: dict, words: str) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=words):
        h36m.load(replace(settings, **changes))


def _nan(joints: np.ndarray) -> np.ndarray:
    return np.where(np.arange(len(joints))[:, None, None] == 3, np.nan, joints).astype(np.float32)


def _wild(value: float) -> Callable:
    def spoil(joints: np.ndarray) -> np.ndarray:
        spoiled = joints.astype(np.float64)
        spoiled[17, 3, 1] = value  # the right ankle
        return spoiled

    return spoil


@pytest.mark.parametrize(
    "spoil, words",
    [
        (_wild(10_240), r"frame 17 has RAnkle 10,2\d\d m from the root, expected at most 4 m .1 of 60 are like that"),
        (_wild(1e300), r"the number 1e\+300, expected at most 1e\+15"),
        (lambda joints: joints + np.float32(9000), r"frame 0 has .* m from the world's origin, expected at most 100 m"),
        (lambda joints: joints * 1000, r"thighs of .*look like mm.*prepare_data_h36m"),
        (_nan, "is empty or has NaN"),
        (lambda joints: joints[:0], "is empty or has NaN"),
        (lambda joints: joints[:, :20], r"shape \(60, 20, 3\), expected \(frames, 32, 3\)"),
        (lambda joints: joints.reshape(-1, 96), r"shape \(60, 96\), expected \(frames, 32, 3\)"),
    ],
)
def test_a_spoiled_recording_is_refused_by_name(spoil: Callable, words: str, positions: dict, tmp_path: Path) -> None:
    settings = save_3d(tmp_path, {"S1": {"Eating": spoil(positions["S1"]["Walking"])}})
    with pytest.raises(ValueError, match=rf"data_3d_h36m\.npz: S1 Eating:? {words}|S1 Eating has.*{words}"):
        h36m.load(settings)


@pytest.mark.parametrize(
    "content, words",
    [
        ({"S1": {"Juggling": np.ones((3, 32, 3))}}, "S1 has a recording 'Juggling', expected one of Directions"),
        ({"S2": {"Walking": np.ones((3, 32, 3))}}, "subject 'S2' is not known"),
        ([1, 2], "expected 'positions_3d': subject -> recording"),
    ],
)
def test_another_file_is_refused(content: object, words: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=words):
        h36m.load(save_3d(tmp_path, content))  # type: ignore[arg-type]


def test_a_missing_file_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"data_3d_h36m\.npz is missing\. Make it with: python -m data\.prepare"
    ):
        h36m.load(DataSettings(data_root=str(tmp_path)))
