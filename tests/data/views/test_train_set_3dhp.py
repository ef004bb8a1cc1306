"""annot.mat and camera.calibration of a walk in a known room, through the real command and back."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from data import load_dataset, load_test_set
from data.files.npz import load_npz_restricted
from data.mpi_inf_3dhp.official.train import CAMERAS, FRAMES
from data.mpi_inf_3dhp.train_set import load_train_recordings
from data.multiview.dataset import MultiViewDataset
from data.multiview.skeletool import read_calibration
from data.recordings import DataSettings, Recording
from kinematics.camera import Camera
from kinematics.errors import PoseFKError
from kinematics.rotation import quaternion_to_matrix
from kinematics.skeleton import Skeleton
from kinematics.triangulation import triangulate

FRAMES_WRITTEN = 24


def test_the_walk_comes_back_from_every_camera(
    release: Path,
    tmp_path: Path,
    joints_world: np.ndarray,
    rig: Callable[[int], list[Camera]],
    prepare: Callable[[Path], DataSettings],
) -> None:
    recordings = load_train_recordings(prepare(release))
    expected = Skeleton("mpi_inf_3dhp_28").convert(joints_world, "h36m_17")
    assert [(recording.subject, recording.action, recording.fps, len(recording)) for recording in recordings] == [
        ("S1", "Seq2", 50.0, FRAMES_WRITTEN), ("S4", "Seq1", 25.0, FRAMES_WRITTEN),
    ]  # fmt: skip
    for recording in recordings:
        assert [view.camera_name for view in recording.views] == [str(number) for number in CAMERAS]
        assert recording.usable.all() and recording.group["sequence"] == f"{recording.subject} {recording.action}"
        for view, number in zip(recording.views, CAMERAS, strict=True):
            np.testing.assert_allclose(view.joints_world, expected, atol=1e-4)
            assert view.camera is not None and view.joints_2d.dtype == view.joints_3d.dtype == np.float32
            projected = view.camera.project(torch.from_numpy(view.joints_3d)).numpy()
            np.testing.assert_allclose(view.joints_2d, projected, atol=1e-5)
            np.testing.assert_allclose(view.camera.translation, rig(14)[number].translation, atol=1e-5)


def test_its_2d_triangulates_to_the_walk(
    release: Path, tmp_path: Path, joints_world: np.ndarray, prepare: Callable[[Path], DataSettings]
) -> None:
    recording = load_train_recordings(prepare(release))[0]
    camera = Camera.stack([view.camera for view in recording.views if view.camera is not None]).to(torch.float64)
    screen = torch.from_numpy(np.stack([view.joints_2d for view in recording.views])).double()
    found = triangulate(screen, camera).numpy()
    np.testing.assert_allclose(found, Skeleton("mpi_inf_3dhp_28").convert(joints_world, "h36m_17"), atol=1e-4)


def test_16_joints_subjects_and_thinning_are_chosen_when_loading(
    release: Path, tmp_path: Path, prepare: Callable[[Path], DataSettings]
) -> None:
    settings = prepare(release)
    whole = load_train_recordings(settings)[1].views[0].joints_3d
    settings.num_joints, settings.subjects_train, settings.downsample = 16, ("S4",), 5
    (recording,) = load_train_recordings(settings)
    assert recording.subject == "S4" and recording.fps == 5
    np.testing.assert_array_equal(recording.views[0].joints_3d, np.delete(whole[::5], 9, axis=1))
    settings.subjects_train = ("S3",)
    with pytest.raises(ValueError, match="subject 'S3' is not known: choose from S1, S4"):
        load_train_recordings(settings)


def test_the_file_holds_plain_arrays_and_what_is_missing_is_told(
    release: Path, tmp_path: Path, capsys: pytest.CaptureFixture, prepare: Callable[[Path], DataSettings]
) -> None:
    prepare(release)
    told = capsys.readouterr().out.splitlines()
    assert "S1 Seq2      50      8       24   12,430" in told
    assert [line for line in told if line.startswith("missing")] == [
        f"missing  {name}" for name in FRAMES if name not in ("S1 Seq2", "S4 Seq1")
    ]
    content = load_npz_restricted(tmp_path / "data/data_3dhp_train.npz")
    with np.load(tmp_path / "data/data_3dhp_train.npz", allow_pickle=False) as file:
        assert set(file) == set(content) and content["S4/Seq1/joints_2d"].shape == (8, FRAMES_WRITTEN, 17, 2)


def test_the_released_calibration_stands_with_y_up(tmp_path: Path) -> None:
    """Camera 0 of S1 Seq1, as the data set has it: 1.5 m above the floor and level."""
    (tmp_path / "camera.calibration").write_text(
        "Skeletool Camera Calibration File V1.0\nname          0\n  sensor      10 10\n  size        2048 2048\n"
        "  animated    0\n  intrinsic   1497.693 0 1024.704 0 0 1497.103 1051.394 0 0 0 1 0 0 0 0 1 \n"
        "  extrinsic   0.9650164 0.00488022 0.262144 -562.8666 -0.004488356 -0.9993728 0.0351275 1398.138 "
        "0.262151 -0.03507521 -0.9643893 3852.623 0 0 0 1 \n  radial      0\n"
    )
    camera = read_calibration(tmp_path / "camera.calibration")["0"].camera
    axes = quaternion_to_matrix(camera.orientation_wxyz)
    assert 1.5 < float(camera.translation[2]) < 1.6 and float(axes[2, 1]) < -0.99
    # joint 0 of frame 100 (xingyizhou/pose-hg-3d, issue 13): 3D in the camera's frame falls on the 2D
    pixels = (camera.project(torch.tensor([-0.0180923, 0.102071, 3.72617], dtype=torch.float64)) + 1) * 1024
    np.testing.assert_allclose(pixels, [1017.43, 1092.4], atol=0.01)


def test_images_of_another_size_keep_their_aspect(
    release: Path,
    tmp_path: Path,
    rig: Callable[[int], list[Camera]],
    joints_world: np.ndarray,
    prepare: Callable[[Path], DataSettings],
    write_calibration: Callable[..., None],
) -> None:
    wide = (2048, 1024)
    write_calibration(release / "S4/Seq1/camera.calibration", rig(14), wide)
    recording = load_train_recordings(prepare(release))[1]
    camera = recording.views[0].camera
    assert camera is not None and float(camera.aspect) == 0.5
    np.testing.assert_allclose(
        recording.joints_world, Skeleton("mpi_inf_3dhp_28").convert(joints_world, "h36m_17"), atol=1e-4
    )


@pytest.fixture
def three_people(tmp_path: Path, release: Path, prepare: Callable[[Path], DataSettings]) -> DataSettings:
    """S1 (50 frames a second), S4, S7 and S8, prepared."""
    for subject in ("S7", "S8"):
        shutil.copytree(release / "S4/Seq1", release / subject / "Seq1")
    return prepare(release)


def people(recordings: list[Recording]) -> list[str]:
    return [recording.subject for recording in recordings]


def test_s7_validates_and_s8_tests(three_people: DataSettings) -> None:
    splits = load_dataset("mpi_inf_3dhp", replace(three_people, views=8))
    assert people(splits.train) == ["S1", "S4"] and people(splits.validation) == ["S7"]
    assert list(splits.tests) == ["3dhp_s8"] and people(splits.tests["3dhp_s8"]) == ["S8"]
    assert {recording.fps for recording in splits.train} == {25.0}, "the 50 of S1 are thinned"
    assert [len(recording) for recording in splits.train] == [FRAMES_WRITTEN // 2, FRAMES_WRITTEN]
    said = " ".join(splits.notes)
    for words in ("no published score", "S2, S3, S5, S6 not in data_3dhp_train.npz", "(1) are thinned to 25"):
        assert words in said
    batch = MultiViewDataset.from_recordings(splits.train, "h36m_17", frames=3, views=5).all()
    assert batch.views == 5 and batch.frames == 3
    assert people(load_test_set("3dhp_s8", three_people)) == ["S8"]


def test_who_trains_and_who_tests_can_be_chosen(three_people: DataSettings) -> None:
    splits = load_dataset("mpi_inf_3dhp", replace(three_people, hold_out_validation=False, downsample=4))
    assert people(splits.train) == ["S1", "S4", "S7"] and people(splits.validation) == ["S7"]
    assert [recording.fps for recording in (splits.train[0], splits.validation[0], *splits.tests["3dhp_s8"])] == [
        6.25,
        25,
        25,
    ]
    splits = load_dataset("mpi_inf_3dhp", replace(three_people, subjects_train=("S8",), subjects_test=("S1", "S7")))
    assert people(splits.train) == ["S8"] and people(splits.tests["3dhp_s8"]) == ["S1", "S7"]
    assert splits.validation == []
    splits = load_dataset("mpi_inf_3dhp", replace(three_people, subjects_test=("S4",)))
    assert people(splits.train) == ["S1"], "who tests does not train by default"


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"subjects_train": ("S3",)}, "Subject 'S3' is not known: choose from S1, S4, S7, S8"),
        ({"subjects_test": ("S9",)}, "Subject 'S9' is not known"),
        ({"subjects_train": ("S1",), "subjects_test": ("S1",)}, "Subject S1 would be trained and tested on"),
        ({"actions": ("Walking",)}, "Action 'Walking' is not known: choose from Seq1, Seq2"),
        ({"actions": ("Seq2",)}, "nothing to test on: no recording of S8"),
        ({"keypoints": "hr"}, "keypoints is 'hr', but mpi_inf_3dhp comes with its own 2D"),
        ({"downsample": 0}, "downsample is 0, expected 1"),
        ({"views": 9}, "views is 9, but mpi_inf_3dhp has 8 cameras that see a pose at once: ask for 1 to 8"),
    ],
)
def test_a_split_that_cannot_be_is_one_sentence(changes: dict, words: str, three_people: DataSettings) -> None:
    with pytest.raises(ValueError, match=words):
        load_dataset("mpi_inf_3dhp", replace(three_people, **changes))


def test_views_of_a_file_that_do_not_belong_together_are_refused_when_several_are_asked_for(
    three_people: DataSettings,
) -> None:
    path = Path(three_people.data_root) / "data_3dhp_train.npz"
    content = dict(load_npz_restricted(path))
    for name in ("joints_2d", "joints_3d"):
        late = content[f"S4/Seq1/{name}"].copy()
        late[1] = np.roll(late[1], 3, axis=0)
        content[f"S4/Seq1/{name}"] = late
    np.savez(path, **content)
    assert people(load_dataset("mpi_inf_3dhp", three_people).train) == ["S1", "S4"], "single views need not belong"
    with pytest.raises(PoseFKError, match="S4 Seq1: view 1 fits the others .* 3 frames later"):
        load_dataset("mpi_inf_3dhp", replace(three_people, views=4))
