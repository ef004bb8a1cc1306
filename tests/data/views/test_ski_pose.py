"""Files as Ski-Pose PTZ has them, of somebody known who is seen by cameras that turn and zoom."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from data import load_dataset
from data.multiview.dataset import MultiViewDataset
from data.multiview.ski_pose import load_ski_recordings
from data.recordings import DataSettings
from kinematics.camera import Camera, look_at
from kinematics.errors import PoseFKError
from kinematics.rotation import quaternion_to_matrix

VIEWS, FRAMES, FIRST = 4, 30, 101
Records = dict[str, np.ndarray]


def downhill(walk: Callable[..., np.ndarray], frames: int) -> np.ndarray:
    """(F, 17, 3) metres: the walk on a slope of 20 degrees, 12 m a second."""
    way = np.arange(frames)[:, None, None] / 30 * 12 * np.array([0, np.cos(0.35), -np.sin(0.35)])
    return walk(frames) + way + [20.0, 10.0, 50.0]


def following(joints_world: np.ndarray) -> list[Camera]:
    """Per view, a camera for every frame: it stands still, turns after the skier, misses a little and zooms."""
    draw, cameras = np.random.default_rng(0), []
    frames, roots = len(joints_world), torch.from_numpy(joints_world[:, 0])
    for view in range(VIEWS):
        angle = 2 * np.pi * view / VIEWS + 0.2
        place = np.array([20 + 25 * np.cos(angle), 15 + 25 * np.sin(angle), 55])
        position = torch.from_numpy(np.repeat(place[None], frames, axis=0))
        target = roots + torch.from_numpy(draw.normal(0, 0.1, (frames, 3)))
        intrinsics = torch.zeros(frames, 9, dtype=torch.float64)
        intrinsics[:, 0] = intrinsics[:, 1] = torch.linspace(15, 22, frames)
        aspect = torch.ones(frames, dtype=torch.float64)
        cameras.append(Camera(look_at(position, target), position, intrinsics, aspect))
    return cameras


def records_of(joints_world: np.ndarray, sequence: int = 3, turn: np.ndarray | None = None) -> Records:
    """One record per view and frame, view by view. turn: of the file's world."""
    turn = np.eye(3) if turn is None else turn
    rows: dict[str, list[np.ndarray]] = {}
    for number, camera in enumerate(following(joints_world)):
        own = camera.world_to_camera(torch.from_numpy(joints_world))
        matrix = np.repeat(np.eye(3)[None], len(own), axis=0)
        matrix[:, 0, 0] = matrix[:, 1, 1] = camera.intrinsics[:, 0] / 2
        matrix[:, :2, 2] = 0.5
        axes = quaternion_to_matrix(camera.orientation_wxyz).numpy()
        content = {
            "seq": np.full(len(own), sequence), "cam": np.full(len(own), number), "subj": np.full(len(own), 2),
            "frame": FIRST + np.arange(len(own)), "3D": (own - own[:, :1]).reshape(len(own), 51).numpy(),
            "2D": ((camera.project(own) + 1) / 2).reshape(len(own), 34).numpy(), "cam_intrinsic": matrix,
            "cam_position": camera.translation.numpy() @ turn.T, "R_cam_2_world": turn @ axes,
        }  # fmt: skip
        for name, array in content.items():
            rows.setdefault(name, []).append(array)
    return {name: np.concatenate(arrays) for name, arrays in rows.items()}


def save(folder: Path, records: Records, name: str = "ski_train.h5") -> Path:
    (folder / name).parent.mkdir(exist_ok=True)
    with h5py.File(folder / name, "w") as file:
        for key, array in records.items():
            file[key] = array
    return folder


@pytest.fixture
def joints_world(walk: Callable[..., np.ndarray]) -> np.ndarray:
    return downhill(walk, FRAMES)


@pytest.mark.parametrize("name", ["ski_train.h5", "train/labels.h5"])
def test_the_skier_comes_back_from_every_camera(tmp_path: Path, joints_world: np.ndarray, name: str) -> None:
    (recording,) = load_ski_recordings(save(tmp_path, records_of(joints_world), name), "train")
    assert (recording.subject, recording.fps, len(recording), len(recording.views)) == ("S2", 30, FRAMES, VIEWS)
    for view, camera in zip(recording.views, following(joints_world), strict=True):
        assert view.present is None and view.camera is not None and view.moves
        np.testing.assert_allclose(view.joints_world, joints_world, atol=1e-4)
        np.testing.assert_allclose(view.camera.translation, camera.translation, atol=1e-5)
        projected = view.camera.project(torch.from_numpy(view.joints_3d)).numpy()
        np.testing.assert_allclose(view.joints_2d, projected, atol=1e-4)


def test_absolute_3d_means_the_same_as_centred(tmp_path: Path, joints_world: np.ndarray) -> None:
    records = records_of(joints_world)
    records["3D"] = records["3D"] + np.tile([0.5, -1.0, 20.0], 17)
    recording = load_ski_recordings(save(tmp_path, records), "train")[0]
    np.testing.assert_allclose(recording.joints_world, joints_world, atol=1e-4)


def test_16_joints_are_the_17_without_the_nose(tmp_path: Path, joints_world: np.ndarray) -> None:
    recording = load_ski_recordings(save(tmp_path, records_of(joints_world)), "train", 16)[0]
    np.testing.assert_allclose(recording.joints_world, np.delete(joints_world, 9, axis=1), atol=1e-4)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("sign", [-1, 1])
def test_whatever_is_up_in_the_file_z_is_in_the_recording(
    tmp_path: Path, joints_world: np.ndarray, axis: int, sign: int
) -> None:
    turn = np.roll(np.eye(3), axis, axis=0) @ np.diag([1.0, sign, sign])  # a rotation: no world is mirrored
    recording = load_ski_recordings(save(tmp_path, records_of(joints_world, turn=turn)), "train")[0]
    np.testing.assert_allclose(recording.joints_world[..., 2], joints_world[..., 2], atol=1e-4)


def test_a_camera_without_a_record_is_not_present(tmp_path: Path, joints_world: np.ndarray) -> None:
    records = records_of(joints_world)
    lost = (records["cam"] == 1) & np.isin(records["frame"], [FIRST, FIRST + 7, FIRST + 8])
    lost |= (records["cam"] == 0) & (records["frame"] >= FIRST + 20)
    shuffled = np.random.default_rng(1).permutation(np.flatnonzero(~lost))
    (recording,) = load_ski_recordings(
        save(tmp_path, {name: array[shuffled] for name, array in records.items()}), "train"
    )
    assert np.flatnonzero(~recording.views[1].is_present).tolist() == [0, 7, 8]
    assert np.flatnonzero(~recording.views[0].is_present).tolist() == list(range(20, FRAMES))
    assert recording.views[2].present is None
    for view in recording.views:
        np.testing.assert_allclose(view.joints_world, joints_world, atol=1e-4)  # fillers are finite and consistent
        assert np.isfinite(view.joints_2d).all()


def test_missing_frames_cut_the_recording(tmp_path: Path, joints_world: np.ndarray) -> None:
    records = records_of(joints_world)
    kept = np.isin(records["frame"], FIRST + np.array([*range(0, 12, 2), *range(20, 30, 2)]))
    alone = kept & ~((records["frame"] > FIRST + 15) & (records["cam"] > 1))
    recordings = load_ski_recordings(save(tmp_path, {name: array[alone] for name, array in records.items()}), "train")
    assert [(len(recording), len(recording.views), recording.fps) for recording in recordings] == [
        (6, 4, 15),
        (5, 2, 15),
    ]
    np.testing.assert_allclose(recordings[1].joints_world, joints_world[20:30:2], atol=1e-4)
    assert [recording.group["sequence"] for recording in recordings] == ["seq 3 frame 101", "seq 3 frame 121"]


def test_runs_of_a_single_camera_are_left_out(tmp_path: Path, joints_world: np.ndarray) -> None:
    first, second = records_of(joints_world), records_of(joints_world, sequence=5)
    lonely = second["cam"] == 2
    both = {name: np.concatenate([array, second[name][lonely]]) for name, array in first.items()}
    assert [recording.group["sequence"] for recording in load_ski_recordings(save(tmp_path, both), "train")] == [
        "seq 3 frame 101"
    ]


def _nan(array: np.ndarray) -> np.ndarray:
    return np.where(np.arange(len(array))[:, None] == 3, np.nan, array)


def _noisy(array: np.ndarray) -> np.ndarray:
    return array + np.random.default_rng(0).normal(0, 0.1, array.shape)


@pytest.mark.parametrize(
    "key, change, words",
    [
        ("2D", lambda a: None, r"has '2D' of shape \(0,\), not \('records', 34\)"),
        ("3D", lambda a: a[:, :48], r"has '3D' of shape \(120, 48\), not \('records', 51\)"),
        ("3D", _nan, "has NaN or infinity in '3D'"),
        ("3D", lambda a: a * 1000, "thighs of .* m, expected 0.2 to 0.7 m"),
        ("2D", lambda a: a[:100], "has arrays of 100 to 120 records"),
        ("2D", _noisy, "the 3D of view 0 falls .* beside its 2D, expected under 0.04"),
        ("R_cam_2_world", lambda a: a * 0.5, "R_cam_2_world that is no rotation"),
        ("frame", lambda a: np.where(a == FIRST + 1, FIRST, a), "camera 0 twice in frame 101 of sequence 3"),
    ],
)
def test_a_wrong_file_is_refused_by_name(
    key: str, change: Callable[[np.ndarray], np.ndarray | None], words: str, tmp_path: Path, joints_world: np.ndarray
) -> None:
    records = records_of(joints_world)
    value = change(records.pop(key))
    save(tmp_path, records | ({} if value is None else {key: value}))
    with pytest.raises((ValueError, PoseFKError), match=rf"ski_train\.h5.*{words}"):
        load_ski_recordings(tmp_path, "train")


def test_a_missing_a_truncated_and_an_unknown_file_are_one_sentence(tmp_path: Path, joints_world: np.ndarray) -> None:
    with pytest.raises(FileNotFoundError, match=r"ski_test\.h5 is missing\. It is part of the Ski-Pose"):
        load_ski_recordings(tmp_path, "test")
    path = save(tmp_path, records_of(joints_world)) / "ski_train.h5"
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(ValueError, match=r"ski_train\.h5 is not a whole HDF5 file"):
        load_ski_recordings(tmp_path, "train")
    with pytest.raises(ValueError, match="split 'valid' is not known: choose from train, test"):
        load_ski_recordings(tmp_path, "valid")


@pytest.fixture
def both_files(tmp_path: Path, joints_world: np.ndarray) -> DataSettings:
    """A training file of two skiers, the second seen by two cameras, and a test file of a third."""
    first, second = records_of(joints_world), records_of(joints_world, sequence=5)
    second["subj"][:] = 4
    few = second["cam"] < 2
    save(tmp_path, {name: np.concatenate([array, second[name][few]]) for name, array in first.items()})
    test = records_of(joints_world, sequence=9)
    test["subj"][:] = 6
    save(tmp_path, test, "ski_test.h5")
    return DataSettings(dataset="ski", data_root=str(tmp_path), num_joints=17)


def test_the_released_files_are_training_and_test(both_files: DataSettings) -> None:
    splits = load_dataset("ski", replace(both_files, downsample=3))
    assert [(recording.subject, len(recording.views), len(recording)) for recording in splits.train] == [
        ("S2", 4, 10),
        ("S4", 2, 10),
    ]
    assert splits.validation == [] and [recording.subject for recording in splits.tests["ski"]] == ["S6"]
    assert len(splits.tests["ski"][0]) == FRAMES and splits.train[0].fps == 10
    assert "30 frames a second are assumed, and no one is held out" in splits.notes[0]
    assert [
        recording.subject for recording in load_dataset("ski", replace(both_files, subjects_train=("S4",))).train
    ] == ["S4"]


def test_runs_that_too_few_cameras_see_are_left_out_and_told(both_files: DataSettings) -> None:
    splits = load_dataset("ski", replace(both_files, views=3))
    assert [recording.subject for recording in splits.train] == ["S2"]
    assert "Ski-Pose train: 1 of 2 runs left out, seen by under 3 cameras." in splits.notes
    batch = MultiViewDataset.from_recordings(splits.train, "h36m_17", views=3).all()
    world = batch.joints_world()
    torch.testing.assert_close(world, world[:, :1].expand_as(world), atol=1e-4, rtol=0)
    with pytest.raises(ValueError, match=r"moves has no one view of 3 frames: use single frames \(--frames 1\)"):
        MultiViewDataset.from_recordings(splits.train, "h36m_17", frames=3, views=3)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"views": 5}, "Ski-Pose train has no run seen by 5 cameras"),
        ({"views": 7}, "views is 7, but ski has 6 cameras"),
        ({"subjects_train": ("S6",)}, "Ski-Pose train: subject 'S6' is not known: choose from S2, S4"),
        ({"subjects_test": ("S2",)}, "Ski-Pose test: subject 'S2' is not known: choose from S6"),
        ({"actions": ("Walking",)}, "Action 'Walking' is not known: choose from Skiing"),
        ({"keypoints": "hr"}, "keypoints is 'hr', but ski comes with its own 2D"),
    ],
)
def test_skiers_that_cannot_be_had_are_one_sentence(changes: dict, words: str, both_files: DataSettings) -> None:
    with pytest.raises(ValueError, match=words):
        load_dataset("ski", replace(both_files, **changes))
