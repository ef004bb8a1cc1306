"""annot.mat and camera.calibration of a walk in a known room, through the real command and back."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.io import savemat

from data import load_dataset, load_test_set
from data.mpi_inf_3dhp_train import CAMERAS, FRAMES
from data.multiview import MultiViewDataset
from data.readers import load_npz_restricted
from data.skeletool import read_calibration
from data.takes import DataSettings, Take
from data.train_set_3dhp import load_train_takes
from kinematics.camera import Camera
from kinematics.errors import PoseFKError
from kinematics.rotation import quaternion_to_matrix
from kinematics.skeleton import Skeleton
from kinematics.triangulation import triangulate
from prepare_data_3dhp import main

FRAMES_WRITTEN = 24
SIZE = 2048
Y_UP_Z_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])


def write_calibration(path: Path, cameras: list[Camera], size: tuple[int, int] = (SIZE, SIZE)) -> None:
    """As Skeletool writes: 4 x 4 matrices row by row, world to camera, mm, y up; seven digits."""
    lines = ["Skeletool Camera Calibration File V1.0"]
    for number, camera in enumerate(cameras):
        turn = quaternion_to_matrix(camera.orientation_wxyz).numpy().T @ Y_UP_Z_UP.T
        extrinsic, intrinsic = np.eye(4), np.eye(4)
        extrinsic[:3, :3] = turn
        extrinsic[:3, 3] = -turn @ Y_UP_Z_UP @ camera.translation.numpy() * 1000
        focal_x, focal_y, x, y = camera.intrinsics[:4].tolist()
        intrinsic[:2, :3] = np.array([[focal_x, 0, x + 1], [0, focal_y, y + 1]]) * SIZE / 2
        lines += [
            f"name          {number}",
            "  sensor      10 10",
            f"  size        {size[0]} {size[1]}",
            "  animated    0",
        ]
        for name, matrix in (("intrinsic", intrinsic), ("extrinsic", extrinsic)):
            lines.append(f"  {name}   " + " ".join(f"{value:.10g}" for value in matrix.ravel()) + " ")
        lines.append("  radial      0")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def annotations(joints_world: np.ndarray, cameras: list[Camera]) -> dict[str, Any]:
    """joints_world: (F, 28, 3) metres. Cells of 14 cameras: (F, 56) pixels, (F, 84) mm."""
    content: dict[str, Any] = {"cameras": np.arange(14)[None]}
    points = torch.from_numpy(joints_world)
    for key in ("annot2", "annot3", "univ_annot3"):
        content[key] = np.empty((14, 1), dtype=object)
    for number, camera in enumerate(cameras):
        own = camera.world_to_camera(points)
        pixels = (camera.project(own).numpy() + 1) * SIZE / 2
        content["annot2"][number, 0] = pixels.reshape(len(points), -1)
        content["annot3"][number, 0] = own.numpy().reshape(len(points), -1) * 1000
        content["univ_annot3"][number, 0] = content["annot3"][number, 0] * 0.9
    return content


@pytest.fixture
def joints_world(walk: Callable[..., np.ndarray]) -> np.ndarray:
    return walk(FRAMES_WRITTEN, "mpi_inf_3dhp_28")


@pytest.fixture
def release(tmp_path: Path, rig: Callable[[int], list[Camera]], joints_world: np.ndarray) -> Path:
    """Two sequences of the official folder."""
    for name in ("S1/Seq2", "S4/Seq1"):
        folder = tmp_path / "raw" / name
        write_calibration(folder / "camera.calibration", rig(14))
        savemat(folder / "annot.mat", annotations(joints_world, rig(14)))
    return tmp_path / "raw"


def prepare(tmp_path: Path, release: Path) -> DataSettings:
    main(["--train", str(release), "--data_root", str(tmp_path / "data")])
    return DataSettings(data_root=str(tmp_path / "data"), num_joints=17)


def test_the_walk_comes_back_from_every_camera(
    release: Path, tmp_path: Path, joints_world: np.ndarray, rig: Callable[[int], list[Camera]]
) -> None:
    takes = load_train_takes(prepare(tmp_path, release))
    expected = Skeleton("mpi_inf_3dhp_28").convert(joints_world, "h36m_17")
    assert [(take.subject, take.action, take.fps, len(take)) for take in takes] == [
        ("S1", "Seq2", 50.0, FRAMES_WRITTEN), ("S4", "Seq1", 25.0, FRAMES_WRITTEN),
    ]  # fmt: skip
    for take in takes:
        assert [view.camera_name for view in take.views] == [str(number) for number in CAMERAS]
        assert take.usable.all() and take.group["sequence"] == f"{take.subject} {take.action}"
        for view, number in zip(take.views, CAMERAS, strict=True):
            np.testing.assert_allclose(view.joints_world, expected, atol=1e-4)
            assert view.camera is not None and view.joints_2d.dtype == view.joints_3d.dtype == np.float32
            projected = view.camera.project(torch.from_numpy(view.joints_3d)).numpy()
            np.testing.assert_allclose(view.joints_2d, projected, atol=1e-5)
            np.testing.assert_allclose(view.camera.translation, rig(14)[number].translation, atol=1e-5)


def test_its_2d_triangulates_to_the_walk(release: Path, tmp_path: Path, joints_world: np.ndarray) -> None:
    take = load_train_takes(prepare(tmp_path, release))[0]
    camera = Camera.stack([view.camera for view in take.views if view.camera is not None]).to(torch.float64)
    screen = torch.from_numpy(np.stack([view.joints_2d for view in take.views])).double()
    found = triangulate(screen, camera).numpy()
    np.testing.assert_allclose(found, Skeleton("mpi_inf_3dhp_28").convert(joints_world, "h36m_17"), atol=1e-4)


def test_16_joints_subjects_and_thinning_are_chosen_when_loading(release: Path, tmp_path: Path) -> None:
    settings = prepare(tmp_path, release)
    whole = load_train_takes(settings)[1].views[0].joints_3d
    settings.num_joints, settings.subjects_train, settings.downsample = 16, ("S4",), 5
    (take,) = load_train_takes(settings)
    assert take.subject == "S4" and take.fps == 5
    np.testing.assert_array_equal(take.views[0].joints_3d, np.delete(whole[::5], 9, axis=1))
    settings.subjects_train = ("S3",)
    with pytest.raises(ValueError, match="subject 'S3' is not there: choose from S1, S4"):
        load_train_takes(settings)


def test_the_file_holds_plain_arrays_and_what_is_missing_is_told(
    release: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    prepare(tmp_path, release)
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
    release: Path, tmp_path: Path, rig: Callable[[int], list[Camera]], joints_world: np.ndarray
) -> None:
    wide = (SIZE, SIZE // 2)
    write_calibration(release / "S4/Seq1/camera.calibration", rig(14), wide)
    take = load_train_takes(prepare(tmp_path, release))[1]
    camera = take.views[0].camera
    assert camera is not None and float(camera.aspect) == 0.5
    np.testing.assert_allclose(
        take.joints_world, Skeleton("mpi_inf_3dhp_28").convert(joints_world, "h36m_17"), atol=1e-4
    )


@pytest.fixture
def three_people(tmp_path: Path, release: Path) -> DataSettings:
    """S1 (50 frames a second), S4, S7 and S8, prepared."""
    for subject in ("S7", "S8"):
        shutil.copytree(release / "S4/Seq1", release / subject / "Seq1")
    return prepare(tmp_path, release)


def people(takes: list[Take]) -> list[str]:
    return [take.subject for take in takes]


def test_s7_validates_and_s8_tests(three_people: DataSettings) -> None:
    splits = load_dataset("mpi_inf_3dhp", replace(three_people, views=8))
    assert people(splits.train) == ["S1", "S4"] and people(splits.validation) == ["S7"]
    assert list(splits.tests) == ["3dhp_s8"] and people(splits.tests["3dhp_s8"]) == ["S8"]
    assert {take.fps for take in splits.train} == {25.0}, "the 50 of S1 are thinned"
    assert [len(take) for take in splits.train] == [FRAMES_WRITTEN // 2, FRAMES_WRITTEN]
    said = " ".join(splits.notes)
    for words in ("no published score", "S2, S3, S5, S6 not in data_3dhp_train.npz", "(1) are thinned to 25"):
        assert words in said
    batch = MultiViewDataset.from_takes(splits.train, "h36m_17", frames=3, views=5).all()
    assert batch.views == 5 and batch.frames == 3
    assert people(load_test_set("3dhp_s8", three_people)) == ["S8"]


def test_who_trains_and_who_tests_can_be_chosen(three_people: DataSettings) -> None:
    splits = load_dataset("mpi_inf_3dhp", replace(three_people, hold_out_validation=False, downsample=4))
    assert people(splits.train) == ["S1", "S4", "S7"] and people(splits.validation) == ["S7"]
    assert [take.fps for take in (splits.train[0], splits.validation[0], *splits.tests["3dhp_s8"])] == [6.25, 25, 25]
    splits = load_dataset("mpi_inf_3dhp", replace(three_people, subjects_train=("S8",), subjects_test=("S1", "S7")))
    assert people(splits.train) == ["S8"] and people(splits.tests["3dhp_s8"]) == ["S1", "S7"]
    assert splits.validation == []
    splits = load_dataset("mpi_inf_3dhp", replace(three_people, subjects_test=("S4",)))
    assert people(splits.train) == ["S1"], "who tests does not train by default"


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"subjects_train": ("S3",)}, "Subject 'S3' is not there: choose from S1, S4, S7, S8"),
        ({"subjects_test": ("S9",)}, "Subject 'S9' is not there"),
        ({"subjects_train": ("S1",), "subjects_test": ("S1",)}, "Subject S1 would be trained and tested on"),
        ({"actions": ("Walking",)}, "Action 'Walking' is not there: choose from Seq1, Seq2"),
        ({"actions": ("Seq2",)}, "nothing to test on: no take of S8"),
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


def _cell(key: str, camera: int, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[dict], None]:
    def spoil(content: dict[str, Any]) -> None:
        content[key][camera, 0] = change(content[key][camera, 0])

    return spoil


def _replace(key: str, value: Any) -> Callable[[dict], None]:
    return lambda content: content.__setitem__(key, value)


def _with_nan(array: np.ndarray) -> np.ndarray:
    spoiled = array.copy()
    spoiled[3, 12] = np.nan
    return spoiled


def _all(key: str, factor: float) -> Callable[[dict], None]:
    return lambda content: [_cell(key, camera, lambda array: array * factor)(content) for camera in range(14)] and None


@pytest.mark.parametrize(
    "spoil, words",
    [
        (_cell("annot3", 4, _with_nan), "annot3 of camera 4 has NaN in 1 of 24 frames"),
        (
            _cell("annot2", 5, lambda a: a[:, :34]),
            r"annot2 of camera 5 has shape \(24, 34\), expected \(frames, 56\): 28",
        ),
        (_cell("annot2", 5, lambda a: a[:20]), "camera 5 has 20 frames of annot2 and 24 of annot3"),
        (lambda c: [_cell(k, 5, lambda a: a[:20])(c) for k in ("annot2", "annot3")], "view 5 has 20 .* expected 24"),
        (_replace("annot3", np.zeros((3, 3))), "has no cell array 'annot3'"),
        (_replace("cameras", np.arange(13)), "has 13 'cameras' and 14 cells"),
        (_replace("cameras", np.arange(14) + 1), "has no camera 0, expected 0, 1, 2, 4"),
        (_all("annot3", 0.001), "thighs of .* expected 0.2 to 0.7 m"),
        (_all("annot2", 0.5), "3D of view 0 falls .* beside its 2D"),
        (_cell("annot3", 7, lambda a: a * 1.02), "joints of view 7 lie .* mm"),
        (_cell("annot2", 6, lambda a: np.roll(a, 3, 0)), "view 6 fits the others .* 3 frames later"),
    ],
)
def test_a_wrong_sequence_is_refused_by_name(
    spoil: Callable[[dict], None], words: str, release: Path, tmp_path: Path, joints_world: np.ndarray,
    rig: Callable[[int], list[Camera]],
) -> None:  # fmt: skip
    content = annotations(joints_world, rig(14))
    spoil(content)
    savemat(release / "S4/Seq1/annot.mat", content)
    with pytest.raises((ValueError, PoseFKError), match=rf"(?s)S4/Seq1/annot\.mat.*{words}"):
        prepare(tmp_path, release)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("Skeletool", "Other", "does not begin with 'Skeletool"),
        ("name          4\n", "name          5\n", "has 14 cameras of 13 names"),
        ("name          4\n", "name          44\n", "has no camera 4, but annot.mat has one"),
        ("animated    0", "animated    1", "camera 0 is animated"),
        ("size        2048 2048", "size        2048", "camera 0 has no 2 numbers of 'size'"),
        ("size        2048 2048", "size        0 2048", r"camera 0 has images of \[0.0, 2048.0\] pixels"),
        ("extrinsic   [^ ]+", "extrinsic   0.5", "camera 0 has an extrinsic matrix without a rotation"),
    ],
)
def test_a_wrong_calibration_is_refused(old: str, new: str, words: str, release: Path, tmp_path: Path) -> None:
    path = release / "S4/Seq1/camera.calibration"
    path.write_text(re.sub(old, new, path.read_text(), count=1))
    with pytest.raises(ValueError, match=rf"S4/Seq1/camera\.calibration.*{words}"):
        prepare(tmp_path, release)


def test_cameras_of_another_sequence_do_not_fit(
    release: Path, tmp_path: Path, rig: Callable[[int], list[Camera]]
) -> None:
    cameras = rig(14)
    write_calibration(release / "S4/Seq1/camera.calibration", [*cameras[:7], *cameras[:6:-1]])
    with pytest.raises(PoseFKError, match=r"S4/Seq1/annot\.mat: the joints of view \d lie .* Its pose is wrong"):
        prepare(tmp_path, release)


def test_missing_files_say_what_is_wanted(release: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="Make it with: python prepare_data_3dhp.py --train FOLDER"):
        load_train_takes(DataSettings(data_root=str(tmp_path)))
    with pytest.raises(FileNotFoundError, match="has no S1/Seq1/annot.mat"):
        prepare(tmp_path, tmp_path)
    with pytest.raises(FileNotFoundError, match="is no folder, expected one of S1/Seq1"):
        prepare(tmp_path, tmp_path / "nowhere")
    with pytest.raises(PoseFKError, match="give one of the two"):
        main(["--train", str(release), "--source", str(release)])
    (release / "S4/Seq1/camera.calibration").unlink()
    with pytest.raises(FileNotFoundError, match=r"camera\.calibration is missing\. It lies beside annot\.mat"):
        prepare(tmp_path, release)


def test_a_prepared_file_of_other_arrays_is_refused(release: Path, tmp_path: Path) -> None:
    settings = prepare(tmp_path, release)
    path = tmp_path / "data/data_3dhp_train.npz"
    content = load_npz_restricted(path)
    for key, value, words in (
        ("S4/Seq1/joints_2d", content["S4/Seq1/joints_2d"][:7], r"'S4/Seq1/joints_2d' of shape \(7, 24, 17, 2\)"),
        ("S4/Seq1/intrinsics", content["S4/Seq1/intrinsics"] * np.nan, "'S4/Seq1/intrinsics'.*without NaN"),
    ):
        np.savez(path, **(content | {key: value}))
        with pytest.raises(ValueError, match=words):
            load_train_takes(settings)
    np.savez(path, pose3d=np.zeros(3))
    with pytest.raises(ValueError, match="has no sequences and camera_names"):
        load_train_takes(settings)
